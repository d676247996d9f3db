"""Where each texel's surface lies in the photo, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from ..geometry.position_map import PositionMap, sample_bicubic
from ..photo.cut_out import CutOut
from .head_model import texel_uv

EVIDENCE_SIZE = 32  # texels: errors of networks are smooth over UV
SEEN = 0.5  # visibility
HIDDEN = 1.5  # times as far off as the network expects
# What errors have in common is learnt in these terms: with others, learn it anew (training/refine/common_errors.py).
FIRST_DOUBTED = 1.2  # times as far off as the first pass says, beside a second that knows what it said
DEPENDENT = 1.5  # times as far off as two passes would be together whose errors had nothing in common
ACROSS = 3**-0.5  # of an expected error in space, what falls to each axis


@dataclass(frozen=True)
class Likeness:
    """What a network says of the head model's coefficients: normal distributions, people's where it sees nothing."""

    mean: np.ndarray  # (K + E,) identity first
    deviation: np.ndarray  # (K + E,)


@dataclass(frozen=True)
class Outline:
    """Places where the photo shows the head end and its background begin."""

    uv: np.ndarray  # (N, 2) of what ends there
    places: np.ndarray  # (N, 2) photo space
    outwards: np.ndarray  # (N, 2) unit vectors across the outline: along it, nothing is told
    deviation: np.ndarray  # (N,) photo pixels, across

    def __len__(self) -> int:
        return len(self.uv)

    @classmethod
    def none(cls) -> "Outline":
        """Where the photo shows none."""
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


@dataclass(frozen=True)
class Evidence:
    """Of one view; places by UV."""

    places: np.ndarray  # (E, E, 3) photo space
    deviation: np.ndarray  # (E, E) photo pixels, of x and of y; infinite where nothing is known
    likeness: Likeness | None = None
    common_errors: np.ndarray | None = None  # as of `load_common_errors`; None: not known
    outline: Outline | None = None  # None: not looked for
    cut: CutOut | None = None  # the head cut out of the photo


def evidence_of(position_map: PositionMap, expected_error: np.ndarray, visibility: np.ndarray) -> Evidence:
    """What a network's position map tells.

    Args:
        expected_error: (V, V) photo pixels, of the positions.
        visibility: (V, V) 0..1, how likely the surface is seen.
    """
    uv = texel_uv(EVIDENCE_SIZE)
    error = sample_bicubic(expected_error[..., None], uv)[..., 0]
    deviation = ACROSS * np.maximum(error, expected_error.min()) * _unsure(visibility)
    return Evidence(position_map.sample(uv), deviation)


def joined(
    first: Evidence, second: Evidence, visibility: np.ndarray, common_errors: np.ndarray | None = None
) -> Evidence:
    """What two passes tell together.

    Args:
        first: as of `evidence_of`.
        second: to which it makes no difference whether the surface is seen.
        visibility: (V, V) 0..1, as of `evidence_of`.
        common_errors: of both together, as of `load_common_errors`.
    """
    known = 1 / (FIRST_DOUBTED * first.deviation) ** 2, 1 / (second.deviation * _unsure(visibility)) ** 2
    precision = sum(known)
    share = (known[0] / precision)[..., None]
    places = share * first.places + (1 - share) * second.places
    return Evidence(places, DEPENDENT / np.sqrt(precision), second.likeness, common_errors)


def _unsure(visibility: np.ndarray) -> np.ndarray:
    """(E, E) by what deviations are multiplied where the surface is hidden."""
    seen = sample_bicubic(visibility[..., None], texel_uv(EVIDENCE_SIZE))[..., 0]
    return np.where(seen > SEEN, 1, HIDDEN)
