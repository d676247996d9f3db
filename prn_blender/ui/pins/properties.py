"""What may follow the pins, and how closely."""

import bpy

from ...capture.errors import CaptureError
from ..head.operators import captured_head
from ..shell import session
from ..shell.messages import one_line
from .pinned import pinned_head


def _change(context: bpy.types.Context, change) -> None:
    """Does something to the captured head; where it cannot, the panel says why."""
    from ...scene.edit.pins import is_pinnable

    head = captured_head(context)
    if head is None or not is_pinnable(head):
        return
    try:
        change(pinned_head(context, head))
    except CaptureError as error:
        session.current.error = one_line(error)
    session.tag_redraw()


def _stiffness_changed(options: "PRN_PG_pins", context: bpy.types.Context) -> None:
    from dataclasses import replace

    def change(pinned):
        for view, pins in enumerate(known.pins for known in pinned.fitted.known):
            if pins:
                pinned.set_pins(view, [replace(pin, stiffness=options.stiffness) for pin in pins], options.rules())

    _change(context, change)


def _followed(options: "PRN_PG_pins") -> float:
    from ...scene.record import read_record

    head = captured_head(bpy.context)
    return 1.0 if head is None else read_record(head)["settings"].get("follow", 1.0)


def _follow(options: "PRN_PG_pins", share: float) -> None:
    _change(bpy.context, lambda pinned: pinned.set_follow(share))


class PRN_PG_pins(bpy.types.PropertyGroup):
    """How the heads follow their pins."""

    stiffness: bpy.props.FloatProperty(
        name="Pin Stiffness",
        description="How much the whole head follows its pins. With little only the surface around them does; it lies "
        "on them in any case",
        subtype="FACTOR",
        default=1.0,
        min=0.0,
        max=1.0,
        update=_stiffness_changed,
    )
    lock_identity: bpy.props.BoolProperty(
        name="Lock Identity",
        description="Pins change expression and pose, but not whose head it is",
        default=False,
    )
    lock_expression: bpy.props.BoolProperty(
        name="Lock Expression",
        description="Pins change whose head it is and its pose, but not its expression",
        default=False,
    )
    follow: bpy.props.FloatProperty(
        name="Follow Photo",
        description="How much of what the photo shows beyond what heads are like is in the head's shape. Pins hold in "
        "any case",
        subtype="FACTOR",
        default=1.0,
        min=0.0,
        max=1.0,
        get=_followed,
        set=_follow,
    )

    def rules(self):
        """As the fit takes them (`Rules`)."""
        from ...scene.edit.pins import Rules

        return Rules(self.lock_identity, self.lock_expression)


def register() -> None:
    bpy.types.Scene.prn_pins = bpy.props.PointerProperty(type=PRN_PG_pins)


def unregister() -> None:
    del bpy.types.Scene.prn_pins
