"""Where each texel's surface lies in the photo, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from ..position_map import PositionMap
from .head_model import texel_uv

EVIDENCE_SIZE = 32  # texels: errors of networks are smooth over UV


@dataclass(frozen=True)
class Evidence:
    """Of one view, by UV."""

    places: np.ndarray  # (E, E, 3) photo space
    deviation: np.ndarray  # (E, E) photo pixels, of x and of y; infinite where nothing is known
    modes: np.ndarray | None = None  # (E, E, 3, M) how the places err together, photo pixels, deviation 1 each


def evidence_of(position_map: PositionMap, expected_error: np.ndarray, seen: np.ndarray) -> Evidence:
    """What a network's position map tells.

    Args:
        expected_error: (V, V) photo pixels, of the position.
        seen: (V, V) 0..1, how likely the surface is seen.
    """
    places = position_map.sample(texel_uv(EVIDENCE_SIZE))
    raise NotImplementedError
