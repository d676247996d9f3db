"""The network's result: an image whose pixels are points of the head's surface."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


def cubic_weights(offset: np.ndarray) -> np.ndarray:
    """(…, 4) weights of the four neighbours for places `offset` (…) in 0..1 between the middle two.

    Catmull-Rom, which unlike OpenCV's cubic leaves a linear ramp as it is: a plane stays a plane.
    Source: R. G. Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 29(6), 1981.
    """
    t = offset
    return np.stack(
        [
            ((-0.5 * t + 1) * t - 0.5) * t,
            (1.5 * t - 2.5) * t * t + 1,
            ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t,
        ],
        axis=-1,
    )


def cubic_neighbours(places: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """(…, 4) texel indices along one axis, border repeated, and their weights, for `places` (…) in 0..1."""
    texel = np.asarray(places, np.float64) * resolution - 0.5
    below = np.floor(texel)
    indices = below[..., None].astype(int) + np.arange(-1, 3)
    return np.clip(indices, 0, resolution - 1), cubic_weights(texel - below)


def sample_bicubic(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Values (…, C) float32 of `image` (R, R, C) at `uv` (…, 2) in 0..1, v downwards.

    Texel centres lie at ((j + .5)/R, (i + .5)/R); beyond the outermost centres the border repeats.
    """
    columns, column_weights = cubic_neighbours(uv[..., 0], image.shape[1])
    rows, row_weights = cubic_neighbours(uv[..., 1], image.shape[0])
    texels = image[rows[..., :, None], columns[..., None, :]]
    weights = (row_weights[..., :, None] * column_weights[..., None, :]).astype(np.float32)
    return np.einsum("...ijc,...ij->...c", texels, weights)


@dataclass(frozen=True, eq=False)
class BicubicSampler:
    """`sample_bicubic` at the same places of one image after the other."""

    texels: np.ndarray  # (P, 16) indices, row by row
    weights: np.ndarray  # (P, 1, 16) float32

    @classmethod
    def at(cls, uv: np.ndarray, resolution: int) -> "BicubicSampler":
        """For images (R, R, C) at `uv` (P, 2)."""
        columns, column_weights = cubic_neighbours(uv[:, 0], resolution)
        rows, row_weights = cubic_neighbours(uv[:, 1], resolution)
        texels = rows[:, :, None] * resolution + columns[:, None, :]
        weights = row_weights[:, :, None] * column_weights[:, None, :]
        return cls(texels.reshape(-1, 16), weights.reshape(-1, 1, 16).astype(np.float32))

    def sample(self, image: np.ndarray) -> np.ndarray:
        """(P, C) float32"""
        channels = image.shape[2]
        # Numpy takes rows of 16 bytes four times as quickly as those of 12.
        values = np.zeros((len(image) ** 2, max(4, channels)), np.float32)
        values[:, :channels] = image.reshape(-1, channels)
        return (self.weights @ values.take(self.texels, axis=0))[:, 0, :channels]


def upsample_bicubic(image: np.ndarray, size: int) -> np.ndarray:
    """`image` (R, R, C) at the texel centres of (size, size, C), as `sample_bicubic` gives them."""
    matrix = _upsampling(size, image.shape[0])
    rows = np.tensordot(matrix, image, axes=(1, 0))
    return np.ascontiguousarray(np.tensordot(rows, matrix, axes=(1, 1)).swapaxes(1, 2))


@lru_cache(maxsize=8)
def _upsampling(size: int, resolution: int) -> np.ndarray:
    """(size, resolution) float32: the weights of the texels along one axis."""
    indices, weights = cubic_neighbours((np.arange(size) + 0.5) / size, resolution)
    matrix = np.zeros((size, resolution), np.float32)
    np.add.at(matrix, (np.arange(size)[:, None], indices), weights)
    return matrix


@dataclass(frozen=True)
class PositionMap:
    """Photo-space x, y, z of the head's surface by UV.

    In photo space a later point along one pixel's line of sight has a smaller z, in perspective too, so
    occlusion can be decided by comparing z at the same x, y.
    """

    values: np.ndarray  # (R, R, 3) float32

    def sample(self, uv: np.ndarray) -> np.ndarray:
        """(…, 3) photo-space points at `uv` (…, 2), bicubic."""
        return sample_bicubic(self.values, uv)

    def at_size(self, size: int) -> np.ndarray:
        """(size, size, 3) photo-space points at the texel centres of a larger image, bicubic."""
        return upsample_bicubic(self.values, size)
