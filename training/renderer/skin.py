"""Skin textures put together at random: tone, brows, beard, make-up, blemishes, shaved hair."""

from dataclasses import dataclass

import numpy as np

from ..assets import SkinLibrary
from .relief import blush, liner, wrinkles

HAIR_COLOURS = np.array(
    [
        [0.04, 0.035, 0.03],
        [0.09, 0.06, 0.04],
        [0.2, 0.13, 0.08],
        [0.45, 0.33, 0.2],
        [0.7, 0.6, 0.4],
        [0.42, 0.17, 0.08],
        [0.55, 0.55, 0.55],
        [0.85, 0.85, 0.83],
    ]
)
HAIR_CHANCES = [0.3, 0.25, 0.16, 0.08, 0.05, 0.04, 0.07, 0.05]


@dataclass(frozen=True)
class Skin:
    """One person's surface."""

    face: np.ndarray  # (S, S, 4) uint8: colour, and height (255 is the smooth surface, less is in a fold)
    head: np.ndarray  # (256, 256, 3) uint8
    hair_colour: np.ndarray  # (3,) sRGB 0..1
    tone: np.ndarray  # (3,) mean sRGB of the face


def noise(rng: np.random.Generator, size: int, cells: int, smooth: bool = True) -> np.ndarray:
    """(size, size) float32 of unit variance in blobs of about size / cells."""
    import cv2

    return cv2.resize(
        rng.normal(size=(cells, cells)).astype(np.float32),
        (size, size),
        interpolation=cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR,
    )


def sample_hair_colour(rng: np.random.Generator) -> np.ndarray:
    """(3,) sRGB 0..1; now and then a dye."""
    if rng.random() < 0.02:
        return rng.random(3)
    colour = HAIR_COLOURS[rng.choice(len(HAIR_COLOURS), p=HAIR_CHANCES)]
    return np.clip(colour * rng.uniform(0.6, 1.4) + rng.normal(0, 0.015, 3), 0, 1)


def blend(base: np.ndarray, colour: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """`colour` (3,) over `base` (H, W, 3) by coverage (H, W)."""
    coverage = np.clip(coverage, 0, 1)[..., None]
    return base + coverage * (colour - base)


def compose_skin(rng: np.random.Generator, library: SkinLibrary, places: np.ndarray) -> Skin:
    """A random skin of the library's size; `places` (68, 2) are the landmarks' in its face texture."""
    k = rng.integers(len(library.faces))
    face, head, masks = library.faces[k], library.heads[k], library.masks
    size = len(face)
    hair = sample_hair_colour(rng)
    gamma, tint = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.05, 3))
    face = np.clip(face**gamma * tint, 0, 1)
    head = np.clip(head**gamma * tint, 0, 1)
    tone = face[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3].mean((0, 1))
    if rng.random() < 0.5:  # painted lips
        colour = tone * (1.2, 0.55, 0.6) * rng.uniform(0.6, 1.3) * np.exp(rng.normal(0, 0.15, 3))
        face = blend(face, colour, masks["lips"] * rng.uniform(0.1, 0.8))
    if rng.random() < 0.35:  # shadow on the lids
        face = blend(face, tone * rng.uniform(0.1, 0.9, 3), masks["eyelid"] * rng.uniform(0.1, 0.8))
    if rng.random() < 0.2:
        face = blend(face, tone * rng.uniform(0.0, 0.3, 3), liner(rng, places, size) * rng.uniform(0.4, 1.0))
    if rng.random() < 0.25:
        face = blend(face, tone * (1.15, 0.6, 0.6), blush(rng, places, size) * rng.uniform(0.1, 0.5))
    if rng.random() < 0.95:
        strands = library.brows[rng.integers(len(library.brows))] * rng.uniform(0.35, 1.0)
        face = blend(face, hair * rng.uniform(0.3, 1.0), strands)
    if rng.random() < 0.33:  # stubble to full beard
        grain = np.clip(1 + 0.35 * noise(rng, size, int(rng.integers(60, size))), 0.3, 2)
        patchy = np.clip(1 + 0.4 * noise(rng, size, 8), 0.2, 2)
        face = blend(face, hair * rng.uniform(0.4, 1.0), masks["beard"] * rng.uniform(0.15, 1.0) * grain * patchy)
    if rng.random() < 0.6:  # shaved or thin hair
        grain = 1 + 0.35 * noise(rng, size, size // 2)
        density = rng.uniform(0.2, 1.0)
        face = blend(face, hair * 0.7, masks["scalp"] * density * grain)
        head = blend(head, hair * 0.7, library.head_scalp * 0.75 * density)
    if rng.random() < 0.6:  # blotches
        face = face * (1 + rng.uniform(0, 0.05) * noise(rng, size, int(rng.integers(4, 40))))[..., None]
    if rng.random() < 0.25:  # freckles and spots
        spots = np.clip(noise(rng, size, size // 3) - rng.uniform(1.8, 3), 0, 1)
        face = blend(face, tone * (0.55, 0.4, 0.3), spots * rng.uniform(0.2, 1.0))
    depth = np.zeros((size, size), np.float32)
    if rng.random() < 0.6:
        depth = wrinkles(rng, places, size, age=rng.uniform(0.1, 1.0))
        face = face * (1 - rng.uniform(0, 0.3) * depth)[..., None]
    return Skin(_bytes(np.dstack([face, 1 - depth])), _bytes(head), hair, tone)


def _bytes(colour: np.ndarray) -> np.ndarray:
    return (np.clip(colour, 0, 1) * 255).astype(np.uint8)
