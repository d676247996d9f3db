"""Operators on the landmarks of a captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy
import numpy as np

from ...capture.landmarks import COUNT
from ..head.operators import HeadOperator, captured_head
from ..photos.drawing import WHITE, Point, draw_text, hint_place, is_in_free_part, nearest_point, ui_scale
from ..shell import session
from .overlay import draw_landmarks, landmarks_on_screen, photo_of_head_on_screen, shown_view_of

_GRAB = 14  # pixels at interface scale 1
_HINT = "Drag a landmark: the head follows.  Ctrl+click: reset it.  Enter or Esc: done"


class PRN_OT_reset_landmarks(HeadOperator, bpy.types.Operator):
    """Put landmarks back to where they were captured, and the head with them"""

    bl_idname = "prn.reset_landmarks"
    bl_label = "Reset Landmarks"
    bl_options = {"REGISTER", "UNDO"}
    changes_head = True

    only_selected: bpy.props.BoolProperty(
        name="Selected Only", description="Only the landmarks that are selected", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context, properties):
        if properties.only_selected:
            return "Put the selected landmarks back to where they were captured, and the head with them"
        return "Put all landmarks back to where they were captured: the head is again as it was"

    @classmethod
    def poll(cls, context):
        from ...scene.edit.adjust import is_adjustable

        if not super().poll(context):
            return False
        if not is_adjustable(captured_head(context)):
            cls.poll_message_set(why_not_adjustable(captured_head(context)))
            return False
        return True

    def execute(self, context):
        from ...scene.build.landmarks import landmarks_of
        from ...scene.edit.adjust import reset_landmarks

        head = captured_head(context)
        indices = list(range(COUNT))
        if self.only_selected:
            indices = [index for index, landmark in landmarks_of(head) if landmark.select_get()]
            if not indices:
                self.report({"WARNING"}, "No landmark is selected")
                return {"CANCELLED"}
        reset_landmarks(head, indices)
        session.tag_redraw()
        return {"FINISHED"}


class PRN_OT_adjust_landmarks(bpy.types.Operator):
    """Drag landmarks over the photo in the Image Editor: the heads of the photo follow.
    A landmark keeps its distance from the camera; in the 3D View it can be moved in every direction"""

    bl_idname = "prn.adjust_landmarks"
    bl_label = "Adjust Landmarks"
    bl_options = set()  # every drag is an undo step of its own

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls) or not session.is_in_object_mode_for(cls, context):
            return False
        if context.window is None or _editor(context) is None:
            cls.poll_message_set("Show the photo of a captured head in an Image Editor")
            return False
        return True

    def invoke(self, context, event):
        self._area = _editor(context)
        self._region = next(region for region in self._area.regions if region.type == "WINDOW")
        self._mouse = self._at(event)
        self._dragged: tuple[str, int, np.ndarray, np.ndarray] | None = None
        self._handle = bpy.types.SpaceImageEditor.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        session.current.is_picking = True
        context.workspace.status_text_set(_HINT)
        context.window_manager.modal_handler_add(self)
        self._area.tag_redraw()
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if self._area not in list(context.window.screen.areas) or not _adjustable_heads(context, self._area):
            return self._end(context)
        self._area.tag_redraw()
        self._mouse = self._at(event)
        if self._dragged is not None:
            return self._drag(context, event)
        if event.type in {"ESC", "RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            return self._end(context)
        if event.type == "LEFTMOUSE" and event.value == "PRESS" and self._is_inside():
            return self._grab(context, event)
        return {"PASS_THROUGH"}

    def cancel(self, context):
        self._end(context)

    def _grab(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ...scene.build.landmarks import landmark_positions
        from ...scene.edit.adjust import reset_landmarks

        found = self._under_mouse(self._on_screen(context))
        if found is None:
            return {"RUNNING_MODAL"}
        head, index, point = found
        if event.ctrl:
            reset_landmarks(head, [index])
            bpy.ops.ed.undo_push(message=PRN_OT_reset_landmarks.bl_label)
        else:
            self._dragged = head.name, index, landmark_positions(head)[index], np.subtract(point, self._mouse)
        return {"RUNNING_MODAL"}

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        from ...scene.build.landmarks import landmarks_of
        from ...scene.build.views import landmark_offsets
        from ...scene.edit.adjust import follow_landmarks
        from ...scene.edit.photo_points import location_at

        name, index, start, grip = self._dragged
        head = context.scene.objects.get(name)
        landmark = dict(landmarks_of(head)).get(index) if head else None
        if landmark is None:
            self._dragged = None
            return {"RUNNING_MODAL"}
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            landmark.location = start
            follow_landmarks(head, context.scene.prn_capture.symmetric)
            self._dragged = None
        elif event.type == "MOUSEMOVE":
            view = shown_view_of(head, self._area)
            place = photo_of_head_on_screen(self._region, head, view).to_photo(*np.add(self._mouse, grip))
            offset = landmark_offsets(head, view)[index]
            landmark.location = location_at(head, start + offset, place, view) - offset
            follow_landmarks(head, context.scene.prn_capture.symmetric)
        elif (event.type == "LEFTMOUSE" and event.value == "RELEASE") or event.type in {"RET", "NUMPAD_ENTER"}:
            self._dragged = None
            context.view_layer.update()  # the head follows before the undo step is stored
            bpy.ops.ed.undo_push(message="Move Landmark")
        return {"RUNNING_MODAL"}

    def _end(self, context: bpy.types.Context) -> set[str]:
        bpy.types.SpaceImageEditor.draw_handler_remove(self._handle, "WINDOW")
        session.current.is_picking = False
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        session.tag_redraw()
        return {"FINISHED"}

    def _at(self, event: bpy.types.Event) -> Point:
        return event.mouse_x - self._region.x, event.mouse_y - self._region.y

    def _is_inside(self) -> bool:
        return is_in_free_part(self._area, self._region, self._mouse)

    def _on_screen(self, context: bpy.types.Context) -> list[tuple[bpy.types.Object, np.ndarray]]:
        """The heads whose landmarks can be dragged, with these (68, 2) in the region."""
        return [
            (head, landmarks_on_screen(self._region, head, shown_view_of(head, self._area)))
            for head in _adjustable_heads(context, self._area)
        ]

    def _under_mouse(
        self, shown: list[tuple[bpy.types.Object, np.ndarray]]
    ) -> tuple[bpy.types.Object, int, Point] | None:
        """The head and the index of the landmark under the mouse, and where it is in the region."""
        if not shown:  # drawn before the tool noticed
            return None
        flat = np.concatenate([points for _, points in shown])
        nearest = nearest_point(flat, self._mouse, _GRAB * ui_scale())
        if nearest is None:
            return None
        which, index = divmod(nearest, COUNT)
        return shown[which][0], index, tuple(flat[nearest])

    def _draw(self) -> None:
        from ...scene.edit.adjust import moved_landmarks

        context = bpy.context
        if context.region != self._region:  # the handler is called for every Image Editor
            return
        shown = self._on_screen(context)
        found = None if self._dragged else self._under_mouse(shown)
        name, hovered = (self._dragged or (None, None))[:2] if found is None else (found[0].name, found[1])
        for head, points in shown:
            draw_landmarks(self._region, points, moved_landmarks(head), hovered if head.name == name else None)
        draw_text(_HINT, *hint_place(self._area, self._region), WHITE)


def why_not_adjustable(head: bpy.types.Object) -> str:
    """For an artist, in one line."""
    from ...scene.edit.adjust import shares_mesh
    from ...scene.edit.frame import hang_in_mesh_space

    if head.data.library:
        return "The head's mesh is linked from another file: make it local"
    if head.data.is_editmode:
        return "Leave Edit Mode"
    if shares_mesh(head):
        return "Another head has the same mesh: make it single-user (Object, Relations, Make Single User)"
    if not hang_in_mesh_space(head):
        return "The landmarks were moved away from the head: clear the transforms of the empty that holds them"
    return "The head's vertices are no longer those that were captured: capture the photo again"


def _editor(context: bpy.types.Context) -> bpy.types.Area | None:
    """The Image Editor in which landmarks can be dragged: where the tool was started, else the largest."""
    fitting = [area for area in context.window.screen.areas if _adjustable_heads(context, area)]
    return max(fitting, key=lambda area: (area == context.area, area.width * area.height), default=None)


def _adjustable_heads(context: bpy.types.Context, area: bpy.types.Area) -> list[bpy.types.Object]:
    """The heads whose photo an Image Editor shows."""
    from ...scene.build.photo_images import photo_in
    from ...scene.edit.adjust import is_adjustable
    from ...scene.edit.photo_points import heads_of_photo

    if area.type != "IMAGE_EDITOR":
        return []
    photo = photo_in(area.spaces.active.image)
    return [] if photo is None else list(filter(is_adjustable, heads_of_photo(context.scene, photo)))
