"""Places on the head that the user put at places in a view, and how the surface around them follows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..geometry.position_map import PositionMap, cubic_neighbours
from .deformation import falloff
from .head_model import HeadModel, texel_uv

# Metres around a pin in which the surface follows it; more where it has far to go, so that nothing dents.
REACH = 0.035
STEEPEST = 5.0  # reach over the way that a pin goes
# UV leads around the mouth and the eyes, which lie closed on the mean head; a face's metres by UV.
METRES_OF_UV = 0.2
TELL_APART = 1e-4  # pins nearer to one another than this lets them go apart are moved together


@dataclass(frozen=True)
class Pin:
    """A place on the head and where it lies in a view."""

    uv: tuple[float, float]
    place: tuple[float, float]  # photo space
    stiffness: float = 1.0  # 0..1 how much the fit follows it; the remainder holds it exactly in any case
    is_on: bool = True
    landmark: int = -1  # which landmark it holds; -1: none

    def moved(self, place: tuple[float, float]) -> "Pin":
        """The same place on the head, put elsewhere in the photo; that turns it on."""
        return replace(self, place=place, is_on=True)


def those_on(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Those that are turned on."""
    return tuple(pin for pin in pins if pin.is_on)


def held(model: HeadModel, position_map: PositionMap, pins: Iterable[Pin], size: float) -> PositionMap:
    """A position map whose surface goes through the pins, around which it follows smoothly.

    Args:
        size: photo pixels that a metre takes at the head.
    """
    pins = those_on(pins)
    if not pins:
        return position_map
    uv = np.array([pin.uv for pin in pins], float)
    gaps = np.array([pin.place for pin in pins]) - position_map.sample(uv)[:, :2]
    values = position_map.values.copy()
    values[..., :2] += close_gaps(model, uv, gaps, size, len(values))
    return PositionMap(values)


def close_gaps(model: HeadModel, uv: np.ndarray, gaps: np.ndarray, size: float, resolution: int) -> np.ndarray:
    """(R, R, 2) a smooth displacement that is, sampled as position maps are, `gaps` (N, 2) at `uv` (N, 2).

    A sum of Wendland's functions around the pins (see `deformation.falloff`), by distance on the mean head.

    Args:
        size: units of the gaps that a metre takes.
    """
    if not len(uv):
        return np.zeros((resolution, resolution, 2), np.float32)
    reach = np.maximum(REACH, STEEPEST * np.linalg.norm(gaps, axis=1) / size)
    around = np.zeros((resolution * resolution, len(uv)), np.float32)
    for pin, place in enumerate(uv.tolist()):
        distance = _distance(model, tuple(place), resolution)
        near = np.flatnonzero(distance < reach[pin])
        around[near, pin] = falloff(distance[near] / reach[pin])
    columns, column_weights = cubic_neighbours(uv[:, 0], resolution)
    rows, row_weights = cubic_neighbours(uv[:, 1], resolution)
    at = rows[:, :, None] * resolution + columns[:, None, :]  # (N, 4, 4) texels around each pin
    weights = row_weights[:, :, None] * column_weights[:, None, :]
    sampled = np.einsum("nij,nijp->np", weights, around[at])
    strength = np.linalg.lstsq(sampled, gaps, rcond=TELL_APART)[0]
    return (around @ strength.astype(np.float32)).reshape(resolution, resolution, 2)


@lru_cache(maxsize=100)
def _distance(model: HeadModel, place: tuple[float, float], resolution: int) -> np.ndarray:
    """(resolution^2,) float32 metres from a place on the mean head to the texels: the longer of the straight way and
    that over UV."""
    centre = model.points(np.array([place])).mean[0].astype(np.float32)
    straight = np.linalg.norm(model.surface(resolution) - centre, axis=1)
    along = METRES_OF_UV * np.linalg.norm(texel_uv(resolution).reshape(-1, 2) - place, axis=1)
    return np.maximum(straight, along).astype(np.float32)
