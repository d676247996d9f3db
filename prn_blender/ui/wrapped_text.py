"""Sentences in a panel: Blender cuts a label that is too long, so it is broken into lines."""

import textwrap

import bpy

# Of the interface font at scale 1; a guess on the wide side, so that no line is cut.
_PIXELS_PER_CHARACTER = 6.6
_MARGIN = 45


def wrapped(context: bpy.types.Context, layout: bpy.types.UILayout, text: str, icon: str = "NONE") -> None:
    """Draws `text` as wide as the region allows."""
    scale = context.preferences.system.ui_scale
    room = context.region.width / scale - _MARGIN - (20 if icon != "NONE" else 0)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(textwrap.wrap(text, max(16, int(room / _PIXELS_PER_CHARACTER)))):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")
