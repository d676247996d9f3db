"""The head cut out of a photo: a small picture of it, and what of that is head and what background."""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.raster import rasterise
from ..geometry.visibility import triangle_normals
from .part import resample

SEGMENT_SIZE = 112  # pixels across the head
# In head sizes: from so far inside of the predicted silhouette on the photo shows the head for sure, and as far as
# SILHOUETTE_OFF that may be wrong.
DEEP = 0.09
SILHOUETTE_OFF = 0.03
BORDER = 0.2  # around the head


@dataclass(frozen=True)
class CutOut:
    """A small picture of the head and its surroundings, and what of it is the head."""

    picture: np.ndarray  # (h, w, 3) uint8, black beyond the photo
    predicted: np.ndarray  # (h, w) uint8, 1 in the silhouette of the head that was found
    margin: np.ndarray  # (h, w) distance to the silhouette within it, in head sizes
    head: np.ndarray  # (h, w) uint8, 1 where the picture shows the head
    origin: np.ndarray  # (2,) photo-space corner at which it starts
    scale: float  # its pixels per photo pixel

    def of(self, vertices: np.ndarray, triangles: np.ndarray) -> "CutOut":
        """The same picture with the silhouette of another head; arguments as of `cut_out`."""
        silhouette = silhouette_in(vertices, triangles, self.origin, self.scale, self.head.shape)
        return replace(self, predicted=silhouette, margin=depth_in(silhouette) / SEGMENT_SIZE)


def cut_out(pixels: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> CutOut:
    """The head in the photo, by GrabCut seeded with the predicted head.

    Args:
        pixels: (H, W, 3) uint8 photo.
        vertices: (V, 3) photo space.
    """
    picture, origin, scale = framed(pixels, vertices[:, :2], SEGMENT_SIZE, BORDER)
    silhouette = silhouette_in(vertices, triangles, origin, scale, picture.shape[:2])
    margin = depth_in(silhouette) / SEGMENT_SIZE
    return CutOut(picture, silhouette, margin, head_in(picture, silhouette, margin), origin, scale)


def framed(pixels: np.ndarray, places: np.ndarray, across: int, border: float) -> tuple[np.ndarray, np.ndarray, float]:
    """A small picture of what lies around places (N, 2) of a photo.

    Args:
        pixels: (H, W, 3) uint8 photo.
        across: pixels across the places.
        border: around them, in their size.

    Returns:
        the picture (h, w, 3) uint8, black beyond the photo; the photo-space corner (2,) at which it starts; and its
        pixels per photo pixel.
    """
    low, high = places.min(axis=0), places.max(axis=0)
    scale = across / max(float((high - low).max()), 1e-6)
    beside = border * across / scale
    origin = low - beside
    width, height = np.ceil((high - low + 2 * beside) * scale).astype(int).tolist()
    picture = resample(pixels, origin, np.eye(2) / scale, (width, height), scale, beyond=(0, 0, 0))
    return picture, origin, scale


def silhouette_in(
    vertices: np.ndarray, triangles: np.ndarray, origin: np.ndarray, scale: float, shape: tuple[int, ...]
) -> np.ndarray:
    """(h, w) uint8, 1 where a picture of that shape shows the head; arguments as of `cut_out` and `CutOut`."""
    front = triangles[triangle_normals(vertices, triangles)[:, 2] > 0]
    return covered((vertices[front][..., :2] - origin) * scale, shape, 3)


def covered(corners: np.ndarray, shape: tuple[int, ...], gaps: int) -> np.ndarray:
    """(h, w) uint8, 1 where triangles (T, 3, 2) cover a picture of that shape.

    Args:
        gaps: pixels of those that are closed, odd.
    """
    import cv2

    found = rasterise(corners, shape[1], shape[0])
    mask = np.zeros(shape, np.uint8)
    mask[found.row, found.column] = 1
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((gaps, gaps), np.uint8))


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
    top = upper_third(silhouette) & (margin > SILHOUETTE_OFF) & (margin < DEEP)
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
