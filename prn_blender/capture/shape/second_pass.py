"""A second look at the photo, unwrapped by the first: where the surface really is, and how sure that is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.unwrap import TEXELS, Stance, stance_of, unwrap
from ..networks.refine import Refinement
from .evidence import EVIDENCE_SIZE, Evidence, Likeness
from .head_model import HeadModel


@dataclass(frozen=True)
class SecondLook:
    """What the second network was shown, and what it said."""

    places: np.ndarray  # (TEXELS, TEXELS, 3) photo space, of the first pass
    stance: Stance
    said: Refinement


def second_pass(
    pixels: np.ndarray, position_map: PositionMap, model: HeadModel, run: Callable[[np.ndarray], Refinement]
) -> Evidence:
    """What the second network makes of the first one's position map.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        run: the second network.
    """
    seen = look(pixels, position_map, model, run)
    found = _reduced(seen.places, EVIDENCE_SIZE) + seen.stance.to_photo(seen.said.offset)
    likeness = Likeness(seen.said.coefficients, seen.said.coefficient_deviations)
    return Evidence(found, seen.said.deviation * seen.stance.pixels_per_mm, likeness)


def look(
    pixels: np.ndarray, position_map: PositionMap, model: HeadModel, run: Callable[[np.ndarray], Refinement]
) -> SecondLook:
    """What the second network says; arguments as of `second_pass`."""
    places = _reduced(position_map.at_size(2 * TEXELS), TEXELS)
    stance = stance_of(places, model.mean, model.rigid)
    return SecondLook(places, stance, run(unwrap(pixels, places, model.mean, stance)))


def _reduced(values: np.ndarray, size: int) -> np.ndarray:
    """(size, size, C) means of the texels of (R, R, C)."""
    step = len(values) // size
    return values.reshape(size, step, size, step, -1).mean(axis=(1, 3))
