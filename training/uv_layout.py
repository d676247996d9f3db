"""The UV layout: the whole head flat on a rounded square, without overlaps, the face enlarged.

The head (face, ears, skull, neck) is closed over eyes and mouth by fans, cut from the nape to the crown, and its
border is laid on the superellipse |x|^6 + |y|^6 = 1: crown at the top's middle, the cut down both sides, the neck's
edge along the bottom. Inside, a convex combination map (M. Floater, Mean value coordinates, 2003) whose weights are
then adapted to the stretch (S. Yoshizawa, A. Belyaev, H.-P. Seidel, A fast and simple stretch-minimizing mesh
parameterization, 2004).

    python -m training.uv_layout LAYOUT.npz
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from .assets import LANDMARK_VERTICES, SKIN_VERTICES, FaceKit, load_facekit

ORDER = 6  # of the superellipse
EYE_LOOP, MOUTH_LOOP = 42, 74  # edges around the holes


@dataclass(frozen=True)
class UvLayout:
    """A flat mesh; every vertex is a weighted sum of the head's skin vertices."""

    uv: np.ndarray  # (L, 2) 0..1, v downwards
    triangles: np.ndarray  # (T, 3)
    source: sparse.csr_matrix  # (L, SKIN_VERTICES): layout vertices from skin vertices
    eye_right: np.ndarray  # vertices around the holes
    eye_left: np.ndarray
    mouth: np.ndarray

    @property
    def landmark_uv(self) -> np.ndarray:
        """(68, 2) UV of ICT-FaceKit's landmark vertices."""
        return self.uv[LANDMARK_VERTICES]

    def save(self, path: Path) -> None:
        """Writes an npz."""
        coo = self.source.tocoo()
        np.savez_compressed(
            path,
            uv=self.uv,
            triangles=self.triangles,
            row=coo.row,
            column=coo.col,
            weight=coo.data,
            eye_right=self.eye_right,
            eye_left=self.eye_left,
            mouth=self.mouth,
        )

    @classmethod
    def load(cls, path: Path) -> "UvLayout":
        """Reads what `save` wrote."""
        with np.load(path) as data:
            source = sparse.csr_matrix(
                (data["weight"], (data["row"], data["column"])), shape=(len(data["uv"]), SKIN_VERTICES)
            )
            names = ("uv", "triangles", "eye_right", "eye_left", "mouth")
            return cls(source=source, **{name: data[name] for name in names})


def make_layout(kit: FaceKit, iterations: int = 16) -> UvLayout:
    """The layout of ICT-FaceKit's skin."""
    mean = kit.mean[:SKIN_VERTICES].astype(np.float64)
    triangles = kit.skin_triangles
    triangles = triangles[_above_neck(mean)[triangles].all(1)]
    loops = boundary_loops(triangles)
    eyes = sorted((loop for loop in loops if len(loop) == EYE_LOOP), key=lambda loop: mean[loop, 0].mean())
    mouth = next(loop for loop in loops if len(loop) == MOUTH_LOOP)
    neck = max((loop for loop in loops if len(loop) not in (EYE_LOOP, MOUTH_LOOP)), key=len)

    holes = [*eyes, mouth]
    centres = len(mean) + np.arange(len(holes))
    fans = [
        np.stack([np.roll(loop, -1), loop, np.full(len(loop), centre)], 1)
        for loop, centre in zip(holes, centres, strict=True)
    ]
    points = np.concatenate([mean, [mean[loop].mean(0) for loop in holes]])
    closed = np.concatenate([triangles, *fans])

    path = _seam(points, closed, neck)
    copies = len(points) + np.arange(len(path) - 1)  # of all but the crown
    flat_points = np.concatenate([points, points[path[:-1]]])
    cut = _cut(points, closed, path, copies)

    border, border_uv = _border(flat_points, cut, path, copies)
    uv = _flatten(flat_points, cut, border, border_uv, _target_scale(flat_points, mean), iterations)

    originals = np.concatenate([np.arange(len(points)), path[:-1]])
    return UvLayout(uv, cut, _sources(originals, holes, len(mean)), eyes[0], eyes[1], mouth)


def boundary_loops(triangles: np.ndarray) -> list[np.ndarray]:
    """Every boundary as vertices in the order of its triangles' edges."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = edges.max() + 1
    forward, backward = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    follow = dict(edges[~np.isin(forward, backward)].tolist())
    loops = []
    while follow:
        start, vertex = follow.popitem()
        loop = [start]
        while vertex != start:
            loop.append(vertex)
            vertex = follow.pop(vertex)
        loops.append(np.array(loop))
    return loops


def _above_neck(mean: np.ndarray) -> np.ndarray:
    x, y, z = mean.T
    return (y > -13.2 + 0.18 * np.clip(z, -6, 6)) & ~((np.abs(x) > 9.0) & (y < -8))


def _seam(points: np.ndarray, triangles: np.ndarray, neck: np.ndarray) -> np.ndarray:
    """Vertices on the midline from the neck's edge up the back to the crown."""
    on_midline = (np.abs(points[:, 0]) < 1e-3) & (points[:, 2] < 0) & (points[:, 1] > -14)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = edges[on_midline[edges].all(1)]
    neighbours: dict[int, set[int]] = {}
    for a, b in edges.tolist():
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    path = [next(int(i) for i in neck if on_midline[i])]
    while not (points[path[-1], 1] > 12 and points[path[-1], 2] > -2.5):
        ahead = [i for i in neighbours[path[-1]] if i not in path]
        path.append(max(ahead, key=lambda i: points[i, 1]))
    return np.array(path)


def _cut(points: np.ndarray, triangles: np.ndarray, path: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Triangles of which those on the subject's left use the path's copies."""
    copy_of = np.arange(len(points))
    copy_of[path[:-1]] = copies
    left = points[triangles].mean(1)[:, 0] > 0
    cut = triangles.copy()
    cut[left] = copy_of[triangles[left]]
    return cut


def superellipse(steps: np.ndarray) -> np.ndarray:
    """(N, 2) points in 0..1 at arc lengths 0..4 from the top's middle to the right and around."""
    angle = np.linspace(0, 2 * np.pi, 20001)
    x, y = np.sin(angle), -np.cos(angle)
    curve = np.stack([x, y], 1) * ((np.abs(x) ** ORDER + np.abs(y) ** ORDER) ** (-1 / ORDER))[:, None]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    length *= 4 / length[-1]
    return np.stack([np.interp(steps, length, curve[:, k]) for k in range(2)], 1) * 0.5 + 0.5


def _border(
    points: np.ndarray, triangles: np.ndarray, path: np.ndarray, copies: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The border's vertices from the crown on, and their places: cut 0-1.5, neck 1.5-2.5, cut 2.5-4."""
    border = max(boundary_loops(triangles), key=len).tolist()
    crown = border.index(path[-1])
    border = np.array(border[crown:] + border[:crown])
    travelled = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points[border], axis=0), axis=1))])
    travelled = np.append(travelled, travelled[-1] + np.linalg.norm(points[border[-1]] - points[border[0]]))
    ends = sorted([int(np.flatnonzero(border == path[0])[0]), int(np.flatnonzero(border == copies[0])[0])])
    steps = np.interp(travelled[:-1], travelled[[0, *ends, len(border)]], [0, 1.5, 2.5, 4])
    uv = superellipse(steps)
    third_side = points[border[ends[0] // 3 : ends[0] // 3 + 1]]
    first_is_left = np.isin(border[: ends[0]], copies).any() or third_side[0, 0] > 0
    if not first_is_left:
        uv[:, 0] = 1 - uv[:, 0]
    return border, uv


def _target_scale(points: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """How much larger than the skull a place should come out: the face most."""
    centre = mean[LANDMARK_VERTICES[17:]].mean(0)
    distance = np.linalg.norm((points - centre) * (1, 1, 0.8), axis=1)
    scale = 0.45 + 0.75 * np.exp(-((distance / 7.5) ** 2))
    return np.where(points[:, 2] < -2, 0.75 * scale, scale)


def _flatten(points, triangles, border, border_uv, scale, iterations) -> np.ndarray:
    """(L, 2) the map with the least stretch of `iterations`."""
    first, across, height = _unfolded(points, triangles, scale[triangles].mean(1))
    area = first * height / 2
    weights = _mean_value_weights(points, triangles)
    inner = np.setdiff1d(np.unique(triangles), border)
    best, best_stretch = None, np.inf
    for _ in range(iterations):
        uv = _solve(weights, inner, border, border_uv, len(points))
        stretch, flat_area = _stretch(uv, triangles, first, across, height)
        total = np.sqrt((stretch**2 * area).sum() / area.sum() * np.abs(flat_area).sum() / area.sum())
        flipped = (np.sign(flat_area) != np.sign(np.median(flat_area))).any()
        if not flipped and total < best_stretch:
            best, best_stretch = uv, total
        sums = np.bincount(triangles.ravel(), np.repeat(area * stretch**2, 3), minlength=len(points))
        areas = np.bincount(triangles.ravel(), np.repeat(area, 3), minlength=len(points))
        local = np.sqrt(sums / np.maximum(areas, 1e-12))
        local = np.where(areas > 0, local / np.median(local[areas > 0]), 1)
        weights = weights @ sparse.diags(1 / np.clip(local, 0.05, 20) ** 0.5)
    print(f"stretch {best_stretch:.2f}")
    return best


def _unfolded(points, triangles, scale) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each triangle in its plane: corners (0, 0), (first, 0), (across, height)."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    first = np.linalg.norm(b - a, axis=1)
    along = (b - a) / first[:, None]
    across = ((c - a) * along).sum(1)
    height = np.linalg.norm(c - a - along * across[:, None], axis=1)
    return first * scale, across * scale, height * scale


def _mean_value_weights(points: np.ndarray, triangles: np.ndarray) -> sparse.csr_matrix:
    rows, columns, values = [], [], []
    for k in range(3):
        a, b, c = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        ab, ac = points[b] - points[a], points[c] - points[a]
        length_b, length_c = np.linalg.norm(ab, axis=1), np.linalg.norm(ac, axis=1)
        half = np.tan(np.arccos(np.clip((ab * ac).sum(1) / length_b / length_c, -1, 1)) / 2)
        rows += [a, a]
        columns += [b, c]
        values += [half / length_b, half / length_c]
    count = len(points)
    return sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(count, count)
    )


def _solve(weights, inner, border, border_uv, count) -> np.ndarray:
    laplacian = (sparse.diags(np.asarray(weights.sum(1)).ravel()) - weights).tocsr()
    rows = laplacian[inner]
    uv = np.zeros((count, 2))
    uv[border] = border_uv
    uv[inner] = spsolve(rows[:, inner].tocsc(), -(rows[:, border] @ border_uv))
    return uv


def _stretch(uv, triangles, first, across, height) -> tuple[np.ndarray, np.ndarray]:
    """The L2 stretch of each triangle and its signed flat area. P. Sander et al., Texture mapping progressive meshes."""
    a, b, c = (uv[triangles[:, k]] for k in range(3))
    flat = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    corner_b = np.stack([first, np.zeros_like(first)], 1)
    corner_c = np.stack([across, height], 1)
    by_u = (corner_b * (c - a)[:, 1:] + corner_c * (a - b)[:, 1:]) / (2 * flat)[:, None]
    by_v = (corner_b * (a - c)[:, :1] + corner_c * (b - a)[:, :1]) / (2 * flat)[:, None]
    return np.sqrt(((by_u**2).sum(1) + (by_v**2).sum(1)) / 2), flat


def _sources(originals: np.ndarray, holes: list[np.ndarray], skin: int) -> sparse.csr_matrix:
    """(L, skin) a layout vertex is its skin vertex, or the mean of the hole that it closes."""
    real = originals < skin
    rows, columns = [np.flatnonzero(real)], [originals[real]]
    values = [np.ones(real.sum())]
    for k, loop in enumerate(holes):
        rows.append(np.full(len(loop), skin + k))
        columns.append(loop)
        values.append(np.full(len(loop), 1 / len(loop)))
    return sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(len(originals), skin)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    make_layout(load_facekit()).save(options.output)


if __name__ == "__main__":
    main()
