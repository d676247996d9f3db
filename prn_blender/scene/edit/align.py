"""Where head and camera stand: the head frontal, or the camera level as when the photo was taken."""

import math

import bpy
from mathutils import Matrix

from ..build.camera import capture_camera
from ..record import read_record

FRONTAL = "FRONTAL"
PHOTOGRAPHED = "PHOTOGRAPHED"

# From camera axes to the world: upright and looking along +Y.
_LEVEL = Matrix.Rotation(math.radians(90), 3, "X")

_PROPERTY = "prn_alignment"


def set_alignment(head: bpy.types.Object, alignment: str) -> None:
    """Turns a captured head and moves its camera along, so that the head stays on the photo.

    Args:
        alignment: `FRONTAL`, the head without rotation, facing -Y; or `PHOTOGRAPHED`, the camera upright and
            looking along +Y, the head turned; both within the head's parent, if it has one. The head stays where it
            is, its scale becomes 1.

    Raises:
        CaptureError: the object is no captured head.
    """
    aligned_to_camera = _pose(read_record(head))
    rotation = Matrix.Identity(3) if alignment == FRONTAL else _LEVEL @ aligned_to_camera.to_3x3()
    head.matrix_basis = Matrix.Translation(head.location) @ rotation.to_4x4()
    head[_PROPERTY] = alignment
    camera = capture_camera(head)
    if camera is not None:
        if head.parent or camera.parent:
            bpy.context.view_layer.update()
        placed = _frame(head) @ head.matrix_basis @ aligned_to_camera.inverted()
        camera.matrix_basis = _frame(camera).inverted() @ placed


def alignment_of(head: bpy.types.Object) -> str:
    """The alignment last set."""
    return head.get(_PROPERTY, FRONTAL)


def _frame(child: bpy.types.Object) -> Matrix:
    """Where an object's own transforms start: at its parent, where it was given one."""
    return child.matrix_world @ child.matrix_basis.inverted() if child.parent else Matrix.Identity(4)


def _pose(record: dict) -> Matrix:
    values = record["pose"]["aligned_to_camera"]
    return Matrix([values[row : row + 4] for row in range(0, 16, 4)])
