"""Position maps of any resolution as a sparse matrix times the head's vertices."""

import numpy as np
from scipy import sparse
from scipy.ndimage import distance_transform_edt

from prn_blender.capture.geometry.raster import rasterise

from .uv_layout import UvLayout


def texel_triangles(uv: np.ndarray, triangles: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """For every texel centre the triangle that covers it, -1 for none, and its barycentric weights.

    Returns:
        (R, R) int and (R, R, 3) float.
    """
    found = rasterise(uv[triangles] * resolution, resolution, resolution)
    covering = np.full((resolution, resolution), -1)
    weights = np.zeros((resolution, resolution, 3))
    covering[found.row, found.column] = found.triangle
    weights[found.row, found.column] = found.weights
    return covering, weights


def bake_operator(layout: UvLayout, resolution: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """(R * R, SKIN_VERTICES) texels from vertices, and the (R, R) mask of texels inside of the layout.

    Texels outside take the nearest texel inside.
    """
    covering, weights = texel_triangles(layout.uv, layout.triangles, resolution)
    inside = covering >= 0
    row, column = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    covering, weights = covering[row, column], weights[row, column]
    count = resolution * resolution
    texels = sparse.csr_matrix(
        (weights.ravel(), (np.repeat(np.arange(count), 3), layout.triangles[covering.ravel()].ravel())),
        shape=(count, len(layout.uv)),
    )
    return (texels @ layout.source).tocsr().astype(np.float32), inside


def sampling_operator(layout: UvLayout, uv: np.ndarray) -> sparse.csr_matrix:
    """(P, SKIN_VERTICES) points at `uv` (P, 2) from vertices; points outside of the layout are moved inside."""
    corners = layout.uv[layout.triangles]
    a, b, c = (corners[:, k][None] for k in range(3))
    point = uv[:, None]

    def cross(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]

    whole = cross(b - a, c - a)
    bary = np.stack([cross(b - point, c - point), cross(c - point, a - point), cross(a - point, b - point)], -1)
    bary = bary / whole[..., None]
    best = bary.min(-1).argmax(1)  # the triangle that the point is deepest inside of, or least outside of
    weights = np.clip(bary[np.arange(len(uv)), best], 0, None)
    weights /= weights.sum(1, keepdims=True)
    rows = np.repeat(np.arange(len(uv)), 3)
    points = sparse.csr_matrix(
        (weights.ravel(), (rows, layout.triangles[best].ravel())), shape=(len(uv), len(layout.uv))
    )
    return (points @ layout.source).tocsr().astype(np.float32)
