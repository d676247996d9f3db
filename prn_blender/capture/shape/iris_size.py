"""How large a head is by its irises, which are of one width in everybody from two years of age on: 11.7 mm, with a
deviation of 0.4 mm. Source: F. Rüfer et al., White-to-white corneal diameter, Cornea 24, 2005.
"""

from collections.abc import Sequence

import numpy as np

from ..types import View
from .eyeball import STRAIGHT, Look
from .iris import SeenEye

WIDTH = 0.0117  # metres
# As wide they are measured: the edge is soft, and lids and lashes are dark, too. Set on 53 photos of adults, so that
# their eyes are 63.5 mm apart on average.
MEASURED = 1.107
LEAST = 10  # pixels across an iris that is measured
ALIKE = 0.12  # as a share: two irises that differ more are not told
SIZES = (0.7, 1.3)  # times the average head's
AROUND = np.stack(np.meshgrid(*[np.arange(-6, 7, 2.0)] * 2), -1).reshape(-1, 2)  # degrees from the gaze that was found
EDGES = np.arange(15, 36, 1.0)  # degrees from the middle of an iris to its edge, as seen from the eyeball's
SOFT = 3.0  # degrees over which the edge goes

Eyes = tuple[SeenEye | None, ...]  # the subject's left one and the right one


def size_by_irises(views: Sequence[View], eyes: Sequence[Eyes], looks: Sequence[Look]) -> float | None:
    """By how much a head is to be enlarged so that its irises are as wide as everybody's; None where no photo shows
    both well.

    Args:
        views: in which the head is as large as its fit.
        eyes, looks: in each of them.
    """
    widths = [width for seen in zip(views, eyes, looks, strict=True) for width in _widths(*seen)]
    if not widths:
        return None
    return float(np.clip(WIDTH * MEASURED / np.exp(np.mean(np.log(widths))), *SIZES))


def _widths(view: View, eyes: Eyes, look: Look) -> list[float]:
    """Metres of both irises, as the head has them; none where they do not tell."""
    seen = [iris_width(eye, gaze) for eye, gaze in zip(eyes, look.gaze, strict=True) if eye is not None]
    if look is STRAIGHT or len(seen) < len(eyes) or min(seen) < LEAST * view.camera.metres_per_px:
        return []
    return seen if abs(np.log(seen[0] / seen[1])) < ALIKE else []


def iris_width(eye: SeenEye, gaze: np.ndarray) -> float:
    """Metres across the disc, near a gaze (2,), that parts dark from bright between the lids best, by N. Otsu's
    measure."""
    bright = eye.brightness
    angles = eye.angles(gaze + AROUND)
    inside = np.clip((EDGES[:, None, None] - angles) / SOFT + 0.5, 0, 1)
    share, within = inside.mean(1), np.einsum("enk,n->ek", inside, bright) / len(bright)
    step = (bright.mean() - within) / np.maximum(1 - share, 1e-6) - within / np.maximum(share, 1e-6)
    told = share * (1 - share) * step * np.abs(step)
    edge = np.unravel_index(told.argmax(), told.shape)[0]
    return float(2 * eye.radius * np.sin(np.radians(EDGES[edge])))
