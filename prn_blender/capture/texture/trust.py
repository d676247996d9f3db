"""Where the photo's colour may be believed to be the head's."""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.raster import rasterise
from ..geometry.visibility import smoothstep, triangle_normals
from ..packs.topology import Topology
from ..photo.part import resample
from .guide import Guide, rims

SEGMENT_SIZE = 112  # pixels across the head in the picture that is cut into head and background

# Cosines between which the photo gains its full say: less than this is smeared over the surface. What lies deep in
# the silhouette (under the nose) needs less, as no background can get in.
FACING = (0.15, 0.45)
FACING_DEEP = (0.03, 0.2)
# Distances to the predicted silhouette, in head sizes: it is off by a few hundredths.
SILHOUETTE = (0.008, 0.03)
# As far inside of the predicted silhouette, in head sizes, the photo shows the head for sure.
DEEP = 0.09


@dataclass(frozen=True)
class Trust:
    """What of the photo is taken for the head's own colour."""

    texels: np.ndarray  # (G, G) float32 0..1
    hair: np.ndarray | None  # (3,) colour just above the predicted head, where the photo seems to show hair there


@dataclass(frozen=True)
class CutOut:
    """A small picture of the head and its surroundings, and what of it is the head."""

    picture: np.ndarray  # (h, w, 3) uint8, black beyond the photo
    predicted: np.ndarray  # (h, w) uint8, 1 in the silhouette of the head that was found
    margin: np.ndarray  # (h, w) distance to the silhouette within it, in head sizes
    head: np.ndarray  # (h, w) uint8, 1 where the picture shows the head
    origin: np.ndarray  # (2,) photo-space corner at which it starts
    scale: float  # its pixels per photo pixel


def judge(guide: Guide, cut: CutOut) -> Trust:
    """Trusts what is seen, not at a grazing angle, not at the silhouette, and not background."""
    import cv2

    margin = cut.margin
    belongs = smoothstep(margin, *SILHOUETTE) * np.where(margin > DEEP, 1, smoothstep(depth_in(cut.head), 0.5, 2.5))
    place = ((guide.position[..., :2] - cut.origin) * cut.scale - 0.5).astype(np.float32)
    belongs = cv2.remap(belongs.astype(np.float32), place, None, cv2.INTER_LINEAR)
    deep = cv2.remap(smoothstep(margin, DEEP, 1.5 * DEEP).astype(np.float32), place, None, cv2.INTER_LINEAR)
    low, high = (edge + (deep_edge - edge) * deep for edge, deep_edge in zip(FACING, FACING_DEEP, strict=True))
    value = (guide.visibility * smoothstep(guide.facing, low, high) * belongs).astype(np.float32)
    # The patches in mouth and eyes are folded where lips part and lids are open. What lies between two trusted
    # lips is trusted.
    openings = cv2.dilate(guide.openings, np.ones((7, 7), np.uint8))
    closed = cv2.morphologyEx(value, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    value = np.maximum(value, closed * openings)
    # An island of trust or of doubt of a few texels is noise; the blur makes the transition soft.
    value = cv2.morphologyEx(value, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    value = cv2.GaussianBlur(value, (0, 0), 2.0)
    return Trust(smoothstep(value, 0.15, 0.85).astype(np.float32), hair_above(cut))


def cut_out(pixels: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> CutOut:
    """The head in the photo, by GrabCut seeded with the predicted head.

    Args:
        pixels: (H, W, 3) uint8 photo.
        vertices: (V, 3) photo space.
    """
    picture, silhouette, origin, scale = head_picture(pixels, vertices, triangles)
    margin = depth_in(silhouette) / SEGMENT_SIZE
    return CutOut(picture, silhouette, margin, head_in(picture, silhouette, margin), origin, scale)


def head_picture(
    pixels: np.ndarray, vertices: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """A small picture of the head and its surroundings.

    Returns:
        the picture (h, w, 3) uint8, black beyond the photo; the head's silhouette in it (h, w) uint8; the photo-space
        corner (2,) at which it starts; and its pixels per photo pixel.
    """
    import cv2

    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    scale = SEGMENT_SIZE / max(float((high - low).max()), 1e-6)
    border = 0.2 * SEGMENT_SIZE / scale
    origin = low - border
    width, height = np.ceil((high - low + 2 * border) * scale).astype(int)
    front = triangles[triangle_normals(vertices, triangles)[:, 2] > 0]
    covered = rasterise((vertices[front][..., :2] - origin) * scale, width, height)
    silhouette = np.zeros((height, width), np.uint8)
    silhouette[covered.row, covered.column] = 1
    silhouette = cv2.morphologyEx(silhouette, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))

    crop = resample(pixels, origin, np.eye(2) / scale, (int(width), int(height)), scale, beyond=(0, 0, 0))
    return crop, silhouette, origin, scale


def head_in(crop: np.ndarray, silhouette: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """(h, w) uint8, 1 where the picture shows the head, by GrabCut seeded with the predicted head.

    Args:
        crop: (h, w, 3) uint8.
        silhouette: (h, w) uint8, 1 in the predicted head.
        margin: (h, w) distance to the silhouette within the head, in head sizes.
    """
    import cv2

    labels = np.where(silhouette > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[depth_in(1 - silhouette) > 0.12 * SEGMENT_SIZE] = cv2.GC_BGD
    labels[margin > DEEP] = cv2.GC_FGD
    if not (labels == cv2.GC_FGD).any() or not (labels == cv2.GC_BGD).any():
        return silhouette
    # Noise, because GrabCut cannot do with parts of one exact colour. It draws samples itself, too.
    noise = np.random.default_rng(0).integers(-3, 4, crop.shape)
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.clip(crop + noise, 0, 255).astype(np.uint8),
        labels,
        None,
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        2,
        cv2.GC_INIT_WITH_MASK,
    )
    head = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    # Dark hair before a dark background: a cut that takes the top of the head away is wrong, not the prediction.
    top = upper_third(silhouette) & (margin > SILHOUETTE[1]) & (margin < DEEP)
    if top.any() and head[top].mean() < 0.5:
        head[upper_third(silhouette) & (silhouette > 0)] = 1
    return cv2.morphologyEx(head, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))


def depth_in(mask: np.ndarray) -> np.ndarray:
    """(h, w) float32 distance in pixels to where `mask` (h, w) uint8 is 0."""
    import cv2

    return cv2.distanceTransform(mask, cv2.DIST_L2, 5)


def upper_third(silhouette: np.ndarray) -> np.ndarray:
    """(h, w) bool: the rows of the upper third of the head, and those above it."""
    rows = np.flatnonzero(silhouette.any(axis=1))
    above = np.zeros(silhouette.shape, bool)
    if len(rows):
        above[: rows[0] + (rows[-1] - rows[0]) // 3] = True
    return above


def hair_above(cut: CutOut) -> np.ndarray | None:
    """(3,) colour of what the picture shows around the upper third of the predicted head, if that is no background."""
    outside = depth_in(1 - cut.predicted)
    ring = (outside > 0) & (outside < 0.06 * SEGMENT_SIZE) & upper_third(cut.predicted)
    hair = ring & (cut.head > 0)
    if hair.sum() <= 0.3 * ring.sum():
        return None
    return np.median(cut.picture[hair], axis=0)


def without_rims(trusted: Trust, topology: Topology) -> Trust:
    """What is trusted, but for the rims of lids and lips: as the photo is laid on, it may show eyes and teeth there."""
    return replace(trusted, texels=trusted.texels * (1 - rims(topology)))
