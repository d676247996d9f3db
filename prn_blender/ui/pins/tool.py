"""The tool that moves pins and landmarks over the photo."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ...capture.errors import CaptureError
from ...capture.shape.pins import Pin
from ..landmarks.overlay import draw_landmarks, draw_pins
from ..photos.drawing import (
    WHITE,
    PhotoOnScreen,
    Point,
    draw_text,
    hint_place,
    is_in_free_part,
    nearest_point,
    ui_scale,
)
from ..shell import session
from ..shell.messages import one_line
from .canvas import HeadOnScreen, heads_in
from .pinned import pinned_head

if TYPE_CHECKING:
    from ...capture.shape.views import Fitted
    from ...scene.edit.pins import PinnedHead, Rules

_GRAB, _GRAB_LANDMARK = 14, 8  # pixels at interface scale 1
_HINTS = {
    True: "Click the head, drag the pin.  Shift+click: off or on.  Ctrl+click: remove.  Enter or Esc: done",
    False: "Drag a landmark: the head follows.  Ctrl+click: reset it.  Enter or Esc: done",
}
_NOT_SEEN = {"INBETWEEN_MOUSEMOVE", "TIMER"}  # events for which nothing has to be looked up or drawn
_EDITORS = {"IMAGE_EDITOR": bpy.types.SpaceImageEditor, "VIEW_3D": bpy.types.SpaceView3D}


@dataclass
class Grip:
    """What the mouse holds: a pin, or a landmark of a head that has no pins."""

    head: str
    view: int
    # Where the photo was: it stays there, but lens and camera change with the head, before Blender draws them so.
    screen: PhotoOnScreen
    offset: np.ndarray  # (2,) region pixels from the mouse to it
    landmark: int  # -1: none
    start: "Fitted | np.ndarray"  # what was found before; of a landmark alone where it was
    pinned: "PinnedHead | None" = None
    index: int = -1  # of the pin
    followed: Point | None = None  # where the mouse was when the head followed it last


class PRN_OT_pin_head(bpy.types.Operator):
    """Click on the head to pin it to the photo, and drag pins and landmarks: the whole head follows.
    In the Image Editor that shows the photo, or through its camera"""

    bl_idname = "prn.pin_head"
    bl_label = "Pin Head"
    bl_options = set()  # every drag is an undo step of its own

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls) or not session.is_in_object_mode_for(cls, context):
            return False
        if context.window is None or _area(context) is None:
            cls.poll_message_set("Show the photo of a captured head in an Image Editor, or look through its camera")
            return False
        return True

    def invoke(self, context, event):
        self._area = _area(context)
        self._region = next(region for region in self._area.regions if region.type == "WINDOW")
        self._mouse = self._at(event)
        self._grip: Grip | None = None
        self._editor = _EDITORS[self._area.type]
        self._handle = self._editor.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        session.current.is_picking = True
        context.workspace.status_text_set(self._hint(heads_in(context, self._area)))
        context.window_manager.modal_handler_add(self)
        self._area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type in _NOT_SEEN:
            return {"PASS_THROUGH"} if self._grip is None else {"RUNNING_MODAL"}
        shown = heads_in(context, self._area) if self._area in list(context.window.screen.areas) else []
        if not shown:
            return self._end(context)
        # The sidebar, too, but for moves of the mouse.
        (self._region if event.type == "MOUSEMOVE" else self._area).tag_redraw()
        self._mouse = self._at(event)
        if self._grip is not None:
            return self._drag(context, event, shown)
        if event.type in {"ESC", "RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            return self._end(context)
        if (
            event.type == "LEFTMOUSE"
            and event.value == "PRESS"
            and is_in_free_part(self._area, self._region, self._mouse)
        ):
            try:
                self._press(context, event, shown)
            except CaptureError as error:
                self.report({"WARNING"}, one_line(error))
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def cancel(self, context):
        self._end(context)

    def _press(self, context: bpy.types.Context, event: bpy.types.Event, shown: list[HeadOnScreen]) -> None:
        from ...scene.edit.adjust import moved_landmarks, reset_landmarks
        from ...scene.edit.pins import is_pinnable

        found = self._under_mouse(shown)
        one, landmark, pin = found or (None, -1, -1)
        if event.ctrl and one is not None:
            if landmark in moved_landmarks(one.head):
                reset_landmarks(one.head, [landmark])
            if pin >= 0:
                self._change_pins(context, one, pin, None)
            bpy.ops.ed.undo_push(message="Remove Pin")
        elif event.shift and pin >= 0:
            self._change_pins(context, one, pin, lambda was: replace(was, is_on=not was.is_on))
            bpy.ops.ed.undo_push(message="Switch Pin")
        elif one is not None and not is_pinnable(one.head):
            self._grab_landmark(one, landmark)
        elif not event.ctrl and not event.shift:
            self._grab_pin(context, shown, found)

    def _grab_landmark(self, one: HeadOnScreen, landmark: int) -> None:
        from ...scene.build.landmarks import landmark_positions

        offset = one.landmarks()[landmark] - self._mouse
        start = landmark_positions(one.head)[landmark]
        self._grip = Grip(one.head.name, one.view, one.screen, offset, landmark, start, followed=self._mouse)

    def _grab_pin(
        self, context: bpy.types.Context, shown: list[HeadOnScreen], found: tuple[HeadOnScreen, int, int] | None
    ) -> None:
        """The pin under the mouse; else the landmark there, or the head there, becomes one."""
        from ...scene.edit.pins import is_pinnable, pins_of

        heads = [found[0]] if found else [one for one in shown if is_pinnable(one.head)]
        for one in heads:
            pinned, pins = pinned_head(context, one.head), list(pins_of(one.head, one.view))
            _, landmark, index = found or (one, -1, -1)
            place = one.screen.to_photo(*self._mouse)
            if index < 0:
                beside = _GRAB * ui_scale() / one.screen.zoom
                new = (
                    pinned.pin_at(one.view, place, beside) if landmark < 0 else pinned.landmark_pin(one.view, landmark)
                )
                if new is None:
                    continue
                pins.append(replace(new, stiffness=context.scene.prn_pins.stiffness))
                index = len(pins) - 1
            offset = np.subtract(one.screen.to_region(*pins[index].place), self._mouse)
            self._grip = Grip(
                one.head.name, one.view, one.screen, offset, landmark, pinned.fitted, pinned, index, self._mouse
            )
            pinned.set_pins(one.view, pins, rules_of(context), rounds=0, rests=False)
            return

    def _change_pins(
        self, context: bpy.types.Context, one: HeadOnScreen, index: int, change: Callable[[Pin], Pin] | None
    ) -> None:
        """Changes a pin, or removes it where `change` is None."""
        from ...scene.edit.pins import pins_of

        pins = list(pins_of(one.head, one.view))
        changed = [] if change is None else [change(pins[index])]
        pinned_head(context, one.head).set_pins(one.view, pins[:index] + changed + pins[index + 1 :], rules_of(context))

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event, shown: list[HeadOnScreen]) -> set[str]:
        grip = self._grip
        head = context.scene.objects.get(grip.head)
        one = next((one for one in shown if one.head == head), None)
        if one is None:
            self._let_go(context)
        elif event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._put_back(context, one)
            self._grip = None
        elif event.type == "MOUSEMOVE":
            self._follow_mouse(context, one)
        elif (event.type == "LEFTMOUSE" and event.value == "RELEASE") or event.type in {"RET", "NUMPAD_ENTER"}:
            if event.type == "LEFTMOUSE" and self._mouse != grip.followed:  # Blender skips moves where it is busy
                self._follow_mouse(context, one)
            if grip.pinned is not None:
                grip.pinned.set_pins(grip.view, grip.pinned.fitted.known[grip.view].pins, rules_of(context))
            self._grip = None
            context.view_layer.update()  # the head follows before the undo step is stored
            bpy.ops.ed.undo_push(message="Move Landmark" if grip.pinned is None else "Move Pin")
        return {"RUNNING_MODAL"}

    def _follow_mouse(self, context: bpy.types.Context, one: HeadOnScreen) -> None:
        self._grip.followed = self._mouse
        place = self._grip.screen.to_photo(*np.add(self._mouse, self._grip.offset))
        (self._move_landmark if self._grip.pinned is None else self._move_pin)(context, one, place)

    def _move_pin(self, context: bpy.types.Context, one: HeadOnScreen, place: Point) -> None:
        from ...scene.edit.pins import DRAG_ROUNDS

        grip = self._grip
        pins = list(grip.pinned.fitted.known[grip.view].pins)
        pins[grip.index] = pins[grip.index].moved(place)
        grip.pinned.set_pins(grip.view, pins, rules_of(context), DRAG_ROUNDS, rests=False)

    def _move_landmark(self, context: bpy.types.Context, one: HeadOnScreen, place: Point) -> None:
        from ...scene.build.landmarks import landmarks_of
        from ...scene.build.views import landmark_offsets
        from ...scene.edit.adjust import follow_landmarks
        from ...scene.edit.photo_points import location_at

        grip = self._grip
        landmark = dict(landmarks_of(one.head)).get(grip.landmark)
        if landmark is not None:
            offset = landmark_offsets(one.head, one.view)[grip.landmark]
            landmark.location = location_at(one.head, grip.start + offset, place, one.view) - offset
            follow_landmarks(one.head, context.scene.prn_capture.symmetric)

    def _put_back(self, context: bpy.types.Context, one: HeadOnScreen) -> None:
        """As before the drag, which was cancelled."""
        from ...scene.build.landmarks import landmarks_of
        from ...scene.edit.adjust import follow_landmarks

        grip = self._grip
        if grip.pinned is not None:
            grip.pinned.go_back(grip.start)
            return
        landmark = dict(landmarks_of(one.head)).get(grip.landmark)
        if landmark is not None:
            landmark.location = grip.start
            follow_landmarks(one.head, context.scene.prn_capture.symmetric)

    def _let_go(self, context: bpy.types.Context) -> None:
        """Ends a drag of what is no longer seen: what of the head waited until it rests, follows."""
        grip, self._grip = self._grip, None
        if grip is not None and grip.pinned is not None and context.scene is not None and grip.head in bpy.data.objects:
            grip.pinned.set_pins(grip.view, grip.pinned.fitted.known[grip.view].pins, rules_of(context))

    def _end(self, context: bpy.types.Context) -> set[str]:
        self._let_go(context)
        self._editor.draw_handler_remove(self._handle, "WINDOW")
        session.current.is_picking = False
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        session.tag_redraw()
        return {"FINISHED"}

    def _at(self, event: bpy.types.Event) -> Point:
        return event.mouse_x - self._region.x, event.mouse_y - self._region.y

    def _hint(self, shown: list[HeadOnScreen]) -> str:
        from ...scene.edit.pins import is_pinnable

        return _HINTS[any(is_pinnable(one.head) for one in shown)]

    def _under_mouse(self, shown: list[HeadOnScreen]) -> tuple[HeadOnScreen, int, int] | None:
        """The head, and the indices of landmark and pin under the mouse; -1 where it is none, or not also one."""
        from ...scene.edit.pins import pins_of

        for one in shown:
            pins = pins_of(one.head, one.view)
            places = one.screen.points_to_region(np.array([pin.place for pin in pins], float).reshape(-1, 2))
            nearest = nearest_point(places, self._mouse, _GRAB * ui_scale())
            if nearest is not None:
                return one, pins[nearest].landmark, nearest
        for one in shown:
            nearest = nearest_point(one.landmarks(), self._mouse, _GRAB_LANDMARK * ui_scale())
            if nearest is not None:
                held = [index for index, pin in enumerate(pins_of(one.head, one.view)) if pin.landmark == nearest]
                return one, nearest, held[0] if held else -1
        return None

    def _draw(self) -> None:
        from ...scene.edit.adjust import moved_landmarks
        from ...scene.edit.pins import pins_of

        context = bpy.context
        if context.region != self._region:  # the handler is called for every editor of the kind
            return
        shown = heads_in(context, self._area)
        found = None if self._grip else self._under_mouse(shown)
        for one in shown:
            is_hovered = found is not None and found[0].head == one.head
            draw_landmarks(
                self._region,
                one.landmarks(),
                moved_landmarks(one.head),
                found[1] if is_hovered and found[1] >= 0 and found[2] < 0 else None,
            )
            is_held = self._grip is not None and self._grip.head == one.head.name
            held = self._grip.index if is_held else found[2] if is_hovered else -1
            draw_pins(one.screen, pins_of(one.head, one.view), held)
        draw_text(self._hint(shown), *hint_place(self._area, self._region), WHITE)


def rules_of(context: bpy.types.Context) -> "Rules":
    """What may follow the pins."""
    return context.scene.prn_pins.rules()


def _area(context: bpy.types.Context) -> bpy.types.Area | None:
    """Where pins can be dragged: where the tool was started, else the largest Image Editor, else the largest view."""
    fitting = [area for area in context.window.screen.areas if area.type in _EDITORS and heads_in(context, area)]
    return max(
        fitting,
        key=lambda area: (area == context.area, area.type == "IMAGE_EDITOR", area.width * area.height),
        default=None,
    )
