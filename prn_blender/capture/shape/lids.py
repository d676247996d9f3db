"""Lids glide on the eyeball, and close."""

from dataclasses import dataclass

import numpy as np

from .meeting import clearance

AROUND = 0.015  # metres from the eyeball in which the lids' skin is
HOLDS = 0.0015  # metres from a lid's inner edge over which the skin keeps its distance from the eyeball
ALONG = 0.0015  # metres: width in which an edge's points are mixed
LEAST_TRAVEL = 0.0008  # metres that an edge must move for the skin above it to be measured by it

CONTACT = 0.0  # metres between closed lids
RISE = 0.002  # metres by which the edge of a closed upper lid lies farther out: before the lower one
RIM = 0.004  # metres from a lid's inner edge over which it does
FACES = 0.006  # metres from a lid's edge over which it may meet the other one
ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Lids:
    """The lids of one eye."""

    sphere: np.ndarray  # (4,) centre and radius of the eyeball
    near: np.ndarray  # (N,) vertices of the skin around it
    hold: np.ndarray  # (N,) 0..1 how much each keeps its distance from the eyeball
    upper: np.ndarray  # (U,) vertices of the upper lid's edge with the corners, by their place across
    triangles: tuple[np.ndarray, np.ndarray]  # (T, 3) of the upper and of the lower lid
    above: np.ndarray  # (A,) which of `near` belong to the upper lid
    mix: np.ndarray  # (A, U) how much the upper edge's vertices say of each
    rim: np.ndarray  # (A,) 0..1 how far each is at the lid's outer edge

    def glided(self, still: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """(V, 3) `moved` (V, 3), the lids as far from the eyeball as in `still` (V, 3)."""
        centre = self.sphere[:3]
        before = np.linalg.norm(still[self.near] - centre, axis=1)
        apart = moved[self.near] - centre
        length = np.linalg.norm(apart, axis=1)
        wanted = length + self.hold * (before - length)
        glided = moved.copy()
        glided[self.near] = centre + apart * (wanted / length)[:, None]
        return glided

    def closed(self, still: np.ndarray, moved: np.ndarray) -> np.ndarray:
        """(V, 3) `moved` (V, 3), the upper lid taken to the lower one, and the skin above as far as it goes along from
        `still` (V, 3)."""
        skin = self.near[self.above]
        now, before = self._directions(moved), self._directions(still)
        travel = self.mix @ (before - now)[self.upper, 2]
        share = np.clip((before - now)[skin, 2] / np.maximum(travel, LEAST_TRAVEL), 0, 1)
        share = np.where(np.isin(skin, self.upper), 1, share)
        for _ in range(ROUNDS):
            upper, lower = (now[triangles] for triangles in self.triangles)
            apart = clearance(upper, lower, now[self.upper, 0])
            known = np.flatnonzero(~np.isnan(apart))
            # Lids turn about their corners, where they always meet.
            apart = np.interp(now[self.upper, 0], now[self.upper[known], 0], apart[known])
            now[skin, 2] -= share * (self.mix @ (apart - CONTACT))
        angle = now[skin] / self.sphere[3]
        flat = np.cos(angle[:, 2])
        towards = np.stack([flat * np.sin(angle[:, 0]), -flat * np.cos(angle[:, 0]), np.sin(angle[:, 2])], 1)
        closed = moved.copy()
        closed[skin] = self.sphere[:3] + towards * (RISE * self.rim - now[skin, 1])[:, None]
        return closed

    def _directions(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) metres along the eyeball: azimuth, depth (towards its middle) and elevation."""
        x, y, z = (points - self.sphere[:3]).T
        flat = np.hypot(x, y)
        return np.stack(
            [self.sphere[3] * np.arctan2(x, -y), -np.hypot(flat, z), self.sphere[3] * np.arctan2(z, flat)], 1
        )


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
    upper = edge[is_upper]
    distance = np.linalg.norm(vertices[near, None] - vertices[edge], axis=2)
    is_above = (distance[:, is_upper].min(1) < distance[:, ~is_upper].min(1)) & ~np.isin(near, edge[~is_upper])
    to_upper = distance[is_above][:, is_upper]
    mix = np.exp(-((to_upper**2 - to_upper.min(1, keepdims=True) ** 2) / ALONG**2))
    on_edge = near[is_above, None] == upper
    mix = np.where(on_edge.any(1, keepdims=True), on_edge, mix)
    rows = np.searchsorted(near, own)
    meets = (distance.min(1) < FACES)[rows].all(1)
    hold = np.exp(-((distance.min(1) / HOLDS) ** 2))
    rim = (1 - hold) * np.exp(-((distance.min(1) / RIM) ** 2))
    return Lids(
        sphere=sphere,
        near=near,
        hold=hold,
        upper=upper,
        triangles=(own[meets & is_above[rows].all(1)], own[meets & ~is_above[rows].any(1)]),
        above=np.flatnonzero(is_above),
        mix=mix / mix.sum(1, keepdims=True),
        rim=rim[is_above],
    )
