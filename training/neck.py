"""Where a head's mesh ends: a plane across the mean head's neck, as a curve in UV."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import CubicSpline

from prn_blender.capture.geometry.position_map import PositionMap

from .uv_layout import superellipse

# The plane y = HEIGHT + SLOPE z in ICT-FaceKit's cm: above the shoulders, across the neck, within the layout all around.
HEIGHT = -10.7
SLOPE = -0.15
HIGHEST, LOWEST = 0.6, 0.995  # v between which the edge is looked for
CUT = superellipse(np.linspace(4, 2.5, 6001))  # the layout's border from the crown to the nape
KNOTS = 41


@dataclass(frozen=True)
class NeckEdge:
    """The edge of the first half, from the layout's border to the mirror plane."""

    nape: np.ndarray  # (2,) UV at which it meets the layout's cut
    v: CubicSpline  # by u

    @classmethod
    def of(cls, surface: np.ndarray) -> "NeckEdge":
        """The edge on the mean head's map (R, R, 3) in cm."""
        side = CUT[(CUT[:, 1] > HIGHEST) & (CUT[:, 1] < LOWEST) & (CUT[:, 0] < 0.2)]
        nape = side[np.flatnonzero(_above(surface, side) < 0)[0]]
        u = np.linspace(nape[0], 0.5, KNOTS)
        v = np.linspace(HIGHEST, LOWEST, 800)
        above = _above(surface, np.stack(np.meshgrid(u, v, indexing="ij"), -1))
        first = (above < 0).argmax(1)
        rows = np.arange(KNOTS)
        before, after = above[rows, first - 1], above[rows, first]
        crossing = v[first - 1] + (v[1] - v[0]) * before / (before - after)
        crossing[0] = nape[1]
        smooth = CubicSpline(u, crossing, bc_type=("not-a-knot", (1, 0.0)))  # level where it meets its mirror image
        return cls(nape, smooth)

    @cached_property
    def whole(self) -> np.ndarray:
        """(N, 2) the whole edge, from the cut's first side over the throat to the other."""
        u = np.linspace(self.nape[0], 0.5, 500)
        half = np.stack([u, self.v(u)], 1)
        return np.concatenate([half, half[-2::-1] * (-1, 1) + (1, 0)])


def _above(surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(…,) cm above the plane at `uv` (…, 2)."""
    _, y, z = np.moveaxis(PositionMap(surface).sample(uv), -1, 0)
    return y - HEIGHT - SLOPE * z
