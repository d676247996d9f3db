"""The camera of the photo: photo space to camera space in metres and back."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Camera:
    """Camera space has Blender's camera axes: x right, y up, the camera looks along -z; metres.

    With a focal length it is perspective, and `distance` is the depth of the head's origin (where the position
    map's z is 0). Without one it is orthographic, and `distance` only says how far away the camera is put.
    """

    width: int  # photo pixels
    height: int
    focal_px: float | None  # focal length in photo pixels; None: orthographic
    distance: float  # metres
    metres_per_px: float  # at the depth of the head's origin

    @property
    def is_perspective(self) -> bool:
        return self.focal_px is not None

    @property
    def centre(self) -> np.ndarray:
        """(2,) the principal point, the middle of the photo."""
        return np.array([self.width / 2, self.height / 2])

    def scaled(self, factor: float) -> "Camera":
        """The same camera for a head `factor` times as large."""
        distance = self.distance * factor if self.is_perspective else self.distance
        return replace(self, distance=distance, metres_per_px=self.metres_per_px * factor)

    def to_camera_space(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) photo space to (…, 3) camera space.

        A position map's z is (D - depth) f / D with D the depth of the head's origin, so depth = D (1 - z / f).
        """
        points = np.asarray(points, np.float64)
        offset = (points[..., :2] - self.centre) * (1, -1)
        if self.is_perspective:
            depth = self.distance * (1 - points[..., 2] / self.focal_px)
            return np.concatenate([offset * (depth / self.focal_px)[..., None], -depth[..., None]], axis=-1)
        z = points[..., 2:] * self.metres_per_px - self.distance
        return np.concatenate([offset * self.metres_per_px, z], axis=-1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) camera space to (…, 2) photo pixels."""
        points = np.asarray(points, np.float64)
        if self.is_perspective:
            return self.centre + points[..., :2] * (self.focal_px, -self.focal_px) / -points[..., 2:]
        return self.centre + points[..., :2] * (1, -1) / self.metres_per_px


FULL_FRAME_DIAGONAL_MM = 43.2666


def focal_pixels(focal_mm: float, width: int, height: int) -> float:
    """A 35 mm equivalent focal length in photo pixels, by the picture's diagonal.

    Source: CIPA DCG-001, which defines the equivalence by the diagonal angle of view.
    """
    return focal_mm / FULL_FRAME_DIAGONAL_MM * float(np.hypot(width, height))


# Where an orthographic camera is put; it changes nothing in the picture.
ORTHOGRAPHIC_DISTANCE = 1.0


def unit_camera(width: int, height: int, focal_px: float | None) -> Camera:
    """The camera of a photo before the head's size is known; `Camera.scaled` gives it metres."""
    if focal_px is None:
        return Camera(width, height, None, ORTHOGRAPHIC_DISTANCE, 1.0)
    return Camera(width, height, focal_px, focal_px, 1.0)
