"""The panel of other heads' textures."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ..shell.sidebar import InViewSidebar, settings_layout
from .operators import PRN_OT_swap_face, PRN_OT_take_region
from .properties import PAINTED


class PRN_PT_textures(InViewSidebar, bpy.types.Panel):
    """Another person's texture on the captured head and in its photo"""

    bl_label = "Another Face"
    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, chosen = settings_layout(self.layout), context.scene.prn_textures
        layout.row().prop(chosen, "source", expand=True)
        layout.prop(chosen, "head" if chosen.source == "HEAD" else "image", text="Other")
        layout.prop(chosen, "region")
        if chosen.region == PAINTED:
            layout.prop(chosen, "mask")
        layout.prop(chosen, "match")
        layout.operator(PRN_OT_take_region.bl_idname, text="Take into Texture", icon="TEXTURE")
        row = layout.row(align=True)
        row.operator(PRN_OT_swap_face.bl_idname, text="Swap in Photo", icon="IMAGE_DATA").to_file = False
        row.operator(PRN_OT_swap_face.bl_idname, text="", icon="FILE_TICK").to_file = True
