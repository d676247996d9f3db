"""The list of a head's photos."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ..head.operators import camera_of_view, captured_head
from ..shell.sidebar import InViewSidebar
from ..shell.wrapped_text import wrapped
from .operators import PRN_OT_add_photos, PRN_OT_remove_photo, PRN_OT_show_view


class PRN_PT_views(InViewSidebar, bpy.types.Panel):
    """The photos that the head was made of"""

    bl_label = "Photos"
    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        from ...scene.build.camera import capture_camera
        from ...scene.build.views import name_of_view
        from ...scene.record import views_of_head

        layout, head = self.layout, captured_head(context)
        views = views_of_head(head)
        in_camera = context.space_data.region_3d.view_perspective == "CAMERA"
        column = layout.column(align=True)
        for number, view in enumerate(views):
            row = column.row(align=True)
            camera = capture_camera(head, number)
            shown = in_camera and camera is not None and camera_of_view(context) == camera
            icon = "IMAGE_DATA" if view.get("belongs", True) else "ERROR"
            row.operator(
                PRN_OT_show_view.bl_idname, text=name_of_view(head, number), icon=icon, depress=shown
            ).view = number
            if len(views) > 1:
                row.operator(PRN_OT_remove_photo.bl_idname, text="", icon="X").view = number
        odd = [name_of_view(head, number) for number, view in enumerate(views) if not view.get("belongs", True)]
        if odd:
            wrapped(context, layout, f"May show another person: {', '.join(odd)}", icon="ERROR")
        layout.operator(PRN_OT_add_photos.bl_idname, text="Add Photo…", icon="ADD")
