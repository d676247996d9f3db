"""The camera of the photo: photo space to camera space in metres and back."""

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Camera:
    """Camera space has Blender's camera axes: x right, y up, the camera looks along -z; metres.

    With a focal length it is perspective, and `distance` is the depth of the head's origin (where the position
    map's z is 0). Without one it is orthographic, and `distance` only says how far away the camera is put.

    A network sees a crop and not where it lies in the photo: a position map's z is measured along the line of sight
    to the head's origin, at which the camera is aimed in the photo at `aim_x`, `aim_y`.
    """

    width: int  # photo pixels
    height: int
    focal_px: float | None  # focal length in photo pixels; None: orthographic
    distance: float  # metres
    metres_per_px: float  # at the depth of the head's origin
    aim_x: float  # photo pixels
    aim_y: float

    @property
    def is_perspective(self) -> bool:
        return self.focal_px is not None

    @property
    def centre(self) -> np.ndarray:
        """(2,) the principal point, the middle of the photo."""
        return np.array([self.width / 2, self.height / 2])

    @property
    def sight(self) -> np.ndarray:
        """(2,) tangents of the angles between the camera's axis and the line of sight to the head's origin; y down."""
        return (np.array([self.aim_x, self.aim_y]) - self.centre) / self.focal_px

    @property
    def matrix(self) -> np.ndarray:
        """(3, 4) from camera space (x, y, z, 1), metres, to homogeneous photo pixels: x and y times the third."""
        x, y = self.centre
        if self.focal_px is not None:
            return np.array([[self.focal_px, 0, -x, 0], [0, -self.focal_px, -y, 0], [0, 0, -1, 0]])
        scale = 1 / self.metres_per_px
        return np.array([[scale, 0, 0, x], [0, -scale, 0, y], [0, 0, 0, 1]])

    def scaled(self, factor: float) -> "Camera":
        """The same camera for a head `factor` times as large."""
        distance = self.distance * factor if self.is_perspective else self.distance
        return replace(self, distance=distance, metres_per_px=self.metres_per_px * factor)

    def to_camera_space(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) photo space to (…, 3) camera space.

        A position map's z is n f / D, with n how far a point lies before the head's origin along the line of sight and
        D the origin's depth. With t the tangents of the sight the origin is D (t, -1), and a point seen at tangents u
        is depth (u, -1). Both together give depth = D ((1 + t t) - sqrt(1 + t t) z / f) / (1 + u t).
        """
        x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
        x, y = x - self.width / 2, self.height / 2 - y
        if not self.is_perspective:
            scale = self.metres_per_px
            return np.stack([x * scale, y * scale, z * scale - self.distance], axis=-1)
        sight = self.sight * (1, -1)
        length = 1 + sight @ sight  # squared
        along = length - (np.sqrt(length) / self.focal_px) * z
        depth = self.distance * along / (1 + (x * sight[0] + y * sight[1]) / self.focal_px)
        per_pixel = depth / self.focal_px
        return np.stack([x * per_pixel, y * per_pixel, -depth], axis=-1)

    def to_photo_space(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) camera space to (…, 3) photo space: the way back from `to_camera_space`."""
        points = np.asarray(points, np.float64)
        places = self.project(points)
        if self.is_perspective:
            sight, offset = self.sight * (1, -1), (places - self.centre) * (1, -1)
            length = 1 + sight @ sight
            along = -points[..., 2] * (1 + offset @ sight / self.focal_px) / self.distance
            z = (length - along) * self.focal_px / np.sqrt(length)
        else:
            z = (points[..., 2] + self.distance) / self.metres_per_px
        return np.concatenate([places, z[..., None]], axis=-1)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) camera space to (…, 2) photo pixels."""
        points = np.asarray(points, np.float64)
        if self.focal_px is not None:
            return self.centre + points[..., :2] * (self.focal_px, -self.focal_px) / -points[..., 2:]
        return self.centre + points[..., :2] * (1, -1) / self.metres_per_px


FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)


def focal_pixels(focal_mm: float, width: int, height: int) -> float:
    """A 35 mm equivalent focal length in photo pixels, by the picture's diagonal.

    Source: CIPA DCG-001, which defines the equivalence by the diagonal angle of view.
    """
    return focal_mm / FULL_FRAME_DIAGONAL_MM * float(np.hypot(width, height))


# 35 mm equivalents between which an estimated focal length stays: phones' wide cameras, and long lenses or cut photos.
ESTIMATED_MM = (22.0, 400.0)

# Where an orthographic camera is put; it changes nothing in the picture.
ORTHOGRAPHIC_DISTANCE = 1.0


def unit_camera(width: int, height: int, focal_px: float | None, aim: np.ndarray) -> Camera:
    """The camera of a photo before the head's size is known; `Camera.scaled` gives it metres.

    Args:
        aim: (2,) where in the photo the head's origin lies.
    """
    distance = ORTHOGRAPHIC_DISTANCE if focal_px is None else focal_px
    return Camera(width, height, focal_px, distance, 1.0, *map(float, aim))


def focal_from_distance(distance_px: float, width: int, height: int, aim: np.ndarray) -> float:
    """The focal length in photo pixels of a camera that is `distance_px` away from what it is aimed at.

    `distance_px` is in units of the pixels that the head has at its origin, so it is the image point's distance from
    the camera's centre times the same factor: it has a part along the axis, the focal length, and one across.
    The result is kept within what lenses for pictures of people have (`ESTIMATED_MM`).

    Args:
        aim: (2,) where in the photo the head's origin lies.
    """
    across = float(np.hypot(*(np.asarray(aim) - (width / 2, height / 2))))
    along = max(distance_px**2 - across**2, 0.0) ** 0.5
    least, most = (focal_pixels(mm, width, height) for mm in ESTIMATED_MM)
    return float(np.clip(along, least, most))
