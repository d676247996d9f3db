"""Where the faces of a photo are."""

from dataclasses import dataclass

import numpy as np

from .photo import Photo


@dataclass(frozen=True)
class FaceBox:
    """The box around the 68 landmarks of a face in photo space, as a detector estimates it or the user draws it."""

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0
    roll: float = 0.0  # radians, in-plane turn where a detector knows it, as in `Crop.roll`

    @property
    def corners(self) -> np.ndarray:
        """(2, 2) the top-left and the bottom-right corner."""
        return np.array([[self.left, self.top], [self.right, self.bottom]])

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


def find_faces(photo: Photo, yunet: str | None = None) -> list[FaceBox]:
    """The faces of a photo, best first; empty where there is none."""
    raise NotImplementedError
