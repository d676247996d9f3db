"""Picking a face in the photo with the mouse: a click on a found one, or a box drawn around any."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from dataclasses import dataclass

import blf
import bpy
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from . import session
from .tasks import FoundFaces, PhotoInfo, as_blender_pixels

_MARGIN = 48  # pixels around the photo at interface scale 1
_CLICK = 6  # pixels: a shorter drag is a click
_DIM = (0.0, 0.0, 0.0, 0.7)
_FOUND = (1.0, 1.0, 1.0, 0.9)
_HOVERED = (1.0, 0.63, 0.16, 1.0)  # Blender's orange of the active object
_HINT = "Click a face, or drag a box around one from brows to chin.  Esc: cancel"
_HINT_WITHOUT_FACES = "Drag a box around the face, from brows to chin.  Esc: cancel"

Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PhotoOnScreen:
    """A photo fitted into a region; region pixels have y upwards, photo pixels y downwards."""

    left: float  # region pixels
    bottom: float
    zoom: float  # region pixels per photo pixel
    width: int  # photo pixels
    height: int

    @classmethod
    def fitted(cls, width: int, height: int, free: Box, margin: float):
        """In the middle of a free part (left, bottom, right, top) of a region, as large as its margin allows."""
        left, bottom, right, top = free
        zoom = max(1e-3, min((right - left - 2 * margin) / width, (top - bottom - 2 * margin) / height))
        return cls((left + right - zoom * width) / 2, (bottom + top - zoom * height) / 2, zoom, width, height)

    def to_region(self, x: float, y: float) -> Point:
        return self.left + self.zoom * x, self.bottom + self.zoom * (self.height - y)

    def to_photo(self, x: float, y: float) -> Point:
        return (x - self.left) / self.zoom, self.height - (y - self.bottom) / self.zoom

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


class PRN_OT_pick_face(bpy.types.Operator):
    """Show the photo in the view: click one of the found faces, or drag a box around a face"""

    bl_idname = "prn.pick_face"
    bl_label = "Pick Face in Photo"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls):
            return False
        if session.current.info is None:
            cls.poll_message_set("Choose a photo that can be read")
            return False
        if context.area is None or context.area.type != "VIEW_3D":
            cls.poll_message_set("The photo is shown in a 3D View")
            return False
        return True

    def invoke(self, context, event):
        state = session.current
        self._info = state.info
        self._faces = state.faces_in(context.scene.prn_capture.photo_path)
        self._area = context.area
        self._region = next(region for region in context.area.regions if region.type == "WINDOW")
        self._hint = _HINT if self._faces else _HINT_WITHOUT_FACES
        self._texture = _texture(self._info)
        self._start = None
        self._mouse = self._at(event)
        self._handle = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        context.window.cursor_modal_set("CROSSHAIR")
        context.workspace.status_text_set(self._hint)
        context.window_manager.modal_handler_add(self)
        self._area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        self._area.tag_redraw()
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._end(context)
            return {"CANCELLED"}
        self._mouse = self._at(event)
        if event.type != "LEFTMOUSE":
            return {"RUNNING_MODAL"}
        if event.value == "PRESS":
            self._start = self._mouse
        elif event.value == "RELEASE" and self._start is not None:
            return self._released(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context):
        self._end(context)

    def _released(self, context: bpy.types.Context) -> set[str]:
        options = context.scene.prn_capture
        if not self._is_drag():
            index = face_at(self._faces, self._on_screen().to_photo(*self._mouse))
            self._start = None
            if index is None:
                return {"RUNNING_MODAL"}
            options.face, options.face_index = "INDEX", index
        else:
            options.face, options.box = "BOX", self._on_screen().box(self._start, self._mouse)
        session.current.forget_error()
        self._end(context)
        session.tag_redraw()
        return {"FINISHED"}

    def _end(self, context: bpy.types.Context) -> None:
        bpy.types.SpaceView3D.draw_handler_remove(self._handle, "WINDOW")
        self._texture = None
        if context.window is not None:
            context.window.cursor_modal_restore()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        self._area.tag_redraw()

    def _at(self, event: bpy.types.Event) -> Point:
        return event.mouse_x - self._region.x, event.mouse_y - self._region.y

    def _is_drag(self) -> bool:
        return max(abs(self._mouse[axis] - self._start[axis]) for axis in (0, 1)) >= _CLICK

    def _on_screen(self) -> PhotoOnScreen:
        margin = _MARGIN * bpy.context.preferences.system.ui_scale
        return PhotoOnScreen.fitted(self._info.width, self._info.height, _free_part(self._area, self._region), margin)

    def _draw(self) -> None:
        if bpy.context.region != self._region:  # the handler is called for every 3D View
            return
        gpu.state.blend_set("ALPHA")
        screen = self._on_screen()
        _fill((0, 0, self._region.width, self._region.height), _DIM)
        _picture(self._texture, screen)
        hovered = None if self._start else face_at(self._faces, screen.to_photo(*self._mouse))
        for index, box in enumerate(self._faces.boxes if self._faces else ()):
            colour = _HOVERED if index == hovered else _FOUND
            _outline(screen, (box.left, box.top, box.right, box.bottom), colour, self._region)
            _number(screen, box, index + 1, colour)
        if self._start and self._is_drag():
            _outline(screen, screen.box(self._start, self._mouse), _HOVERED, self._region)
        below = 26 * bpy.context.preferences.system.ui_scale
        _write(self._hint, screen.left, screen.bottom - below, _FOUND)
        gpu.state.blend_set("NONE")


def _free_part(area: bpy.types.Area, region: bpy.types.Region) -> Box:
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


def _texture(info: PhotoInfo) -> gpu.types.GPUTexture:
    pixels = as_blender_pixels(info.picture)
    height, width = pixels.shape[:2]
    values = gpu.types.Buffer("FLOAT", pixels.size, pixels.ravel())
    return gpu.types.GPUTexture((width, height), format="SRGB8_A8", data=values)


def _picture(texture: gpu.types.GPUTexture, screen: PhotoOnScreen) -> None:
    right, top = screen.to_region(screen.width, 0)
    shader = gpu.shader.from_builtin("IMAGE")
    corners = ((screen.left, screen.bottom), (right, screen.bottom), (right, top), (screen.left, top))
    batch = batch_for_shader(shader, "TRI_FAN", {"pos": corners, "texCoord": ((0, 0), (1, 0), (1, 1), (0, 1))})
    shader.bind()
    shader.uniform_sampler("image", texture)
    batch.draw(shader)


def _fill(box: Box, colour: tuple[float, ...]) -> None:
    left, bottom, right, top = box
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    corners = ((left, bottom), (right, bottom), (right, top), (left, top))
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRI_FAN", {"pos": corners}).draw(shader)


def _outline(screen: PhotoOnScreen, box: Box, colour: tuple[float, ...], region: bpy.types.Region) -> None:
    left, top, right, bottom = box
    corners = [screen.to_region(*corner) for corner in ((left, top), (right, top), (right, bottom), (left, bottom))]
    shader = gpu.shader.from_builtin("POLYLINE_UNIFORM_COLOR")
    shader.uniform_float("viewportSize", (region.width, region.height))
    shader.uniform_float("lineWidth", 2.0 * bpy.context.preferences.system.ui_scale)
    shader.uniform_float("color", colour)
    lines = [(*point, 0.0) for pair in zip(corners, corners[1:] + corners[:1], strict=True) for point in pair]
    batch_for_shader(shader, "LINES", {"pos": lines}).draw(shader)


def _number(screen: PhotoOnScreen, box, number: int, colour: tuple[float, ...]) -> None:
    x, y = screen.to_region(box.left, box.top)
    _write(str(number), x + 4, y + 5, colour)


def _write(text: str, x: float, y: float, colour: tuple[float, ...]) -> None:
    blf.size(0, 13 * bpy.context.preferences.system.ui_scale)
    blf.color(0, *colour)
    blf.position(0, x, y, 0)
    blf.draw(0, text)
