"""Lips meet, and do not pass through each other."""

from dataclasses import dataclass

import numpy as np

from .deformation import Anchors
from .meeting import clearance

CELL = 0.0005  # metres in which lips are compared
CONTACT = 0.00005  # metres between lips that touch
REACH = 0.006  # metres from where they touch over which a lip goes along
ALONG = 0.003  # metres: width in which the places where they touch are mixed
UPPER_SHARE = 0.3  # of a gap between the lips that the upper one closes; the jaw moves the lower one
FARTHER = 2.0  # times the reach: beyond, nothing goes along
ROUNDS = 6  # at most, of pushing lips apart
MEETING = 3  # rounds of closing them
MORE = 1.25  # as much as is wanted they are pushed: the skin around holds them back
LEAST = 0.00005  # metres: lips that go less against each other do not cross
NEAR = 0.0001  # metres: so near to what is wanted nothing more is done
COLUMN = 0.002  # metres across, in which the nearest place of a rolled-in lip is looked for
BEHIND = 0.05  # of the way on which a lip that is rolled in would go on behind its inner edge, through the teeth


@dataclass(frozen=True, eq=False)
class Lips:
    """The places at which the lips touch, P of each, and what of the head goes along with each lip. All but `near` are
    rows of it, and points (K, N, 3) are those of `near`."""

    near: np.ndarray  # (N,) vertices
    anchors: Anchors  # (2 P)
    triangles: tuple[np.ndarray, np.ndarray]  # (T, 3) of the upper and of the lower lip
    vertices: tuple[np.ndarray, np.ndarray]  # (M,)
    pull: tuple[np.ndarray, np.ndarray]  # (M, P)
    inner: tuple[np.ndarray, np.ndarray]  # (E,) the inner edge of each lip

    def gap(self, points: np.ndarray) -> np.ndarray:
        """(K, P) metres between the lips of each of K heads, negative where they have crossed."""
        places = self._places(points)
        upper, lower = (points[:, triangles] for triangles in self.triangles)
        found = clearance(upper, lower, places[..., 0].mean(2), CELL)
        return np.where(np.isnan(found), places[:, :, 0, 2] - places[:, :, 1, 2], found)

    def joined(self, moved: np.ndarray) -> np.ndarray:
        """(K, N, 3) displacements `moved` (K, N, 3), both lips going the same way where they touch: then they do not
        part or cross at any share of it."""
        places = self._places(moved)
        return self._pulled(moved, places[:, :, 1] - places[:, :, 0], UPPER_SHARE)

    def met(self, points: np.ndarray) -> np.ndarray:
        """(K, N, 3) points with the lips closed."""
        for _ in range(MEETING):
            points = self._pulled(points, _upwards(CONTACT - self.gap(points)), UPPER_SHARE)
        return points

    def apart(self, still: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(K, N, 3) points, the lips pushed apart where the lower one has passed the upper one, and has not in `still`
        (N, 3)."""
        points = points.copy()
        places = self._places(points - still)
        left = np.flatnonzero(np.abs(places[:, :, 0] - places[:, :, 1]).max((1, 2)) > LEAST)
        least = np.minimum(self.gap(still[None]), CONTACT)
        for _ in range(ROUNDS):
            crossed = np.maximum(least - self.gap(points[left]), 0)
            crosses = crossed.max(1) >= NEAR
            left, crossed = left[crosses], crossed[crosses]
            if not len(left):
                break
            # What is pushed is mixed along the lips: the neighbours count, too.
            beside = np.pad(crossed, ((0, 0), (1, 1)), mode="edge")
            push = np.maximum(crossed, np.maximum(beside[:, :-2], beside[:, 2:]))
            points[left] = self._pulled(points[left], _upwards(MORE * push), 0.5)
        return points

    def rolled(self, still: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(K, N, 3) points, each lip up to the line where they touch in `still` (N, 3) and not beyond, and before the
        teeth: so both can be rolled in at once."""
        moved = points.copy()
        line = self._places(still[None])[0].mean(1)
        for vertices, pull, upwards in zip(self.vertices, self.pull, (1, -1), strict=True):
            x, y, z = np.moveaxis(moved[:, vertices], -1, 0)
            own = still[vertices]
            front = np.minimum(*(_along(still[inner], 1, x) for inner in self.inner))
            y -= (1 - BEHIND) * np.maximum(y - np.maximum(front, own[:, 1]), 0)
            apart = upwards * (z - _along(line, 2, x))  # from the line, to the lip's own side
            beside = np.abs(x[:, None] - line[:, :1]) < COLUMN
            nearest = np.where(beside, apart[:, None], COLUMN).min(2)
            apart -= np.maximum(nearest + CONTACT, 0) @ pull.T
            apart = np.maximum(apart, np.minimum(upwards * (own[:, 2] - _along(line, 2, own[:, 0])), -CONTACT))
            moved[:, vertices, 1], moved[:, vertices, 2] = y, _along(line, 2, x) + upwards * apart
        return moved

    def _places(self, values: np.ndarray) -> np.ndarray:
        """(K, P, 2, 3) where, or by how much, the lips' places are moved."""
        return self.anchors.on(values.swapaxes(0, 1)).reshape(-1, 2, *values.shape[::2]).transpose(2, 0, 1, 3)

    def _pulled(self, points: np.ndarray, apart: np.ndarray, upper_share: float) -> np.ndarray:
        """(K, N, 3) points, the upper lip moved against the lower one by (K, P, 3)."""
        moved = points.copy()
        for vertices, pull, share in zip(self.vertices, self.pull, (upper_share, upper_share - 1), strict=True):
            moved[:, vertices] += pull @ apart * share
        return moved


def _along(points: np.ndarray, axis: int, x: np.ndarray) -> np.ndarray:
    """A line's depth or height at places x across, from points (P, 3) of it."""
    order = np.argsort(points[:, 0])
    return np.interp(x, points[order, 0], points[order, axis])


def _upwards(metres: np.ndarray) -> np.ndarray:
    """(…, 3) of metres (…)."""
    return metres[..., None] * np.array([0, 0, 1.0])


def lips_of(
    anchors: Anchors,
    vertices: np.ndarray,
    triangles: np.ndarray,
    edge: np.ndarray,
    sample_uv: np.ndarray,
    lips_uv: np.ndarray,
) -> Lips:
    """The lips of a head.

    Args:
        anchors: (2 P) the places in `lips_uv` on the mesh.
        vertices: (V, 3) the head's mesh.
        triangles: (T, 3) of its skin.
        edge: (E,) vertices of the lips' inner edges.
        sample_uv: (V, 2) where its vertices are in UV.
        lips_uv: (P, 2, 2) UV of points of the upper and of the lower lip that touch, corner to corner.
    """
    places = anchors.on(vertices).reshape(-1, 2, 3)
    middle = lips_uv.mean(1)
    is_upper = sample_uv[:, 1] < np.interp(sample_uv[:, 0], middle[:, 0], middle[:, 1])
    facing, found, pulls, inner = [], [], [], []
    for side, is_side in enumerate((is_upper, ~is_upper)):
        low, high = places[:, side].min(0) - FARTHER * REACH, places[:, side].max(0) + FARTHER * REACH
        around = is_side & ((vertices > low) & (vertices < high)).all(1)
        own = triangles[around[triangles].all(1)]
        used = np.unique(own)
        distance = np.linalg.norm(vertices[used, None] - places[:, side], axis=2)
        nearest = distance.min(1, keepdims=True)
        mix = np.exp(-((distance**2 - nearest**2) / ALONG**2))
        inner.append(edge[is_side[edge]])
        facing.append(own[(nearest[np.searchsorted(used, own)] < REACH).all((1, 2))])
        found.append(used)
        pulls.append(mix / mix.sum(1, keepdims=True) * np.exp(-((nearest / REACH) ** 2)))
    near = np.unique(np.concatenate([*found, *inner, anchors.vertices.ravel()]))
    rows = [np.searchsorted(near, part) for part in (*facing, *found, *inner, anchors.vertices)]
    return Lips(
        near=near,
        anchors=Anchors(rows[6], anchors.weights),
        triangles=(rows[0], rows[1]),
        vertices=(rows[2], rows[3]),
        pull=(pulls[0], pulls[1]),
        inner=(rows[4], rows[5]),
    )
