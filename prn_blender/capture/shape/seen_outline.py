"""Where the photo shows the head end and its background begin: evidence of the head's outline.

The surface ends where it turns away from the camera; which place on it that is changes with the head, so a seen place
of the outline is held across the outline only. Hair and hats end elsewhere: only what has the colour of the skin inside
of it and is no scalp counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..geometry.position_map import sample_bicubic, upsample_bicubic
from ..geometry.unwrap import stance_of
from ..packs.topology import Topology
from ..photo.cut_out import CutOut, covered, framed
from .evidence import SEEN, Outline
from .head_model import HeadModel, texel_uv
from .turning import facing_of, turning

ACROSS = 224  # pixels across the head of the picture in which the outline is looked for
BORDER = 0.15  # around the head, in its size
SEAM = 7  # pixels of the gap between the sides of the surface's open seam, at most
# All in mm at the head.
APART = 3.0  # along the outline, of the places that are looked at
REACH = 8.0  # as far before and behind the predicted outline it is looked for
NEAR_CUT = 4.0  # as far from the border of what was cut out the strongest edge is taken
STEP = 0.5  # of the walk across the outline
SKIN = (-24.0, -12.0)  # where on the walk the skin's own colour is
FINE, INSIDE, OUTSIDE = (-2.0, -0.5), (-6.0, -2.0), (1.0, 5.0)  # before and behind an edge
SKIN_LIES = 18.0  # as deep inside the surface must be seen
SEEN_AROUND = 6.0
ON_SURFACE = 4.0  # as near to where the surface turns away
DEVIATION = 0.7
# In units of Lab, lightness counting less where light falls differently.
LEAST_CONTRAST = 15.0
COLOURS = np.array([1.0, 1.5, 1.5], np.float32)
SAME_SKIN = 0.3  # of the contrast at the edge, by which colours of one surface differ at most
EARLIER_EDGE = 0.5  # of the contrast at the edge, that no edge before it may have
SMOOTH = 2.0  # that the outline steps out at most over two places
NEIGHBOURS = 2  # of four that go on so
BLURRED = 0.6  # pixels per mm, below which a photo shows no outline
# Metres on the mean head. Ears lie so far to the side, behind the eyes and above them; temples begin so far behind the
# eyes and above them.
EARS = (0.0775, np.inf), (0.065, 0.125), (-0.06, 0.01)
TEMPLES = (0.03, -0.03)
NECK = 0.3  # how far the neck follows the bust; from there on it is none of the head


@lru_cache(maxsize=2)
def scalp_of(topology: Topology, size: int) -> np.ndarray:
    """(size, size) bool: texels on which hair grows, temples among them, and the neck's."""
    x, y, z = topology.canonical.T
    ears = np.logical_and.reduce(
        [(low < at) & (at < high) for at, (low, high) in zip((abs(x), y, z), EARS, strict=True)]
    )
    hair = topology.in_region("scalp_and_neck") | (y > TEMPLES[0]) & (z > TEMPLES[1])
    uv = topology.sample_uv[hair & ~ears, 0]
    scalp = np.zeros((size, size), bool)
    scalp[tuple((uv * size).astype(int).clip(0, size - 1).T[::-1])] = True
    return scalp


def outline_seen(
    pixels: np.ndarray,
    cut_out: Callable[[], CutOut],
    places: np.ndarray,
    model: HeadModel,
    visibility: np.ndarray,
    scalp: np.ndarray,
) -> Outline:
    """Where a photo shows the outline of a head.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        cut_out: waits for what is cut out while the rest is prepared.
        places: (E, E, 3) photo space, where the surface lies, about.
        visibility: (V, V) 0..1, how likely the surface is seen.
        scalp: (G, G) bool, the model's texels on which hair grows.
    """
    surface = upsample_bicubic(places.astype(np.float32), len(model.mean))
    size = 1000 * stance_of(surface, model.mean, model.rigid).pixels_per_mm  # photo pixels that a metre takes
    if size < 1000 * BLURRED:
        return Outline.none()
    picture = _Picture.around(pixels, surface, model.inside)
    mm = size * picture.scale / 1000  # pixels of the picture
    border, outwards = _along(_predicted(surface, model.inside, picture), mm)

    def beyond(far: np.ndarray) -> np.ndarray:
        """Places so many mm (N,) beyond the predicted outline."""
        return border + (far * mm)[:, None] * outwards

    walk = np.arange(SKIN[0], REACH + OUTSIDE[1] + STEP, STEP)
    way = np.stack([beyond(np.full(len(border), far)) for far in walk], axis=1).astype(np.float32)  # (N, T, 2)
    uv, off = turning(surface, model.inside).nearest(picture.to_photo(border))
    texel = tuple((uv * len(surface)).astype(int).clip(0, len(surface) - 1).T[::-1])
    is_bare = ~scalp[texel] & (model.neck_weight[texel] < NECK) & (off < ON_SURFACE * size / 1000)
    visible = sample_bicubic(visibility[..., None], texel_uv(len(places)))[..., 0]
    skin = picture.to_photo(beyond(np.full(len(border), -SKIN_LIES)))
    seen = _seen_at(skin, places, visible, SEEN_AROUND * size / 1000) > SEEN
    edge, skin_ends = _edges(picture.colours(way), walk, _ends_of(cut_out(), way, picture))
    out = walk[edge]
    on_photo = np.logical_and.reduce([picture.has(beyond(out + far)) for far in (INSIDE[0], 0.0, OUTSIDE[1])])
    good = _goes_on(skin_ends & on_photo & is_bare & seen, out)
    deviation = np.full(good.sum(), np.hypot(DEVIATION * size / 1000, 0.5))
    return Outline(uv[good], picture.to_photo(beyond(out))[good], outwards[good].astype(float), deviation)


@dataclass(frozen=True)
class _Picture:
    """Of the head and its surroundings."""

    lab: np.ndarray  # (h, w, 3) float32
    photo: np.ndarray  # (2, 2) where in it the photo's corners lie
    origin: np.ndarray  # (2,) photo-space corner at which it starts
    scale: float  # its pixels per photo pixel

    @classmethod
    def around(cls, pixels: np.ndarray, surface: np.ndarray, inside: np.ndarray) -> "_Picture":
        import cv2

        small, origin, scale = framed(pixels, surface[inside][:, :2], ACROSS, BORDER)
        lab = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2Lab).astype(np.float32), (0, 0), 0.6)
        photo = (np.array([(0, 0), pixels.shape[1::-1]]) - origin) * scale
        return cls(lab, photo, origin, scale)

    def to_photo(self, places: np.ndarray) -> np.ndarray:
        return places / self.scale + self.origin

    def colours(self, way: np.ndarray) -> np.ndarray:
        """(N, T, 3) in units in which they differ as they look."""
        import cv2

        return cv2.remap(self.lab, way - np.float32(0.5), None, cv2.INTER_LINEAR) * COLOURS

    def has(self, places: np.ndarray) -> np.ndarray:
        """(N,) bool: there is a photo at places (N, 2)."""
        return ((places >= self.photo[0]) & (places < self.photo[1])).all(axis=1)


def _predicted(surface: np.ndarray, inside: np.ndarray, picture: _Picture) -> np.ndarray:
    """(h, w) uint8, 1 in the silhouette of the surface."""
    size = len(surface)
    corners = np.arange(size * size).reshape(size, size)
    quads = np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], axis=-1).reshape(-1, 4)
    quads = quads[inside.ravel()[quads].all(axis=1)]
    places = (surface.reshape(-1, 3)[:, :2] - picture.origin) * picture.scale
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return covered(places[triangles], picture.lab.shape[:2], SEAM)


def _along(mask: np.ndarray, mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 2) along the outline of a mask, and (N, 2) the directions outwards."""
    import cv2

    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixel = max(outlines, key=len)[:: max(1, round(APART * mm)), 0]
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2 * mm + 1)
    slope = np.stack([cv2.Sobel(soft, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))], axis=-1)
    outwards = -slope[pixel[:, 1], pixel[:, 0]]
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1e-9)
    return pixel + 0.5, outwards


def _ends_of(cut: CutOut, way: np.ndarray, picture: _Picture) -> np.ndarray:
    """(N, T) bool: the last places on each way that are in what was cut out, where there is one such place."""
    import cv2

    places = ((picture.to_photo(way) - cut.origin) * cut.scale - 0.5).astype(np.float32)
    head = cv2.remap(cut.head.astype(np.float32), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) > 0.5
    ends = np.zeros_like(head)
    ends[:, :-1] = head[:, :-1] & ~head[:, 1:]
    return ends


def _edges(colours: np.ndarray, walk: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N,) where on the walk the strongest edge near the border of what was cut out is, and whether skin ends there."""
    rows = np.arange(len(colours))
    ends = ends & (np.abs(walk) <= REACH)
    end = walk[ends.argmax(axis=1)] + STEP / 2
    contrast = np.linalg.norm(_mean(colours, FINE) - _mean(colours, (-FINE[1], -FINE[0])), axis=2)
    edge = np.where(np.abs(walk - end[:, None]) <= NEAR_CUT, contrast, -1).argmax(axis=1)
    inside, outside = _mean(colours, INSIDE)[rows, edge], _mean(colours, OUTSIDE)[rows, edge]
    skin = np.median(colours[:, (walk >= SKIN[0]) & (walk <= SKIN[1])], axis=1)
    apart = np.linalg.norm(inside - outside, axis=1)
    same = np.linalg.norm((inside - skin) * (0.5, 1, 1), axis=1) < SAME_SKIN * apart
    before = (walk >= -16) & (walk <= walk[edge][:, None] - 3)
    earlier = np.where(before, contrast, 0).max(axis=1) > EARLIER_EDGE * contrast[rows, edge]
    told = (ends.sum(axis=1) == 1) & (contrast[rows, edge] > LEAST_CONTRAST) & (apart > LEAST_CONTRAST) & same
    return edge, told & ~earlier


def _goes_on(told: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(N,) bool: the outline has enough neighbours as far out; strands of hair have not."""
    near = [np.roll(told, k) & (np.abs(np.roll(t, k) - t) < SMOOTH) for k in (-2, -1, 1, 2)]
    return told & (np.sum(near, axis=0) >= NEIGHBOURS)


def _mean(colours: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    """(N, T, 3) means over a stretch of the walk before and behind each place."""
    first, last = (round(x / STEP) for x in between)
    total = np.cumsum(np.pad(colours, ((0, 0), (1, 0), (0, 0))), axis=1)
    k = np.arange(colours.shape[1])
    low, high = (np.clip(k + x, 0, len(k)) for x in (first, last + 1))
    return (total[:, high] - total[:, low]) / np.maximum(high - low, 1)[:, None]


def _seen_at(places: np.ndarray, surface: np.ndarray, visibility: np.ndarray, reach: float) -> np.ndarray:
    """(N,) mean visibility (E, E) of what of a surface (E, E, 3) faces the camera around places (N, 2) of the photo."""
    front = facing_of(surface) > 0
    x, y = (np.subtract.outer(places[:, axis], surface[front][:, axis]) for axis in (0, 1))
    weight = np.exp(-(x * x + y * y) / reach**2)
    return weight @ visibility[front] / np.maximum(weight.sum(axis=1), 1e-3)
