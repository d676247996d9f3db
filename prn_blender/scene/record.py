"""The capture record on the head object."""

from pathlib import Path

import bpy
from idprop.types import IDPropertyGroup

from ..capture.errors import CaptureError
from ..capture.reconstruct import Capture
from ..capture.record import capture_record

_PROPERTY = "prn_capture"


def store_record(head: bpy.types.Object, capture: Capture) -> None:
    """Puts the record of `capture` on the head as a group of custom properties."""
    record = capture_record(capture)
    record["versions"]["blender"] = bpy.app.version_string
    head[_PROPERTY] = record


def read_record(head: bpy.types.Object) -> dict:
    """The record as plain dictionaries and lists, equal to the one that was stored.

    Raises:
        CaptureError: the object is no captured head.
    """
    if not is_captured_head(head):
        raise CaptureError(f"{head.name} is not a captured head; choose an object named PRN_Head.")
    return head[_PROPERTY].to_dict()


def is_captured_head(candidate: bpy.types.Object | None) -> bool:
    """Whether the object carries a capture record."""
    return candidate is not None and candidate.type == "MESH" and isinstance(candidate.get(_PROPERTY), IDPropertyGroup)


def photo_of_head(head: bpy.types.Object) -> Path:
    """The photo that a head was captured from, which may be gone since."""
    return Path(head[_PROPERTY]["photo"]["path"])
