"""Colours of one picture brought to those of another around a seam, so that the seam does not show."""

import numpy as np

from ..geometry.visibility import smoothstep
from .complete import blur, spread

LARGEST = 0.9  # of the logarithm of a factor: more is no light but another thing
_INSIDE = 0.12  # its say, against the border's
_DEEP = (0.08, 0.12)  # of the head's size
_OTHER_THING = 0.6  # of it, from that along most of the border
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
    # Where one of the two shows hair or a hat, the factor is another than between skin and skin.
    difference = np.abs(ratio - _median(ratio, known)).max(axis=-1)
    known = known * (1 - np.clip(difference / _OTHER_THING, 0, 1)) ** 2
    smooth = cv2.GaussianBlur(spread(ratio, known, _TOWARDS_ONE), (0, 0), 2 * sigma)
    return np.exp(np.clip(smooth, -LARGEST, LARGEST)).astype(np.float32)


def _median(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(3,) of values (h, w, 3) with weights (h, w), which are 0 nearly everywhere."""
    shown = weight > 0
    values, weight = values[shown], weight[shown].astype(np.float64)
    if not len(values):
        return np.zeros(3, values.dtype)
    order = np.argsort(values, axis=0)
    below = np.cumsum(weight[order], axis=0)
    middle = (below < below[-1] / 2).sum(axis=0)
    return values[order[middle, range(3)], range(3)]


def compared(mask: np.ndarray, size: float) -> np.ndarray:
    """(h, w) 0..1: where the colours around a soft mask (h, w) 0..1 are compared.

    It is the mask's border, and a little the depth of a large one, where skin lies in both: along the border of a face
    lie hair and shadow. Mouths and eyes are not so deep: they are to keep their colours.

    Args:
        size: of the head or of its texture, in pixels of the mask.
    """
    import cv2

    border = 4 * mask * (1 - mask)
    depth = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / size
    return np.maximum(border, _INSIDE * mask * smoothstep(depth, *_DEEP))
