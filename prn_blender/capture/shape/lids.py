"""Lids glide on the eyeball, and close.

Directions from the eyeball's middle are told by azimuth (towards the subject's left) and elevation, in radians.
"""

from dataclasses import dataclass

import numpy as np

AROUND = 0.015  # metres from the eyeball in which the lids' skin is
HOLDS = 0.004  # metres from a lid's edge over which the skin keeps its distance from the eyeball
ALONG = 0.0015  # metres: width in which an edge's points are mixed
LEAST_TRAVEL = 0.06  # radians that an edge must move for the skin above it to be measured by it


@dataclass(frozen=True, eq=False)
class Lids:
    """The lids of one eye."""

    sphere: np.ndarray  # (4,) centre and radius of the eyeball
    near: np.ndarray  # (N,) vertices of the skin around it
    hold: np.ndarray  # (N,) 0..1 how much each keeps its distance from the eyeball
    upper: np.ndarray  # (U,) vertices of the upper lid's edge
    lower: np.ndarray  # (L,) vertices of the lower lid's edge, both with the corners
    above: np.ndarray  # (A,) which of `near` belong to the upper lid
    mix: np.ndarray  # (A, U) how much the upper edge's vertices say of each

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
        """(V, 3) `moved` (V, 3), the upper lid's edge taken to the lower one's, and the skin above as far as it goes
        along from `still` (V, 3)."""
        skin = self.near[self.above]
        lower = self._directions(moved[self.lower])
        lower = lower[np.argsort(lower[:, 0])]
        edge, edge_before = self._directions(moved[self.upper]), self._directions(still[self.upper])
        lacking = np.interp(edge[:, 0], lower[:, 0], lower[:, 1]) - edge[:, 1]
        now, before = self._directions(moved[skin]), self._directions(still[skin])
        travel = self.mix @ (edge_before[:, 1] - edge[:, 1])
        share = np.clip((before[:, 1] - now[:, 1]) / np.maximum(travel, LEAST_TRAVEL), 0, 1)
        share = np.where(np.isin(skin, self.upper), 1, share)
        elevation = now[:, 1] + share * (self.mix @ lacking)
        length = np.linalg.norm(moved[skin] - self.sphere[:3], axis=1)
        flat = np.cos(elevation)
        towards = np.stack([flat * np.sin(now[:, 0]), -flat * np.cos(now[:, 0]), np.sin(elevation)], 1)
        closed = moved.copy()
        closed[skin] = self.sphere[:3] + towards * length[:, None]
        return closed

    def _directions(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) azimuth and elevation."""
        x, y, z = (points - self.sphere[:3]).T
        return np.stack([np.arctan2(x, -y), np.arctan2(z, np.hypot(x, y))], 1)


def lids_of(sphere: np.ndarray, vertices: np.ndarray, edge: np.ndarray, skin: np.ndarray) -> Lids:
    """The lids around an eyeball (4,).

    Args:
        vertices: (V, 3) the head's mesh.
        edge: (N,) vertices of the lids' edges.
        skin: (V,) bool.
    """
    apart = vertices - sphere[:3]
    near = np.flatnonzero(skin & (np.linalg.norm(apart, axis=1) < sphere[3] + AROUND) & (apart[:, 1] < 0))
    edge = edge[np.argsort(vertices[edge, 0])]
    inner, outer = vertices[edge[0]], vertices[edge[-1]]
    along = (vertices[edge, 0] - inner[0]) / (outer[0] - inner[0])
    is_upper = vertices[edge, 2] > inner[2] + along * (outer[2] - inner[2])
    is_upper[[0, -1]] = True
    upper, lower = edge[is_upper], np.concatenate([edge[:1], edge[~is_upper], edge[-1:]])
    distance = np.linalg.norm(vertices[near, None] - vertices[edge], axis=2)
    to_upper = distance[:, is_upper]
    above = np.flatnonzero((to_upper.min(1) < distance[:, ~is_upper].min(1)) & ~np.isin(near, edge[~is_upper]))
    to_upper = to_upper[above]
    mix = np.exp(-((to_upper**2 - to_upper.min(1, keepdims=True) ** 2) / ALONG**2))
    mix[np.isin(near[above], upper)] = 0
    rows = np.flatnonzero(np.isin(near[above], upper))
    mix[rows, np.searchsorted(vertices[upper, 0], vertices[near[above][rows], 0])] = 1
    return Lids(
        sphere=sphere,
        near=near,
        hold=np.exp(-((distance.min(1) / HOLDS) ** 2)),
        upper=upper,
        lower=lower,
        above=above,
        mix=mix / mix.sum(1, keepdims=True),
    )
