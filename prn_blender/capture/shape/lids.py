"""Lids glide on the eyeball, and close."""

from dataclasses import dataclass

import numpy as np

from .meeting import clearance

AROUND = 0.015  # metres from the eyeball in which the lids' skin is
HOLDS = 0.0015  # metres from a lid's inner edge over which the skin keeps its distance from the eyeball
STAYS = 0.005  # metres from the edges over which the skin stays where something else than an eye moves
ALONG = 0.0015  # metres: width in which an edge's points are mixed
LEAST_TRAVEL = 0.0008  # metres that an edge must move for the skin above it to be measured by it

CELL = 0.0004  # metres in which lids are compared
CONTACT = 0.0  # metres between closed lids
RISE = 0.002  # metres by which the edge of a closed upper lid lies farther out: before the lower one
RIM = 0.004  # metres from a lid's inner edge over which it does
COLUMN = 0.0015  # metres across, in which a lid's outer edge is looked for
GATHERED = 0.7  # how much nearer the skin beside the outer edge of a closed lid comes to it
STEEPEST = 0.5  # by which lids part from their corners on
FRONT = 0.006  # metres from its edge over which a closed upper lid comes farther out
BEFORE = 0.0001  # metres by which it does where the lower lid comes up behind it
FARTHEST = 0.0035  # metres: more than that it is not taken out for it
CORNER = 0.005  # metres from the lids' corners, where they are on each other, over which it is less
FACES = 0.006  # metres from a lid's edge over which it may meet the other one
ROUNDS, PUSHES = 3, 2


@dataclass(frozen=True, eq=False)
class Lids:
    """The lids of one eye. All but `near` are rows of it, and points (…, N, 3) are those of `near`."""

    sphere: np.ndarray  # (4,) centre and radius of the eyeball
    near: np.ndarray  # (N,) vertices of the skin around it
    hold: np.ndarray  # (N,) 0..1 how much each keeps its distance from the eyeball
    edge: np.ndarray  # (E,) the edges of both lids
    stay: np.ndarray  # (N, E) how much of an edge's way each has
    upper: np.ndarray  # (U,) the upper lid's edge with the corners, by their place across
    triangles: tuple[np.ndarray, np.ndarray]  # (T, 3) of the upper and of the lower lid
    facing: np.ndarray  # (F,) what is of them
    above: np.ndarray  # (A,) what belongs to the upper lid
    mix: np.ndarray  # (A, U) how much the upper edge's vertices say of each
    rim: np.ndarray  # (A,) 0..1 how far each is at the lid's outer edge
    front: np.ndarray  # (A,) 0..1 how near each is to the lid's edge

    def stayed(self, still: np.ndarray, moved: np.ndarray, share: float = 1.0) -> np.ndarray:
        """(…, N, 3) `moved` (…, N, 3), the lids' edges as in `still` (N, 3), or a share of the way back."""
        return moved - share * self.stay @ (moved - still)[..., self.edge, :]

    def glided(self, still: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """(…, N, 3) `moved` (…, N, 3), the lids as far from the eyeball as in `still` (N, 3)."""
        centre = self.sphere[:3]
        before = np.linalg.norm(still - centre, axis=-1)
        apart = moved - centre
        length = np.linalg.norm(apart, axis=-1)
        wanted = length + self.hold * (before - length)
        return centre + apart * (wanted / length)[..., None]

    def closed(self, still: np.ndarray, moved: np.ndarray, also: np.ndarray) -> np.ndarray:
        """(N, 3) `moved` (N, 3), the upper lid taken to the lower one, and the skin above as far as it goes along from
        `still` (N, 3).

        Args:
            also: (K, N, 3) what else a face may do with closed lids: displacements, each of which takes the lower lid
                behind the upper one and not through it.
        """
        now, before = self._directions(moved), self._directions(still)
        travel = self.mix @ (before - now)[self.upper, 2]
        share = np.clip((before - now)[self.above, 2] / np.maximum(travel, LEAST_TRAVEL), 0, 1)
        share = np.where(np.isin(self.above, self.upper), 1, share)
        for number in range(ROUNDS):
            if number == ROUNDS - 1:
                now[self.above] += self._gathered(now)
            apart = self._along(self._apart(now[None], (0, 1, 2))[0], now)
            now[self.above, 2] -= share * (self.mix @ (apart - CONTACT))
        closed = moved.copy()
        closed[self.above] = self._points(now[self.above], RISE * self.rim)
        along = now[self.upper, 0]
        most = np.clip(self._from_corners(along) / CORNER, 0, 1) * FARTHEST
        outwards = closed[self.above] - self.sphere[:3]
        outwards *= self.front[:, None] / np.linalg.norm(outwards, axis=1, keepdims=True)
        push, out = np.zeros(len(along)), np.zeros_like(closed)
        for _ in range(PUSHES):
            both = self._directions(closed + out + also) * (1, -1, 1)
            lacking = np.pad(np.nan_to_num(np.maximum(BEFORE - self._apart(both, (0, 2, 1)), 0)).max(0), 1)
            push = np.minimum(push + np.maximum(lacking[1:-1], np.maximum(lacking[:-2], lacking[2:])), most)
            out[self.above] = outwards * (self.mix @ push)[:, None]
        return closed + out

    def _gathered(self, now: np.ndarray) -> np.ndarray:
        """(A, 3) by which the skin of a closed upper lid, in directions (N, 3), comes near to its outer edge: where a
        coarse mesh has nothing between the edge and the fold above, smooth shading would round off the whole lid."""
        own = now[self.above]
        beside = np.abs(own[:, None, 0] - now[self.upper, 0]) < COLUMN
        height = np.where(beside & (self.front > 0.6)[:, None], own[:, None, 2], np.inf)
        outer = self.mix @ own[height.argmin(0), 1:]
        inside = np.clip(self._from_corners(now[self.upper, 0]) / CORNER, 0, 1)
        share = GATHERED * (1 - self.hold[self.above]) * self.front * (self.mix @ inside)
        return share[:, None] * np.pad(outer - own[:, 1:], ((0, 0), (1, 0)))

    def _apart(self, places: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
        """(K, U) metres between the lids at places (K, N, 3), of which `axes` are across, depth and height; NaN where
        they do not face each other."""
        ordered = places[..., axes]
        upper, lower = (ordered[:, triangles] for triangles in self.triangles)
        return clearance(upper, lower, ordered[:, self.upper, 0], CELL)

    def _along(self, apart: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(U,) known everywhere: lids turn about their corners, where they always meet."""
        along = places[self.upper, 0]
        known = np.flatnonzero(~np.isnan(apart))
        most = STEEPEST * self._from_corners(along)
        return np.clip(np.interp(along, along[known], apart[known]), -most, most)

    @staticmethod
    def _from_corners(along: np.ndarray) -> np.ndarray:
        """(U,) how far places along the lids (U,) are from the nearer corner."""
        return np.minimum(along - along[0], along[-1] - along)

    def _directions(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) metres along the eyeball: azimuth, depth (towards its middle) and elevation."""
        x, y, z = np.moveaxis(points - self.sphere[:3], -1, 0)
        flat = np.hypot(x, y)
        return np.stack(
            [self.sphere[3] * np.arctan2(x, -y), -np.hypot(flat, z), self.sphere[3] * np.arctan2(z, flat)], -1
        )

    def _points(self, directions: np.ndarray, farther: np.ndarray) -> np.ndarray:
        """(N, 3) the points of directions, as of `_directions`, by metres (N,) farther out."""
        angle = directions / self.sphere[3]
        flat = np.cos(angle[:, 2])
        towards = np.stack([flat * np.sin(angle[:, 0]), -flat * np.cos(angle[:, 0]), np.sin(angle[:, 2])], 1)
        return self.sphere[:3] + towards * (farther - directions[:, 1])[:, None]


def lids_of(sphere: np.ndarray, vertices: np.ndarray, edge: np.ndarray, triangles: np.ndarray) -> Lids:
    """The lids around an eyeball (4,).

    Args:
        vertices: (V, 3) the head's mesh.
        edge: (N,) vertices of the lids' edges.
        triangles: (T, 3) of the skin.
    """
    apart = vertices - sphere[:3]
    around = (np.linalg.norm(apart, axis=1) < sphere[3] + AROUND) & (apart[:, 1] < 0)
    own = triangles[around[triangles].all(1)]
    near = np.unique(own)
    edge = edge[np.argsort(vertices[edge, 0])]
    first, last = vertices[edge[0]], vertices[edge[-1]]
    along = (vertices[edge, 0] - first[0]) / (last[0] - first[0])
    is_upper = vertices[edge, 2] > first[2] + along * (last[2] - first[2])
    is_upper[[0, -1]] = True  # the corners
    distance = np.linalg.norm(vertices[near, None] - vertices[edge], axis=2)
    nearest = distance.min(1)
    is_above = (distance[:, is_upper].min(1) < distance[:, ~is_upper].min(1)) & ~np.isin(near, edge[~is_upper])
    rows, edge = np.searchsorted(near, own), np.searchsorted(near, edge)
    above, upper = np.flatnonzero(is_above), edge[is_upper]
    meets = (nearest < FACES)[rows].all(1)
    facing = (rows[meets & is_above[rows].all(1)], rows[meets & ~is_above[rows].any(1)])
    hold = np.exp(-((nearest / HOLDS) ** 2))
    rim = (1 - hold) * np.exp(-((nearest / RIM) ** 2))
    return Lids(
        sphere=sphere,
        near=near,
        hold=hold,
        edge=edge,
        stay=_mixed(distance, np.arange(len(near)), edge) * np.exp(-((nearest / STAYS) ** 2))[:, None],
        upper=upper,
        triangles=facing,
        facing=np.unique(np.concatenate(facing)),
        above=above,
        mix=_mixed(distance[is_above][:, is_upper], above, upper),
        rim=rim[is_above],
        front=np.exp(-((distance[is_above][:, is_upper].min(1) / FRONT) ** 2)),
    )


def _mixed(distance: np.ndarray, points: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """(N, E) shares that an edge's points (E,) have in what is said of points (N,) at distances (N, E); the edge's own
    have but themselves."""
    mix = np.exp(-((distance**2 - distance.min(1, keepdims=True) ** 2) / ALONG**2))
    on_edge = points[:, None] == edge
    mix = np.where(on_edge.any(1, keepdims=True), on_edge, mix)
    return mix / mix.sum(1, keepdims=True)
