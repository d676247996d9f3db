"""How far two surfaces that face each other, one above the other, are apart: of lips, and of lids."""

import numpy as np

from ..geometry.raster import rasterise

FARTHEST = 0.012  # metres: what is farther apart does not face each other


def clearance(upper: np.ndarray, lower: np.ndarray, columns: np.ndarray, cell: float) -> np.ndarray:
    """(K, P) metres from the lower surface up to the upper one where they are nearest, of each of K pairs of surfaces;
    negative where they have crossed, NaN where nothing lies above anything.

    Args:
        upper, lower: (K, T, 3, 3) triangles of the two by across, depth and height, metres.
        columns: (K, P) places across; each looks around half the way to its neighbours.
        cell: metres of the raster, seen from above, in which they are compared.
    """
    count = len(columns)
    low = np.minimum(upper.min((1, 2)), lower.min((1, 2)))[:, :2]
    high = np.maximum(upper.max((1, 2)), lower.max((1, 2)))[:, :2]
    width, height = (np.ceil((high - low).max(0) / cell).astype(int) + 2).tolist()
    # One picture for all pairs: each has its columns beside those of the one before.
    start = np.stack([np.arange(count) * width, np.zeros(count)], 1)
    above, below = (
        _heights(surface, low, cell, start, (height, count * width), highest)
        for surface, highest in ((upper, False), (lower, True))
    )
    apart = above - below
    apart[np.abs(apart) > FARTHEST] = np.inf
    nearest = apart.min(0).reshape(count, width)  # over the depth
    place = low[:, :1] + (np.arange(width) + 0.5) * cell
    column = np.abs(place[..., None] - columns[:, None]).argmin(-1)
    found = np.full(columns.shape, np.inf)
    np.minimum.at(found, (np.arange(count)[:, None], column), nearest)
    return np.where(np.isfinite(found), found, np.nan)


def _heights(
    surface: np.ndarray, low: np.ndarray, cell: float, start: np.ndarray, size: tuple[int, int], highest: bool
) -> np.ndarray:
    """(depth, across) the lowest or the highest of the surfaces' triangles in each cell."""
    places = (surface[..., :2] - low[:, None, None]) / cell + start[:, None, None]
    seen = rasterise(places.reshape(-1, 3, 2), size[1], size[0])
    level = (seen.weights * surface.reshape(-1, 3, 3)[seen.triangle, :, 2]).sum(1)
    order = np.argsort(level if highest else -level, kind="stable")  # what is written last stays
    heights = np.full(size, -np.inf if highest else np.inf)
    heights[seen.row[order], seen.column[order]] = level[order]
    return heights
