"""How far two surfaces that face each other, one above the other, are apart: of lips, and of lids."""

import numpy as np

from ..geometry.raster import rasterise

CELL = 0.0004  # metres of a raster seen from above
FARTHEST = 0.012  # metres: what is farther apart does not face each other


def clearance(upper: np.ndarray, lower: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(P,) metres from the lower surface up to the upper one where they are nearest; negative where they have crossed,
    NaN where nothing lies above anything.

    Args:
        upper, lower: (T, 3, 3) triangles of the two by across, depth and height, metres.
        columns: (P,) places across; each looks around half the way to its neighbours.
    """
    low = np.minimum(upper.min((0, 1)), lower.min((0, 1)))[:2]
    size = np.ceil((np.maximum(upper.max((0, 1)), lower.max((0, 1)))[:2] - low) / CELL).astype(int) + 1
    above = _heights(upper, low, size, np.minimum, np.inf)
    below = _heights(lower, low, size, np.maximum, -np.inf)
    apart = above - below
    apart[np.abs(apart) > FARTHEST] = np.inf
    nearest = apart.min(0)  # over the depth
    place = low[0] + (np.arange(size[0]) + 0.5) * CELL
    column = np.abs(place[:, None] - columns).argmin(1)
    found = np.full(len(columns), np.inf)
    np.minimum.at(found, column, nearest)
    return np.where(np.isfinite(found), found, np.nan)


def _heights(triangles: np.ndarray, low: np.ndarray, size: np.ndarray, choose: np.ufunc, nothing: float) -> np.ndarray:
    """(depth, across) the lowest or the highest of triangles in each cell."""
    width, height = size.tolist()
    seen = rasterise((triangles[..., :2] - low) / CELL, width, height)
    heights = np.full(height * width, nothing)
    choose.at(heights, seen.row * width + seen.column, (seen.weights * triangles[seen.triangle, :, 2]).sum(1))
    return heights.reshape(height, width)
