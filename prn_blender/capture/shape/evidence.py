"""Where each texel's surface lies in the photo, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from ..geometry.position_map import PositionMap, sample_bicubic
from .head_model import texel_uv

EVIDENCE_SIZE = 32  # texels: errors of networks are smooth over UV
SEEN = 0.5  # visibility
HIDDEN = 1.5  # times as far off as the network expects
ACROSS = 3**-0.5  # of an expected error in space, what falls to each axis


@dataclass(frozen=True)
class Evidence:
    """Of one view, by UV."""

    places: np.ndarray  # (E, E, 3) photo space
    deviation: np.ndarray  # (E, E) photo pixels, of x and of y; infinite where nothing is known


def evidence_of(position_map: PositionMap, expected_error: np.ndarray, visibility: np.ndarray) -> Evidence:
    """What a network's position map tells.

    Args:
        expected_error: (V, V) photo pixels, of the positions.
        visibility: (V, V) 0..1, how likely the surface is seen.
    """
    uv = texel_uv(EVIDENCE_SIZE)
    error, seen = (sample_bicubic(values[..., None], uv)[..., 0] for values in (expected_error, visibility))
    unsure = np.where(seen > SEEN, 1, HIDDEN)
    return Evidence(position_map.sample(uv), ACROSS * np.maximum(error, expected_error.min()) * unsure)
