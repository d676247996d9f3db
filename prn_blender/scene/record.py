"""The capture record on the head object."""

import uuid
from dataclasses import fields

import bpy
from idprop.types import IDPropertyGroup

from ..capture.errors import CaptureError
from ..capture.record import capture_record, views_in
from ..capture.types import Capture, Settings

_PROPERTY = "prn_capture"
_IDENTITY = "prn_identity"  # of the capture, on the head and on what belongs to it


def store_record(head: bpy.types.Object, capture: Capture) -> None:
    """Puts the record of `capture` on a new head as a group of custom properties."""
    replace_record(head, capture)
    head[_IDENTITY] = uuid.uuid4().hex


def replace_record(head: bpy.types.Object, capture: Capture) -> None:
    """Puts the record of a new capture on a head; what belongs to the head still does."""
    record = capture_record(capture)
    record["versions"]["blender"] = bpy.app.version_string
    head[_PROPERTY] = record


def change_view(head: bpy.types.Object, number: int, changed: dict) -> None:
    """Puts parts of a view's record in place of those that a head's record has."""
    record = head[_PROPERTY]
    for told in (record["views"][number], *([record] if number == 0 else ())):
        for name, part in changed.items():
            told[name] = part


def change_settings(head: bpy.types.Object, **changed: float | bool | str) -> None:
    """Puts settings in place of those that a head's record has."""
    head[_PROPERTY]["settings"].update(changed)


def forget_expression(head: bpy.types.Object) -> None:
    """Takes the photo's expression out of a head's record: the head no longer has it."""
    record = head[_PROPERTY]
    for told in (record, *list(record.get("views", ()))[:1]):
        if "expression" in told:
            del told["expression"]


def note_waited(head: bpy.types.Object, seconds: float) -> None:
    """Adds to the record how long the artist waited for the head."""
    head[_PROPERTY]["waited"] = seconds


def read_record(head: bpy.types.Object) -> dict:
    """The record as plain dictionaries and lists, equal to the one that was stored.

    Raises:
        CaptureError: the object is no captured head.
    """
    if not is_captured_head(head):
        raise CaptureError(f"{head.name} is not a captured head; select the head of a capture.")
    return head[_PROPERTY].to_dict()


def is_captured_head(candidate: bpy.types.Object | None) -> bool:
    """Whether the object carries a capture record."""
    return candidate is not None and candidate.type == "MESH" and isinstance(candidate.get(_PROPERTY), IDPropertyGroup)


def photo_of_head(head: bpy.types.Object) -> str:
    """The checksum of the photo that a head was captured from."""
    return head[_PROPERTY]["photo"]["sha256"]


def views_of_head(head: bpy.types.Object) -> list[dict]:
    """What the record tells of each photo, the one of the head's own expression first.

    Raises:
        CaptureError: the object is no captured head.
    """
    return views_in(read_record(head))


def settings_in(record: dict) -> Settings:
    """The settings with which a capture is repeated; what a record of another version has not is as usual."""
    known = {entry.name for entry in fields(Settings)}
    return Settings(**{name: value for name, value in record["settings"].items() if name in known})


def view_of_photo(head: bpy.types.Object, photo: str) -> int | None:
    """Which of a head's views a photo is, told by its checksum; None for any other."""
    shown = (number for number, view in enumerate(views_of_head(head)) if view["photo"]["sha256"] == photo)
    return next(shown, None)


def mark_as_part(part: bpy.types.Object, head: bpy.types.Object) -> None:
    """Notes that an object belongs to a head's capture."""
    part[_IDENTITY] = head[_IDENTITY]


def has_identity(part: bpy.types.Object) -> bool:
    """Whether an object belongs to any capture."""
    return _IDENTITY in part


def belong_together(one: bpy.types.Object, other: bpy.types.Object) -> bool:
    """Whether both are of one capture, or copies of such."""
    return has_identity(one) and one[_IDENTITY] == other.get(_IDENTITY)
