"""The network's result: an image whose pixels are points of the head's surface."""

from dataclasses import dataclass

import numpy as np


def sample_bicubic(image: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Values (…, C) float32 of `image` (R, R, C) at `uv` (…, 2) in 0..1, v downwards.

    Texel centres lie at ((j + .5)/R, (i + .5)/R); beyond the outermost centres the border repeats.
    """
    import cv2

    resolution = image.shape[0]
    flat = (uv.reshape(-1, 2) * resolution - 0.5).astype(np.float32)
    # cv2.remap takes at most 32767 rows or columns, so the list of points is folded.
    columns = 1024
    padded = np.zeros((-(-len(flat) // columns) * columns, 2), np.float32)
    padded[: len(flat)] = flat
    grid = padded.reshape(-1, columns, 2)
    values = cv2.remap(
        np.ascontiguousarray(image, np.float32), grid, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return values.reshape(-1, image.shape[2])[: len(flat)].reshape(*uv.shape[:-1], image.shape[2])


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
