"""The photo: choosing it, and showing it in an Image Editor."""

from . import image_editor, operators, saved_elsewhere

CLASSES = (
    operators.PRN_OT_choose_photo,
    operators.PRN_OT_reconstruct_dropped,
    operators.PRN_FH_photo,
    operators.PRN_FH_head,
    operators.PRN_OT_use_image,
    image_editor.PRN_OT_open_in_image_editor,
    image_editor.PRN_OT_open_photo_of_head,
)
PARTS = (saved_elsewhere,)
