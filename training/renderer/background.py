"""What is behind the head, and the light of real surroundings (HDRI)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .skin import noise

TURNS = 16


@dataclass(frozen=True)
class Environment:
    """An equirectangular picture of surroundings."""

    picture: np.ndarray  # (H, 2 H, 3) uint8 sRGB
    harmonics: np.ndarray  # (TURNS, 9, 3) irradiance over pi in the shader's basis, for turns about the vertical


def load_environments(folder: Path | None) -> list[Environment]:
    """Every .hdr in a folder."""
    if folder is None:
        return []
    import cv2

    environments = []
    for path in sorted(folder.glob("*.hdr")):
        radiance = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        radiance = cv2.resize(radiance[..., 2::-1].astype(np.float32), (1024, 512), interpolation=cv2.INTER_AREA)
        radiance = np.maximum(radiance, 0)
        picture = radiance / (np.percentile(radiance, 90) + 1e-6) * 0.8
        picture = (np.clip(picture, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
        turns = [np.roll(radiance, k * radiance.shape[1] // TURNS, axis=1) for k in range(TURNS)]
        environments.append(Environment(picture, np.stack([irradiance_harmonics(turn) for turn in turns])))
    return environments


def irradiance_harmonics(radiance: np.ndarray) -> np.ndarray:
    """(9, 3) coefficients of irradiance over pi for 1, y, z, x, xy, yz, 3z²-1, xz, x²-y².

    Source: R. Ramamoorthi, P. Hanrahan, An efficient representation for irradiance environment maps, 2001.
    """
    small = radiance[::8, ::8]
    height, width = small.shape[:2]
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(width) + 0.5) / width * 2 * np.pi
    y = np.repeat(np.cos(theta)[:, None], width, 1)
    x, z = np.sin(theta)[:, None] * np.cos(phi), np.sin(theta)[:, None] * np.sin(phi)
    solid = np.repeat(np.sin(theta)[:, None], width, 1) * (np.pi / height) * (2 * np.pi / width)
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    norms = np.array([0.282095, *[0.488603] * 3, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
    falloff = np.array([1, *[2 / 3] * 3, *[1 / 4] * 5])
    moments = np.einsum("khw,hwc,hw->kc", basis, small, solid)
    return moments * (norms**2 * falloff)[:, None]


def sample_background(rng: np.random.Generator, size: int, environments: list[Environment]) -> np.ndarray:
    """(size, size, 3) uint8 sRGB: a wall, surroundings or fields of colours, most of them cluttered."""
    import cv2

    if rng.random() < 0.2:
        return _wall(rng, size)
    if environments and rng.random() < 0.55:
        picture = _look_around(rng, size, environments[rng.integers(len(environments))].picture) / np.float32(255)
        picture = picture * rng.uniform(0.4, 1.3)
    else:
        cells = rng.integers(1, 10, 2)
        picture = cv2.resize(
            rng.random((*cells, 3)).astype(np.float32),
            (size, size),
            interpolation=cv2.INTER_CUBIC if rng.random() < 0.6 else cv2.INTER_NEAREST,
        )
        grey = picture.mean(2, keepdims=True)
        picture = grey + (picture - grey) * rng.choice([0.1, 0.3, 1.0])
        picture = picture * rng.uniform(0.3, 1.2) + rng.uniform(-0.1, 0.3)
    if rng.random() < 0.4:
        picture = picture + noise(rng, size, int(rng.integers(8, 80)))[..., None] * rng.uniform(0.01, 0.06)
    if rng.random() < 0.5:
        picture = _clutter(rng, (np.clip(picture, 0, 1) * 255).astype(np.uint8)) / np.float32(255)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 5))
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _wall(rng: np.random.Generator, size: int) -> np.ndarray:
    """A studio's white, black or coloured backdrop, or an overexposed sky, a little brighter on one side."""
    shade = rng.choice([rng.uniform(0.85, 1.1), rng.uniform(0, 0.12), rng.uniform(0.1, 0.9)], p=[0.4, 0.35, 0.25])
    colour = shade * np.exp(rng.normal(0, rng.choice([0.02, 0.25]), 3))
    turn = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:size, :size] / size - 0.5
    slope = (x * np.cos(turn) + y * np.sin(turn)) * rng.normal(0, 0.25)
    picture = colour + slope[..., None] * max(shade, 0.1) + noise(rng, size, 60)[..., None] * rng.uniform(0, 0.01)
    return (np.clip(picture, 0, 1) * 255).astype(np.uint8)


def beside(rng: np.random.Generator, background: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """`background` (S, S, 3) with another person's picture (S, S, 3) on one side, perhaps out of focus."""
    import cv2

    size = len(background)
    scale = rng.uniform(0.6, 1.3)
    shift = rng.choice([-1, 1]) * rng.uniform(0.3, 0.6) * size, rng.normal(0, 0.12) * size
    middle = (1 - scale) * size / 2
    placed = np.array([[scale, 0, middle + shift[0]], [0, scale, middle + shift[1]]])
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4))
    return cv2.warpAffine(picture, placed, (size, size), background.copy(), borderMode=cv2.BORDER_TRANSPARENT)


def _look_around(rng: np.random.Generator, size: int, equirect: np.ndarray) -> np.ndarray:
    import cv2

    height, width = equirect.shape[:2]
    half = np.tan(np.radians(rng.uniform(15, 45)))
    x, y = np.meshgrid(np.linspace(-half, half, size), np.linspace(half, -half, size))
    yaw, pitch = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.25)
    up = y * np.cos(pitch) + np.sin(pitch)
    forward = np.cos(pitch) - y * np.sin(pitch)
    longitude = (np.arctan2(x, forward) + yaw) / (2 * np.pi) % 1 * width
    latitude = (0.5 - np.arctan2(up, np.hypot(x, forward)) / np.pi) * height
    return cv2.remap(
        equirect,
        longitude.astype(np.float32),
        latitude.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )


def _clutter(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Lines, boxes, discs and letters of random colours over (S, S, 3) uint8."""
    import cv2

    size = len(picture)
    for _ in range(rng.integers(1, 9)):
        colour = tuple(float(c) for c in np.clip(rng.random() + rng.normal(0, 0.2, 3), 0, 1) * 255)
        a, b = (tuple(int(v) for v in rng.integers(-size // 8, size * 9 // 8, 2)) for _ in range(2))
        kind = rng.integers(4)
        if kind == 0:
            cv2.line(picture, a, b, colour, int(rng.integers(1, 16)), cv2.LINE_AA)
        elif kind == 1:
            cv2.rectangle(picture, a, b, colour, -1)
        elif kind == 2:
            axes = tuple(int(v) for v in rng.integers(4, size // 4, 2))
            cv2.ellipse(picture, a, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            text = "".join(chr(c) for c in rng.integers(48, 123, rng.integers(2, 9)))
            cv2.putText(picture, text, a, 0, float(rng.uniform(0.3, 2)), colour, int(rng.integers(1, 5)), cv2.LINE_AA)
    return picture
