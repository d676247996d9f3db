"""Sentences in a panel: Blender cuts a label that is too long, so it is broken into lines."""

import blf
import bpy

_FONT = 0  # the interface's
_MARGIN = 68  # pixels at scale 1: the panel's borders and the sidebar's tabs
_ICON = 24


def wrapped(
    context: bpy.types.Context, layout: bpy.types.UILayout, text: str, icon: str = "NONE", width: int = 0
) -> None:
    """Draws `text` in as many lines as the region's width asks for, the icon before the first one.

    Args:
        width: of a dialog, in pixels at scale 1: Blender tells only that of the region behind it.
    """
    preferences = context.preferences
    scale = preferences.system.ui_scale
    room = (scale * width or context.region.width) - scale * (_MARGIN + (_ICON if icon != "NONE" else 0))
    blf.size(_FONT, preferences.ui_styles[0].widget.points * scale)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(_lines(text, room)):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")


def _lines(text: str, room: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and blf.dimensions(_FONT, longer)[0] > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
