"""What the photo does not show: the other side mirrored, hair and skin continued.

All on a small guide image over UV space (see `Guide`), where the other side of the head is the image flipped.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..geometry.visibility import smoothstep
from .guide import Drawing, Guide
from .trust import Trust

# Half the width in metres of the strip around the mirror plane in which both sides are made to agree.
MEETING = 0.03
# The say of the prior colours where the photo says nothing, per texel against a trusted one. Hair begins sharply.
PRIOR_ON_SKIN = 0.002
PRIOR_ON_SCALP = 0.02
STRANDS_SIZE = 2048  # texels
NO_STRAND, STRAND = 128, 32  # levels
FEW = 30  # texels that are too few to tell a colour from


@dataclass(frozen=True)
class Fill:
    """How to complete a texture; images over UV, float32."""

    mirrored: np.ndarray  # (G, G): the other side's say in the rest
    gain: np.ndarray  # (G, G, 3): factor on the mirrored colour
    colour: np.ndarray  # (G, G, 3): for what remains
    grain: float  # deviation of the strands with which it is strewn
    strands: np.ndarray  # as of `Layout`


def make_fill(guide: Guide, colour: np.ndarray, trusted: Trust) -> Fill:
    """The fill for the photo's colours (G, G, 3) 0..255."""
    import cv2

    trust = trusted.texels
    other, other_trust = cv2.flip(colour, 1), cv2.flip(trust, 1)
    # Where both sides are seen the ratio tells how the light differs; it fades away from there.
    both = trust * other_trust
    smooth = np.log(blur(colour, trust) + 12)
    ratio = smooth - cv2.flip(smooth, 1)
    red, green, blue = cv2.split(ratio)
    both = both / (1 + (red**2 + green**2 + blue**2) / 0.25)  # a patch or a parting on one side is no light
    always = layout(guide.drawing)
    gain = np.exp(np.clip(spread(ratio, both, 0.04), -0.4, 0.4) * always.meeting)
    mirrored = smoothstep(other_trust, 0.0, 0.8)

    known_weight = 1 - (1 - trust) * (1 - mirrored)
    blend = mirrored * (1 - trust)
    known = in_colours(trust) * colour + in_colours(blend) * gain * other
    known /= in_colours(np.maximum(known_weight, 1e-3))
    scalp = always.scalp
    prior = prior_colours(guide, known, known_weight, scalp, trusted.hair)
    rest = spread(known - prior, known_weight**2, PRIOR_ON_SKIN + (PRIOR_ON_SCALP - PRIOR_ON_SKIN) * scalp)
    # Both sides agree in the mirror plane, at the back where the seam is.
    rest_of_other = cv2.flip(rest, 1)
    rest = (rest + rest_of_other) / 2 + (rest - rest_of_other) / 2 * always.meeting
    filled = cv2.GaussianBlur(prior + rest, (0, 0), 2.0)
    grain = strand_strength(known, known_weight, scalp)
    return Fill(mirrored, gain, np.clip(filled, 0, 255), grain, always.strands)


@dataclass(frozen=True)
class Layout:
    """What a topology's UV layout says, the same for every head; images over UV, float32."""

    meeting: np.ndarray  # (G, G, 3) 0..1: 0 in the mirror plane, where both sides are made to agree
    scalp: np.ndarray  # (G, G) 0..1, as of `scalp_share`
    strands: np.ndarray  # (S, S) uint8: on the scalp, NO_STRAND elsewhere; a deviation is STRAND levels


@lru_cache(maxsize=2)
def layout(drawing: Drawing) -> Layout:
    """Worked out once for each topology."""
    import cv2

    canonical = drawing.canonical
    meeting, scalp = smoothstep(np.abs(canonical[..., 0]), 0.0, MEETING), scalp_share(canonical)
    noise = strands()
    place = (strand_place(canonical) * len(noise) - 0.5).astype(np.float32)
    levels = np.empty((STRANDS_SIZE, STRANDS_SIZE), np.uint8)
    scale = STRANDS_SIZE // len(scalp)
    for row in range(len(scalp)):  # all of it at once would take 80 MB
        rows = slice(max(row - 1, 0), row + 2)
        own = slice((row - rows.start) * scale, (row - rows.start + 1) * scale)
        size = (STRANDS_SIZE, scale * len(scalp[rows]))
        strewn = cv2.remap(noise, cv2.resize(place[rows], size)[own], None, cv2.INTER_LINEAR)
        strewn *= cv2.resize(scalp[rows], size)[own]
        np.clip(strewn, -3.9, 3.9, out=strewn)
        levels[row * scale : (row + 1) * scale] = cv2.convertScaleAbs(strewn, alpha=STRAND, beta=NO_STRAND)
    return Layout(in_colours(meeting), scalp, levels)


def in_colours(image: np.ndarray) -> np.ndarray:
    """An image (H, W) float32 in each of three colours: numpy is slow at spreading numbers over an axis of three."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)


def blur(image: np.ndarray, weight: np.ndarray, sigma: float = 6.0) -> np.ndarray:
    """The local mean of `image` (G, G, 3) where `weight` (G, G) float32 is."""
    import cv2

    total = cv2.GaussianBlur(image * in_colours(weight), (0, 0), sigma)
    return total / in_colours(np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), 1e-4))


def spread(image: np.ndarray, weight: np.ndarray, towards_zero: np.ndarray | float) -> np.ndarray:
    """`image` (G, G, 3) continued smoothly from where `weight` (G, G) is, to zero far from there; all of float32.

    Pull-push over an image pyramid. Source: S. J. Gortler et al., The lumigraph, SIGGRAPH 1996.
    """
    import cv2

    levels = [(image * in_colours(weight), weight + towards_zero)]
    while min(levels[-1][1].shape) > 2:
        total, share = levels[-1]
        # Four texels of full weight make one of full weight: a lone one must not lose its say.
        share = np.minimum(cv2.pyrDown(share) * 4, 1e6)
        levels.append((cv2.pyrDown(total) * 4, share))
    total, share = levels[-1]
    value = total / in_colours(share)
    for total, share in reversed(levels[:-1]):
        below = cv2.pyrUp(value, dstsize=share.shape[::-1])
        say = in_colours(np.minimum(share, 1))
        value = (1 - say) * below + say * (total / in_colours(share))
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
    """(G, G, 3) float32: the typical colour of the hair on the scalp, of the skin elsewhere.

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
    hair, skin = np.asarray(hair, np.float32), np.asarray(skin, np.float32)
    return in_colours(scalp) * hair + in_colours(1 - scalp) * skin


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
