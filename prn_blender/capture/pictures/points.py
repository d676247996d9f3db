"""Dense alignment as tables: where every vertex and landmark lies in the photo and on the head."""

from dataclasses import dataclass

import numpy as np

from ..geometry.pose import yaw_pitch_roll
from ..landmarks import NAMES
from .posed import PosedHead


@dataclass(frozen=True)
class Points:
    """Points of a head; NaN in the rows of landmarks that there are not."""

    photo: np.ndarray  # (N, 2) pixels of the upright photo
    depth: np.ndarray  # (N,) metres along the camera's axis
    metres: np.ndarray  # (N, 3) aligned frame
    visibility: np.ndarray  # (N,) 0..1

    COLUMNS = ("photo_x", "photo_y", "depth", "x", "y", "z", "visibility")

    @property
    def table(self) -> np.ndarray:
        """(N, 7), its columns as named."""
        return np.column_stack([self.photo, self.depth, self.metres, self.visibility])


def vertices_of(head: PosedHead) -> Points:
    """In the mesh's order."""
    return _points(head, head.vertices, head.visibility)


def landmarks_of(head: PosedHead) -> Points:
    """In iBUG's order."""
    return _points(head, head.landmarks, head.landmark_visibility)


def _points(head: PosedHead, metres: np.ndarray, visibility: np.ndarray) -> Points:
    in_camera = head.pose.apply(np.asarray(metres, np.float64))
    return Points(head.camera.project(in_camera), -in_camera[:, 2], np.asarray(metres), visibility)


def dense_alignment(head: PosedHead) -> dict[str, np.ndarray]:
    """Everything by name, as arrays: what an .npz of it holds."""
    vertices, landmarks = vertices_of(head), landmarks_of(head)
    return {
        **{f"vertex_{name}": values for name, values in vars(vertices).items()},
        "vertex_uv": head.uv,
        **{f"landmark_{name}": values for name, values in vars(landmarks).items()},
        "landmark_name": np.array(NAMES),
        "triangles": np.asarray(head.triangles),
        "aligned_to_camera": head.pose.matrix,
        "aligned_to_photo": head.to_photo,
        "yaw_pitch_roll": np.array(yaw_pitch_roll(head.pose.rotation)),
    }
