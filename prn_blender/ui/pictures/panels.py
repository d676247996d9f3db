"""The panel of what is drawn and measured of a captured head in its photo."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ..head.operators import captured_head
from ..shell.sidebar import InViewSidebar, draw_fact
from .operators import PICTURES, PRN_OT_draw_picture, PRN_OT_save_measured


class PRN_PT_pictures(InViewSidebar, bpy.types.Panel):
    """The captured head as it lies in its photo"""

    bl_label = "Measure in Photo"
    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        from ...scene.record import read_record

        layout, pose = self.layout, read_record(captured_head(context))["pose"]
        column = layout.column(align=True)
        column.scale_y = 0.8
        for label, angle in (("Yaw", "yaw"), ("Pitch", "pitch"), ("Roll", "roll")):
            draw_fact(column, label, f"{pose[angle]:+.1f}°")
        layout.label(text="Draw as an Image")
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        for identifier, label, _ in PICTURES:
            grid.operator(PRN_OT_draw_picture.bl_idname, text=label).kind = identifier
        layout.operator_menu_enum(PRN_OT_save_measured.bl_idname, "format", text="Save As…", icon="FILE_TICK")
