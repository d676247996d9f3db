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
    # Coordinate by coordinate: numpy is slow along an axis of two or three.
    origin, b, c = np.ascontiguousarray(np.asarray(corners, np.float64).transpose(1, 2, 0))  # (2, T) each
    limit = np.array([[width - 1], [height - 1]])
    low = np.maximum(np.ceil(np.minimum(np.minimum(origin, b), c) - 0.5), 0).astype(np.int64)
    high = np.minimum(np.floor(np.maximum(np.maximum(origin, b), c) - 0.5), limit).astype(np.int64)
    first, second = b - origin, c - origin
    area = first[0] * second[1] - first[1] * second[0]
    used = np.flatnonzero((high[0] >= low[0]) & (high[1] >= low[1]) & (area != 0))
    low, extent, area = low[:, used], (high - low + 1)[:, used].astype(np.int32), area[used]
    first, second, origin = first[:, used], second[:, used], origin[:, used]
    # weight = (centre - origin) . gradient, for the second and the third corner
    gradient_b = (np.stack([second[1], -second[0]]) / area).astype(np.float32)
    gradient_c = (np.stack([-first[1], first[0]]) / area).astype(np.float32)

    candidates = extent[0] * extent[1]
    index = np.repeat(np.arange(len(used), dtype=np.int32), candidates)
    begin = np.repeat((np.cumsum(candidates) - candidates).astype(np.int32), candidates)
    row, column = np.divmod(np.arange(len(index), dtype=np.int32) - begin, extent[0].take(index))
    x0, y0 = (low + 0.5 - origin).astype(np.float32)
    x, y = column.astype(np.float32) + x0.take(index), row.astype(np.float32) + y0.take(index)
    b = x * gradient_b[0].take(index) + y * gradient_b[1].take(index)
    c = x * gradient_c[0].take(index) + y * gradient_c[1].take(index)
    a = 1 - b - c
    slack = -1e-4  # no gaps between neighbours by rounding
    inside = np.flatnonzero((a >= slack) & (b >= slack) & (c >= slack))
    index = index[inside]
    return Fragments(
        used[index],
        column[inside] + low[0, index],
        row[inside] + low[1, index],
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
