"""The captured head: alignment and view."""

from . import operators, panels, texture, view

CLASSES = (
    operators.PRN_OT_align,
    operators.PRN_OT_view_photo,
    operators.PRN_OT_set_scene_camera,
    operators.PRN_OT_show_alone,
    operators.PRN_OT_shade,
    texture.PRN_OT_project_texture,
    panels.PRN_PT_captured,
    panels.PRN_PT_facts,
)
PARTS = (view,)
