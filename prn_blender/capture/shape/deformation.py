"""A landmark moved by hand takes the surface along: less and less with the distance over the surface.

A landmark that was moved is pinned: the surface goes exactly where it was put. The other landmarks ride along with
the surface. Distances follow the surface, which does not continue through mouth and eyes. The deformed head is the
captured one plus weights times displacements, the same in whatever order landmarks were moved.
"""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from ..packs.topology import Topology

# A landmark reaches this many times as far as its neighbours are, within limits in metres,
REACH = 2.0
SHORTEST_REACH, LONGEST_REACH = 0.015, 0.045
# and this many times as far as it is moved: the surface then never rises by more than 0.7 a metre, and has no spike.
STRETCH = 3.0
FARTHEST = 0.15  # metres: no landmark reaches farther
# A way along the edges and diagonals of a grid is up to this much longer than the straight line.
DETOUR = 1.0824
# Two landmarks in one polygon of a coarse mesh cannot be moved apart; below this ratio of how well they can, they
# are moved together.
TELL_APART = 0.02
FILL_ROUNDS = 100


@dataclass(frozen=True)
class Anchors:
    """Where landmarks, or other points, sit on the mesh: each in a triangle of its vertices."""

    vertices: np.ndarray  # (L, 3) int
    weights: np.ndarray  # (L, 3), of each row the sum is 1

    def on(self, values: np.ndarray) -> np.ndarray:
        """(L, …) what values (V, …) of the vertices are at the landmarks."""
        return np.einsum("lk,lk...->l...", self.weights, values[self.vertices])


@lru_cache(maxsize=8)
def anchors_of(topology: Topology) -> Anchors:
    """The triangle around each landmark, found once for each topology."""
    return anchors_at(topology, topology.landmark_uv)


def anchors_at(topology: Topology, uv: np.ndarray) -> Anchors:
    """The triangle around each place (L, 2), found over UV space: closed lips lie on each other only in 3D."""
    corners = topology.triangle_uv
    low, high = corners.min(axis=1).T, corners.max(axis=1).T  # (2, T)
    vertices, weights = [], []
    for point in uv:
        u, v = point
        is_near = (low[0] <= u) & (u <= high[0]) & (low[1] <= v) & (v <= high[1])
        near = np.flatnonzero(is_near)
        if not len(near):  # beside the UV domain
            near = np.linalg.norm(corners.mean(axis=1) - point, axis=1).argmin(keepdims=True)
        inside = _barycentric(corners[near].astype(float), point.astype(float))
        best = inside.min(axis=1).argmax()
        clipped = inside[best].clip(0)
        vertices.append(topology.triangles[near[best]])
        weights.append(clipped / clipped.sum())
    return Anchors(np.array(vertices), np.array(weights))


@dataclass(frozen=True)
class Surface:
    """A captured head on which landmarks are moved."""

    positions: np.ndarray  # (V, 3) metres, as captured
    ways: np.ndarray  # (E, 2) int: the edges, and the diagonals of the quads
    openings: np.ndarray  # (V,) bool: the patches that close the mouth and the eyes
    anchors: Anchors
    _distances: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    _weights: dict[int, tuple[float, np.ndarray]] = field(default_factory=dict, init=False, repr=False)

    def moved(self, displacements: np.ndarray, pinned: np.ndarray) -> np.ndarray:
        """(V, 3) float32 the positions once the landmarks `pinned` (L,) bool were moved by displacements (L, 3)."""
        weights, strength = self._pulls(displacements, pinned)
        return (self.positions + np.einsum("pv,pk->vk", weights, strength)).astype(np.float32)

    def offsets(self, displacements: np.ndarray, pinned: np.ndarray) -> np.ndarray:
        """(L, 3) how far all landmarks' places on the surface then move."""
        weights, strength = self._pulls(displacements, pinned)
        return self.anchors.on(weights.T) @ strength

    def _pulls(self, displacements: np.ndarray, pinned: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the pinned landmarks how far the vertices follow each (P, V), and how far each pulls (P, 3)."""
        pins = np.flatnonzero(pinned)
        if not len(pins):
            return np.zeros((0, len(self.positions))), np.zeros((0, 3))
        wanted = np.asarray(displacements, np.float64)[pins]
        reach = np.maximum(self.reach[pins], STRETCH * np.linalg.norm(wanted, axis=1)).clip(max=FARTHEST)
        weights = np.zeros((len(pins), len(self.positions)))
        for row, (pin, length) in enumerate(zip(pins.tolist(), reach.tolist(), strict=True)):
            weights[row] = self.weights(pin, length)
        # A landmark lies between vertices and within the reach of others: together they must pull it where it was put.
        strength = np.linalg.lstsq(self.anchors.on(weights.T)[pins], wanted, rcond=TELL_APART)[0]
        return weights, strength

    @cached_property
    def landmarks(self) -> np.ndarray:
        """(L, 3) the landmarks' places on the surface."""
        return self.anchors.on(self.positions.astype(np.float64))

    @cached_property
    def reach(self) -> np.ndarray:
        """(L,) metres around each landmark in which it moves the surface, for a small move."""
        apart = np.linalg.norm(self.landmarks[:, None] - self.landmarks, axis=2)
        apart.sort(axis=1)  # first itself; then perhaps its counterpart on the other lip, which says nothing
        return (REACH * apart[:, 2:5].mean(axis=1)).clip(SHORTEST_REACH, LONGEST_REACH)

    def weights(self, landmark: int, reach: float) -> np.ndarray:
        """(V,) how far each vertex follows a landmark that reaches so far, in metres.

        The fall-off with the distance is Wendland's function of smoothness C2: H. Wendland, Piecewise polynomial,
        positive definite and compactly supported radial functions of minimal degree, Adv. Comput. Math. 4, 1995.
        """
        known = self._weights.get(landmark)
        if known is None or known[0] != reach:
            known = reach, self._fill_openings(falloff(self.distances(landmark) / reach))
            self._weights[landmark] = known
        return known[1]

    def distances(self, landmark: int) -> np.ndarray:
        """(V,) metres from a landmark over the surface, as long as they are no more than `FARTHEST`.

        Openings can be entered but not crossed.
        """
        if landmark in self._distances:
            return self._distances[landmark]
        straight = np.linalg.norm(self.positions - self.landmarks[landmark], axis=1)
        along = np.full(len(straight), np.inf)
        changed = np.unique(self.anchors.vertices[landmark])
        along[changed] = straight[changed]
        first, to, length = self._leaving
        # Each round goes on only from where a shorter way was found in the round before.
        while len(changed):
            degree = first[changed + 1] - first[changed]
            within = np.arange(degree.sum()) - np.repeat(np.cumsum(degree) - degree, degree)
            step = np.repeat(first[changed], degree) + within
            way = np.repeat(along[changed], degree) + length[step]
            is_shorter = way < np.minimum(along[to[step]], DETOUR * FARTHEST)
            np.minimum.at(along, to[step][is_shorter], way[is_shorter])
            changed = np.unique(to[step][is_shorter])
        self._distances[landmark] = np.maximum(straight, along / DETOUR)
        return self._distances[landmark]

    @cached_property
    def _leaving(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The directed steps from vertex v, at first[v] to first[v + 1]: to where, and metres; none out of openings."""
        steps = np.concatenate([self.ways, self.ways[:, ::-1]])
        steps = steps[~self.openings[steps[:, 0]]]
        steps = steps[np.argsort(steps[:, 0], kind="stable")]
        first = np.searchsorted(steps[:, 0], np.arange(len(self.positions) + 1))
        start, end = self.positions[steps.T].astype(np.float64)
        return first, steps[:, 1], np.linalg.norm(end - start, axis=1)

    @cached_property
    def _into_openings(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The vertices of the openings, the neighbours of all of them, where each one's begin, and how many it has."""
        steps = np.concatenate([self.ways, self.ways[:, ::-1]])
        steps = steps[self.openings[steps[:, 1]]]
        steps = steps[np.argsort(steps[:, 1], kind="stable")]
        filled, first, count = np.unique(steps[:, 1], return_index=True, return_counts=True)
        return filled, steps[:, 0], first, count

    def _fill_openings(self, weights: np.ndarray) -> np.ndarray:
        """Weights (V,) with those of the openings stretched between what surrounds them."""
        filled, neighbours, first, count = self._into_openings
        if not len(filled) or not weights[neighbours].any():
            return weights
        weights = weights.copy()
        for _ in range(FILL_ROUNDS):
            weights[filled] = np.add.reduceat(weights[neighbours], first) / count
        return weights


def falloff(t: np.ndarray) -> np.ndarray:
    """1 at 0, 0 from 1 on, with a smooth first and second derivative.

    Source: Wendland's function of smoothness C2, as in `Surface.weights`.
    """
    rest = 1 - np.minimum(t, 1)
    return rest**4 * (5 - 4 * rest)


def _barycentric(triangles: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(T, 3) coordinates of a point (2,) in triangles (T, 3, 2); those without area get -inf."""
    a, b, c = np.moveaxis(triangles, 1, 0)
    sides = np.stack(
        [_twice_area(b - point, c - point), _twice_area(c - point, a - point), _twice_area(a - point, b - point)]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        result = (sides / _twice_area(b - a, c - a)).T
    return np.where(np.isfinite(result).all(axis=1, keepdims=True), result, -np.inf)


def _twice_area(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) signed, of the parallelograms between vectors (T, 2)."""
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
