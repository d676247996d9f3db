"""A landmark moved by hand takes the surface around it along; its neighbours hold theirs.

How far each vertex follows a landmark is one number: 1 at the landmark, 0 at every other landmark and beyond its
reach, smooth in between. So the deformed head is the captured one plus weights times displacements, the same in
whatever order landmarks were moved. Distances follow the surface, which does not continue through mouth and eyes.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..packs.topology import Topology

# A landmark reaches this many times as far as its neighbours are, within limits in metres.
REACH = 2.0
SHORTEST_REACH, LONGEST_REACH = 0.015, 0.045
# A path along the edges of a grid is up to this much longer than the straight line; what is longer is a detour.
EDGE_DETOUR = 1.42
# Two landmarks in one polygon of a coarse mesh cannot be moved apart; below this ratio of how well they can, they
# are moved together.
TELL_APART = 0.02
FILL_ROUNDS = 100


@dataclass(frozen=True)
class Anchors:
    """Where the landmarks sit on the mesh: each in a triangle of its vertices."""

    vertices: np.ndarray  # (L, 3) int
    weights: np.ndarray  # (L, 3), of each row the sum is 1

    def on(self, values: np.ndarray) -> np.ndarray:
        """(L, …) what values (V, …) of the vertices are at the landmarks."""
        return np.einsum("lk,lk...->l...", self.weights, values[self.vertices])


def anchors_of(topology: Topology) -> Anchors:
    """The triangle around each landmark, found over UV space: closed lips lie on each other only in 3D."""
    corners = topology.triangle_uv
    low, high = corners.min(axis=1).T, corners.max(axis=1).T  # (2, T)
    vertices, weights = [], []
    for point in topology.landmark_uv:
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
    edges: np.ndarray  # (E, 2) int
    openings: np.ndarray  # (V,) bool: the patches that close the mouth and the eyes
    anchors: Anchors
    _known: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict, init=False, repr=False)

    def moved(self, displacements: np.ndarray) -> np.ndarray:
        """(V, 3) the positions once landmarks were moved by displacements (L, 3)."""
        moved = self.positions.astype(np.float64)
        for landmark in np.flatnonzero(displacements.any(axis=1)).tolist():
            if landmark not in self._known:
                self._known[landmark] = self.influence(landmark)
            vertices, weights = self._known[landmark]
            moved[vertices] += weights[:, None] * displacements[landmark]
        return moved.astype(np.float32)

    @cached_property
    def landmarks(self) -> np.ndarray:
        """(L, 3) the landmarks' places on the surface."""
        return self.anchors.on(self.positions.astype(np.float64))

    @cached_property
    def reach(self) -> np.ndarray:
        """(L,) metres around each landmark in which it moves the surface."""
        apart = np.linalg.norm(self.landmarks[:, None] - self.landmarks, axis=2)
        apart.sort(axis=1)  # first itself; then perhaps its counterpart on the other lip, which says nothing
        return (REACH * apart[:, 2:5].mean(axis=1)).clip(SHORTEST_REACH, LONGEST_REACH)

    def influence(self, landmark: int) -> tuple[np.ndarray, np.ndarray]:
        """Which vertices follow a landmark, and how far.

        The fall-off with the distance is Wendland's function of smoothness C2: H. Wendland, Piecewise polynomial,
        positive definite and compactly supported radial functions of minimal degree, Adv. Comput. Math. 4, 1995.

        Returns:
            indices (M,) and weights (M,): moved by weight times displacement, the landmark's own place on the surface
            moves by the displacement, and the places of the others stay.
        """
        reach = self.reach[landmark]
        patch = _Patch.around(self, landmark)
        count = len(patch.landmarks)
        own = int(np.flatnonzero(patch.landmarks == landmark)[0])
        distance = patch.distances()  # (M, count)
        hold = patch.at_landmarks(np.minimum(distance, reach))[:, own]  # how far each is from the moved one
        follows = falloff(distance[:, own] / reach)
        for other in set(range(count)) - {own}:
            follows *= 1 - falloff(distance[:, other] / max(hold[other], 1e-6))

        follows = patch.fill_openings(follows)
        # A landmark lies between vertices, so it is neither quite reached nor quite held. What is missing is given to
        # the vertices of the triangles, as little as will do.
        missing = (np.arange(count) == own) - patch.at_landmarks(follows)
        holding = patch.matrix
        strength = np.linalg.lstsq(holding @ holding.T, missing, rcond=TELL_APART)[0]
        return patch.vertices, follows + strength @ holding


def falloff(t: np.ndarray) -> np.ndarray:
    """1 at 0, 0 from 1 on, with a smooth first and second derivative."""
    rest = 1 - np.minimum(t, 1)
    return rest**4 * (5 - 4 * rest)


@dataclass(frozen=True)
class _Patch:
    """The surface within a landmark's reach, and the landmarks that have a part in it."""

    vertices: np.ndarray  # (M,) indices
    positions: np.ndarray  # (M, 3)
    openings: np.ndarray  # (M,) bool
    steps: np.ndarray  # (S, 2) directed edges within the patch, from, to; sorted by `to`
    landmarks: np.ndarray  # (N,) indices
    places: np.ndarray  # (N, 3) of the landmarks
    corners: np.ndarray  # (N, 3) of each landmark's triangle, as indices into the patch; M where it lies outside
    weights: np.ndarray  # (N, 3)

    @classmethod
    def around(cls, surface: Surface, landmark: int) -> "_Patch":
        place, anchors = surface.landmarks[landmark], surface.anchors
        inside = np.linalg.norm(surface.positions - place, axis=1) < surface.reach[landmark]
        inside[anchors.vertices[landmark]] = True
        vertices = np.flatnonzero(inside)
        number = np.full(len(inside), len(vertices))
        number[vertices] = np.arange(len(vertices))
        edges = number[surface.edges[inside[surface.edges].all(axis=1)]]
        both_ways = np.concatenate([edges, edges[:, ::-1]])
        landmarks = np.flatnonzero(inside[anchors.vertices].any(axis=1))
        return cls(
            vertices=vertices,
            positions=surface.positions[vertices].astype(np.float64),
            openings=surface.openings[vertices],
            steps=both_ways[np.argsort(both_ways[:, 1], kind="stable")],
            landmarks=landmarks,
            places=surface.landmarks[landmarks],
            corners=number[anchors.vertices[landmarks]],
            weights=anchors.weights[landmarks],
        )

    @cached_property
    def matrix(self) -> np.ndarray:
        """(N, M) takes values of the vertices to the landmarks, those outside of the patch as 0."""
        matrix = np.zeros((len(self.landmarks), len(self.vertices) + 1))
        matrix[np.arange(len(self.landmarks))[:, None], self.corners] = self.weights
        return matrix[:, :-1]

    def at_landmarks(self, values: np.ndarray) -> np.ndarray:
        """(N, …) of values (M, …)."""
        return self.matrix @ values

    def distances(self) -> np.ndarray:
        """(M, N) metres from each landmark: straight, where the way along the surface is no detour.

        Openings can be entered but not crossed.
        """
        straight = np.linalg.norm(self.positions[:, None] - self.places, axis=2)
        if not self.openings.any():
            return straight
        along = np.full((len(self.vertices) + 1, len(self.landmarks)), np.inf)
        column = np.arange(len(self.landmarks))[:, None]
        seeds = np.append(straight, np.full_like(straight[:1], np.inf), axis=0)[self.corners, column]
        along[self.corners, column] = seeds
        longest = EDGE_DETOUR * straight.max()
        leaving = self.steps[np.argsort(self.steps[:, 0], kind="stable")]
        leaving = leaving[~self.openings[leaving[:, 0]]]
        length = np.linalg.norm(np.subtract(*self.positions[leaving.T]), axis=1)
        first = np.searchsorted(leaving[:, 0], np.arange(len(along) + 1))
        count = np.diff(first)
        # Each round goes on only from where a shorter way was found in the round before.
        changed = np.unique(self.corners * len(column) + column)
        while len(changed):
            vertex, landmark = np.divmod(changed, len(column))
            degree = count[vertex]
            within = np.arange(degree.sum()) - np.repeat(np.cumsum(degree) - degree, degree)
            step = np.repeat(first[vertex], degree) + within
            to, landmark = leaving[step, 1], np.repeat(landmark, degree)
            way = np.repeat(along.ravel()[changed], degree) + length[step]
            is_shorter = way < np.minimum(along[to, landmark], longest)
            place, way = (to * len(column) + landmark)[is_shorter], way[is_shorter]
            np.minimum.at(along.reshape(-1), place, way)
            changed = np.unique(place)
        return np.maximum(straight, along[:-1] / EDGE_DETOUR)

    def fill_openings(self, values: np.ndarray) -> np.ndarray:
        """Values (M,) with those of the openings stretched between what surrounds them."""
        inner = self.steps[self.openings[self.steps[:, 1]]]
        if not len(inner):
            return values
        filled, first, count = np.unique(inner[:, 1], return_index=True, return_counts=True)
        values = values.copy()
        for _ in range(FILL_ROUNDS):
            values[filled] = np.add.reduceat(values[inner[:, 0]], first) / count
        return values


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
