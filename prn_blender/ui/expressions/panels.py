"""The panel of the head's expressions."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ...capture.shape.expressions import COPIED, NEUTRAL, PHOTO
from ..head.operators import captured_head
from ..shell.sidebar import InViewSidebar, settings_layout
from .operators import (
    PRN_OT_add_combinations,
    PRN_OT_add_expressions,
    PRN_OT_copy_expression,
    PRN_OT_remove_expressions,
    PRN_OT_show_all_expressions,
    PRN_OT_show_face,
)


class PRN_PT_expressions(InViewSidebar, bpy.types.Panel):
    """Sliders that move the captured head"""

    bl_label = "Expressions"
    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        from ...scene.build.expressions import expression_keys, has_expressions
        from ...scene.edit.showcase import has_test

        head, layout, chosen = captured_head(context), self.layout, context.scene.prn_expressions
        if not has_expressions(head):
            layout.operator(PRN_OT_add_expressions.bl_idname, icon="SHAPEKEY_DATA")
            return
        row = layout.row(align=True)
        row.operator(PRN_OT_show_face.bl_idname, text="Neutral").face = NEUTRAL
        row.operator(PRN_OT_show_face.bl_idname, text="As in Photo").face = PHOTO
        keys = head.data.shape_keys.key_blocks
        layout.prop(keys[PHOTO], "value", text="Photo's Expression", slider=True)
        if COPIED in keys:
            layout.prop(keys[COPIED], "value", text="Copied Expression", slider=True)
        layout.row().prop(chosen, "group", expand=True)
        column = layout.column(align=True)
        for name, key in expression_keys(head).items():
            if chosen.shows(name):
                column.prop(key, "value", text=name, slider=True)
        layout.operator_menu_enum(PRN_OT_show_face.bl_idname, "face", text="Show Face", icon="USER")
        layout.operator_menu_enum(PRN_OT_add_combinations.bl_idname, "which", icon="SHAPEKEY_DATA")
        layout.operator(PRN_OT_show_all_expressions.bl_idname, icon="PLAY", depress=has_test(head))
        column = settings_layout(layout.column(align=True))
        column.prop(chosen, "source", text="Other Head")
        column.operator(PRN_OT_copy_expression.bl_idname, icon="COPYDOWN")
        layout.operator(PRN_OT_remove_expressions.bl_idname, icon="X")
