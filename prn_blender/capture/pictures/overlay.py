"""What was found, drawn over the photo."""

from dataclasses import dataclass

import numpy as np

from ..landmarks import PARTS
from .posed import PosedHead

SEEN, HIDDEN = (90, 255, 140), (255, 90, 80)  # sRGB
LINE, BOX, BOX_FRONT = (255, 255, 255), (90, 170, 255), (255, 190, 60)
_FRACTION = 4  # bits of a pixel's fraction in OpenCV's coordinates


@dataclass(frozen=True)
class Overlay:
    """What to draw."""

    landmarks: bool = True
    points: bool = False  # every vertex
    box: bool = False  # around the head, along its axes


def draw_over(pixels: np.ndarray, head: PosedHead, overlay: Overlay) -> np.ndarray:
    """A copy of the photo (H, W, 3) uint8 with the overlay; its lines are as thin as the face allows."""
    result = np.ascontiguousarray(pixels).copy()
    size = float(np.ptp(head.in_photo, axis=0).max())
    if overlay.points:
        _draw_points(result, head.in_photo, head.visibility, size / 700)
    if overlay.box:
        _draw_box(result, head, max(1, round(size / 250)))
    if overlay.landmarks:
        _draw_landmarks(result, head, size)
    return result


def _draw_points(picture: np.ndarray, places: np.ndarray, visibility: np.ndarray, radius: float) -> None:
    """Dots, those that are hidden first."""
    for index in np.argsort(visibility, kind="stable").tolist():
        _dot(picture, places[index], radius, SEEN if visibility[index] > 0.5 else HIDDEN)


def _draw_landmarks(picture: np.ndarray, head: PosedHead, size: float) -> None:
    import cv2

    places = head.camera.project(head.pose.apply(head.landmarks))
    known = np.isfinite(places).all(axis=1)
    for part in PARTS:
        line = [index for index in part.line if known[index]]
        if len(line) > 1:
            points = _fixed(places[line])[:, None]
            cv2.polylines(picture, [points], False, LINE, max(1, round(size / 600)), cv2.LINE_AA, _FRACTION)
    for index in np.flatnonzero(known).tolist():
        _dot(picture, places[index], size / 200, SEEN if head.landmark_visibility[index] > 0.5 else HIDDEN)


def _draw_box(picture: np.ndarray, head: PosedHead, thickness: int) -> None:
    """The box around the vertices in the aligned frame, its front in another colour."""
    import cv2

    low, high = head.vertices.min(axis=0), head.vertices.max(axis=0)
    corners = np.array([[x, y, z] for y in (high[1], low[1]) for z in (low[2], high[2]) for x in (low[0], high[0])])
    places = _fixed(head.camera.project(head.pose.apply(corners)))
    back, front = ([0, 1, 3, 2], [4, 5, 7, 6])
    edges = [(places[back], True, BOX), *((places[[k, k + 4]], False, BOX) for k in range(4))]
    for line, is_closed, colour in (*edges, (places[front], True, BOX_FRONT)):
        cv2.polylines(picture, [line[:, None]], is_closed, colour, thickness, cv2.LINE_AA, _FRACTION)


def _dot(picture: np.ndarray, place: np.ndarray, radius: float, colour: tuple[int, int, int]) -> None:
    import cv2

    x, y = _fixed(place).tolist()
    cv2.circle(
        picture, (x, y), max(1 << _FRACTION, round(radius * (1 << _FRACTION))), colour, -1, cv2.LINE_AA, _FRACTION
    )


def _fixed(places: np.ndarray) -> np.ndarray:
    """(…, 2) photo space as OpenCV's numbers, for which a pixel's centre is whole."""
    # Far outside of the picture OpenCV's numbers would overflow.
    return np.rint(np.clip(places - 0.5, -1e5, 1e5) * (1 << _FRACTION)).astype(np.int32)
