"""A head as it lies in a photo."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ..geometry.camera import Camera
from ..geometry.pose import Similarity
from ..geometry.position_map import PositionMap
from ..geometry.visibility import sum_at_vertices
from ..types import Capture, HeadMesh


@dataclass(frozen=True)
class PosedHead:
    """A head's mesh and landmarks in the aligned frame (metres), and the camera of a photo that shows it."""

    camera: Camera
    pose: Similarity  # aligned frame -> camera space
    vertices: np.ndarray  # (V, 3)
    triangles: np.ndarray  # (T, 3) counter-clockwise from outside
    triangle_uv: np.ndarray  # (T, 3, 2) v downwards
    visibility: np.ndarray  # (V,) 0..1, seen in the photo
    landmarks: np.ndarray  # (68, 3); NaN where there is none

    @cached_property
    def in_camera(self) -> np.ndarray:
        """(V, 3) the vertices in camera space, metres."""
        return self.pose.apply(np.asarray(self.vertices, np.float64))

    @cached_property
    def in_photo(self) -> np.ndarray:
        """(V, 2) photo pixels."""
        return self.camera.project(self.in_camera)

    @cached_property
    def facing(self) -> np.ndarray:
        """(V,) cosine of the angle between the surface and the line of sight; negative faces away."""
        a, b, c = self.in_camera[self.triangles.T]
        total = sum_at_vertices(np.cross(b - a, c - a), self.triangles, len(self.vertices))
        towards = -self.in_camera if self.camera.is_perspective else np.array([[0.0, 0.0, 1.0]])
        length = np.linalg.norm(total, axis=1) * np.linalg.norm(towards, axis=1)
        return (total * towards).sum(axis=1) / np.maximum(length, 1e-12)

    @cached_property
    def uv(self) -> np.ndarray:
        """(V, 2) one UV of each vertex; one on a seam has others too."""
        uv = np.zeros((len(self.vertices), 2))
        uv[self.triangles.ravel()] = self.triangle_uv.reshape(-1, 2)
        return uv

    @cached_property
    def landmark_visibility(self) -> np.ndarray:
        """(68,) that of the vertex nearest to each landmark; NaN where there is no landmark."""
        result = np.full(len(self.landmarks), np.nan)
        for index in np.flatnonzero(np.isfinite(self.landmarks).all(axis=1)):
            nearest = np.argmin(((self.vertices - self.landmarks[index]) ** 2).sum(axis=1))
            result[index] = self.visibility[nearest]
        return result

    @property
    def to_photo(self) -> np.ndarray:
        """(3, 4) from the aligned frame (x, y, z, 1), metres, to homogeneous photo pixels."""
        return self.camera.matrix @ self.pose.matrix


def posed(capture: Capture, mesh: HeadMesh | None = None) -> PosedHead:
    """A capture's head in its first photo.

    Args:
        mesh: of the head; without one that of the pack's standard topology, which has no open eyes or mouth.
    """
    view = capture.views[0]
    if mesh is None:
        topology = capture.pack.topology
        mesh = HeadMesh(topology, topology.vertices(PositionMap(capture.head.surface)), view.visibility)
    return PosedHead(
        camera=view.camera,
        pose=view.pose,
        vertices=mesh.vertices,
        triangles=mesh.topology.triangles,
        triangle_uv=mesh.topology.triangle_uv,
        visibility=mesh.visibility,
        landmarks=capture.head.landmarks,
    )


def closed(head: PosedHead) -> PosedHead:
    """The head with a fan of triangles over every hole but the largest, the neck or a mask's border.

    A whole head's eyes and mouth are open; in the texture lies there what a head with closed ones shows.
    """
    loops = _boundaries(head.triangles)
    if len(loops) < 2:
        return head
    loops.remove(max(loops, key=len))
    vertices, visibility, uv = [head.vertices], [head.visibility], [head.triangle_uv]
    triangles, count = [head.triangles], len(head.vertices)
    for loop in loops:
        middle = np.full(len(loop), count)
        around = np.column_stack([np.roll(loop, -1), loop])  # the other way round than the triangles outside
        corners = head.uv[around]
        triangles.append(np.column_stack([around, middle]))
        uv.append(np.concatenate([corners, np.broadcast_to(head.uv[loop].mean(axis=0), (len(loop), 1, 2))], axis=1))
        vertices.append(head.vertices[loop].mean(axis=0, keepdims=True))
        visibility.append(head.visibility[loop].mean(keepdims=True))
        count += 1
    return replace(
        head,
        vertices=np.concatenate(vertices),
        triangles=np.concatenate(triangles),
        triangle_uv=np.concatenate(uv),
        visibility=np.concatenate(visibility),
    )


def _boundaries(triangles: np.ndarray) -> list[list[int]]:
    """The loops of vertices around holes, in the direction of the triangles at their edges."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    keys = np.sort(edges, axis=1)
    _, index, uses = np.unique(keys, axis=0, return_index=True, return_counts=True)
    following = dict(edges[index[uses == 1]].tolist())
    loops = []
    while following:
        loop = []
        vertex = next(iter(following))
        while vertex in following:
            loop.append(vertex)
            vertex = following.pop(vertex)
        loops.append(loop)
    return loops
