"""The photos of a captured head: which is looked at, more of them, fewer of them."""

from . import operators, panels

CLASSES = (
    operators.PRN_OT_show_view,
    operators.PRN_OT_add_photos,
    operators.PRN_OT_remove_photo,
    panels.PRN_PT_views,
)
PARTS = ()
