"""Triangles to pixels."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fragments:
    """Every pixel centre that lies in a triangle, once per triangle."""

    triangle: np.ndarray  # (N,) int
    column: np.ndarray  # (N,) int
    row: np.ndarray  # (N,) int
    weights: np.ndarray  # (N, 3) barycentric, float32

    def interpolate(self, values: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """(N, …) of `values` (V, …) at the corners of `triangles` (T, 3)."""
        corners = values[triangles[self.triangle]]
        return np.einsum("nk,nk...->n...", self.weights, corners)


def rasterise(corners: np.ndarray, width: int, height: int) -> Fragments:
    """The pixels of a picture of width x height that triangles `corners` (T, 3, 2) cover.

    A pixel's centre lies at + 0.5. Pixels on an edge belong to both neighbours; triangles without area cover none.
    """
    corners = np.asarray(corners, np.float64)
    limit = (width - 1, height - 1)
    low = np.clip(np.ceil(corners.min(axis=1) - 0.5), 0, None).astype(np.int64)
    high = np.minimum(np.floor(corners.max(axis=1) - 0.5), limit).astype(np.int64)
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    used = np.flatnonzero((high >= low).all(axis=1) & (area != 0))
    low, extent, area = low[used], (high - low + 1)[used], area[used, None]
    first, second, origin = first[used], second[used], corners[used, 0]
    # weight = (centre - origin) . gradient, for the second and the third corner
    gradient_b = np.stack([second[:, 1], -second[:, 0]], axis=1) / area
    gradient_c = np.stack([-first[:, 1], first[:, 0]], axis=1) / area

    candidates = extent.prod(axis=1)
    index = np.repeat(np.arange(len(used), dtype=np.int32), candidates)
    within = np.arange(len(index)) - np.repeat(np.cumsum(candidates) - candidates, candidates)
    row, column = np.divmod(within, extent[index, 0])
    x0, y0 = (low + 0.5 - origin).astype(np.float32).T
    x, y = column.astype(np.float32) + x0[index], row.astype(np.float32) + y0[index]
    gradient_b, gradient_c = (
        gradient_b.astype(np.float32),
        gradient_c.astype(np.float32),
    )
    b = x * gradient_b[index, 0] + y * gradient_b[index, 1]
    c = x * gradient_c[index, 0] + y * gradient_c[index, 1]
    a = 1 - b - c
    slack = -1e-4  # no gaps between neighbours by rounding
    inside = np.flatnonzero((a >= slack) & (b >= slack) & (c >= slack))
    index = index[inside]
    return Fragments(
        used[index],
        column[inside] + low[index, 0],
        row[inside] + low[index, 1],
        np.stack([a[inside], b[inside], c[inside]], axis=1),
    )


def nearest_inside(domain: np.ndarray) -> np.ndarray:
    """(H, W) index into the flat image of each texel's nearest in `domain` (H, W)."""
    import cv2

    _, label = cv2.distanceTransformWithLabels(
        (~domain).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(label.max() + 1, np.int64)
    source[label[domain]] = np.flatnonzero(domain)
    return source[label]
