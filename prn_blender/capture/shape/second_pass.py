"""A second look at the photo, unwrapped by the first: where the surface really is, and how sure that is."""

from collections.abc import Callable

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.unwrap import TEXELS, stance_of, unwrap
from ..networks.refine import Refinement
from ..packs.topology import Topology
from .evidence import EVIDENCE_SIZE, Evidence


def second_pass(
    pixels: np.ndarray, position_map: PositionMap, topology: Topology, run: Callable[[np.ndarray], Refinement]
) -> Evidence:
    """What the second network makes of the first one's position map.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        run: the second network.
    """
    stance = stance_of(position_map, topology)
    places = _reduced(position_map.at_size(2 * TEXELS), TEXELS)
    said = run(unwrap(pixels, places, stance))
    found = _reduced(places, EVIDENCE_SIZE) + stance.to_photo(said.offset)
    return Evidence(found, said.deviation * stance.pixels_per_mm)


def _reduced(values: np.ndarray, size: int) -> np.ndarray:
    """(size, size, C) means of the texels of (R, R, C)."""
    step = len(values) // size
    return values.reshape(size, step, size, step, -1).mean(axis=(1, 3))
