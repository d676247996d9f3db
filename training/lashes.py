"""Lashes as single tapering hairs, laid on ICT-FaceKit's strips of lashes."""

import numpy as np
from scipy import sparse

from .assets import EYEBALLS, LASHES, FaceKit

CARD, CARDS = 114, 12  # vertices of a strip: 19 along the lid, 6 from root to tip
COLUMNS, ROWS = 19, 6
UPPER, LOWER = 34, 22  # hairs of a strip on the upper and on the lower lid
WIDTH = 0.055  # of a column at the root
ALONG = np.array([0.0, 0.3, 0.6, 0.85])  # of a hair; it ends in a point
SHORTEST = 0.55  # of a strip's height


def make_lashes(kit: FaceKit) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    """(N, 1368) a hair's vertices from the strips', polygons (F, 4), -1 for a triangle's fourth, and UVs (F, 4, 2)."""
    rng = np.random.default_rng(12)
    blocks, faces, count = [], [], 0
    for card in range(CARDS):
        grid = _grid(kit, LASHES.start + card * CARD) - LASHES.start
        hairs = UPPER if card % 6 < 3 else LOWER
        for k in range(hairs):
            root = (k + rng.uniform(0.2, 0.8)) / hairs * (COLUMNS - 1)
            lean, length = rng.normal(0, 0.35), rng.uniform(SHORTEST, 1) * (ROWS - 1)
            for t in ALONG:
                blocks += [
                    _weights(grid, root + lean * t + side * WIDTH * (1 - t) * COLUMNS / hairs * 2, t * length)
                    for side in (-1, 1)
                ]
            blocks.append(_weights(grid, root + lean, length))
            tip = count + 2 * len(ALONG)
            steps = count + 2 * np.arange(len(ALONG) - 1)[:, None] + np.array([0, 2, 3, 1])
            faces += [
                *steps.tolist(),
                [tip - 2, tip, tip - 1, -1],
            ]
            count = tip + 1
    rows = np.repeat(np.arange(count), 4)
    columns, weights = (np.concatenate([block[k] for block in blocks]) for k in range(2))
    matrix = sparse.csr_matrix((weights, (rows, columns)), shape=(count, LASHES.stop - LASHES.start))
    faces = np.array(faces, np.int32)
    return matrix, faces, np.full((len(faces), 4, 2), 0.5, np.float32)


def _grid(kit: FaceKit, start: int) -> np.ndarray:
    """(ROWS, COLUMNS) vertices of a strip from the lid outwards, by their places in UV."""
    inside = ((kit.triangles >= start) & (kit.triangles < start + CARD)).all(1)
    uv = np.zeros((CARD, 2))
    uv[kit.triangles[inside].ravel() - start] = kit.uv[kit.triangle_uv[inside].ravel()]
    grid = np.lexsort(np.round(uv, 3).T).reshape(ROWS, COLUMNS) + start
    eye = kit.mean[EYEBALLS]
    centre = eye[np.sign(eye[:, 0]) == np.sign(kit.mean[start, 0])].mean(0)
    away = np.linalg.norm(kit.mean[grid] - centre, axis=2).mean(1)
    return grid if away[0] < away[-1] else grid[::-1]


def _weights(grid: np.ndarray, column: float, row: float) -> tuple[np.ndarray, np.ndarray]:
    """The four vertices around a place on a strip, and their weights."""
    column, row = np.clip(column, 0, COLUMNS - 1 - 1e-6), np.clip(row, 0, ROWS - 1 - 1e-6)
    i, j = int(column), int(row)
    s, t = column - i, row - j
    return grid[[j, j, j + 1, j + 1], [i, i + 1, i, i + 1]], np.array(
        [(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t]
    )
