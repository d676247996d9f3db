"""The photos of one person projected into UV space together: each where it shows the head best, in one light.

Worked out on small guide images over UV space. Two bands: what changes slowly over the head, light and white balance,
is that of all photos together, blended widely; what changes quickly is one photo's, and one photo gives way to the next
within a few millimetres. Source: P. J. Burt, E. H. Adelson, A multiresolution spline with application to image mosaics,
ACM Transactions on Graphics 2(4), 1983.
"""

from dataclasses import dataclass

import numpy as np

from ..packs.topology import Topology
from ..progress import Progress, silent
from ..types import View
from .complete import blur, make_fill, spread
from .guide import Guide, make_guide
from .project import PhotoPyramid, Projection, Tile, make_textures, require_texture_size, useful_levels
from .trust import Trust, judge, without_rims

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
class Laid:
    """One photo over UV space."""

    guide: Guide
    trusted: Trust
    pyramid: PhotoPyramid
    colour: np.ndarray  # (G, G, 3) float32 0..255

    @classmethod
    def of(cls, view: View, topology: Topology, rims_move: bool = False) -> "Laid":
        guide = make_guide(view.position_map, topology, view.visibility)
        vertices = topology.vertices(view.position_map)
        trusted = judge(guide, view.photo.pixels, vertices, topology.triangles)
        if rims_move:
            trusted = without_rims(trusted, topology)
        pyramid = PhotoPyramid.around(view.photo.pixels, vertices)
        colour = pyramid.sample(pyramid.place(guide.position), pyramid.level(guide.footprint))
        return cls(guide, trusted, pyramid, colour.astype(np.float32))

    def quality(self, size: int) -> np.ndarray:
        """(G, G) how well the photo shows a texel: seen, from the front, and with pixels enough for a texture's."""
        sharpness = np.minimum(self.guide.footprint * self.guide.size / size, 1)
        return self.trusted.texels * np.maximum(self.guide.facing, 0) ** FACING_POWER * sharpness

    def projection(self, size: int) -> Projection:
        level = self.pyramid.level(self.guide.footprint * self.guide.size / size)
        place = self.pyramid.place(self.guide.position)
        return Projection(self.pyramid, place, useful_levels(level, self.trusted.texels))


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


def merge_textures(
    views: tuple[View, ...],
    topology: Topology,
    size: int,
    fill: bool,
    progress: Progress = silent,
    rims_move: bool = False,
) -> dict[str, np.ndarray]:
    """Textures by name from all views, as of `project_texture`; the colours are as the first photo has them.

    Raises:
        CaptureError: the size is no multiple of 256.
        Cancelled: from `progress`.
    """
    require_texture_size(size)
    laid = []
    for number, view in enumerate(views):
        progress(0.2 * number / len(views), "Comparing the photos")
        laid.append(Laid.of(view, topology, rims_move))
    trusts = np.array([one.trusted.texels for one in laid])
    quality = chosen_by_quality(laid, size)
    gains, shares = levelled(laid, quality), shares_of(quality, BORDER)
    trust = np.max(trusts, axis=0)
    merged = Merged(tuple(one.projection(size) for one in laid), shares, gains)
    completion = None
    if fill:
        colour = (shares[..., None] * gains * [one.colour for one in laid]).sum(axis=0).astype(np.float32)
        hair = next((one.trusted.hair for one in laid if one.trusted.hair is not None), None)
        completion = make_fill(laid[0].guide, colour, Trust(trust, hair))
    return make_textures(merged, trust, completion, size, lambda fraction, text: progress(0.2 + 0.8 * fraction, text))


def chosen_by_quality(laid: list[Laid], size: int) -> np.ndarray:
    """(N, G, G) how well each photo shows each texel of the head that the first one shows with its expression."""
    import cv2

    quality = np.array([one.quality(size) for one in laid])
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


def levelled(laid: list[Laid], quality: np.ndarray) -> np.ndarray:
    """(N, G, G, 3) float32 factors by which the photos agree in what changes slowly over the head."""
    trusts = [one.trusted.texels for one in laid]
    slow = np.array(
        [np.log(blur(one.colour, trust) + LEVEL) for one, trust in zip(laid, trusts, strict=True)]
    )  # (N, G, G, 3)
    lighter = exposures(slow, trusts)
    slow = slow + lighter[:, None, None]
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
