"""Where new heads stand."""

import bpy
from mathutils import Vector

from ..record import is_captured_head
from ..units import metre_in

BESIDE = "BESIDE"
CURSOR = "CURSOR"
ORIGIN = "ORIGIN"

SPACING = 0.4  # metres between heads that stand in a row along X


def places_for(scene: bpy.types.Scene, placement: str, count: int) -> list[Vector]:
    """The locations of new heads, in units of the scene, in a row.

    Args:
        placement: `BESIDE` the heads that stand at the origin and in a row with it, `CURSOR` or `ORIGIN`.
    """
    spacing = SPACING * metre_in(scene)
    first = scene.cursor.location.copy() if placement == CURSOR else Vector()
    if placement == BESIDE:
        there = [head.matrix_world.translation for head in scene.objects if is_captured_head(head)]
        row = [place.x for place in there if abs(place.y) < spacing and abs(place.z) < spacing]
        first.x = max(row) + spacing if row else 0.0
    return [first + Vector((index * spacing, 0.0, 0.0)) for index in range(count)]
