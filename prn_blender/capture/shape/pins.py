"""Places on the head that the user put at places in a view, and how the surface around them follows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..geometry.position_map import PositionMap, sample_bicubic
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
    slides: bool = False  # it holds the head's outline, along which its place on the head may slide

    def moved(self, place: tuple[float, float]) -> "Pin":
        """The same place on the head, put elsewhere in the photo; that turns it on."""
        return replace(self, place=place, is_on=True)


def those_on(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Those that are turned on."""
    return tuple(pin for pin in pins if pin.is_on)


@dataclass(frozen=True, eq=False)
class Places:
    """Places on the head that are asked for again and again; the distances from pins are worked out once."""

    uv: np.ndarray  # (P, 2)
    mean: np.ndarray  # (P, 3) float32 metres, on the mean head

    @classmethod
    def at(cls, model: HeadModel, uv: np.ndarray) -> "Places":
        return cls(uv, sample_bicubic(model.mean, uv))


def held(model: HeadModel, position_map: PositionMap, pins: Iterable[Pin], size: float) -> PositionMap:
    """A position map whose surface goes through the pins, around which it follows smoothly.

    Args:
        size: photo pixels that a metre takes at the head.
    """
    pins = those_on(pins)
    if not pins:
        return position_map
    gaps = gaps_of(pins, position_map.sample(uv_of(pins)))
    values = position_map.values.copy()
    values[..., :2] += close_gaps(model, uv_of(pins), gaps, size, _texels(model, len(values))).reshape(
        *values.shape[:2], 2
    )
    return PositionMap(values)


def uv_of(pins: Iterable[Pin]) -> np.ndarray:
    """(N, 2)"""
    return np.array([pin.uv for pin in pins], float).reshape(-1, 2)


def gaps_of(pins: Iterable[Pin], surface: np.ndarray) -> np.ndarray:
    """(N, 2) photo pixels from the surface (N, 3) to where the pins have it."""
    return np.array([pin.place for pin in pins], float).reshape(-1, 2) - surface[:, :2]


def close_gaps(model: HeadModel, uv: np.ndarray, gaps: np.ndarray, size: float, places: Places) -> np.ndarray:
    """(P, 2) float32 at places a smooth displacement that is `gaps` (N, 2) at `uv` (N, 2).

    A sum of Wendland's functions around the pins (see `deformation.falloff`), by distance on the mean head.

    Args:
        size: units of the gaps that a metre takes.
    """
    reach = np.maximum(REACH, STEEPEST * np.linalg.norm(gaps, axis=1) / size)
    pinned = Places.at(model, uv)
    among = falloff(_apart(pinned, pinned.uv[:, None], pinned.mean[:, None]).T / reach)
    strength = np.linalg.lstsq(among, gaps, rcond=TELL_APART)[0].astype(np.float32)
    moved = np.zeros((len(places.uv), 2), np.float32)
    for pin, far, pull in zip(_pins(pinned), reach.tolist(), strength, strict=True):
        distance = _distance(places, pin)
        near = np.flatnonzero(distance < far)
        moved[near] += falloff(distance[near] / np.float32(far))[:, None] * pull
    return moved


def _pins(pinned: Places) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """UV and place on the mean head of each."""
    return [(tuple(uv), tuple(mean)) for uv, mean in zip(pinned.uv.tolist(), pinned.mean.tolist(), strict=True)]


@lru_cache(maxsize=200)
def _distance(places: Places, pin: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    """(P,) metres from a pin: the longer of the straight way on the mean head and that over UV."""
    uv, mean = (np.array(one) for one in pin)
    return _apart(places, uv, mean)


def _apart(places: Places, uv: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """(…, P) metres from points at `uv` (…, 2) and `mean` (…, 3) of the mean head to places."""
    straight = np.linalg.norm(places.mean - mean, axis=-1)
    return np.maximum(straight, METRES_OF_UV * np.linalg.norm(places.uv - uv, axis=-1))


@lru_cache(maxsize=2)
def _texels(model: HeadModel, resolution: int) -> Places:
    """The texel centres of (resolution, resolution), row by row."""
    return Places(texel_uv(resolution).reshape(-1, 2), model.surface(resolution))
