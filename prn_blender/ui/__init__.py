"""Operators, panels, properties, preferences and the background job."""

from . import capture_operators, commands, face_picker, head_operators, menus, panels, preferences, properties, session

CLASSES = (
    preferences.PRN_AP_preferences,
    properties.PRN_PG_capture,
    capture_operators.PRN_OT_choose_photo,
    capture_operators.PRN_FH_photo,
    capture_operators.PRN_OT_find_faces,
    capture_operators.PRN_OT_choose_face,
    capture_operators.PRN_OT_use_face_box,
    face_picker.PRN_OT_pick_face,
    capture_operators.PRN_OT_reconstruct_from_image,
    capture_operators.PRN_OT_cancel,
    head_operators.PRN_OT_align,
    head_operators.PRN_OT_view_photo,
    head_operators.PRN_OT_show_alone,
    head_operators.PRN_OT_shade,
    head_operators.PRN_OT_export_head,
    head_operators.PRN_OT_release_memory,
    panels.PRN_PT_capture,
    panels.PRN_PT_face,
    panels.PRN_PT_camera,
    panels.PRN_PT_head,
    panels.PRN_PT_computation,
    panels.PRN_PT_captured,
    panels.PRN_PT_export,
)
# Modules with a register() and an unregister() of their own.
PARTS = (properties, menus, commands, session)
