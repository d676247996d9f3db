"""Where a surface turns away from the camera: the place of it at which the photo shows the head end."""

from dataclasses import dataclass

import numpy as np

from .evidence import Outline
from .head_model import texel_uv

HOLDS = 0.008  # metres at the head within which an outline finds what turns away


@dataclass(frozen=True)
class Turning:
    """Where a surface turns away from the camera."""

    uv: np.ndarray  # (N, 2)
    places: np.ndarray  # (N, 2) photo space

    def nearest(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M, 2) UV of what turns away nearest to places (M, 2), and (M,) photo pixels to it."""
        if not len(self.uv):
            return np.zeros((len(places), 2)), np.full(len(places), np.inf)
        off = np.linalg.norm(self.places[:, None] - places, axis=2)
        nearest = off.argmin(axis=0)
        return self.uv[nearest], off[nearest, range(len(places))]


def turning(surface: np.ndarray, inside: np.ndarray) -> Turning:
    """
    Args:
        surface: (G, G, 3) photo space.
        inside: (G, G) bool, texels that the surface has.
    """
    facing, uv = facing_of(surface), texel_uv(len(surface))
    found_uv: list[np.ndarray] = []
    found: list[np.ndarray] = []
    for step in (np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:]):
        one, other = (facing[part] for part in step)
        across = (one > 0) != (other > 0)
        for part in step:
            across &= inside[part]
        share = (one[across] / (one[across] - other[across]))[:, None]
        for values, into in ((uv, found_uv), (surface[..., :2], found)):
            first, second = (values[part][across] for part in step)
            into.append(first + share * (second - first))
    return Turning(np.concatenate(found_uv), np.concatenate(found))


def held_by(outline: Outline, surface: np.ndarray, inside: np.ndarray, size: float) -> Outline:
    """The outline, at those places of a surface that turn away nearest to it.

    Args:
        surface: (G, G, 3) photo space.
        inside: (G, G) bool, texels that it has.
        size: photo pixels that a metre takes at the head.
    """
    uv, off = turning(surface, inside).nearest(outline.places)
    near = off < HOLDS * size
    return Outline(uv[near], outline.places[near], outline.outwards[near], outline.deviation[near])


def facing_of(surface: np.ndarray) -> np.ndarray:
    """(G, G) how far the surface of photo space (G, G, 3) faces the camera."""
    by_u, by_v = np.gradient(surface, axis=1), np.gradient(surface, axis=0)
    return by_u[..., 0] * by_v[..., 1] - by_u[..., 1] * by_v[..., 0]
