"""Where head and camera stand: the head frontal, or the camera level as when the photo was taken."""

import math

import bpy
from mathutils import Matrix

from ..build.camera import capture_camera, set_reach
from .frame import frame_in_mesh
from .photo_points import camera_and_pose

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
            is and as large as it is. A rotation or an origin that was applied to the mesh is made up for.

    Raises:
        CaptureError: the object is no captured head.
    """
    camera, pose = camera_and_pose(head)
    in_mesh = frame_in_mesh(head)
    aligned_to_camera = Matrix(pose.matrix.tolist())
    rotation = Matrix.Identity(3) if alignment == FRONTAL else _LEVEL @ aligned_to_camera.to_3x3()
    place, scale = (head.matrix_basis @ in_mesh).translation, head.scale.copy()
    turned = rotation.to_4x4() @ in_mesh.to_quaternion().inverted().to_matrix().to_4x4()
    offset = turned @ Matrix.LocRotScale(None, None, scale) @ in_mesh.translation
    head.matrix_basis = Matrix.Translation(place - offset) @ turned
    head.scale = scale
    head[_PROPERTY] = alignment
    camera_object = capture_camera(head)
    if camera_object is not None:
        if head.parent or camera_object.parent:
            bpy.context.view_layer.update()
        frame = _frame(head) @ head.matrix_basis @ in_mesh
        metre = frame.median_scale
        set_reach(camera_object.data, camera, camera.width, metre)
        placed = aligned_to_camera.inverted()
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
