"""A head as it lies in a photo."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..geometry.camera import Camera
from ..geometry.pose import Similarity
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
        normals = np.cross(b - a, c - a)
        total = np.stack(
            [
                np.bincount(self.triangles.ravel(), np.repeat(normals[:, axis], 3), minlength=len(self.vertices))
                for axis in range(3)
            ],
            axis=1,
        )
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


def posed(capture: Capture, mesh: HeadMesh) -> PosedHead:
    """A capture's head in its first photo."""
    view, topology = capture.views[0], mesh.topology
    return PosedHead(
        camera=view.camera,
        pose=view.pose,
        vertices=mesh.vertices,
        triangles=topology.triangles,
        triangle_uv=topology.triangle_uv,
        visibility=mesh.visibility,
        landmarks=capture.head.landmarks,
    )
