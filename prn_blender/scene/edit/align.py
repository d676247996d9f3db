"""Where head and camera stand: the head frontal, or the camera level as when the photo was taken."""

import math

import bpy
from mathutils import Matrix

from ..build.camera import cameras_of, set_reach
from .frame import frame_in_mesh
from .photo_points import camera_and_pose

FRONTAL = "FRONTAL"
PHOTOGRAPHED = "PHOTOGRAPHED"

# From camera axes to the world: upright and looking along +Y.
_LEVEL = Matrix.Rotation(math.radians(90), 3, "X")

_PROPERTY = "prn_alignment"


def set_alignment(head: bpy.types.Object, alignment: str) -> None:
    """Turns a captured head and moves its cameras along, so that the head stays on its photos.

    Args:
        alignment: `FRONTAL`, the head without rotation, facing -Y; or `PHOTOGRAPHED`, the camera upright and
            looking along +Y, the head turned; both within the head's parent, if it has one. The head stays where it
            is and as large as it is. A rotation or an origin that was applied to the mesh is made up for.

    Raises:
        CaptureError: the object is no captured head.
    """
    _, pose = camera_and_pose(head)
    in_mesh = frame_in_mesh(head)
    rotation = Matrix.Identity(3) if alignment == FRONTAL else _LEVEL @ Matrix(pose.rotation.tolist())
    place, scale = (head.matrix_basis @ in_mesh).translation, head.scale.copy()
    turned = rotation.to_4x4() @ in_mesh.to_quaternion().inverted().to_matrix().to_4x4()
    offset = turned @ Matrix.LocRotScale(None, None, scale) @ in_mesh.translation
    head.matrix_basis = Matrix.Translation(place - offset) @ turned
    head.scale = scale
    head[_PROPERTY] = alignment
    for view, camera_object in cameras_of(head).items():
        if head.parent or camera_object.parent:
            bpy.context.view_layer.update()
        camera, pose = camera_and_pose(head, view)
        frame = _frame(head) @ head.matrix_basis @ in_mesh
        metre = frame.median_scale
        set_reach(camera_object.data, camera, camera.width, metre)
        placed = Matrix(pose.matrix.tolist()).inverted()
        placed.translation *= metre
        camera_object.matrix_basis = _frame(camera_object).inverted() @ _unscaled(frame) @ placed


def alignment_of(head: bpy.types.Object) -> str:
    """The alignment last set."""
    return head.get(_PROPERTY, FRONTAL)


def _frame(child: bpy.types.Object) -> Matrix:
    """Where an object's own transforms start: at its parent, where it was given one."""
    return child.matrix_world @ child.matrix_basis.inverted() if child.parent else Matrix.Identity(4)


def _unscaled(matrix: Matrix) -> Matrix:
    return Matrix.LocRotScale(matrix.translation, matrix.to_quaternion(), None)
