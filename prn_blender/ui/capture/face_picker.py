"""Picking a face in the photo with the mouse: a click on a found one, or a box drawn around any.

It happens in an Image Editor that shows the photo, with its zoom and pan, or over a 3D View.
"""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy
import gpu

from ..photos.drawing import (
    ORANGE,
    WHITE,
    PhotoOnScreen,
    Point,
    draw_box,
    draw_faces,
    draw_picture,
    draw_rectangle,
    draw_text,
    face_at,
    free_part,
    hint_place,
    is_in_free_part,
    ui_scale,
)
from ..photos.image_editor import editor_of_photo
from ..shell import session
from ..shell.photo_info import PhotoInfo, as_blender_pixels

_MARGIN = 48  # pixels around the photo at interface scale 1
_CLICK = 6  # pixels: a shorter drag is a click
_DIM = (0.0, 0.0, 0.0, 0.7)
_HINT = "Click a face or press its number, or drag a box around one from brows to chin.  Esc: cancel"
_HINT_WITHOUT_FACES = "Drag a box around the face, from brows to chin.  Esc: cancel"
_NUMBERS = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE")


class PRN_OT_pick_face(bpy.types.Operator):
    """Click one of the found faces in the photo, or drag a box around a face"""

    bl_idname = "prn.pick_face"
    bl_label = "Draw Face Box"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls) or not session.has_photo_for(cls):
            return False
        if context.window is None or _area(context) is None:
            cls.poll_message_set("The photo is shown in a 3D View or in an Image Editor")
            return False
        return True

    def invoke(self, context, event):
        state = session.current
        self._info = state.info
        self._faces = state.faces_in(context.scene.prn_capture.photo_path)
        self._area = _area(context)
        self._region = next(region for region in self._area.regions if region.type == "WINDOW")
        self._in_image_editor = self._area.type == "IMAGE_EDITOR"
        self._hint = _HINT if self._faces else _HINT_WITHOUT_FACES
        self._texture = None if self._in_image_editor else _texture(self._info)
        self._start = None
        self._mouse = self._at(event)
        space = bpy.types.SpaceImageEditor if self._in_image_editor else bpy.types.SpaceView3D
        self._space = space
        self._handle = space.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        session.current.is_picking = True
        context.window.cursor_modal_set("CROSSHAIR")
        context.workspace.status_text_set(self._hint)
        context.window_manager.modal_handler_add(self)
        self._area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if not self._is_still_there(context):
            self._end(context)
            return {"CANCELLED"}
        self._area.tag_redraw()
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._end(context)
            return {"CANCELLED"}
        self._mouse = self._at(event)
        if event.type in {"RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            return self._choose(context, self._hovered())
        if event.type in _NUMBERS and event.value == "PRESS":
            index = _NUMBERS.index(event.type)
            return self._choose(context, index if self._faces and index < len(self._faces.boxes) else None)
        if event.type == "LEFTMOUSE":
            if event.value == "PRESS" and (self._is_inside() or not self._in_image_editor):
                self._start = self._mouse
                return {"RUNNING_MODAL"}
            if event.value == "RELEASE" and self._start is not None:
                return self._released(context)
        # In an Image Editor everything else is Blender's: zoom, pan, the header, the other editors.
        return {"PASS_THROUGH"} if self._in_image_editor and self._start is None else {"RUNNING_MODAL"}

    def cancel(self, context):
        self._end(context)

    def _released(self, context: bpy.types.Context) -> set[str]:
        if not self._is_drag():
            self._start = None
            return self._choose(context, self._hovered())
        options = context.scene.prn_capture
        options.face, options.box = "BOX", self._on_screen().box(self._start, self._mouse)
        return self._chosen(context)

    def _choose(self, context: bpy.types.Context, index: int | None) -> set[str]:
        if index is None:
            return {"RUNNING_MODAL"}
        options = context.scene.prn_capture
        options.face, options.face_index = "INDEX", index
        return self._chosen(context)

    def _chosen(self, context: bpy.types.Context) -> set[str]:
        session.current.forget_error()
        self._end(context)
        session.tag_redraw()
        return {"FINISHED"}

    def _end(self, context: bpy.types.Context) -> None:
        self._space.draw_handler_remove(self._handle, "WINDOW")
        self._texture = None
        session.current.is_picking = False
        if context.window is not None:
            context.window.cursor_modal_restore()
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        session.tag_redraw()
        if context.window is not None and self._area in list(context.window.screen.areas):
            self._area.tag_redraw()

    def _is_still_there(self, context: bpy.types.Context) -> bool:
        """Areas can be joined, and change what they show, while the tool runs."""
        if self._area not in list(context.window.screen.areas):
            return False
        kind = "IMAGE_EDITOR" if self._in_image_editor else "VIEW_3D"
        return self._area.type == kind and session.current.info is self._info

    def _at(self, event: bpy.types.Event) -> Point:
        return event.mouse_x - self._region.x, event.mouse_y - self._region.y

    def _is_inside(self) -> bool:
        return is_in_free_part(self._area, self._region, self._mouse)

    def _is_drag(self) -> bool:
        return max(abs(self._mouse[axis] - self._start[axis]) for axis in (0, 1)) >= _CLICK

    def _hovered(self) -> int | None:
        return face_at(self._faces, self._on_screen().to_photo(*self._mouse))

    def _on_screen(self) -> PhotoOnScreen:
        if self._in_image_editor:
            return PhotoOnScreen.in_image_editor(self._region.view2d, self._info.width, self._info.height)
        free = free_part(self._area, self._region)
        return PhotoOnScreen.fitted(self._info.width, self._info.height, free, _MARGIN * ui_scale())

    def _draw(self) -> None:
        if bpy.context.region != self._region:  # the handler is called for every area of its kind
            return
        gpu.state.blend_set("ALPHA")
        screen = self._on_screen()
        if self._texture is not None:
            draw_rectangle((0, 0, self._region.width, self._region.height), _DIM)
            draw_picture(self._texture, screen)
            draw_text(self._hint, screen.left, screen.bottom - 26 * ui_scale(), WHITE)
        else:
            draw_text(self._hint, *hint_place(self._area, self._region), WHITE)
        hovered = None if self._start else self._hovered()
        draw_faces(self._region, screen, self._faces, {hovered} - {None})
        if self._start and self._is_drag():
            draw_box(self._region, screen, screen.box(self._start, self._mouse), ORANGE)
        gpu.state.blend_set("NONE")


def _area(context: bpy.types.Context) -> bpy.types.Area | None:
    """Where the photo is picked in: an Image Editor that shows it, else the 3D View in which the tool was started."""
    area = editor_of_photo(context.window, context.scene.prn_capture.photo_path, session.current.info)
    if area is not None:
        return area
    return context.area if context.area is not None and context.area.type == "VIEW_3D" else None


def _texture(info: PhotoInfo) -> gpu.types.GPUTexture:
    pixels = as_blender_pixels(info.picture)
    height, width = pixels.shape[:2]
    values = gpu.types.Buffer("FLOAT", pixels.size, pixels.ravel())
    return gpu.types.GPUTexture((width, height), format="SRGB8_A8", data=values)
