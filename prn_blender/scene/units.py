"""Lengths: a capture is in metres, a scene in units of its own."""

import bpy


def metre_in(scene: bpy.types.Scene) -> float:
    """Blender units a metre: 1 as Blender starts, 100 in a scene of centimetres (unit scale 0.01)."""
    units = scene.unit_settings
    return 1.0 if units.system == "NONE" else round(1 / units.scale_length, 4)
