"""A picture in which a capture can be judged: photo, fit, frontal, three-quarter, and the bare shape."""

import math

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ...capture.photo.part import resample
from ...capture.types import Capture, HeadMesh, View
from ..build.camera import set_lens
from ..transaction import discarded
from .studio import clay, create_studio, shoot

PANEL_WIDTH, PANEL_HEIGHT = 420, 525  # pixels
_GAP = 6
_BACKDROP = (240, 240, 242), (205, 206, 210)  # top and bottom, sRGB
_GAP_COLOUR = (255, 255, 255)
_FIT_OPACITY = 0.65

_THREE_QUARTER = math.radians(38)
_VIEW_DISTANCE = 1.8  # metres, that of a portrait lens
_PHOTO_MARGIN = 1.3  # the panel's side over the head's
_HEAD_MARGIN = 1.15


def render_preview(capture: Capture, mesh: HeadMesh, head: bpy.types.Object) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, five panels side by side; the current scene is not touched.

    The photo; the same with the head over it, through the photo's camera; the textured head frontal and
    three-quarter; the bare shape three-quarter.
    """
    view = capture.views[0]
    window = _photo_window(view, mesh)
    with discarded():
        studio = create_studio(head, PANEL_WIDTH, PANEL_HEIGHT)
        camera, shape = studio.camera, clay()

        set_lens(camera.data, view.camera, window)
        camera.matrix_world = Matrix(view.pose.matrix.tolist()).inverted()
        fit = shoot(studio, shape)

        _set_portrait_lens(camera.data, capture)
        camera.matrix_world = _around(mesh, 0.0)
        frontal = shoot(studio)
        camera.matrix_world = _around(mesh, _THREE_QUARTER)
        three_quarter = shoot(studio)
        bare = shoot(studio, shape)

    fit[..., 3] *= _FIT_OPACITY
    photo, backdrop = _cut(view.photo.pixels, window), _backdrop()
    return _side_by_side(
        [photo, _over(fit, photo), _over(frontal, backdrop), _over(three_quarter, backdrop), _over(bare, backdrop)]
    )


def _photo_window(view: View, mesh: HeadMesh) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in the photo: the head with a margin, in the panel's proportions."""
    points = view.project(mesh.vertices)
    low, high = points.min(0), points.max(0)
    centre = (low + high) / 2
    half_height = _PHOTO_MARGIN * max(high[1] - low[1], (high[0] - low[0]) * PANEL_HEIGHT / PANEL_WIDTH) / 2
    half = np.array([half_height * PANEL_WIDTH / PANEL_HEIGHT, half_height])
    return (*(centre - half).tolist(), *(centre + half).tolist())


def _middle(mesh: HeadMesh) -> Vector:
    """The middle of the head in the aligned frame."""
    return Vector(((mesh.vertices.min(0) + mesh.vertices.max(0)) / 2).tolist())


def _set_portrait_lens(data: bpy.types.Camera, capture: Capture) -> None:
    """The same framing for every capture: by the height of the pack's mean head."""
    height = float(np.ptp(capture.pack.topology.canonical[:, 2]))
    data.type = "PERSP"
    data.shift_x = data.shift_y = 0.0
    data.sensor_fit = "VERTICAL"
    data.lens = data.sensor_height * _VIEW_DISTANCE / (_HEAD_MARGIN * height)
    data.clip_start, data.clip_end = 0.1, 10.0


def _around(mesh: HeadMesh, angle: float) -> Matrix:
    """A level camera that looks at the head's middle from the front, turned about it by `angle` to the head's left."""
    turn = Matrix.Translation(_middle(mesh)) @ Matrix.Rotation(angle, 4, "Z")
    return turn @ Matrix.Translation((0, -_VIEW_DISTANCE, 0)) @ Matrix.Rotation(math.radians(90), 4, "X")


def _cut(pixels: np.ndarray, window: tuple[float, float, float, float]) -> np.ndarray:
    """The window of the photo as a panel (PANEL_HEIGHT, PANEL_WIDTH, 3) uint8, neutral beyond its edges."""
    factor = (window[2] - window[0]) / PANEL_WIDTH  # photo pixels per panel pixel
    size = (PANEL_WIDTH, PANEL_HEIGHT)
    return resample(pixels, np.array(window[:2]), factor * np.eye(2), size, 1 / factor, beyond=_BACKDROP[1])


def _backdrop() -> np.ndarray:
    """(PANEL_HEIGHT, PANEL_WIDTH, 3) uint8, a quiet gradient."""
    weight = np.linspace(0, 1, PANEL_HEIGHT)[:, None, None]
    top, bottom = np.array(_BACKDROP, float)
    return np.broadcast_to(top + weight * (bottom - top), (PANEL_HEIGHT, PANEL_WIDTH, 3)).round().astype(np.uint8)


def _over(picture: np.ndarray, background: np.ndarray) -> np.ndarray:
    """`picture` (H, W, 4) 0..1 with straight alpha over `background` (H, W, 3) uint8."""
    colour, alpha = picture[..., :3] * 255, picture[..., 3:]
    return (colour * alpha + background * (1 - alpha)).round().astype(np.uint8)


def _side_by_side(panels: list[np.ndarray]) -> np.ndarray:
    gap = np.broadcast_to(np.array(_GAP_COLOUR, np.uint8), (PANEL_HEIGHT, _GAP, 3))
    row = [part for panel in panels for part in (panel, gap)][:-1]
    return np.concatenate(row, axis=1)
