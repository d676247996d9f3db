"""Landmarks moved by hand: the mesh follows and takes the others along, and what was captured can be had back.

Everything is kept with the mesh: where the landmarks were captured and sit on it, how far they are from there, which
of them the artist put there and which only rode along, and, while any is moved, the captured positions as a point
attribute, all in metres of the aligned frame. What an artist changed on the mesh otherwise (sculpting, shape keys) is
kept.
"""

import hashlib
from collections.abc import Collection

import bpy
import numpy as np

from ...capture.landmarks import COUNT, MIRROR
from ...capture.packs.topology import OPENINGS
from ...capture.shape.deformation import Anchors, Surface
from ..build.landmarks import landmarks_of
from .frame import STATE, anchors_on, frame_in_mesh, hang_in_mesh_space, places_of_vertices, state_points

CAPTURED = "captured"  # point attribute
_EDITED = 1e-6  # metres: a vertex farther than this from where its landmarks put it was moved by the artist
_PUT = 2e-6  # metres: a landmark farther than this from where the surface has it was put there by the artist
_MIRRORED = np.array([-1.0, 1.0, 1.0])  # in the aligned frame
_REMEMBERED = 8  # heads

_surfaces: dict[bytes, Surface] = {}


def prepare_adjustment(mesh: bpy.types.Mesh, landmarks: np.ndarray, anchors: Anchors, metre: float = 1.0) -> None:
    """Stores what a mesh of `metre` units a metre needs in order to follow its landmarks, captured at `landmarks`
    (68, 3) metres."""
    mesh[STATE] = {
        "vertex_count": len(mesh.vertices),
        "metre": metre,
        "captured": np.asarray(landmarks, np.float32).ravel().tolist(),
        "applied": [0.0] * landmarks.size,  # from where they were captured
        "pinned": [0] * len(landmarks),  # 1: put there by the artist
        "anchored": (anchors.on(places_of_vertices(mesh)) / metre).ravel().tolist(),  # near them: in its triangles
        "vertices": anchors.vertices.ravel().tolist(),
        "weights": anchors.weights.ravel().tolist(),
    }


def shift_captured(mesh: bpy.types.Mesh, change: np.ndarray) -> None:
    """Notes that a mesh's vertices were captured elsewhere: by a change (V, 3), metres of the aligned frame."""
    if STATE not in mesh:
        return
    anchored = state_points(mesh, "anchored" if "anchored" in mesh[STATE] else "captured")
    mesh[STATE]["anchored"] = (anchored + anchors_on(mesh).on(change)).ravel().tolist()
    attribute = mesh.attributes.get(CAPTURED)
    if attribute is not None:
        attribute.data.foreach_set("vector", (_read(attribute.data, "vector") + change.astype(np.float32)).ravel())


def has_landmarks(head: bpy.types.Object) -> bool:
    """Whether the head's mesh knows its landmarks."""
    return STATE in head.data


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


def landmark_places(head: bpy.types.Object) -> np.ndarray:
    """(68, 3) of the aligned frame, where the landmarks lie on the surface now."""
    return state_points(head.data, "captured") + state_points(head.data, "applied")


def moved_landmarks(head: bpy.types.Object) -> list[int]:
    """The indices of those that the artist put elsewhere; others may have ridden along."""
    return np.flatnonzero(_pinned(head.data)).tolist() if STATE in head.data else []


def follow_landmarks(head: bpy.types.Object, is_symmetric: bool = False) -> bool:
    """Brings the mesh to where the landmarks are, and takes those along that were not moved.

    A landmark that was deleted stays as it was.

    Args:
        is_symmetric: what is moved now is moved on the other side of the face too.

    Returns:
        whether anything had to be changed.
    """
    if STATE not in head.data:
        return False
    applied, pinned = state_points(head.data, "applied"), _pinned(head.data)
    start, wanted = captured_landmarks(head), applied.copy()
    for index, landmark in landmarks_of(head):
        wanted[index] = np.array(landmark.location) - start[index]
    is_put = np.abs(wanted - applied).max(axis=1) > _PUT
    if not is_put.any() or not is_adjustable(head):
        return False
    if is_symmetric:
        beside = is_put[MIRROR] & ~is_put
        wanted[beside] = wanted[MIRROR][beside] * _MIRRORED
        is_put |= beside
    captured = _captured_shape(head, applied, pinned)
    # One that lies where the surface would have it anyway is not pinned: a drag that was cancelled leaves nothing.
    anyway = _surface(head, captured).offsets(wanted, pinned & ~is_put)
    rides = is_put & (np.abs(wanted - anyway).max(axis=1) <= _PUT)
    _apply(head, captured, wanted, (pinned | is_put) & ~rides)
    return True


def carry_landmarks(head: bpy.types.Object, moved: np.ndarray, landmarks: np.ndarray) -> None:
    """Notes that the captured surface has become another one, of which the landmarks are part.

    Args:
        moved: (V, 3) metres by which its vertices were moved.
        landmarks: (68, 3) by which the landmarks were.
    """
    mesh = head.data
    attribute = mesh.attributes.get(CAPTURED)
    if attribute is not None:
        attribute.data.foreach_set("vector", (_read(attribute.data, "vector") + moved).astype(np.float32).ravel())
    for name, change in (("captured", landmarks), ("anchored", anchors_on(mesh).on(moved))):
        if name in mesh[STATE]:
            mesh[STATE][name] = (state_points(mesh, name) + change).ravel().tolist()
    places = landmark_places(head).astype(np.float32)
    for index, landmark in landmarks_of(head):
        landmark.location = places[index]


def reset_landmarks(head: bpy.types.Object, indices: Collection[int] = range(COUNT)) -> None:
    """Lets landmarks, also those that were deleted, go back to where they were captured, and the mesh with them.

    Where a landmark that stays moved reaches them, they go as far back as it lets them.
    """
    applied, pinned = state_points(head.data, "applied"), _pinned(head.data)
    captured = _captured_shape(head, applied, pinned)
    pinned[list(indices)] = False
    _apply(head, captured, applied, pinned)


def _apply(head: bpy.types.Object, captured: np.ndarray, displacements: np.ndarray, pinned: np.ndarray) -> None:
    """Puts the pinned landmarks (68,) bool to displacements (68, 3), and the mesh and the other landmarks after them.

    Args:
        captured: (V, 3) of the aligned frame: the surface before any was moved.
    """
    mesh, frame = head.data, np.array(frame_in_mesh(head))
    shown = _taken(places_of_vertices(mesh), np.linalg.inv(frame))
    surface = _surface(head, captured)
    moved = surface.moved(displacements, pinned)
    applied = np.where(pinned[:, None], displacements, surface.offsets(displacements, pinned))

    if mesh.shape_keys:
        for block in mesh.shape_keys.key_blocks:
            change = (moved - shown) @ frame[:3, :3].T.astype(np.float32)
            block.points.foreach_set("co", (_read(block.points, "co") + change).ravel())
    mesh.vertices.foreach_set("co", _taken(moved, frame).ravel())
    attribute = mesh.attributes.get(CAPTURED)
    if pinned.any():
        attribute = attribute or mesh.attributes.new(CAPTURED, "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", captured.ravel())
    elif attribute:
        mesh.attributes.remove(attribute)
    mesh[STATE]["applied"] = applied.ravel().tolist()
    mesh[STATE]["pinned"] = pinned.astype(int).tolist()
    places = landmark_places(head).astype(np.float32)
    for index, landmark in landmarks_of(head):
        if (places[index] != np.array(landmark.location, np.float32)).any():
            landmark.location = places[index]
    mesh.update()


def _captured_shape(head: bpy.types.Object, applied: np.ndarray, pinned: np.ndarray) -> np.ndarray:
    """(V, 3) of the aligned frame: the surface before any landmark was moved, with what the artist changed since."""
    shown = _taken(places_of_vertices(head.data), np.linalg.inv(np.array(frame_in_mesh(head))))
    attribute = head.data.attributes.get(CAPTURED)
    if attribute is None:
        return shown
    captured = _read(attribute.data, "vector")
    edited = shown - _surface(head, captured).moved(applied, pinned)
    is_edited = np.abs(edited).max(axis=1) > _EDITED
    return np.where(is_edited[:, None], captured + edited, captured) if is_edited.any() else captured


def _surface(head: bpy.types.Object, captured: np.ndarray) -> Surface:
    """The captured surface, the same for equal positions, so that it knows the distances that it once worked out."""
    mesh = head.data
    key = hashlib.blake2b(captured.tobytes() + len(mesh.edges).to_bytes(8, "little")).digest()
    if key not in _surfaces:
        while len(_surfaces) >= _REMEMBERED:
            del _surfaces[next(iter(_surfaces))]
        _surfaces[key] = Surface(captured, _ways(mesh), _openings(head), anchors_on(mesh))
    return _surfaces[key]


def _ways(mesh: bpy.types.Mesh) -> np.ndarray:
    """(E, 2) the edges, and the diagonals of the quads."""
    edges = np.empty(2 * len(mesh.edges), np.int32)
    mesh.edges.foreach_get("vertices", edges)
    start, corners = np.empty((2, len(mesh.polygons)), np.int32)
    mesh.polygons.foreach_get("loop_start", start)
    mesh.polygons.foreach_get("loop_total", corners)
    loops = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", loops)
    quads = loops[start[corners == 4, None] + np.arange(4)]
    return np.concatenate([edges.reshape(-1, 2), quads[:, [0, 2]], quads[:, [1, 3]]])


def _openings(head: bpy.types.Object) -> np.ndarray:
    """(V,) bool"""
    groups = {group.index for group in head.vertex_groups if group.name in OPENINGS}
    inside = [any(member.group in groups for member in vertex.groups) for vertex in head.data.vertices]
    return np.array(inside, bool)


def _pinned(mesh: bpy.types.Mesh) -> np.ndarray:
    """(68,) bool"""
    state = mesh[STATE]
    if "pinned" not in state:  # version 0.1.0 let none ride along
        return state_points(mesh, "applied").any(axis=1)
    return np.array(state["pinned"].to_list(), bool)


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
