"""Lips meet, and do not pass through each other."""

from dataclasses import dataclass

import numpy as np

from .deformation import Anchors

CONTACT = 0.0001  # metres between lips that touch
REACH = 0.006  # metres from where they touch over which a lip goes along
ALONG = 0.003  # metres: width in which the places where they touch are mixed
UPPER_SHARE = 0.3  # of a gap between the lips that the upper one closes; the jaw moves the lower one
FARTHER = 3.0  # times the reach: beyond, nothing goes along
FACING = 0.004  # metres forwards by which lips may be apart and still meet


@dataclass(frozen=True, eq=False)
class Lips:
    """The places at which the lips touch, P of each, and what of the head goes along with each lip."""

    anchors: Anchors  # (2 P)
    vertices: tuple[np.ndarray, np.ndarray]  # (N,) of the upper and of the lower lip
    pull: tuple[np.ndarray, np.ndarray]  # (N, P)

    def gap(self, points: np.ndarray) -> np.ndarray:
        """(P, 3) from the lower lip to the upper one, of the mesh at points (V, 3)."""
        places = self.anchors.on(points).reshape(-1, 2, 3)
        return places[:, 0] - places[:, 1]

    def moved(self, points: np.ndarray, upwards: np.ndarray, upper_share: float = UPPER_SHARE) -> np.ndarray:
        """(V, 3) points (V, 3), the gap between the lips larger by `upwards` (P,) metres."""
        moved = points.copy()
        for vertices, pull, share in zip(self.vertices, self.pull, (upper_share, upper_share - 1), strict=True):
            moved[vertices, 2] += pull @ upwards * share
        return moved

    def met(self, points: np.ndarray) -> np.ndarray:
        """(V, 3) points (V, 3) with the lips closed."""
        return self.moved(points, CONTACT - self.gap(points)[:, 2])

    def apart(self, points: np.ndarray) -> np.ndarray:
        """(V, 3) points (V, 3), the lips pushed apart where the lower one has passed the upper one."""
        gap = self.gap(points)
        facing = np.exp(-((gap[:, 1] / FACING) ** 2))
        return self.moved(points, facing * np.maximum(CONTACT - gap[:, 2], 0), 0.5)


def lips_of(anchors: Anchors, vertices: np.ndarray, sample_uv: np.ndarray, lips_uv: np.ndarray, skin: np.ndarray) -> Lips:
    """The lips of a head.

    Args:
        anchors: (2 P) the places in `lips_uv` on the mesh.
        vertices: (V, 3) the head's mesh.
        sample_uv: (V, 2) where its vertices are in UV.
        lips_uv: (P, 2, 2) UV of points of the upper and of the lower lip that touch, corner to corner.
        skin: (V,) bool.
    """
    places = anchors.on(vertices).reshape(-1, 2, 3)
    middle = lips_uv.mean(1)
    is_upper = sample_uv[:, 1] < np.interp(sample_uv[:, 0], middle[:, 0], middle[:, 1])
    found, pulls = [], []
    for side, is_side in enumerate((is_upper, ~is_upper)):
        box = (vertices > places[:, side].min(0) - FARTHER * REACH) & (vertices < places[:, side].max(0) + FARTHER * REACH)
        near = np.flatnonzero(skin & is_side & box.all(1))
        distance = np.linalg.norm(vertices[near, None] - places[:, side], axis=2)
        nearest = distance.min(1, keepdims=True)
        mix = np.exp(-((distance**2 - nearest**2) / ALONG**2))
        found.append(near)
        pulls.append(mix / mix.sum(1, keepdims=True) * np.exp(-((nearest / REACH) ** 2)))
    return Lips(anchors, (found[0], found[1]), (pulls[0], pulls[1]))
