"""The photo projected into UV space."""

from dataclasses import dataclass

import numpy as np

from .fill import Fill, make_fill, strands
from .guide import make_guide
from .photo import Photo
from .position_map import PositionMap
from .topology import Topology
from .trust import judge

STRIP_TEXELS = 1 << 17  # textures are made in strips of about so many texels, to stay small in memory


@dataclass(frozen=True)
class Texture:
    """Colour and visibility by UV; row 0 is v = 0, the top."""

    colour: np.ndarray  # (T, T, 3) uint8 sRGB
    mask: np.ndarray  # (T, T) uint8, 255 where the photo shows the surface

    @property
    def size(self) -> int:
        return self.mask.shape[0]


def project_texture(
    photo: Photo, position_map: PositionMap, topology: Topology, visibility: np.ndarray, size: int, fill: bool
) -> Texture:
    """The head's texture from the photo.

    Args:
        visibility: (V,) of the vertices.
        size: texture pixels per side.
        fill: continue the texture where the photo does not show the head; otherwise such texels stay black.
    """
    guide = make_guide(position_map, topology, visibility)
    vertices = topology.vertices(position_map)
    trusted = judge(guide, photo.pixels, vertices, topology.triangles)
    pyramid = PhotoPyramid.around(photo.pixels, vertices)
    completion = None
    if fill:
        seen = pyramid.sample(pyramid.place(guide.position), pyramid.level(guide.footprint))
        completion = make_fill(guide, seen.astype(np.float32), trusted)

    colour = np.empty((size, size, 3), np.uint8)
    mask = np.empty((size, size), np.uint8)
    place = pyramid.place(guide.position)
    level = useful_levels(pyramid.level(guide.footprint * guide.size / size), trusted.texels)
    rows = max(1, STRIP_TEXELS // size)
    for first in range(0, size, rows):
        strip = Strip(first, min(first + rows, size), size)
        weight = strip.enlarge(trusted.texels)
        own = pyramid.sample(strip.enlarge(place), strip.enlarge(level))
        mask[strip.rows] = np.rint(weight * 255)
        if completion is None:
            own[mask[strip.rows] == 0] = 0
            colour[strip.rows] = own
        else:
            colour[strip.rows] = completed(own, weight, completion, strip)
    return Texture(colour, mask)


def useful_levels(level: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """`level` (G, G) without the extremes of texels that hardly show: every level costs time."""
    import cv2

    shown = cv2.dilate(np.maximum(trust, trust[:, ::-1]), np.ones((3, 3), np.uint8)) > 0.2
    if not shown.any():
        return np.zeros_like(level)
    return np.where(shown, np.minimum(level, np.quantile(level[shown], 0.98)), 0)


@dataclass(frozen=True)
class Strip:
    """Some rows of a texture."""

    first: int
    last: int  # exclusive
    size: int  # of the texture

    @property
    def rows(self) -> slice:
        return slice(self.first, self.last)

    def enlarge(self, image: np.ndarray) -> np.ndarray:
        """(rows, T, …) float32 of `image` (G, G, …), bilinear, border repeated."""
        import cv2

        row = np.clip((np.arange(self.first, self.last) + 0.5) / self.size * len(image) - 0.5, 0, len(image) - 1)
        above = np.minimum(row.astype(int), len(image) - 2)
        share = (row - above).reshape(-1, *[1] * (image.ndim - 1)).astype(np.float32)
        some = image[above].astype(np.float32) * (1 - share) + image[above + 1].astype(np.float32) * share
        return cv2.resize(some, (self.size, len(some)), interpolation=cv2.INTER_LINEAR)


@dataclass(frozen=True)
class PhotoPyramid:
    """The part of a photo around the head, again and again halved by area averaging."""

    levels: list[np.ndarray]  # (H, W, 3) uint8
    origin: np.ndarray  # (2,) photo-space corner at which they start

    @classmethod
    def around(cls, pixels: np.ndarray, vertices: np.ndarray) -> "PhotoPyramid":
        """Of the part that vertices (V, 3) in photo space cover."""
        import cv2

        limit = np.array([pixels.shape[1], pixels.shape[0]])
        low = np.clip(np.floor(vertices[:, :2].min(axis=0)).astype(int) - 8, 0, limit - 1)
        high = np.clip(np.ceil(vertices[:, :2].max(axis=0)).astype(int) + 8, low + 1, limit)
        levels = [np.ascontiguousarray(pixels[low[1] : high[1], low[0] : high[0]])]
        while min(levels[-1].shape[:2]) > 16:
            half = [-(-n // 2) for n in levels[-1].shape[1::-1]]
            levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
        return cls(levels, low.astype(np.float32))

    def level(self, footprint: np.ndarray) -> np.ndarray:
        """The level at which a pixel is about as large as `footprint` photo pixels."""
        return np.clip(np.log2(np.maximum(footprint, 1e-6)), 0, len(self.levels) - 1).astype(np.float32)

    def place(self, position: np.ndarray) -> np.ndarray:
        """(G, G, 2) float32 pixel indices of the finest level for photo-space points (G, G, 3)."""
        return (position[..., :2] - (self.origin + 0.5)).astype(np.float32)

    def sample(self, place: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 at pixel indices of the finest level (h, w, 2), from between the two nearest levels."""
        import cv2

        result = None
        for k in range(int(level.min()), int(np.ceil(level.max())) + 1):
            picture = self.levels[k]
            factor = np.divide(picture.shape[1::-1], self.levels[0].shape[1::-1], dtype=np.float32)
            here = place
            if k > 0:
                here = place * factor
                here += (factor - 1) / 2
            colour = cv2.remap(picture, here, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            if result is None:
                result = colour
            else:
                share = level - np.float32(k - 1)
                np.clip(share, 0, 1, out=share)
                result = cv2.blendLinear(result, colour, 1 - share, share)
        return result


def completed(own: np.ndarray, weight: np.ndarray, fill: Fill, strip: Strip) -> np.ndarray:
    """(rows, T, 3) uint8: the photo's colours where believed, then the other side's, then what continues them."""
    import cv2

    rest = strip.enlarge(fill.colour)
    if fill.grain.any():
        noise = strands()
        place = strip.enlarge(fill.strand_place) * len(noise) - np.float32(0.5)
        grain = cv2.remap(noise, place, None, cv2.INTER_LINEAR) * strip.enlarge(fill.grain)
        rest += grain[..., None]
    rest = cv2.convertScaleAbs(np.maximum(rest, 0))
    other = np.ascontiguousarray(own[:, ::-1])
    other = cv2.multiply(other, strip.enlarge(fill.gain), dtype=cv2.CV_8U)
    share = strip.enlarge(fill.mirrored)
    rest = cv2.blendLinear(other, rest, share, 1 - share)
    return cv2.blendLinear(own, rest, weight, 1 - weight)
