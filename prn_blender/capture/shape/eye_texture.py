"""A clean picture of an eyeball: pupil, iris, its dark edge, the white."""

import numpy as np

from ..geometry.visibility import smoothstep
from .eyeball import IRIS

PUPIL = 0.34  # radius, of the iris's
WHITE = np.array([0.86, 0.83, 0.80])
RIM = np.array([0.82, 0.62, 0.56])  # of the white far from the iris


def eye_texture(size: int, iris: tuple[float, float, float]) -> np.ndarray:
    """(size, size, 3) uint8 sRGB, row 0 on top, by the UVs of `eyeball`; `iris` is its colour, sRGB 0..1."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(axis, -axis)
    angle, turn = np.hypot(x, y) * np.pi, np.arctan2(y, x)
    out = np.sin(np.minimum(angle, np.pi / 2)) / IRIS  # distance from the line of sight, of the iris's radius
    rng = np.random.default_rng(5)
    waves = rng.normal(size=24) @ np.cos(
        np.arange(8, 8 + 24 * 9, 9)[:, None] * turn.ravel() + rng.uniform(0, 6, (24, 1))
    )
    fibres = (waves / 24**0.5).reshape(turn.shape)
    ring = np.exp(-(((out - PUPIL - 0.14) / 0.10) ** 2))  # lighter around the pupil
    shade = (0.95 + 0.22 * fibres * np.clip((1 - out) * 2, 0, 1) + 0.55 * ring)[..., None]
    colour = np.array(iris) * shade
    colour *= 1 - 0.65 * smoothstep(out, 0.82, 1.0)[..., None]  # the dark edge
    colour *= smoothstep(out, PUPIL - 0.03, PUPIL + 0.03)[..., None]
    redness = smoothstep(angle, 0.7, 1.6)[..., None]
    white = WHITE * (1 - redness) + RIM * redness
    beyond = smoothstep(out, 0.97, 1.08)[..., None]
    return np.rint(255 * np.clip(colour * (1 - beyond) + white * beyond, 0, 1)).astype(np.uint8)
