"""What a second look at the photo sees: its colours, unwrapped over UV by a position map, and how the surface lies."""

from dataclasses import dataclass

import numpy as np

from ..packs.topology import Topology
from ..photo.part import cut, reduce
from .place import seen_by_parallel_rays
from .pose import yaw_pitch_roll
from .position_map import PositionMap, upsample_bicubic

TEXELS = 64  # of what is seen, each with FINER x FINER of the photo's colours
FINER = 2
CHANNELS = 3 * FINER**2 + 3 + 1 + 1
# What the network was trained on, about: larger photos are reduced to it before they are unwrapped.
PIXELS_PER_MM = 0.85


@dataclass(frozen=True)
class Stance:
    """How large and how tilted the head is in the photo."""

    pixels_per_mm: float  # at the head's origin, for a head as large as the canonical one
    roll: float  # radians, as of `Crop.roll`

    @property
    def axes(self) -> np.ndarray:
        """(3, 3) columns: a millimetre to the right, up and forwards of the upright head, in photo space."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        return self.pixels_per_mm * np.array([[c, s, 0], [s, -c, 0], [0, 0, 1]])

    def to_photo(self, offsets: np.ndarray) -> np.ndarray:
        """(…, 3) millimetres in the frame of the upright head as offsets (…, 3) in photo space."""
        return offsets @ self.axes.T.astype(np.float32)


def stance_of(position_map: PositionMap, topology: Topology) -> Stance:
    """Of the head that a position map shows."""
    seen = seen_by_parallel_rays(position_map, topology)
    return Stance(seen.scale / 1000, float(np.radians(yaw_pitch_roll(seen.rotation)[2])))


def unwrap(pixels: np.ndarray, places: np.ndarray, stance: Stance) -> np.ndarray:
    """What a position map sees of the photo.

    Args:
        pixels: (H, W, 3) uint8.
        places: (TEXELS, TEXELS, 3) photo space.

    Returns:
        (CHANNELS, TEXELS, TEXELS) float32: the colours of FINER x FINER texels, -1 to 1, red first and row by row;
        normals in the frame of the upright head; the share of the texel inside of the photo; pixels per millimetre,
        less 1, of the photo that the colours are from.
    """
    fine = upsample_bicubic(places[..., :2], FINER * TEXELS)
    colours, reduction = _colours(pixels, fine, PIXELS_PER_MM / stance.pixels_per_mm)
    inside = ((fine >= 0) & (fine < (pixels.shape[1], pixels.shape[0]))).all(axis=2)
    blocks = (TEXELS, FINER, TEXELS, FINER)
    seen = np.empty((CHANNELS, TEXELS, TEXELS), np.float32)
    seen[:-5] = colours.reshape(*blocks, 3).transpose(4, 1, 3, 0, 2).reshape(-1, TEXELS, TEXELS)
    seen[:-5] = seen[:-5] / 127.5 - 1
    seen[-5:-2] = np.moveaxis(_normals(places, stance), 2, 0)
    seen[-2] = inside.reshape(blocks).mean(axis=(1, 3))
    seen[-1] = stance.pixels_per_mm * reduction - 1
    return seen


def _colours(pixels: np.ndarray, places: np.ndarray, factor: float) -> tuple[np.ndarray, float]:
    """(H', W', 3) uint8 at places (H', W', 2) of the photo, reduced by `factor`, and by what it really was reduced."""
    import cv2

    part, first = cut(pixels, places.min(axis=(0, 1)), places.max(axis=(0, 1)), margin=1 + 1 / min(factor, 1))
    small = reduce(part, factor)
    scale = np.array(small.shape[1::-1]) / part.shape[1::-1]
    x, y = np.moveaxis(((places - first) * scale - 0.5).astype(np.float32), 2, 0)
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
