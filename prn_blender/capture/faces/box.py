"""The box around a face, and what several estimates of it have in common."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FaceBox:
    """The box around the 68 landmarks of a face in photo space, as a detector estimates it or the user draws it.

    With a roll it is meant as turned by that about its centre, so that its sides follow the face.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0
    roll: float = 0.0  # radians, in-plane turn where a detector knows it, as in `Crop.roll`

    @classmethod
    def of(cls, sides: np.ndarray, score: float, roll: float) -> "FaceBox":
        """The box with these sides (4,): left, top, right, bottom."""
        left, top, right, bottom = map(float, sides)
        return cls(left, top, right, bottom, float(score), float(roll))

    @property
    def corners(self) -> np.ndarray:
        """(2, 2) the top-left and the bottom-right corner."""
        return np.array([[self.left, self.top], [self.right, self.bottom]])

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


SAME_FACE = 0.3  # of two boxes: what they share, over what they cover together


def is_same_face(one: FaceBox, other: FaceBox) -> bool:
    """Whether two boxes in a photo are around one face."""
    return bool(overlap(one.corners.ravel(), other.corners.ravel()) > SAME_FACE)


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(…) intersection over union of boxes (…, 4) with boxes (…, 4), as left, top, right, bottom."""
    across = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    down = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    shared = across.clip(0) * down.clip(0)
    areas = (a[..., 2:] - a[..., :2]).prod(axis=-1) + (b[..., 2:] - b[..., :2]).prod(axis=-1)
    return shared / (areas - shared)


def best_of_each(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Indices, best score first, of the boxes (N, 4) that overlap no better one by more than `limit`.

    Boxes without a score above 0 are left out.
    """
    import cv2

    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return np.array(cv2.dnn.NMSBoxes(corner_and_size, scores, score_threshold=0, nms_threshold=limit), int)
