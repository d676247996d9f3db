"""Places on the head that the user put at places in a view, and how the surface around them follows."""

from dataclasses import dataclass

import numpy as np

from ..geometry.position_map import cubic_neighbours
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


def close_gaps(model: HeadModel, uv: np.ndarray, gaps: np.ndarray, size: float, resolution: int) -> np.ndarray:
    """(R, R, 2) a smooth displacement that is, sampled as position maps are, `gaps` (N, 2) at `uv` (N, 2).

    A sum of Wendland's functions around the pins (see `deformation.falloff`), by distance on the mean head.

    Args:
        size: units of the gaps that a metre takes.
    """
    if not len(uv):
        return np.zeros((resolution, resolution, 2), np.float32)
    reach = np.maximum(REACH, STEEPEST * np.linalg.norm(gaps, axis=1) / size)
    texels, surface = texel_uv(resolution).reshape(-1, 2), model.surface(resolution)
    around = np.empty((len(texels), len(uv)))
    for pin, (place, centre) in enumerate(zip(uv, model.points(uv).mean, strict=True)):
        straight = np.linalg.norm(surface - centre, axis=1)
        along = METRES_OF_UV * np.linalg.norm(texels - place, axis=1)
        around[:, pin] = falloff(np.maximum(straight, along) / reach[pin])
    columns, column_weights = cubic_neighbours(uv[:, 0], resolution)
    rows, row_weights = cubic_neighbours(uv[:, 1], resolution)
    at = rows[:, :, None] * resolution + columns[:, None, :]  # (N, 4, 4) texels around each pin
    weights = row_weights[:, :, None] * column_weights[:, None, :]
    sampled = np.einsum("nij,nijp->np", weights, around[at])
    strength = np.linalg.lstsq(sampled, gaps, rcond=TELL_APART)[0]
    return (around @ strength).reshape(resolution, resolution, 2).astype(np.float32)
