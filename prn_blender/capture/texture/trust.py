"""Where the photo's colour may be believed to be the head's."""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.visibility import smoothstep
from ..packs.topology import Topology
from ..photo.cut_out import DEEP, SEGMENT_SIZE, SILHOUETTE_OFF, CutOut, depth_in, upper_third
from .guide import Guide, rims

# Cosines between which the photo gains its full say: less than this is smeared over the surface. What lies deep in
# the silhouette (under the nose) needs less, as no background can get in.
FACING = (0.15, 0.45)
FACING_DEEP = (0.03, 0.2)
# Distances to the predicted silhouette, in head sizes: it is off by a few hundredths.
SILHOUETTE = (0.008, SILHOUETTE_OFF)


@dataclass(frozen=True)
class Trust:
    """What of the photo is taken for the head's own colour."""

    texels: np.ndarray  # (G, G) float32 0..1
    hair: np.ndarray | None  # (3,) colour just above the predicted head, where the photo seems to show hair there


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
