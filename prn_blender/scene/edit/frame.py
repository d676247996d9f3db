"""Where the aligned frame of a head lies in its mesh.

As built it is the mesh's own space in the scene's units. *Apply* and *Set Origin* put the mesh elsewhere in its own
space; Blender then moves the empty that holds the landmarks against it, which so keeps lying where the frame is.
"""

import bpy
import numpy as np
from mathutils import Matrix

from ...capture.geometry.pose import fit_similarity
from ...capture.shape.deformation import Anchors
from ..build.landmarks import root_of_landmarks

STATE = "prn_landmarks"  # on the mesh: where the landmarks were captured, how they are moved, and where they sit on it

_SAME_PLACE = 1e-4  # metres: a landmark nearer than this to where a frame would have it speaks for the frame
_SAME_MATRIX = 1e-4  # relative


def frame_in_mesh(head: bpy.types.Object) -> Matrix:
    """From the aligned frame, in metres, to the space of the head's mesh.

    The empty that holds the landmarks tells it, unless the artist moved that against the head. Where the landmarks were
    deleted, the places on the mesh tell it at which they sat.
    """
    root, as_built = _root_frame(head), Matrix.Scale(built_metre(head), 4)
    expected, found = _landmarks_expected_and_found(head)
    if found is None:
        return as_built if root is None else root
    if root is not None:
        return min((as_built, root), key=lambda frame: np.median(_distances(frame, expected, found)))
    fitted = Matrix(fit_similarity(expected, found).matrix.tolist())
    agree = _distances(fitted, expected, found) < _SAME_PLACE * fitted.median_scale
    return fitted if agree.mean() > 0.5 and not _is_same(fitted, as_built) else as_built


def hang_in_mesh_space(head: bpy.types.Object) -> bool:
    """Whether the landmarks' places are those that the mesh has for them: they were not moved away from the head."""
    root = _root_frame(head)
    return root is None or _is_same(root, frame_in_mesh(head))


def built_metre(head: bpy.types.Object) -> float:
    """Blender units a metre in the scene that the head was built in."""
    return head.data[STATE].get("metre", 1.0) if STATE in head.data else 1.0


def state_points(mesh: bpy.types.Mesh, name: str) -> np.ndarray:
    """(68, 3) of the mesh's state."""
    return np.array(mesh[STATE][name].to_list()).reshape(-1, 3)


def anchors_on(mesh: bpy.types.Mesh) -> Anchors:
    """Where on the mesh its landmarks sit."""
    state = mesh[STATE]
    vertices, weights = (np.array(state[name].to_list()).reshape(-1, 3) for name in ("vertices", "weights"))
    return Anchors(vertices, weights)


def places_of_vertices(mesh: bpy.types.Mesh) -> np.ndarray:
    """(V, 3) float32; of a mesh that is being edited as it was before."""
    places = np.empty((len(mesh.vertices), 3), np.float32)
    if mesh.is_editmode:
        mesh.vertices.foreach_get("co", places.ravel())
    else:  # ten times as quick
        mesh.attributes["position"].data.foreach_get("vector", places.ravel())
    return places


def _root_frame(head: bpy.types.Object) -> Matrix | None:
    """Where in the head's space the empty lies that holds its landmarks; None where they were deleted."""
    root = root_of_landmarks(head)
    return None if root is None else root.matrix_parent_inverse @ root.matrix_basis


def _landmarks_expected_and_found(head: bpy.types.Object) -> tuple[np.ndarray, np.ndarray | None]:
    """(68, 3) of the aligned frame as the mesh was captured and adjusted, and of the mesh as it is now; None for the
    second where its vertices are others."""
    mesh = head.data
    if STATE not in mesh:
        return np.zeros((0, 3)), None
    captured = "anchored" if "anchored" in mesh[STATE] else "captured"
    expected = state_points(mesh, captured) + state_points(mesh, "applied")
    if mesh[STATE]["vertex_count"] != len(mesh.vertices):
        return expected, None
    return expected, anchors_on(mesh).on(places_of_vertices(mesh))


def _distances(frame: Matrix, expected: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(68,) in units of the mesh."""
    matrix = np.array(frame)
    return np.linalg.norm(expected @ matrix[:3, :3].T + matrix[:3, 3] - found, axis=1)


def _is_same(one: Matrix, other: Matrix) -> bool:
    return np.allclose(one, other, rtol=_SAME_MATRIX, atol=_SAME_MATRIX * one.median_scale)
