"""Parts of a face in a texture, where a pack's landmarks say that they are."""

from functools import lru_cache

import numpy as np

from ..errors import CaptureError
from ..geometry.visibility import smoothstep
from ..packs.topology import Topology

# By name: what the interface calls it.
REGIONS = {
    "eyes": "Eyes",
    "brows": "Brows",
    "nose": "Nose",
    "mouth": "Mouth",
    "beard": "Beard Region",
    "face": "Whole Face",
}
MASK_SIZE = 512  # texels a side

# How far a region reaches beyond its landmarks, and how wide its border is, in widths of an eye.
_REACH = {"eyes": 0.35, "brows": 0.35, "nose": 0.35, "mouth": 0.35, "beard": 0.2, "face": 0.3}
_SOFTNESS = {"eyes": 0.3, "brows": 0.3, "nose": 0.35, "mouth": 0.3, "beard": 0.4, "face": 0.7}
_LIPS = 0.06  # how far lips that are left out of the beard reach beyond their landmarks


@lru_cache(maxsize=16)
def region_mask(topology: Topology, name: str) -> np.ndarray:
    """(MASK_SIZE, MASK_SIZE) float32 0..1 by UV, soft at its border.

    Args:
        topology: the pack's standard one.

    Raises:
        CaptureError: there is no such region.
    """
    if name not in REGIONS:
        raise CaptureError(f"There is no region {name!r}: choose {', '.join(REGIONS)}.")
    import cv2

    landmarks = topology.landmark_uv * MASK_SIZE
    eye = float(np.mean([np.linalg.norm(landmarks[first] - landmarks[first + 3]) for first in (36, 42)]))
    mask = np.zeros((MASK_SIZE, MASK_SIZE), np.uint8)
    for outline in _outlines(landmarks, name):
        mask |= _grown(_hull(outline), _REACH[name] * eye)
    if name == "beard":
        mask &= ~_grown(_hull(landmarks[48:60]), _LIPS * eye)
    # The border lies inside: what is fully outside of the region stays as it is.
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / (_SOFTNESS[name] * eye)
    return smoothstep(inside, 0, 1).astype(np.float32)


def _outlines(landmarks: np.ndarray, name: str) -> list[np.ndarray]:
    """The points (N, 2) whose convex hulls make up a region."""
    if name == "eyes":
        return [landmarks[36:42], landmarks[42:48]]
    if name == "brows":
        return [landmarks[17:22], landmarks[22:27]]
    if name == "nose":
        return [landmarks[27:36]]
    if name == "mouth":
        return [landmarks[48:60]]
    if name == "beard":
        return [landmarks[[*range(2, 15), 31, 33, 35]]]
    brows = landmarks[17:27]
    forehead = brows + 0.2 * (landmarks[27] - landmarks[33])
    return [np.concatenate([landmarks[:17], brows, forehead])]


def _hull(points: np.ndarray) -> np.ndarray:
    """(MASK_SIZE, MASK_SIZE) uint8, 255 in the convex hull of points (N, 2)."""
    import cv2

    mask = np.zeros((MASK_SIZE, MASK_SIZE), np.uint8)
    hull = cv2.convexHull(points.astype(np.float32))
    cv2.fillConvexPoly(mask, np.rint(hull * 16 - 8).astype(np.int32), 255, shift=4)
    return mask


def _grown(mask: np.ndarray, reach: float) -> np.ndarray:
    """`mask` (h, w) uint8 of 0 and 255, and what lies at most `reach` texels from it."""
    import cv2

    return np.where(cv2.distanceTransform(255 - mask, cv2.DIST_L2, 5) <= reach, 255, 0).astype(np.uint8)
