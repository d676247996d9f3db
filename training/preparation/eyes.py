"""MakeHuman's eye textures in the UV of ICT-FaceKit's outer eyeball, and more iris colours."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..assets import FaceKit
from .obj import AssetError
from .texels import eyeball_tile, spread

IRIS_RADIUS = 0.60  # cm, as it shows on ICT-FaceKit's eye
CORNEA = 7.5  # cm: the ball bulges in front of this depth
# Dark and mixed irises, which MakeHuman lacks: sRGB times the structure of its light brown one.
RECOLOURED = {
    "darkbrown": (58, 36, 24),
    "brownmid": (92, 60, 38),
    "hazel": (118, 92, 52),
    "amber": (140, 92, 40),
    "blackbrown": (38, 26, 20),
    "greyblue": (112, 124, 134),
}
STRUCTURE = "brownlight"


@dataclass(frozen=True)
class Eyeball:
    """The texels of the eyeball's tile in polar coordinates about the eye's axis."""

    inside: np.ndarray  # (S, S) bool
    axis_distance: np.ndarray  # (S, S) cm
    angle: np.ndarray  # (S, S) degrees from the axis
    around: np.ndarray  # (S, S) radians, counterclockwise from the subject's left

    @property
    def radius(self) -> np.ndarray:
        """(S, S) distance from the pupil, 1 at the iris' edge; across the white it grows with the angle."""
        front = self.inside & (self.angle < 60)
        edge = self.angle[front & (np.abs(self.axis_distance - IRIS_RADIUS) < 0.02)].mean()
        iris = front & (self.axis_distance < IRIS_RADIUS)
        return np.where(iris, self.axis_distance / IRIS_RADIUS, np.clip(self.angle / edge, 1, 2.25))


def eyeball(kit: FaceKit) -> Eyeball:
    """Measures the left eyeball; the right one's UV is its mirror image."""
    tile = eyeball_tile(kit)
    points = kit.mean[np.unique(kit.triangles[tile.chosen])].astype(np.float64)
    ball = points[points[:, 2] < CORNEA]
    centre = np.linalg.lstsq(np.column_stack([2 * ball, np.ones(len(ball))]), (ball**2).sum(axis=1), rcond=None)[0][:3]
    offset = tile.positions - centre
    middle = tile.size // 2
    axis = offset[middle - 1 : middle + 1, middle - 1 : middle + 1].mean(axis=(0, 1))
    axis /= np.linalg.norm(axis)
    up = np.array([0, 1, 0]) - axis * axis[1]
    up /= np.linalg.norm(up)
    along = offset @ axis
    return Eyeball(
        tile.inside,
        np.linalg.norm(offset - along[..., None] * axis, axis=-1),
        np.degrees(np.arccos(np.clip(along / np.linalg.norm(offset, axis=-1), -1, 1))),
        np.arctan2(offset @ up, offset @ np.cross(up, axis)),
    )


def find_iris(texture: np.ndarray) -> tuple[float, float, float]:
    """Centre x, y and radius in pixels of the iris that MakeHuman paints into the lower left of its eye textures.

    Raises:
        AssetError: There is no round dark pupil in a ring of another brightness.
    """
    size = texture.shape[0]
    grey = texture[..., :3].mean(axis=2)
    quarter = grey[size // 2 :, : int(0.6 * size)]
    row, column = np.nonzero(quarter < quarter.min() + 18)
    x, y = float(np.median(column)), float(np.median(row)) + size // 2
    rows, columns = np.indices(grey.shape)
    distance = np.hypot(columns - x, rows - y).astype(int).ravel()
    profile = np.bincount(distance, grey.ravel()) / np.maximum(np.bincount(distance), 1)
    first, last = int(0.06 * size), int(0.2 * size)
    slope = np.diff(gaussian_filter1d(profile[:last], 2 * size / 1024))
    if slope[first:].max() <= 0.1:
        raise AssetError("the eye texture has no iris in its lower left quarter")
    return x, y, float(slope[first:].argmax() + first)


def eye_picture(texture: np.ndarray, ball: Eyeball) -> np.ndarray:
    """(S, S, 3) uint8 eyeball tile of an eye texture (H, W, 3 or 4)."""
    smooth = cv2.GaussianBlur(texture[..., :3], (0, 0), 1.0)
    x, y, radius = find_iris(smooth)
    reach = ball.radius * radius
    place_x, place_y = x + reach * np.cos(ball.around), y - reach * np.sin(ball.around)
    colours = cv2.remap(
        smooth.astype(np.float32), place_x.astype(np.float32), place_y.astype(np.float32), cv2.INTER_CUBIC
    )
    return np.clip(spread(colours, ball.inside, blur=3.0), 0, 255).round().astype(np.uint8)


def recolour(picture: np.ndarray, colour: tuple[int, int, int], ball: Eyeball) -> np.ndarray:
    """An eye with its iris in another colour; the pupil and the pattern stay."""
    weight = np.clip((IRIS_RADIUS * 1.03 - ball.axis_distance) / (IRIS_RADIUS * 0.06), 0, 1) * (ball.angle < 60)
    brightness = picture.mean(axis=2)
    ring = (ball.axis_distance > 0.4 * IRIS_RADIUS) & (ball.axis_distance < 0.9 * IRIS_RADIUS) & (ball.angle < 60)
    pattern = np.clip(brightness / brightness[ring & ball.inside].mean(), 0, 2.2)[..., None]
    painted = np.clip(pattern * np.array(colour), 0, 255)
    return (picture * (1 - weight[..., None]) + painted * weight[..., None]).round().astype(np.uint8)
