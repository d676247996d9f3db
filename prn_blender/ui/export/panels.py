"""The panel of the export."""

import bpy

from ..shell.sidebar import InViewSidebar
from .operators import PRN_OT_export_head


class PRN_PT_export(InViewSidebar, bpy.types.Panel):
    """The captured head for other programs"""

    bl_label = "Export"
    bl_parent_id = "PRN_PT_captured"

    def draw(self, context):
        row = self.layout.row(align=True)
        row.operator(PRN_OT_export_head.bl_idname, text="glTF", icon="EXPORT").format = "GLTF"
        row.operator(PRN_OT_export_head.bl_idname, text="FBX", icon="EXPORT").format = "FBX"
