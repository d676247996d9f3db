"""Lips meet, and do not pass through each other."""

from dataclasses import dataclass

import numpy as np

from .deformation import Anchors
from .meeting import clearance

CONTACT = 0.00005  # metres between lips that touch
REACH = 0.006  # metres from where they touch over which a lip goes along
ALONG = 0.003  # metres: width in which the places where they touch are mixed
UPPER_SHARE = 0.3  # of a gap between the lips that the upper one closes; the jaw moves the lower one
FARTHER = 2.0  # times the reach: beyond, nothing goes along
ROUNDS = 6
NEAR = 0.0001  # metres: so near to what is wanted nothing more is done


@dataclass(frozen=True, eq=False)
class Lips:
    """The places at which the lips touch, P of each, and what of the head goes along with each lip."""

    anchors: Anchors  # (2 P)
    triangles: tuple[np.ndarray, np.ndarray]  # (T, 3) of the upper and of the lower lip
    vertices: tuple[np.ndarray, np.ndarray]  # (N,)
    pull: tuple[np.ndarray, np.ndarray]  # (N, P)

    def gap(self, points: np.ndarray) -> np.ndarray:
        """(P,) metres between the lips of the mesh at points (V, 3), negative where they have crossed."""
        places = self.anchors.on(points).reshape(-1, 2, 3)
        upper, lower = (points[triangles] for triangles in self.triangles)
        found = clearance(upper, lower, places[..., 0].mean(1))
        return np.where(np.isnan(found), places[:, 0, 2] - places[:, 1, 2], found)

    def moved(self, points: np.ndarray, upwards: np.ndarray, upper_share: float) -> np.ndarray:
        """(V, 3) points (V, 3), the gap between the lips larger by `upwards` (P,) metres."""
        moved = points.copy()
        for vertices, pull, share in zip(self.vertices, self.pull, (upper_share, upper_share - 1), strict=True):
            moved[vertices, 2] += pull @ upwards * share
        return moved

    def met(self, points: np.ndarray) -> np.ndarray:
        """(V, 3) points (V, 3) with the lips closed."""
        for _ in range(ROUNDS):
            lacking = CONTACT - self.gap(points)
            if np.abs(lacking).max() < NEAR:
                break
            points = self.moved(points, lacking, UPPER_SHARE)
        return points

    def apart(self, points: np.ndarray) -> np.ndarray:
        """(V, 3) points (V, 3), the lips pushed apart where the lower one has passed the upper one."""
        for _ in range(ROUNDS):
            crossed = np.maximum(CONTACT - self.gap(points), 0)
            if crossed.max() < NEAR:
                break
            beside = np.pad(
                crossed, 1, mode="edge"
            )  # what is pushed is mixed along the lips: the neighbours count, too
            points = self.moved(points, np.maximum(crossed, np.maximum(beside[:-2], beside[2:])), 0.5)
        return points


def lips_of(
    anchors: Anchors,
    vertices: np.ndarray,
    triangles: np.ndarray,
    sample_uv: np.ndarray,
    lips_uv: np.ndarray,
) -> Lips:
    """The lips of a head.

    Args:
        anchors: (2 P) the places in `lips_uv` on the mesh.
        vertices: (V, 3) the head's mesh.
        triangles: (T, 3) of its skin.
        sample_uv: (V, 2) where its vertices are in UV.
        lips_uv: (P, 2, 2) UV of points of the upper and of the lower lip that touch, corner to corner.
    """
    places = anchors.on(vertices).reshape(-1, 2, 3)
    middle = lips_uv.mean(1)
    is_upper = sample_uv[:, 1] < np.interp(sample_uv[:, 0], middle[:, 0], middle[:, 1])
    facing, found, pulls = [], [], []
    for side, is_side in enumerate((is_upper, ~is_upper)):
        low, high = places[:, side].min(0) - FARTHER * REACH, places[:, side].max(0) + FARTHER * REACH
        near = is_side & ((vertices > low) & (vertices < high)).all(1)
        own = triangles[near[triangles].all(1)]
        used = np.unique(own)
        distance = np.linalg.norm(vertices[used, None] - places[:, side], axis=2)
        nearest = distance.min(1, keepdims=True)
        mix = np.exp(-((distance**2 - nearest**2) / ALONG**2))
        facing.append(own[(nearest[np.searchsorted(used, own)] < REACH).all((1, 2))])
        found.append(used)
        pulls.append(mix / mix.sum(1, keepdims=True) * np.exp(-((nearest / REACH) ** 2)))
    return Lips(anchors, (facing[0], facing[1]), (found[0], found[1]), (pulls[0], pulls[1]))
