"""Where on the face lips, lids, beard and scalp are: soft masks from landmarks and shape."""

import cv2
import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from .texels import Openings, Tile, ears, landmark_texels, smooth_step, spread

UPPER_LIP, LOWER_LIP = slice(48, 55), [54, 55, 56, 57, 58, 59, 48]
# Height of the hairline (cm) by azimuth about the vertical axis (degrees, 0 in front, 180 behind).
HAIRLINE_AZIMUTH = (0, 12, 25, 34, 42, 52, 62, 70, 77, 84, 92, 104, 118, 135, 158, 180)
HAIRLINE = (10.2, 10.3, 10.35, 9.6, 8.2, 6.6, 5.4, 3.2, 1.4, 2.2, 3.4, 1.4, -1.4, -3.4, -4.2, -4.2)
# Upper edge of the beard (cm) by distance from the midline; it reaches back to a depth that changes with height.
BEARD_SIDE = (0, 1.2, 2.6, 3.4, 4.6, 5.6, 6.3, 6.9, 7.4)
BEARD_TOP = (-1.35, -1.3, -1.9, -3.2, -3.6, -2.6, -0.5, 1.6, 3.4)
BEARD_HEIGHT, BEARD_BACK = (-11, -6, -3, -1.5, 3), (4.6, 2.2, 0.9, 0.5, 1.2)
SUPERSAMPLING = 4


def make_masks(face: Tile, head: Tile, holes: Openings) -> dict[str, np.ndarray]:
    """0..1 pictures: `lips`, `eyelid`, `scalp`, `beard` in the face tile, `scalp_head` in the head tile."""
    inside = face.inside
    ear = cv2.GaussianBlur(ears(face).astype(np.float64), (0, 0), 3)
    lips = _lips(face)
    eyelid = cv2.GaussianBlur((1 - smooth_step(holes.eye, 5.5, 13)) * inside, (0, 0), 2)
    return {
        "lips": lips,
        "eyelid": eyelid,
        "scalp": _above_hairline(face.positions) * inside * (1 - ear),
        "beard": _beard(face.positions) * (1 - lips) * (1 - ear) * inside,
        "scalp_head": spread(_above_hairline(head.positions), head.inside),
    }


def _lips(face: Tile) -> np.ndarray:
    landmarks = landmark_texels(face)
    outline = np.concatenate([_spline(landmarks[UPPER_LIP]), _spline(landmarks[LOWER_LIP])])
    picture = np.zeros([face.size * SUPERSAMPLING] * 2, np.uint8)
    cv2.fillPoly(picture, [((outline + 0.5) * SUPERSAMPLING).round().astype(np.int32)], 255)
    small = cv2.resize(picture, (face.size, face.size), interpolation=cv2.INTER_AREA) / 255
    return cv2.GaussianBlur(small, (0, 0), 3.0)


def _spline(points: np.ndarray) -> np.ndarray:
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return CubicSpline(length, points)(np.linspace(0, length[-1], 100))


def _above_hairline(positions: np.ndarray) -> np.ndarray:
    azimuth = np.degrees(np.arctan2(np.abs(positions[..., 0]), positions[..., 2] + 0.5))
    return smooth_step(positions[..., 1] - PchipInterpolator(HAIRLINE_AZIMUTH, HAIRLINE)(azimuth), -0.7, 0.7)


def _beard(positions: np.ndarray) -> np.ndarray:
    """Moustache, cheeks, chin and throat, thin beside the middle below the lip."""
    side, height, depth = np.abs(positions[..., 0]), positions[..., 1], positions[..., 2]
    grown = smooth_step(np.interp(side, BEARD_SIDE, BEARD_TOP) - height, -0.35, 0.6)
    grown *= smooth_step(height, -10.3, -8.6)
    grown *= smooth_step(depth - np.interp(height, BEARD_HEIGHT, BEARD_BACK), -0.3, 1.3)
    bare = np.exp(-(((side - 1.15) / 0.55) ** 2) - ((height + 5.15) / 0.5) ** 2)
    return np.clip(grown - 0.6 * bare, 0, 1)
