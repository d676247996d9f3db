"""Which cell of the network's grids answers for which face."""

import numpy as np

from .network import STRIDES

# Mean sides of the boxes, in pixels, that a grid is for; faces near a limit are given to both grids. Larger faces are
# background: their parts must not be taken for faces.
SIDES = ((0.0, 36.0), (36.0, 80.0))
SHARED = 1.25
# Cells up to so many strides from the box's centre answer, those up to twice as far are left in peace.
RADIUS = 1.2

BACKGROUND = -1
IGNORED = -2


def cell_centres(size: int) -> tuple[np.ndarray, np.ndarray]:
    """(C, 2) pixels and (C,) strides of all cells of a picture of `size` x `size`, grid after grid."""
    centres, strides = [], []
    for stride in STRIDES:
        at = (np.arange(size // stride) + 0.5) * stride
        centres.append(np.stack(np.meshgrid(at, at), -1).reshape(-1, 2))
        strides.append(np.full(len(centres[-1]), stride))
    return np.concatenate(centres).astype(np.float32), np.concatenate(strides).astype(np.float32)


def assign(faces: np.ndarray, ignored: np.ndarray, centres: np.ndarray, strides: np.ndarray) -> np.ndarray:
    """(C,) for each cell the face that it answers for, BACKGROUND or IGNORED.

    Args:
        faces: (N, FACE_VALUES) as in `scenes.describe`.
        ignored: (M, 4) boxes that are neither face nor background.
        centres: (C, 2) of the cells.
        strides: (C,) of the cells.
    """
    owner = np.full(len(centres), BACKGROUND)
    for left, top, right, bottom in ignored:
        owner[((centres > (left, top)) & (centres < (right, bottom))).all(1)] = IGNORED
    if not len(faces):
        return owner
    sides = faces[:, 2:4].mean(1)
    low, high = (np.array(limit) for limit in zip(*SIDES, strict=True))
    level = np.searchsorted(STRIDES, strides)
    distance = np.linalg.norm(centres[:, None] - faces[None, :, :2], axis=2) / strides[:, None]
    fits = (sides > low[level, None] / SHARED) & (sides < high[level, None] * SHARED)
    nearly = (sides > low[level, None] / SHARED**3) & (sides < high[level, None] * SHARED**3)
    owner[(nearly & (distance < 2 * RADIUS)).any(1)] = IGNORED
    mine = np.where(fits & (distance < RADIUS), distance, np.inf)
    # the cell that is nearest to a face is always its own, so that no face is without one
    for face in np.argsort(-sides, kind="stable"):
        if fits[:, face].any():
            mine[np.where(fits[:, face], distance[:, face], np.inf).argmin(), face] = 0.0
    nearest = mine.argmin(1)
    positive = np.isfinite(mine[np.arange(len(mine)), nearest])
    owner[positive] = nearest[positive]
    return owner
