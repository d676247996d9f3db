"""What scenes show besides heads: surroundings, shapes, text, patterns, skin, pairs of discs, animal-like faces."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from ..renderer.background import load_environments

Colour = tuple[float, float, float]


def random_colour(rng: np.random.Generator) -> Colour:
    """Any colour, mostly a dull one."""
    return tuple(float(c) for c in np.clip(rng.random() + rng.normal(0, rng.choice([0.05, 0.25]), 3), 0, 1) * 255)


def skin_colour(rng: np.random.Generator) -> Colour:
    """From very dark to very light skin."""
    dark, light = np.array([60, 38, 28.0]), np.array([245, 205, 180.0])
    colour = dark + (light - dark) * rng.beta(1.6, 1.1) + rng.normal(0, 10, 3)
    return tuple(float(c) for c in np.clip(colour, 0, 255))


class Surroundings:
    """Random backgrounds."""

    def __init__(self, folders: list[Path]):
        self.pictures = [environment.picture for folder in folders for environment in load_environments(folder)]

    def sample(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """(size, size, 3) uint8: places, colours, textures, and parts of one before another."""
        picture = self._plain(rng, size)
        while rng.random() < 0.3:
            mask = np.zeros((size, size), np.uint8)
            corners = rng.integers(-size // 4, size * 5 // 4, (int(rng.integers(3, 6)), 2))
            cv2.fillPoly(mask, [cv2.convexHull(corners.astype(np.int32))], 255, cv2.LINE_AA)
            np.copyto(picture, self._plain(rng, size), where=mask[..., None] > 127)
        return picture

    def _plain(self, rng: np.random.Generator, size: int) -> np.ndarray:
        kind = rng.random()
        if self.pictures and kind < 0.6:
            return self._part(rng, size)
        if kind < 0.7:
            return _gradient(rng, size)
        if kind < 0.78:
            return _noise(rng, size)
        if kind < 0.88:
            return _clouds(rng, size)
        if kind < 0.94:
            return _pebbles(rng, size)
        return _pattern(rng, size)

    def _part(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """A part of a panorama, turned a little, mirrored, brighter or darker."""
        whole = self.pictures[rng.integers(len(self.pictures))]
        height, width = whole.shape[:2]
        scale = size / height * np.exp(rng.uniform(np.log(1.0), np.log(4.0)))
        turn = rng.normal(0, 0.1) + rng.choice([0, 0, 0, 0, 0.5, 1, 1.5]) * np.pi
        sign = rng.choice([-1, 1])
        cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
        x, y = rng.uniform(0, width), height * (0.5 + rng.normal(0, 0.13))
        linear = np.array([[sign * cos, -sin], [sign * sin, cos]])
        matrix = np.column_stack([linear, (x, y) - linear @ (size / 2, size / 2)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        part = cv2.warpAffine(whole, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_WRAP)
        if rng.random() < 0.5:  # panoramas come at low resolution: grain, as of a photo
            part = _with_noise(rng, part, rng.uniform(3, 18))
        return cv2.convertScaleAbs(part, alpha=float(rng.uniform(0.4, 1.5)))


def _gradient(rng: np.random.Generator, size: int) -> np.ndarray:
    corners = np.array([[random_colour(rng) for _ in range(2)] for _ in range(2)], np.float32)
    if rng.random() < 0.5:
        corners = corners.mean((0, 1)) + (corners - corners.mean((0, 1))) * 0.3
    return cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR).clip(0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, size: int) -> np.ndarray:
    """Cells of any size and shape: gravel, leaves, cloth, tiles."""
    cells = rng.integers(3, 90, 2) if rng.random() < 0.6 else np.repeat(rng.integers(3, 90), 2)
    how = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(3)]
    field = cv2.resize(rng.random(tuple(cells)).astype(np.float32), (size, size), interpolation=how)
    fine = cv2.resize(rng.random((160, 160)).astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
    field = (field + rng.uniform(0, 0.6) * (fine - 0.5)).clip(0, 1)[..., None]
    if rng.random() < 0.3:
        field = (field > 0.5).astype(np.float32)
    first, second = (np.array(random_colour(rng), np.float32) for _ in range(2))
    return (first + (second - first) * field).astype(np.uint8)


def _clouds(rng: np.random.Generator, size: int) -> np.ndarray:
    """Noise of all sizes at once, in the shades between a few colours: clouds, leaves, stone, fur."""
    field, weight, decay, stretch = np.zeros((size, size), np.float32), 1.0, rng.uniform(0.45, 0.95), rng.normal(0, 0.5)
    for octave in range(1, 8):
        cells = (2**octave, max(2, int(2**octave * np.exp(stretch))))
        coarse = rng.random(cells, np.float32)
        field += weight * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
        weight *= decay
    low, high = np.percentile(field, [2, 98])
    colours = np.array([random_colour(rng) for _ in range(rng.integers(2, 5))])
    levels = np.linspace(0, len(colours) - 1, 256)
    shades = np.stack([np.interp(levels, range(len(colours)), channel) for channel in colours.T], axis=1)
    index = ((field - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    return shades.astype(np.uint8)[index]


def _pebbles(rng: np.random.Generator, size: int) -> np.ndarray:
    """Many alike things: gravel, fruit, leaves, stars."""
    picture = np.empty((size, size, 3), np.uint8)
    picture[:] = random_colour(rng)
    colour, largest = np.array(random_colour(rng)), rng.uniform(0.01, 0.1) * size
    for _ in range(int(np.exp(rng.uniform(np.log(20), np.log(250))))):
        centre = tuple(int(v) for v in rng.integers(0, size, 2))
        axes = tuple(max(1, int(v)) for v in rng.uniform(0.3, 1, 2) * largest)
        turn, shade = float(rng.uniform(0, 180)), colour * rng.uniform(0.4, 1.6)
        cv2.ellipse(picture, centre, axes, turn, 0, 360, tuple(shade * 0.5), -1, cv2.LINE_AA)
        inner = tuple(max(1, int(0.8 * axis)) for axis in axes)
        cv2.ellipse(picture, centre, inner, turn, 0, 360, tuple(shade), -1, cv2.LINE_AA)
    return picture


def _pattern(rng: np.random.Generator, size: int) -> np.ndarray:
    """A small motif again and again: bricks, windows, blinds, dots."""
    side = int(rng.integers(8, 70))
    motif = np.empty((side, int(side * rng.uniform(0.5, 2)), 3), np.uint8)
    motif[:] = random_colour(rng)
    for _ in range(rng.integers(1, 4)):
        SHAPES[rng.integers(len(SHAPES))](rng, motif)
    count = (-(-2 * size // motif.shape[0]), -(-2 * size // motif.shape[1]), 1)
    wall = np.tile(motif, count)[: 2 * size, : 2 * size]
    turn = cv2.getRotationMatrix2D((float(size), float(size)), float(rng.normal(0, 15)), float(rng.uniform(0.7, 1)))
    return cv2.warpAffine(wall, turn, (2 * size, 2 * size), borderMode=cv2.BORDER_REFLECT)[
        size // 2 : size // 2 + size, size // 2 : size // 2 + size
    ]


def _with_noise(rng: np.random.Generator, picture: np.ndarray, strength: float) -> np.ndarray:
    grain = np.empty(picture.shape, np.int8)
    cv2.randn(grain, 0, strength)
    return cv2.add(picture, grain, dtype=cv2.CV_8U)


def _where(rng: np.random.Generator, picture: np.ndarray) -> tuple[tuple[int, int], int]:
    """A place in a picture and a size in pixels."""
    height, width = picture.shape[:2]
    side = int(max(3, min(height, width) * np.exp(rng.uniform(np.log(0.03), np.log(0.6)))))
    return (int(rng.integers(width)), int(rng.integers(height))), side


def _line(rng: np.random.Generator, picture: np.ndarray) -> None:
    (x, y), side = _where(rng, picture)
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(1, 6) * side
    end = (int(x + np.cos(angle) * length), int(y + np.sin(angle) * length))
    cv2.line(picture, (x, y), end, random_colour(rng), max(1, int(side * rng.uniform(0.03, 0.5))), cv2.LINE_AA)


def _box(rng: np.random.Generator, picture: np.ndarray) -> None:
    (x, y), side = _where(rng, picture)
    box = ((float(x), float(y)), (float(side), float(side * rng.uniform(0.2, 3))), float(rng.normal(0, 15)))
    corners = cv2.boxPoints(box).astype(np.int32)
    colour = skin_colour(rng) if rng.random() < 0.2 else random_colour(rng)
    cv2.fillConvexPoly(picture, corners, colour, cv2.LINE_AA)
    if rng.random() < 0.4:
        cv2.polylines(picture, [corners], True, random_colour(rng), max(1, side // 12), cv2.LINE_AA)


def _disc(rng: np.random.Generator, picture: np.ndarray) -> None:
    centre, side = _where(rng, picture)
    colour = skin_colour(rng) if rng.random() < 0.4 else random_colour(rng)
    axes = (max(1, side // 2), max(1, int(side * rng.uniform(0.2, 0.7))))
    cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    for part in sorted(rng.uniform(0.2, 0.9, rng.integers(0, 3)))[::-1]:
        inner = tuple(max(1, int(axis * part)) for axis in axes)
        cv2.ellipse(picture, centre, inner, 0, 0, 360, random_colour(rng), -1, cv2.LINE_AA)


def _text(rng: np.random.Generator, picture: np.ndarray) -> None:
    (x, y), side = _where(rng, picture)
    scale, colour = side / 60 + 0.25, random_colour(rng)
    for line in range(rng.integers(1, 5)):
        letters = "".join(chr(c) for c in rng.integers(48, 123, rng.integers(2, 14)))
        at = (x - side, int(y + line * scale * 32))
        cv2.putText(picture, letters, at, int(rng.integers(0, 5)), scale, colour, max(1, side // 20), cv2.LINE_AA)


def _discs_in_pairs(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Headlights, buttons, knobs, windows: two alike beside each other, or a row."""
    (x, y), side = _where(rng, picture)
    radius, gap = max(1, side // 8), side * rng.uniform(0.3, 0.6)
    turn, first, second = rng.normal(0, 0.3), random_colour(rng), random_colour(rng)
    for k in range(rng.choice([2, 2, 2, 3, 4])):
        at = (int(x + k * gap * np.cos(turn)), int(y + k * gap * np.sin(turn)))
        cv2.circle(picture, at, radius, first, -1, cv2.LINE_AA)
        cv2.circle(picture, at, max(1, int(radius * rng.uniform(0.3, 0.7))), second, -1, cv2.LINE_AA)


def _limb(rng: np.random.Generator, picture: np.ndarray) -> None:
    """An arm or a hand: skin that ends in fingers."""
    (x, y), side = _where(rng, picture)
    colour, angle = np.array(skin_colour(rng)), rng.uniform(0, 2 * np.pi)
    width = max(2, side // 5)
    elbow = (int(x - np.cos(angle) * side * 1.5), int(y - np.sin(angle) * side * 1.5))
    cv2.line(picture, elbow, (x, y), tuple(float(c) for c in colour), width * 2, cv2.LINE_AA)
    for spread in np.linspace(-0.5, 0.5, 4) * rng.uniform(0.4, 1.6):
        start = (int(x - np.sin(angle) * spread * width * 2), int(y + np.cos(angle) * spread * width * 2))
        way, length = angle + spread * 0.5, side * rng.uniform(0.4, 0.9)
        tip = (int(start[0] + np.cos(way) * length), int(start[1] + np.sin(way) * length))
        shade = tuple(float(c) for c in np.clip(colour * rng.uniform(0.8, 1.1), 0, 255))
        cv2.line(picture, start, tip, shade, max(1, int(width * 0.6)), cv2.LINE_AA)


SHAPES: tuple[Callable[[np.random.Generator, np.ndarray], None], ...] = (
    _line,
    _box,
    _disc,
    _text,
    _discs_in_pairs,
    _limb,
)


def draw_clutter(rng: np.random.Generator, picture: np.ndarray) -> None:
    """Random things over (S, S, 3) uint8, in place."""
    for _ in range(int(rng.exponential(3.5))):
        SHAPES[rng.integers(len(SHAPES))](rng, picture)


def animal(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size, size, 4) uint8, RGB over black and alpha: a furry head, two eyes, ears, a muzzle with a nose."""
    fur, patch = (np.array(random_colour(rng)) for _ in range(2))
    fur = fur * 0.6 + np.array([150, 110, 70]) * 0.4 * rng.uniform(0.2, 1.5)
    patch = fur + (patch - fur) * rng.uniform(0, 0.8)
    picture, alpha = np.empty((size, size, 3), np.float32), np.zeros((size, size), np.uint8)
    picture[:] = fur
    unit, middle = size / 2, np.array([size / 2, size * 0.52])
    wide, tall = rng.uniform(0.55, 0.8) * unit, rng.uniform(0.55, 0.8) * unit

    def at(x: float, y: float) -> tuple[int, int]:
        return int(middle[0] + x * wide), int(middle[1] + y * tall)

    def oval(canvas: np.ndarray, x: float, y: float, a: float, b: float, colour, turn: float = 0.0) -> None:
        axes = (max(1, int(a * wide)), max(1, int(b * tall)))
        cv2.ellipse(canvas, at(x, y), axes, turn, 0, 360, colour, -1, cv2.LINE_AA)

    oval(alpha, 0, 0, 1, 1, 255)
    ear, pointed = rng.uniform(0.25, 0.55), rng.random() < 0.6
    for side in (-1, 1):
        if pointed:
            corners = [at(side * 0.9, -0.2), at(side * 0.25, -0.85), at(side * (0.6 + ear / 2), -1 - ear)]
            cv2.fillConvexPoly(alpha, np.array(corners, np.int32), 255, cv2.LINE_AA)
            inner = [at(side * 0.8, -0.5), at(side * 0.45, -0.8), at(side * (0.58 + ear / 2), -0.9 - ear * 0.7)]
            cv2.fillConvexPoly(picture, np.array(inner, np.int32), tuple(patch * 0.8), cv2.LINE_AA)
        else:
            oval(alpha, side * 0.9, rng.uniform(-0.6, 0), ear, ear * rng.uniform(1, 2), 255)
    for _ in range(rng.integers(0, 7)):  # stripes and patches
        oval(picture, *rng.uniform(-0.9, 0.9, 2), *rng.uniform(0.05, 0.5, 2), tuple(patch), rng.uniform(0, 180))
    muzzle = rng.uniform(0.25, 0.6)
    oval(picture, 0, 0.5, muzzle, muzzle * 0.8, tuple(fur + (patch - fur) * 0.7 + rng.uniform(-30, 60)))
    strands = np.float32(rng.normal(size=(size, max(4, size // 6))))
    strands = cv2.resize(strands, (size, size), interpolation=cv2.INTER_LINEAR)
    grain = cv2.GaussianBlur(np.float32(rng.normal(size=(size, size))), (0, 0), max(0.5, size / 150))
    picture *= 1 + (strands * 0.1 + grain * 0.3)[..., None] * rng.uniform(0.3, 1.2)
    eye, apart, height = rng.uniform(0.1, 0.24), rng.uniform(0.3, 0.55), rng.uniform(-0.3, 0.05)
    iris = np.array(random_colour(rng)) * 0.5 + np.array([150, 150, 40]) * rng.uniform(0, 0.5)
    pupil = (rng.uniform(0.15, 0.9), rng.uniform(0.6, 0.95))
    for side in (-1, 1):
        tilt = side * rng.uniform(-30, 5)
        oval(picture, side * apart, height, eye * 1.2, eye, tuple(fur * 0.3), tilt)
        oval(picture, side * apart, height, eye, eye * 0.85, tuple(iris), tilt)
        oval(picture, side * apart, height, eye * pupil[0], eye * 0.85 * pupil[1], (12.0, 10.0, 10.0))
        oval(picture, side * apart + 0.3 * eye, height - 0.3 * eye, eye * 0.2, eye * 0.2, (235.0,) * 3)
    nose, dark = rng.uniform(0.08, 0.22), tuple(np.array([60, 35, 40]) * rng.uniform(0.2, 2.5))
    corners = [at(-nose, 0.3), at(nose, 0.3), at(0, 0.3 + nose)]
    cv2.fillConvexPoly(picture, np.array(corners, np.int32), dark, cv2.LINE_AA)
    line = max(1, int(size / 90))
    cv2.line(picture, at(0, 0.3 + nose), at(0, 0.55), dark, line, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.line(picture, at(0, 0.55), at(side * muzzle * 0.6, 0.55 + 0.12), dark, line, cv2.LINE_AA)
        for _ in range(rng.integers(0, 5)):
            ends = at(side * 0.2, rng.uniform(0.35, 0.5)), at(side * rng.uniform(0.8, 1.3), rng.uniform(0.2, 0.7))
            cv2.line(picture, *ends, (220.0,) * 3, 1, cv2.LINE_AA)
    shade = np.linspace(*rng.uniform(0.6, 1.2, 2), size, dtype=np.float32)
    picture *= shade[:, None, None] if rng.random() < 0.5 else shade[None, :, None]
    picture = picture.clip(0, 255) * (alpha[..., None] / 255)
    return np.dstack([picture.astype(np.uint8), alpha])
