"""Where new heads stand."""

import bpy
from mathutils import Vector

from ..record import is_captured_head

BESIDE = "BESIDE"
CURSOR = "CURSOR"
ORIGIN = "ORIGIN"

SPACING = 0.4  # metres between heads that stand in a row along X


def places_for(scene: bpy.types.Scene, placement: str, count: int) -> list[Vector]:
    """The locations of new heads, in a row.

    Args:
        placement: `BESIDE` the heads that stand at the origin and in a row with it, `CURSOR` or `ORIGIN`.
    """
    first = scene.cursor.location.copy() if placement == CURSOR else Vector()
    if placement == BESIDE:
        there = [head.matrix_world.translation for head in scene.objects if is_captured_head(head)]
        row = [place.x for place in there if abs(place.y) < SPACING and abs(place.z) < SPACING]
        first.x = max(row) + SPACING if row else 0.0
    return [first + Vector((index * SPACING, 0.0, 0.0)) for index in range(count)]
