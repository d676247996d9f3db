"""A second look at the photo, unwrapped by the first: where the surface really is, and how sure that is."""

from collections.abc import Callable

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.unwrap import TEXELS, stance_of, unwrap
from ..networks.refine import Refinement
from .evidence import EVIDENCE_SIZE, Evidence, Likeness
from .head_model import HeadModel


def second_pass(
    pixels: np.ndarray, position_map: PositionMap, model: HeadModel, run: Callable[[np.ndarray], Refinement]
) -> Evidence:
    """What the second network makes of the first one's position map.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        run: the second network.
    """
    places = _reduced(position_map.at_size(2 * TEXELS), TEXELS)
    stance = stance_of(places, model.mean, model.rigid)
    said = run(unwrap(pixels, places, model.mean, stance))
    found = _reduced(places, EVIDENCE_SIZE) + stance.to_photo(said.offset)
    likeness = Likeness(said.coefficients, said.coefficient_deviations)
    return Evidence(found, said.deviation * stance.pixels_per_mm, likeness)


def _reduced(values: np.ndarray, size: int) -> np.ndarray:
    """(size, size, C) means of the texels of (R, R, C)."""
    step = len(values) // size
    return values.reshape(size, step, size, step, -1).mean(axis=(1, 3))
