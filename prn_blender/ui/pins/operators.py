"""Operators on the pins of a captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from dataclasses import replace

import bpy

from ...capture.errors import CaptureError
from ...capture.shape.pins import Pin
from ..head.operators import HeadOperator, captured_head
from ..shell import session
from ..shell.messages import one_line
from ..views.operators import CaptureAgain
from .pinned import pinned_head


class ChangePins(HeadOperator):
    """Base of the operators that change all pins of a head."""

    bl_options = {"REGISTER", "UNDO"}
    changes_head = True

    @classmethod
    def poll(cls, context):
        from ...scene.edit.pins import count_pins, is_pinnable

        if not super().poll(context):
            return False
        head = captured_head(context)
        if not is_pinnable(head) or not count_pins(head):
            cls.poll_message_set("The head has no pins")
            return False
        return True

    def changed(self, pins: tuple[Pin, ...]) -> list[Pin]:
        """The pins of one photo as they are to be."""
        raise NotImplementedError

    def execute(self, context):
        try:
            pinned = pinned_head(context, captured_head(context))
            for view, known in enumerate(pinned.fitted.known):
                pinned.set_pins(view, self.changed(known.pins), context.scene.prn_pins.rules())
        except CaptureError as error:
            self.report({"ERROR"}, one_line(error))
            return {"CANCELLED"}
        session.tag_redraw()
        return {"FINISHED"}


class PRN_OT_switch_pins(ChangePins, bpy.types.Operator):
    """Turn all pins off, or on again"""

    bl_idname = "prn.switch_pins"
    bl_label = "Switch Pins"

    on: bpy.props.BoolProperty(name="On", description="On; otherwise off", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, context, properties):
        return "Turn all pins on" if properties.on else "Turn all pins off: the head is as without them, they stay"

    def changed(self, pins):
        return [replace(pin, is_on=self.on) for pin in pins]


class PRN_OT_remove_pins(ChangePins, bpy.types.Operator):
    """Remove all pins: the head is as it was captured"""

    bl_idname = "prn.remove_pins"
    bl_label = "Remove Pins"

    def changed(self, pins):
        return []


class PRN_OT_align_face(CaptureAgain, bpy.types.Operator):
    """Have the network look at the photos again where the head lies now, and fit the head anew. Pins stay"""

    bl_idname = "prn.align_face"
    bl_label = "Align Face"
    bl_options = {"UNDO"}

    def photos(self, context, known):
        from ...scene.edit.photo_points import landmarks_in_photo

        head, boxes = captured_head(context), []
        for view in range(len(known)):
            places = landmarks_in_photo(head, view)
            boxes.append((*places.min(axis=0).tolist(), *places.max(axis=0).tolist()))
        return [replace(photo, box=box) for photo, box in zip(known, boxes, strict=True)]
