"""The panel of the export."""

import bpy

from ...scene.export.formats import FORMATS
from ..shell.sidebar import InViewSidebar
from .operators import PRN_OT_check_head, PRN_OT_export_head


class PRN_PT_export(InViewSidebar, bpy.types.Panel):
    """The captured head for other programs"""

    bl_label = "Export"
    bl_parent_id = "PRN_PT_captured"

    def draw(self, context):
        grid = self.layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        for each in FORMATS.values():
            cell = grid.row(align=True)
            cell.active = not each.why_not
            cell.operator(PRN_OT_export_head.bl_idname, text=each.label, icon="EXPORT").format = each.identifier
        self.layout.operator(PRN_OT_check_head.bl_idname, icon="CHECKMARK")
