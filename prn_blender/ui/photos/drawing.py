"""Drawing and hit-testing over a photo, wherever it is shown: fitted into a 3D View, or in an Image Editor."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from ..shell.found_faces import FoundFaces

WHITE = (1.0, 1.0, 1.0, 0.9)
ORANGE = (1.0, 0.63, 0.16, 1.0)  # Blender's, of the active object
_SHADOW = (0.0, 0.0, 0.0, 0.6)
_SQUARE = ((-1, -1), (1, -1), (1, 1), (-1, -1), (1, 1), (-1, 1))  # two triangles

Point = tuple[float, float]
Box = tuple[float, float, float, float]
Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class PhotoOnScreen:
    """A photo shown in a region; region pixels have y upwards, photo pixels y downwards."""

    left: float  # region pixels
    bottom: float
    zoom: float  # region pixels per photo pixel
    width: int  # photo pixels
    height: int

    @classmethod
    def fitted(cls, width: int, height: int, free: Box, margin: float) -> "PhotoOnScreen":
        """In the middle of a free part (left, bottom, right, top) of a region, as large as its margin allows."""
        left, bottom, right, top = free
        zoom = max(1e-3, min((right - left - 2 * margin) / width, (top - bottom - 2 * margin) / height))
        return cls((left + right - zoom * width) / 2, (bottom + top - zoom * height) / 2, zoom, width, height)

    @classmethod
    def in_image_editor(cls, view: bpy.types.View2D, width: int, height: int) -> "PhotoOnScreen":
        """As the view of an Image Editor shows it now: an image reaches from 0 to 1 there."""
        left, bottom = view.view_to_region(0, 0, clip=False)
        right, _ = view.view_to_region(1, 1, clip=False)
        return cls(left, bottom, max(1e-6, (right - left) / width), width, height)

    def to_region(self, x: float, y: float) -> Point:
        return self.left + self.zoom * x, self.bottom + self.zoom * (self.height - y)

    def to_photo(self, x: float, y: float) -> Point:
        return (x - self.left) / self.zoom, self.height - (y - self.bottom) / self.zoom

    def points_to_region(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) of points (N, 2)."""
        return np.column_stack(self.to_region(*np.asarray(points, float).T))

    def box(self, start: Point, end: Point) -> Box:
        """(left, top, right, bottom) between two region points, cut to the photo, in photo pixels."""
        corners = np.array([self.to_photo(*start), self.to_photo(*end)])
        corners = corners.clip(0, (self.width, self.height))
        return *corners.min(0).tolist(), *corners.max(0).tolist()


def face_at(faces: FoundFaces | None, point: Point) -> int | None:
    """The index of the smallest face box around a point of the photo."""
    x, y = point
    around = [
        (box.area, index)
        for index, box in enumerate(faces.boxes if faces else ())
        if box.left <= x <= box.right and box.top <= y <= box.bottom
    ]
    return min(around)[1] if around else None


def nearest_point(points: np.ndarray, place: Point, within: float) -> int | None:
    """The index of the nearest of region points (N, 2), some of which may be NaN, at most `within` pixels away."""
    distance = np.linalg.norm(np.asarray(points, float).reshape(-1, 2) - place, axis=1)
    distance[np.isnan(distance)] = np.inf
    return int(distance.argmin()) if len(distance) and distance.min() <= within else None


def free_part(area: bpy.types.Area, region: bpy.types.Region) -> Box:
    """(left, bottom, right, top) of what headers and sidebars leave of the view, in its pixels."""
    left, bottom, right, top = 0, 0, region.width, region.height
    for other in area.regions:
        if other.width <= 1 or other.height <= 1:
            continue
        x, y = other.x - region.x, other.y - region.y
        if other.alignment == "LEFT":
            left = max(left, x + other.width)
        elif other.alignment == "RIGHT":
            right = min(right, x)
        elif other.alignment == "TOP":
            top = min(top, y)
        elif other.alignment == "BOTTOM":
            bottom = max(bottom, y + other.height)
    return left, bottom, right, top


def is_in_free_part(area: bpy.types.Area, region: bpy.types.Region, place: Point) -> bool:
    left, bottom, right, top = free_part(area, region)
    return left <= place[0] < right and bottom <= place[1] < top


def hint_place(area: bpy.types.Area, region: bpy.types.Region) -> Point:
    """The lower left corner of the free part, where a running tool says what to do."""
    left, bottom, _, _ = free_part(area, region)
    return left + 12 * ui_scale(), bottom + 12 * ui_scale()


def ui_scale() -> float:
    return bpy.context.preferences.system.ui_scale


def draw_faces(region: bpy.types.Region, screen: PhotoOnScreen, faces: FoundFaces | None, marked: set[int]) -> None:
    """A numbered box around each face; those of the indices in `marked` stand out."""
    for index, box in enumerate(faces.boxes if faces else ()):
        colour = ORANGE if index in marked else WHITE
        draw_box(region, screen, (box.left, box.top, box.right, box.bottom), colour)
        x, y = screen.to_region(box.left, box.top)
        draw_text(str(index + 1), x + 4, y + 5, colour)


def draw_box(region: bpy.types.Region, screen: PhotoOnScreen, box: Box, colour: Colour) -> None:
    left, top, right, bottom = box
    corners = [screen.to_region(*corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    draw_lines(region, [(*corners, corners[0])], colour, 2.0)


def draw_lines(region: bpy.types.Region, lines: Sequence[Sequence[Point]], colour: Colour, width: float) -> None:
    """Polylines through region points, `width` pixels at interface scale 1, on a dark rim."""
    draw_coloured_lines(region, [(line, colour) for line in lines], width)


def draw_coloured_lines(
    region: bpy.types.Region, lines: Sequence[tuple[Sequence[Point], Colour]], width: float
) -> None:
    """`draw_lines`, each line in its own colour: all at once, which is much quicker than one after the other."""
    pairs = [(*point, 0.0) for line, _ in lines for pair in pairwise(line) for point in pair]
    if not pairs:
        return
    colours = [colour for line, colour in lines for _ in range(2 * (len(line) - 1))]
    shader = gpu.shader.from_builtin("POLYLINE_FLAT_COLOR")
    for rim, tones in ((2.0, [_SHADOW] * len(pairs)), (0.0, colours)):
        batch = batch_for_shader(shader, "LINES", {"pos": pairs, "color": tones})
        shader.uniform_float("viewportSize", (region.width, region.height))
        shader.uniform_float("lineWidth", (width + rim) * ui_scale())
        batch.draw(shader)


def draw_dots(points: Sequence[Point], colour: Colour, size: float) -> None:
    """Squares, `size` pixels a side at interface scale 1, on a dark rim. Point sizes differ between graphics APIs."""
    if not len(points):
        return
    halves = np.array([size + 2.0, size]) / 2 * ui_scale()  # each rim before its dot
    corners = np.asarray(points, np.float32)[:, None, None] + halves[:, None, None] * _SQUARE
    colours = np.broadcast_to(np.array([_SHADOW, colour])[:, None], (*corners.shape[:3], 4))
    shader = gpu.shader.from_builtin("FLAT_COLOR")
    where = {"pos": corners.reshape(-1, 2).tolist(), "color": colours.reshape(-1, 4).tolist()}
    batch_for_shader(shader, "TRIS", where).draw(shader)


def draw_dots_in_space(
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
    points: np.ndarray,
    colour: Colour,
    size: float,
    forward: float,
) -> None:
    """Dots as of `draw_dots` at places (N, 3) of the world, drawn `forward` units of the scene nearer to the viewer."""
    if not len(points):
        return
    to_world = np.array(view.view_matrix.inverted())
    right, up = to_world[:3, 0], to_world[:3, 1]
    towards = to_world[:3, 3] - points if view.is_perspective else np.broadcast_to(to_world[:3, 2], points.shape)
    points = points + forward * towards / np.linalg.norm(towards, axis=1, keepdims=True)
    depth = np.append(points, np.ones((len(points), 1)), axis=1) @ np.array(view.perspective_matrix)[3]
    pixel = 2 * depth / (view.window_matrix[0][0] * region.width)  # units of the scene at each point
    for rim, tone in ((2.0, _SHADOW), (0.0, colour)):
        half = (size + rim) / 2 * ui_scale() * pixel[:, None]
        corners = np.stack([points + half * (dx * right + dy * up) for dx, dy in _SQUARE], axis=1)
        if rim == 0.0:  # before its own rim
            corners += forward / 2 * (towards / np.linalg.norm(towards, axis=1, keepdims=True))[:, None]
        _draw("TRIS", corners.reshape(-1, 3).tolist(), tone)


def draw_rectangle(box: Box, colour: Colour) -> None:
    """Fills (left, bottom, right, top) of a region."""
    left, bottom, right, top = box
    _draw("TRI_FAN", ((left, bottom), (right, bottom), (right, top), (left, top)), colour)


def draw_picture(texture: gpu.types.GPUTexture, screen: PhotoOnScreen) -> None:
    right, top = screen.to_region(screen.width, 0)
    shader = gpu.shader.from_builtin("IMAGE")
    corners = ((screen.left, screen.bottom), (right, screen.bottom), (right, top), (screen.left, top))
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": corners, "texCoord": ((0, 0), (1, 0), (1, 1), (0, 1))})
    shader.bind()
    shader.uniform_sampler("image", texture)
    batch.draw(shader)


def draw_text(text: str, x: float, y: float, colour: Colour) -> None:
    """On a dark outline, readable over any photo."""
    blf.size(0, 13 * ui_scale())
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 5, 0, 0, 0, 0.8)
    blf.color(0, *colour)
    blf.position(0, x, y, 0)
    blf.draw(0, text)
    blf.disable(0, blf.SHADOW)


def _draw(primitive: str, corners: Sequence[Point], colour: Colour) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", colour)
    batch_for_shader(shader, primitive, {"pos": corners}).draw(shader)
