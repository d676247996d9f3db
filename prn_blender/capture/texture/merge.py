"""The photos of one person projected into UV space together: each where it shows the head best, in one light.

Worked out on small guide images over UV space. Two bands: what changes slowly over the head, light and white balance,
is that of all photos together, blended widely; what changes quickly is one photo's, and one photo gives way to the next
within a few millimetres. Source: P. J. Burt, E. H. Adelson, A multiresolution spline with application to image mosaics,
ACM Transactions on Graphics 2(4), 1983.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .complete import blur, spread
from .laid import Laid, Projection
from .tiles import Tile
from .trust import Trust

FACING_POWER = 2.0  # of the cosine of the angle at which a photo sees the surface
CHOICE = 6.0  # power by which the better photo wins
BORDER = 1.5  # texels of the guide over which one photo gives way to another
WIDE = 10.0  # texels over which the slow band does
STILL = 0.05  # the others' say in the eyes and the mouth where the first photo shows them: they move
AROUND = 17  # texels across the surroundings of eyes and mouth
LEVEL = 12.0  # of 255: colours are compared as if lighter by this, so that black ones do not count
LARGEST_GAIN = 0.4  # logarithm, of light that differs over the head; whole photos may differ by any factor
FAR = 0.02  # the say of no change at all, where photos are far from one another
FEW = 30  # texels that are too few to compare colours on


@dataclass(frozen=True)
class Merged:
    """The colours of several photos by UV."""

    projections: tuple[Projection, ...]
    shares: np.ndarray  # (N, G, G) float32, of each photo; their sum is 1
    gains: np.ndarray  # (N, G, G, 3) float32: factor on each photo's colours

    def sample(self, tile: Tile) -> np.ndarray:
        """(h, w, 3) uint8."""
        import cv2

        total = None
        for projection, share, gain in zip(self.projections, self.shares, self.gains, strict=True):
            weight = tile.enlarge(share)
            if weight.max() < 1 / 255:
                continue
            part = projection.sample(tile).astype(np.float32) * (tile.enlarge(gain) * weight[..., None])
            total = part if total is None else total + part
        return cv2.convertScaleAbs(total)


def merge(laid: Sequence[Laid], size: int) -> tuple[Merged, np.ndarray, Trust]:
    """Several photos as one, as light as the first; its colours (G, G, 3) float32, and how far they are believed.

    Args:
        size: texture pixels per side.
    """
    quality = chosen_by_quality(laid, size)
    gains, shares = levelled(laid, quality), shares_of(quality, BORDER)
    colour = (shares[..., None] * gains * [one.colour for one in laid]).sum(axis=0)
    trust = np.max([one.trusted.texels for one in laid], axis=0)
    hair = next((one.trusted.hair for one in laid if one.trusted.hair is not None), None)
    merged = Merged(tuple(one.projection(size) for one in laid), shares, gains)
    return merged, colour.astype(np.float32), Trust(trust, hair)


def quality_of(one: Laid, size: int) -> np.ndarray:
    """(G, G) how well a photo shows a texel: seen, from the front, and with pixels enough for a texture's."""
    sharpness = np.minimum(one.guide.footprint * one.guide.size / size, 1)
    return one.trusted.texels * np.maximum(one.guide.facing, 0) ** FACING_POWER * sharpness


def chosen_by_quality(laid: Sequence[Laid], size: int) -> np.ndarray:
    """(N, G, G) how well each photo shows each texel of the head that the first one shows with its expression."""
    import cv2

    quality = np.array([quality_of(one, size) for one in laid])
    moving = cv2.dilate(laid[0].guide.openings, np.ones((AROUND, AROUND), np.uint8))
    moving = cv2.GaussianBlur(moving, (0, 0), AROUND / 4) * laid[0].trusted.texels
    quality[1:] *= 1 - (1 - STILL) * moving
    return quality


def shares_of(quality: np.ndarray, border: float) -> np.ndarray:
    """(N, G, G) float32 of which the sum is 1: nearly all for the best photo, with a border as wide as asked."""
    import cv2

    best = quality.max(axis=0)
    sharp = (quality / np.maximum(best, 1e-6)) ** CHOICE * (best > 0)
    # Blurred within what each photo shows at all, so that a border never reaches into what it does not.
    soft = np.array([cv2.GaussianBlur(one.astype(np.float32), (0, 0), border) for one in sharp])
    shown = quality > 0.02 * quality.max()
    soft *= np.where(shown.any(axis=0), shown, 1)
    return ((soft + 1e-6) / (soft + 1e-6).sum(axis=0)).astype(np.float32)


def levelled(laid: Sequence[Laid], quality: np.ndarray) -> np.ndarray:
    """(N, G, G, 3) float32 factors by which the photos agree in what changes slowly over the head."""
    trusts = [one.trusted.texels for one in laid]
    slow = np.array(
        [np.log(blur(one.colour, trust) + LEVEL) for one, trust in zip(laid, trusts, strict=True)]
    )  # (N, G, G, 3)
    lighter = exposures(slow, trusts)
    slow = slow + lighter[:, None, None].astype(np.float32)
    weight = shares_of(quality, WIDE)[..., None]
    wanted = (weight * slow).sum(axis=0)
    gains = []
    for own, trust, share, exposure in zip(slow, trusts, weight, lighter, strict=True):
        # Where a photo is alone it is as wanted; what is changed at its borders fades away from there.
        change = spread(wanted - own, trust * np.maximum(share[..., 0], 1e-3), FAR)
        gains.append(np.exp(np.clip(change, -LARGEST_GAIN, LARGEST_GAIN) + exposure))
    return np.array(gains, np.float32)


def exposures(slow: np.ndarray, trusts: list[np.ndarray]) -> np.ndarray:
    """(N, 3) logarithms by which whole photos are to be lighter, to agree best where they show the same; the first 0.

    Args:
        slow: (N, G, G, 3) logarithms of the photos' colours.
    """
    count = len(slow)
    rows, wanted, weights = [np.eye(count)[0]], [np.zeros(3)], [1e3]
    for one in range(1, count):  # a photo that shares nothing with the others stays as it is
        rows.append(np.eye(count)[one])
        wanted.append(np.zeros(3))
        weights.append(1.0)
        for other in range(one):
            both = trusts[one] * trusts[other] > 0.5
            if both.sum() >= FEW:
                rows.append(np.eye(count)[one] - np.eye(count)[other])
                wanted.append(np.median(slow[other][both] - slow[one][both], axis=0))
                weights.append(both.sum())
    root = np.sqrt(weights)[:, None]
    return np.linalg.lstsq(np.array(rows) * root, np.array(wanted) * root, rcond=None)[0]
