"""Colours of one picture brought to those of another around a seam, so that the seam does not show."""

import numpy as np

from .complete import blur, spread

LARGEST = 0.9  # of the logarithm of a factor: more is no light but another thing
_DARK = 3  # added to both colours, so that the noise in black has little say
_TOWARDS_ONE = 1e-6  # where nothing is known the source stays as it is


def gains(source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(h, w, 3) float32 factors on `source` that make it `target` where `weight` is, continued smoothly elsewhere.

    As in gradient domain cloning the difference along the border is spread over the inside, but as a factor: shadows
    and light go along, and nothing leaves the range of colours.
    Source: Z. Farbman et al., Coordinates for instant image cloning, SIGGRAPH 2009.

    Args:
        source, target: (h, w, 3) 0..255.
        weight: (h, w) 0..1.
    """
    import cv2

    sigma = max(weight.shape) / 100
    ratio = np.log((blur(target, weight, sigma) + _DARK) / (blur(source, weight, sigma) + _DARK))
    known = weight * (1 - np.clip(np.abs(ratio).max(axis=-1) / (2 * LARGEST), 0, 1)) ** 2
    smooth = cv2.GaussianBlur(spread(ratio, known, _TOWARDS_ONE), (0, 0), 2 * sigma)
    return np.exp(np.clip(smooth, -LARGEST, LARGEST)).astype(np.float32)


def band(mask: np.ndarray) -> np.ndarray:
    """(h, w) 0..1: the border of a soft mask (h, w) 0..1."""
    return 4 * mask * (1 - mask)
