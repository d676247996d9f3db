"""What cameras and files do to a picture: lens, exposure, noise, scaling, JPEG."""

import numpy as np


def degrade(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """(S, S, 3) uint8 to the same, by a random chain."""
    import cv2

    size = len(picture)
    values = picture.astype(np.float32)
    values = (values - 127) * np.exp(rng.normal(0, 0.12)) + 127 + rng.normal(0, 8)
    values *= np.exp(rng.normal(0, 0.05, 3)).astype(np.float32)
    if rng.random() < 0.12:
        values = _harden(rng, values)
    if rng.random() < 0.12:
        values = np.repeat(values @ np.array([[0.3], [0.6], [0.1]], np.float32), 3, 2)
        values *= np.exp(rng.normal(0, 0.04, 3)).astype(np.float32)
    kind = rng.random()
    if kind < 0.3:
        values = cv2.GaussianBlur(values, (0, 0), rng.uniform(0.3, 2.2))
    elif kind < 0.4:
        values = _motion_blur(rng, values)
    elif kind < 0.65:
        factor = rng.uniform(0.2, 0.8)
        small = cv2.resize(values, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        values = cv2.resize(
            small,
            (size, size),
            interpolation=[cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST][rng.choice(3, p=[0.5, 0.4, 0.1])],
        )
    if rng.random() < 0.5:
        grain = rng.normal(size=values.shape if rng.random() < 0.5 else (size, size, 1)).astype(np.float32)
        values = values + grain * rng.uniform(1, 12)
    values = np.clip(values, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        encoded = cv2.imencode(".jpg", values, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 92))])[1]
        values = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return values


def end_photo(rng: np.random.Generator, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lets a photo (S, S, 3) end within the square on one or two sides; also (S, S) bool, what is left of it.

    Beyond its end the edge repeats, as crops of photos have it, or everything is of one brightness.
    """
    import cv2

    size = len(picture)
    left, top, right, bottom = (rng.uniform(0.12, 0.4, 4) * (rng.permutation(4) < rng.integers(1, 3)) * size).astype(
        int
    )
    inside = np.zeros((size, size), bool)
    inside[top : size - bottom, left : size - right] = True
    rest = picture[top : size - bottom, left : size - right]
    if rng.random() < 0.6:
        ended = cv2.copyMakeBorder(rest, top, bottom, left, right, cv2.BORDER_REPLICATE)
    else:
        shade = [0 if rng.random() < 0.7 else int(rng.integers(256))] * 3
        ended = cv2.copyMakeBorder(rest, top, bottom, left, right, cv2.BORDER_CONSTANT, value=shade)
    return ended, inside


def sample_tone_curve(rng: np.random.Generator) -> tuple[float, float]:
    """How steep a curve is, and its middle, of `tone_curve`."""
    return rng.uniform(4, 10), rng.uniform(0.25, 0.65)


def tone_curve(values: np.ndarray, steep: float, middle: float) -> np.ndarray:
    """Values 0..1 through an S-shaped curve that keeps black and white."""
    low, high, curve = (1 / (1 + np.exp(-steep * (v - middle))) for v in (0.0, 1.0, np.clip(values, 0, 1)))
    return (curve - low) / (high - low)


def _harden(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    """A steep S-shaped tone curve about a random middle, as of graphic black and white portraits."""
    hardened = tone_curve(values / 255, *sample_tone_curve(rng)) * 255
    if rng.random() < 0.5:
        hardened = np.repeat(hardened.mean(2, keepdims=True), 3, 2)
    return hardened.astype(np.float32)


def _motion_blur(rng: np.random.Generator, values: np.ndarray) -> np.ndarray:
    import cv2

    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle, half = rng.uniform(0, np.pi), (length - 1) / 2
    offset = np.array([np.cos(angle), np.sin(angle)]) * half
    start, end = (tuple(round(float(half + sign * v)) for v in offset) for sign in (-1, 1))
    cv2.line(kernel, start, end, 1.0, 1)
    return cv2.filter2D(values, -1, kernel / kernel.sum())
