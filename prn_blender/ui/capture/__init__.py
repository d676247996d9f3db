"""From a photo to a head."""

from . import face_picker, operators, pack_panel, panels, properties

CLASSES = (
    properties.PRN_PG_capture,
    operators.PRN_OT_find_faces,
    operators.PRN_OT_choose_face,
    operators.PRN_OT_use_face_box,
    face_picker.PRN_OT_pick_face,
    operators.PRN_OT_reconstruct_from_image,
    operators.PRN_OT_cancel,
    panels.PRN_PT_capture,
    panels.PRN_PT_face,
    panels.PRN_PT_camera,
    panels.PRN_PT_head,
    pack_panel.PRN_PT_pack,
    panels.PRN_PT_computation,
    panels.PRN_PT_image_capture,
    panels.PRN_PT_image_face,
)
PARTS = (properties,)
