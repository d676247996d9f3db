"""The panel of the model packs."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ...capture.types import PROVIDER_LABELS
from ..shell.packs import pack_of_panel
from ..shell.preferences import preferences
from ..shell.sidebar import InViewSidebar, draw_fact
from ..shell.wrapped_text import wrapped
from .panels import PhotoPanel


class PRN_PT_pack(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """Which model pack makes the head"""

    bl_label = "Model Pack"
    bl_parent_id = "PRN_PT_head"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        from ...capture.networks.head import provider_in_use

        layout, options = self.layout, context.scene.prn_capture
        layout.prop(options, "pack_choice", text="")
        pack = pack_of_panel(context)
        if pack is None:
            wrapped(context, layout, f"{options.pack} is not among the installed packs", icon="INFO")
            return
        used = provider_in_use(pack.sha256, preferences(context).provider)
        column = layout.column(align=True)
        column.scale_y = 0.8
        draw_fact(column, "Version", pack.description.version)
        draw_fact(column, "Size", f"{pack.size / 1e6:.0f} MB")
        draw_fact(column, "Computed On", PROVIDER_LABELS[used] if used else "not loaded yet")
        for number, topology in enumerate(pack.description.topologies):
            draw_fact(column, "" if number else "Topologies", f"{topology.title}, {topology.quads:,} quads")
        wrapped(context, layout, f"Licence: {pack.description.license}")
