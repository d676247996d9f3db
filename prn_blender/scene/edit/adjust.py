"""Landmarks moved by hand: the mesh follows, and what was captured can be had back.

Everything is kept with the mesh: where the landmarks were captured and sit on it, by how much they are moved, and,
while any is, the captured positions as a point attribute, all in metres of the aligned frame. What an artist changed on
the mesh otherwise (sculpting, shape keys) is kept.
"""

import hashlib
from collections.abc import Collection

import bpy
import numpy as np

from ...capture.landmarks import COUNT
from ...capture.packs.topology import OPENINGS
from ...capture.shape.deformation import Anchors, Surface
from ..build.landmarks import landmark_positions, landmarks_of
from .frame import STATE, anchors_on, frame_in_mesh, hang_in_mesh_space, state_points

CAPTURED = "captured"  # point attribute
_EDITED = 1e-6  # metres: a vertex farther than this from where its landmarks put it was moved by the artist
_REMEMBERED = 8  # heads

_surfaces: dict[bytes, Surface] = {}


def prepare_adjustment(mesh: bpy.types.Mesh, landmarks: np.ndarray, anchors: Anchors, metre: float = 1.0) -> None:
    """Stores what a mesh of `metre` units a metre needs in order to follow its landmarks, captured at `landmarks`
    (68, 3) metres."""
    mesh[STATE] = {
        "vertex_count": len(mesh.vertices),
        "metre": metre,
        "captured": np.asarray(landmarks, np.float32).ravel().tolist(),
        "applied": [0.0] * landmarks.size,
        "anchored": (anchors.on(_read(mesh.vertices, "co")) / metre).ravel().tolist(),  # near them: in its triangles
        "vertices": anchors.vertices.ravel().tolist(),
        "weights": anchors.weights.ravel().tolist(),
    }


def is_adjustable(head: bpy.types.Object) -> bool:
    """Whether the mesh can follow the landmarks: it is the file's own and only this head's, has its vertices, lies
    where they lie, and is not being edited."""
    mesh = head.data
    return (
        mesh.library is None
        and STATE in mesh
        and mesh[STATE]["vertex_count"] == len(mesh.vertices)
        and not mesh.is_editmode
        and not shares_mesh(head)
        and hang_in_mesh_space(head)
    )


def shares_mesh(head: bpy.types.Object) -> bool:
    """Whether landmarks of another head would move the same mesh, after *Duplicate Linked*."""
    mesh = head.data
    if mesh.users - mesh.use_fake_user < 2 or next(landmarks_of(head), None) is None:
        return False
    others = (other for other in bpy.data.objects if other.data == mesh and other != head)
    return any(next(landmarks_of(other), None) is not None for other in others)


def captured_landmarks(head: bpy.types.Object) -> np.ndarray:
    """(68, 3) of the aligned frame, before any was moved."""
    return state_points(head.data, "captured")


def moved_landmarks(head: bpy.types.Object) -> list[int]:
    """The indices of those that are not where they were captured."""
    return np.flatnonzero(state_points(head.data, "applied").any(axis=1)).tolist() if STATE in head.data else []


def follow_landmarks(head: bpy.types.Object) -> bool:
    """Brings the mesh to where the landmarks are; whether anything had to be changed.

    A landmark that was deleted stays applied as it was.
    """
    if not is_adjustable(head):
        return False
    applied = state_points(head.data, "applied")
    wanted = landmark_positions(head) - captured_landmarks(head)
    wanted = np.where(np.isnan(wanted), applied, wanted)
    return _apply(head, applied, wanted)


def reset_landmarks(head: bpy.types.Object, indices: Collection[int] = range(COUNT)) -> None:
    """Puts landmarks, also those that were deleted, back to where they were captured, and the mesh with them."""
    captured = captured_landmarks(head).tolist()
    for index, landmark in landmarks_of(head):
        if index in indices:
            landmark.location = captured[index]
    applied = state_points(head.data, "applied")
    wanted = applied.copy()
    wanted[list(indices)] = 0.0
    _apply(head, applied, wanted)


def _apply(head: bpy.types.Object, applied: np.ndarray, wanted: np.ndarray) -> bool:
    """Changes the displacements of the landmarks (68, 3) from `applied` to `wanted`."""
    if (wanted == applied).all():
        return False
    mesh, frame = head.data, np.array(frame_in_mesh(head))
    shown = _taken(_read(mesh.vertices, "co"), np.linalg.inv(frame))
    attribute = mesh.attributes.get(CAPTURED)
    captured = _read(attribute.data, "vector") if attribute else shown
    surface = _surface(head, captured)
    edited = shown - surface.moved(applied)
    is_edited = np.abs(edited).max(axis=1) > _EDITED
    if is_edited.any():
        captured = np.where(is_edited[:, None], captured + edited, captured)
        surface = _surface(head, captured)
    moved = surface.moved(wanted)

    if mesh.shape_keys:
        for block in mesh.shape_keys.key_blocks:
            change = (moved - shown) @ frame[:3, :3].T.astype(np.float32)
            block.data.foreach_set("co", (_read(block.data, "co") + change).ravel())
    mesh.vertices.foreach_set("co", _taken(moved, frame).ravel())
    if wanted.any():
        attribute = attribute or mesh.attributes.new(CAPTURED, "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", captured.ravel())
    elif attribute:
        mesh.attributes.remove(attribute)
    mesh[STATE]["applied"] = wanted.ravel().tolist()
    mesh.update()
    return True


def _surface(head: bpy.types.Object, captured: np.ndarray) -> Surface:
    """The captured surface, the same for equal positions, so that it knows the weights that it once worked out."""
    mesh = head.data
    key = hashlib.blake2b(captured.tobytes() + len(mesh.edges).to_bytes(8, "little")).digest()
    if key not in _surfaces:
        while len(_surfaces) >= _REMEMBERED:
            del _surfaces[next(iter(_surfaces))]
        edges = np.empty(2 * len(mesh.edges), np.int32)
        mesh.edges.foreach_get("vertices", edges)
        _surfaces[key] = Surface(captured, edges.reshape(-1, 2), _openings(head), anchors_on(mesh))
    return _surfaces[key]


def _openings(head: bpy.types.Object) -> np.ndarray:
    """(V,) bool"""
    groups = {group.index for group in head.vertex_groups if group.name in OPENINGS}
    inside = [any(member.group in groups for member in vertex.groups) for vertex in head.data.vertices]
    return np.array(inside, bool)


def _read(data, name: str) -> np.ndarray:
    """(N, 3) float32 of a Blender collection."""
    values = np.empty(3 * len(data), np.float32)
    data.foreach_get(name, values)
    return values.reshape(-1, 3)


def _taken(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(N, 3) float32 of points (N, 3) float32 in another frame; exactly the same points in the same frame."""
    if (matrix == np.eye(4)).all():
        return points
    return (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
