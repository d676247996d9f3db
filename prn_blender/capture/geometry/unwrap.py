"""What a second look at the photo sees: its colours, unwrapped over UV by a position map, and how the surface lies."""

from dataclasses import dataclass

import numpy as np

from ..photo.part import cut, reduce
from .pose import Similarity, umeyama, yaw_pitch_roll
from .position_map import upsample_bicubic

TEXELS = 64  # of what is seen, each with FINER x FINER of the photo's colours
FINER = 4
CHANNELS = 3 * FINER**2 + 3 + 3 + 1 + 1
OWN_UNIT = 0.01  # metres
# What the network was trained on, about: larger photos are reduced to it before they are unwrapped.
PIXELS_PER_MM = 0.85
UP = np.array([1.0, -1.0, 1.0])  # photo space to y up


@dataclass(frozen=True)
class Stance:
    """How the head stands in the photo, as if by parallel rays."""

    placed: Similarity  # of the mean head (metres) to photo space with y up

    @property
    def pixels_per_mm(self) -> float:
        """For a head as large as the mean head."""
        return self.placed.scale / 1000

    @property
    def roll(self) -> float:
        """Radians, as of `Crop.roll`."""
        return float(np.radians(yaw_pitch_roll(self.placed.rotation)[2]))

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) columns: a millimetre to the right, up and forwards of the upright head, in photo space."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        return self.pixels_per_mm * np.array([[c, s, 0], [s, -c, 0], [0, 0, 1]])

    def to_photo(self, offsets: np.ndarray) -> np.ndarray:
        """(…, 3) millimetres in the frame of the upright head as offsets (…, 3) in photo space."""
        return offsets @ self.axes.T.astype(np.float32)


def stance_of(places: np.ndarray, mean: np.ndarray, rigid: np.ndarray) -> Stance:
    """Of the head whose surface lies at places (TEXELS, TEXELS, 3) in photo space.

    Args:
        mean: (TEXELS, TEXELS, 3) metres, the mean head.
        rigid: (TEXELS, TEXELS) bool, where expressions hardly move it.
    """
    return Stance(umeyama(mean[rigid], places[rigid] * UP, np.ones(rigid.sum())))


def unwrap(pixels: np.ndarray, places: np.ndarray, mean: np.ndarray, stance: Stance) -> np.ndarray:
    """What a position map sees of the photo.

    Args:
        pixels: (H, W, 3) uint8.
        places: (TEXELS, TEXELS, 3) photo space.
        mean: (TEXELS, TEXELS, 3) metres, the mean head.

    Returns:
        (CHANNELS, TEXELS, TEXELS) float32: the colours of FINER x FINER texels, -1 to 1, red first and row by row;
        normals in the frame of the upright head; in the head's own axes how far its surface lies from the mean head's,
        OWN_UNIT; the share of the texel inside of the photo; one less than pixels per millimetre of the photo that the
        colours are from.
    """
    x, y = np.moveaxis(upsample_bicubic(places[..., :2], FINER * TEXELS), 2, 0).copy()
    colours, reduction = _colours(pixels, x, y, PIXELS_PER_MM / stance.pixels_per_mm)
    inside = (x >= 0) & (x < pixels.shape[1]) & (y >= 0) & (y < pixels.shape[0])
    blocks = (TEXELS, FINER, TEXELS, FINER)
    seen = np.empty((CHANNELS, TEXELS, TEXELS), np.float32)
    seen[:-8] = colours.reshape(*blocks, 3).transpose(4, 1, 3, 0, 2).reshape(-1, TEXELS, TEXELS)
    seen[:-8] = seen[:-8] / 127.5 - 1
    seen[-8:-5] = np.moveaxis(_normals(places, stance), 2, 0)
    seen[-5:-2] = np.moveaxis((stance.placed.inverse_apply(places * UP) - mean) / OWN_UNIT, 2, 0)
    seen[-2] = inside.reshape(blocks).mean(axis=(1, 3))
    seen[-1] = stance.pixels_per_mm * reduction - 1
    return seen


def _colours(pixels: np.ndarray, x: np.ndarray, y: np.ndarray, factor: float) -> tuple[np.ndarray, float]:
    """(H', W', 3) uint8 at places (H', W') of the photo, reduced by `factor`, and by what it really was reduced."""
    import cv2

    low, high = np.array([x.min(), y.min()]), np.array([x.max(), y.max()])
    part, first = cut(pixels, low, high, margin=1 + 1 / min(factor, 1))
    small = reduce(part, factor)
    scale = np.array(small.shape[1::-1]) / part.shape[1::-1]
    x, y = (
        ((along - begin) * size - 0.5).astype(np.float32)
        for along, begin, size in zip((x, y), first, scale, strict=True)
    )
    colours = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return colours, float(scale.mean())


def _normals(places: np.ndarray, stance: Stance) -> np.ndarray:
    """(T, T, 3) unit normals, 0 at the border, in the frame of the upright head."""
    upright = places @ np.linalg.inv(stance.axes).T.astype(np.float32)
    along_u: np.ndarray = np.zeros(upright.shape, np.float32)
    along_v: np.ndarray = np.zeros(upright.shape, np.float32)
    along_u[:, 1:-1] = upright[:, 2:] - upright[:, :-2]
    along_v[1:-1] = upright[2:] - upright[:-2]
    normals = np.cross(along_v, along_u)
    return normals / np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-12)
