"""What the photo does not show: the other side mirrored, hair and skin continued.

All on a small guide image over UV space (see `Guide`), where the other side of the head is the image flipped.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..geometry.visibility import smoothstep
from .guide import Guide
from .trust import Trust

# Half the width in metres of the strip around the mirror plane in which both sides are made to agree.
MEETING = 0.03
# The say of the prior colours where the photo says nothing, per texel against a trusted one. Hair begins sharply.
PRIOR_ON_SKIN = 0.002
PRIOR_ON_SCALP = 0.02
FEW = 30  # texels that are too few to tell a colour from


@dataclass(frozen=True)
class Fill:
    """How to complete a texture; images of G x G texels."""

    mirrored: np.ndarray  # (G, G) float32: the other side's say in the rest
    gain: np.ndarray  # (G, G, 3) float32: factor on the mirrored colour
    colour: np.ndarray  # (G, G, 3) float32: for what remains
    grain: np.ndarray  # (G, G) float32: how strongly it is strewn with strands
    strand_place: np.ndarray  # (G, G, 2) float32: where in `strands`, 0..1
    strands: np.ndarray  # (S, S) float32: the noise of which they are


def make_fill(guide: Guide, colour: np.ndarray, trusted: Trust) -> Fill:
    """The fill for the photo's colours (G, G, 3) float32 0..255."""
    import cv2

    trust = trusted.texels
    other, other_trust = colour[:, ::-1], trust[:, ::-1]
    # Where both sides are seen the ratio tells how the light differs; it fades away from there.
    both = trust * other_trust
    smooth = blur(colour, trust) + 12
    ratio = np.log(smooth / smooth[:, ::-1])
    both = both / (1 + (ratio**2).sum(-1) / 0.25)  # a patch or a parting on one side is no light
    meeting = smoothstep(np.abs(guide.canonical[..., 0]), 0.0, MEETING)[..., None]
    gain = np.exp(np.clip(spread(ratio, both, 0.04), -0.4, 0.4) * meeting)
    mirrored = smoothstep(other_trust, 0.0, 0.8)

    known_weight = 1 - (1 - trust) * (1 - mirrored)
    blend = mirrored * (1 - trust)
    known = (trust[..., None] * colour + (blend[..., None] * gain) * other) / np.maximum(known_weight[..., None], 1e-3)
    scalp = scalp_share(guide.canonical)
    prior = prior_colours(guide, known, known_weight, scalp, trusted.hair)
    rest = spread(known - prior, known_weight**2, PRIOR_ON_SKIN + (PRIOR_ON_SCALP - PRIOR_ON_SKIN) * scalp)
    # Both sides agree in the mirror plane, at the back where the seam is.
    rest = (rest + rest[:, ::-1]) / 2 + (rest - rest[:, ::-1]) / 2 * meeting
    filled = cv2.GaussianBlur((prior + rest).astype(np.float32), (0, 0), 2.0)
    return Fill(
        mirrored=mirrored.astype(np.float32),
        gain=gain.astype(np.float32),
        colour=np.clip(filled, 0, 255),
        grain=(strand_strength(known, known_weight, scalp) * scalp).astype(np.float32),
        strand_place=strand_place(guide.canonical).astype(np.float32),
        strands=strands(),
    )


def blur(image: np.ndarray, weight: np.ndarray, sigma: float = 6.0) -> np.ndarray:
    """The local mean of `image` (G, G, 3) where `weight` (G, G) is."""
    import cv2

    total = cv2.GaussianBlur(np.ascontiguousarray(image * weight[..., None], np.float32), (0, 0), sigma)
    share = cv2.GaussianBlur(np.ascontiguousarray(weight, np.float32), (0, 0), sigma)
    return total / np.maximum(share, 1e-4)[..., None]


def spread(image: np.ndarray, weight: np.ndarray, towards_zero: np.ndarray | float) -> np.ndarray:
    """`image` (G, G, 3) continued smoothly from where `weight` (G, G) is, to zero far from there.

    Pull-push over an image pyramid. Source: S. J. Gortler et al., The lumigraph, SIGGRAPH 1996.
    """
    import cv2

    levels = [(np.ascontiguousarray(image * weight[..., None], np.float32), (weight + towards_zero).astype(np.float32))]
    while min(levels[-1][1].shape) > 2:
        total, share = levels[-1]
        # Four texels of full weight make one of full weight: a lone one must not lose its say.
        share = np.minimum(cv2.pyrDown(share) * 4, 1e6)
        levels.append((cv2.pyrDown(total) * 4, share))
    total, share = levels[-1]
    value = total / share[..., None]
    for total, share in reversed(levels[:-1]):
        below = cv2.pyrUp(value, dstsize=share.shape[::-1])
        say = np.minimum(share, 1)[..., None]
        value = (1 - say) * below + say * (total / share[..., None])
    return value


def scalp_share(canonical: np.ndarray) -> np.ndarray:
    """(G, G) float32 0..1: where hair grows, by a hairline from the forehead past the ears to the nape."""
    _, y, z = np.moveaxis(canonical, -1, 0)
    hairline = np.interp(
        y, [-0.04, 0.015, 0.035, 0.055, 0.085, 0.11, 0.15], [0.075, 0.055, 0.03, 0.02, 0.005, -0.03, -0.055]
    )
    return smoothstep(z - hairline.astype(np.float32), -0.012, 0.012)


def prior_colours(
    guide: Guide, known: np.ndarray, weight: np.ndarray, scalp: np.ndarray, hair_above: np.ndarray | None
) -> np.ndarray:
    """(G, G, 3) the typical colour of the hair on the scalp, of the skin elsewhere.

    Args:
        hair_above: (3,) what the photo shows just above the head, if anything.
    """
    z = guide.canonical[..., 2]
    skin = known[(weight * (1 - scalp) > 0.5) & (z < -0.03) & (z > -0.1)]
    skin = middle_half(skin, skin.sum(axis=1)) if len(skin) > FEW else np.full(3, 128.0)
    on_scalp = known[weight * scalp > 0.5]
    hair = skin
    if len(on_scalp) > FEW:
        # A high forehead reaches into the scalp: hair is what differs from skin.
        difference = np.abs(on_scalp - skin).sum(axis=1)
        hair = np.median(on_scalp[difference >= np.median(difference)], axis=0)
    if hair_above is not None and np.abs(hair - skin).sum() < 90:
        hair = hair_above
    return scalp[..., None] * hair + (1 - scalp[..., None]) * skin


def middle_half(colours: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(3,) the mean of the colours (N, 3) between the quartiles of `order` (N,)."""
    low, high = np.quantile(order, [0.25, 0.75])
    return colours[(order >= low) & (order <= high)].mean(axis=0)


def strand_strength(known: np.ndarray, weight: np.ndarray, scalp: np.ndarray) -> float:
    """Standard deviation of the fine detail in the hair that is known."""
    chosen = (weight > 0.9) & (scalp > 0.9)
    if chosen.sum() < FEW:
        return 0.0
    detail = known - blur(known, weight, 1.5)
    return float(np.clip(detail[chosen].mean(axis=1).std(), 0, 12))


@lru_cache(maxsize=1)
def strands(size: int = 1024) -> np.ndarray:
    """(size, size) float32 noise of mean 0 and deviation 1, in strands that run out from the middle: the crown."""
    import cv2

    noise = np.random.default_rng(0).standard_normal((1536, 256)).astype(np.float32)  # angle, radius
    noise = np.concatenate([noise, noise[:64]])  # closed around the crown
    streaks = cv2.GaussianBlur(noise, (0, 0), sigmaX=12, sigmaY=0.8) + 0.5 * cv2.GaussianBlur(
        noise[:, ::-1], (0, 0), sigmaX=25, sigmaY=3.0
    )
    streaks = np.roll(streaks[32 : 32 + 1536], 32, axis=0)
    streaks = cv2.resize(streaks / streaks.std(), (size // 2, 1536))
    return cv2.warpPolar(
        streaks,
        (size, size),
        (size / 2 - 0.5, size / 2 - 0.5),
        size / 2,
        cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS,
    )


def strand_place(canonical: np.ndarray) -> np.ndarray:
    """(G, G, 2) where a point of the head lies in `strands`, 0..1: its direction from the crown, flattened."""
    side, crown = np.array([1, 0, 0], np.float32), np.array([0, 0.5, 0.866], np.float32)
    direction: np.ndarray = canonical.reshape(-1, 3) - np.array([0, 0.08, 0], np.float32)
    x, y, z = np.stack([side, np.cross(crown, side), crown]) @ direction.T
    across = np.hypot(x, y)
    factor = np.arctan2(across, z) / np.pi / np.maximum(across, 1e-6)
    return (np.stack([x * factor, y * factor], axis=-1) / 2 + 0.5).reshape(*canonical.shape[:2], 2)
