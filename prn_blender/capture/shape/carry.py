"""Displacements of the mean head on another head: turned and scaled as that is around each place."""

import numpy as np

from ..geometry.position_map import cubic_neighbours, sample_bicubic
from .expression_model import STEP

CELLS = 32  # of UV, in which turn and size are told
SMOOTH = 1.6  # cells
SIZES = (0.7, 1.4)  # of what is around a place, of the mean head's
CHUNK = 2048  # vertices whose displacements are read at once


def sampled(surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(V, K, 3) float32 metres of stored displacements (K, R, R, 3) at uv (V, 2), bicubic."""
    count, size = surface.shape[:2]
    image = np.ascontiguousarray(surface.transpose(1, 2, 0, 3)).reshape(size, size, -1)
    found = np.empty((len(uv), image.shape[2]), np.float32)
    for start in range(0, len(uv), CHUNK):
        part = slice(start, start + CHUNK)
        columns, across = cubic_neighbours(uv[part, 0], size)
        rows, down = cubic_neighbours(uv[part, 1], size)
        weights = (down[:, :, None] * across[:, None, :]).reshape(-1, 1, 16).astype(np.float32)
        taps = image[rows[:, :, None], columns[:, None, :]].reshape(len(weights), 16, -1).astype(np.float32)
        found[part] = (weights @ taps)[:, 0]
    return (found * np.float32(STEP)).reshape(len(uv), count, 3)


def local_turns(mean: np.ndarray, points: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(CELLS, CELLS, 9) float32 by UV: turn times size of a head against the mean head, of what is around there.

    Source: S. Umeyama, as in `geometry.pose`, on moments that are blurred over UV.

    Args:
        mean, points: (V, 3) the same places on the mean head and on the head.
        uv: (V, 2) of them.
    """
    cell = np.clip((uv * CELLS).astype(int), 0, CELLS - 1)
    cell = cell[:, 1] * CELLS + cell[:, 0]
    p, q = mean.astype(np.float64), points.astype(np.float64)
    products = (q[:, :, None] * p[:, None]).reshape(-1, 9)
    values = np.concatenate([np.ones((len(p), 1)), p, q, products, (p**2).sum(1, keepdims=True)], 1)
    moments = np.stack([np.bincount(cell, column, CELLS**2) for column in values.T], 1)
    steps = np.arange(CELLS)
    blur = np.exp(-(((steps[:, None] - steps) / SMOOTH) ** 2) / 2)
    moments = np.einsum("ai,bj,ijc->abc", blur, blur, moments.reshape(CELLS, CELLS, -1), optimize=True)
    p, q, products, square = np.split(moments[..., 1:] / moments[..., :1], [3, 6, 15], axis=-1)
    covariance = products.reshape(CELLS, CELLS, 3, 3) - q[..., :, None] * p[..., None, :]
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.ones(singular.shape)
    sign[..., 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    size = (singular * sign).sum(-1) / np.maximum(square[..., 0] - (p**2).sum(-1), 1e-12)
    turn = (u * sign[..., None, :]) @ vt
    return (np.clip(size, *SIZES)[..., None, None] * turn).reshape(CELLS, CELLS, 9).astype(np.float32)


def turns_at(turns: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(N, 3, 3) turns times sizes, as of `local_turns`, at places uv (N, 2)."""
    return sample_bicubic(turns, uv).reshape(-1, 3, 3)
