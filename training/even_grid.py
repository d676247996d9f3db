"""A square grid over the UV layout from the crown to the neck's edge, narrower where the head is finely shaped."""

import numpy as np
from scipy import sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import splu

from prn_blender.capture.geometry.position_map import PositionMap

from .edge_loops import RIMS
from .neck import NeckEdge
from .uv_layout import ORDER

DENSEST = 2.5  # times as many cells a length as where the head is smooth
FINE = 0.4  # mm of detail at which a place has the densest cells
SPREAD = 0.012  # of UV by which they reach beyond it
ROUNDS = 12
HOLD = 4.0  # how firmly, where an edge of the grid pulls with 1

MEETING, EDGE = (np.array(rim[2 : np.argmax(rim, 0)[1] + 1]) for rim in RIMS["ear"][1:])  # from the top down the back
# Lines that corners follow, and v from where to where: behind the ear, along its edge, and within it beside the edge.
EAR_LINES = (
    (MEETING, 0.25, 0.60),
    (EDGE, 0.28, 0.62),
    (EDGE + (0.010, 0), 0.35, 0.60),
    (EDGE + (0.020, 0), 0.35, 0.58),
)


def grid_uv(cells: int, surface: np.ndarray, detail: np.ndarray) -> np.ndarray:
    """(n + 1, n + 1, 2) corners: the first row lies on the layout's top, the last on the neck's edge.

    Args:
        surface: (R, R, 3) cm, the mean head's map.
        detail: (D, D, 3) metres, what the network's map lacks of it.
    """
    line = np.linspace(-1, 1, cells + 1)
    x, y = np.meshgrid(line, line)
    square = np.maximum(np.abs(x), np.abs(y))
    rounded = (np.abs(x) ** ORDER + np.abs(y) ** ORDER) ** (1 / ORDER)
    uv = np.stack([x, y], -1) * np.where(rounded > 0, square / np.maximum(rounded, 1e-12), 1)[..., None] * 0.5 + 0.5
    neck = NeckEdge.of(surface)
    uv[:, 0] = _along_cut(uv[:, 0], neck)
    uv[:, -1] = uv[:, 0] * (-1, 1) + (1, 0)
    uv[-1] = _evenly(neck.whole, cells, surface)
    density = _density(detail)
    for _ in range(ROUNDS):
        uv = _relaxed(uv, density, _ear_lines(uv))
    return (uv + uv[:, ::-1] * (-1, 1) + (1, 0)) / 2


def _along_cut(side: np.ndarray, neck: NeckEdge) -> np.ndarray:
    """(N, 2) a side of the layout's border, shortened so that it ends at the neck's edge."""
    top, bottom = side[0, 1], side[-1, 1]
    v = top + (side[:, 1] - top) * (neck.nape[1] - top) / (bottom - top)
    u = 0.5 - 0.5 * (1 - np.abs(2 * v - 1) ** ORDER) ** (1 / ORDER)
    return np.stack([u, v], 1)


def _evenly(curve: np.ndarray, cells: int, surface: np.ndarray) -> np.ndarray:
    """(cells + 1, 2) points of a curve (N, 2) at equal distances on the surface, the same on both sides."""
    points = PositionMap(surface).sample(curve)
    step = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(step + step[::-1])])
    steps = np.linspace(0, length[-1], cells + 1)
    return np.stack([np.interp(steps, length, curve[:, k]) for k in range(2)], 1)


def _density(detail: np.ndarray) -> PositionMap:
    """How many times as many cells a length belong at each place, at least one."""
    millimetres = 1000 * np.linalg.norm(detail, axis=-1)
    x = np.abs((np.arange(len(detail)) + 0.5) / len(detail) * 2 - 1)
    inside = x[:, None] ** ORDER + x**ORDER < 0.9**ORDER  # beyond, maps repeat themselves
    fine = np.minimum(millimetres / FINE, 1) * inside
    fine = gaussian_filter(np.maximum(fine, fine[:, ::-1]), SPREAD * len(detail))
    return PositionMap((1 + (DENSEST - 1) * np.minimum(2 * fine, 1)[..., None]).astype(np.float32))


def _ear_lines(uv: np.ndarray) -> np.ndarray:
    """(n + 1, n + 1) u on which corners are to lie, nan where they are free.

    A grid that does not follow the narrow rims of an ear makes saw teeth across them.
    """
    aim = np.full(uv.shape[:2], np.nan)
    half = uv.shape[1] // 2
    u, v = np.moveaxis(uv[:, :half], -1, 0)
    for line, first, last in EAR_LINES:
        aims = np.interp(v, *line.T[::-1])
        inside = (v > first) & (v < last)
        column = np.nanmean(np.where(inside, np.abs(u - aims), np.nan), axis=0).argmin()
        rows = inside[:, column]
        aim[rows, column] = aims[rows, column]
        aim[rows, -1 - column] = 1 - aims[rows, column]
    return aim


def _relaxed(uv: np.ndarray, density: PositionMap, aim: np.ndarray) -> np.ndarray:
    """The inner corners between their neighbours, pulled together by the density. W. Tutte, How to draw a graph, 1963.

    Args:
        aim: (n + 1, n + 1) u where corners are held, nan elsewhere.
    """
    rows, columns = uv.shape[:2]
    number = np.arange(rows * columns).reshape(rows, columns)
    edges = np.concatenate(
        [
            np.stack([number[:, :-1], number[:, 1:]], -1).reshape(-1, 2),
            np.stack([number[:-1], number[1:]], -1).reshape(-1, 2),
        ]
    )
    flat = uv.reshape(-1, 2)
    weight = density.sample(flat[edges].mean(1))[:, 0].astype(np.float64)
    ends = np.concatenate([edges, edges[:, ::-1]])
    pull = sparse.csr_matrix((np.tile(weight, 2), ends.T), shape=(len(flat), len(flat)))
    laplacian = (sparse.diags(np.asarray(pull.sum(1)).ravel()) - pull).tocsr()
    inner = number[1:-1, 1:-1].ravel()
    border = np.setdiff1d(number, inner)
    relaxed = flat.copy()
    held = np.isfinite(aim.ravel()[inner])
    for axis, hold in enumerate((HOLD * held, np.zeros(len(inner)))):
        pulled = hold * np.nan_to_num(aim.ravel()[inner]) - laplacian[inner][:, border] @ flat[border, axis]
        relaxed[inner, axis] = splu((laplacian[inner][:, inner] + sparse.diags(hold)).tocsc()).solve(pulled)
    return relaxed.reshape(uv.shape)
