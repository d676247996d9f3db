"""The capture record: everything with which a capture can be repeated, as plain JSON values."""

import tomllib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .geometry.camera import Camera
from .geometry.pose import Similarity, yaw_pitch_roll
from .shape.eyeball import STRAIGHT, Look
from .shape.pins import Pin
from .types import WHOLE, Capture, View

# Raised when a reader of older records would misunderstand a newer one.
RECORD_FORMAT = 1


def addon_version() -> str:
    """The version in `blender_manifest.toml`: beside the package's modules when installed, above them in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package, package.parent):
        manifest = folder / "blender_manifest.toml"
        if manifest.is_file():
            return tomllib.loads(manifest.read_text(encoding="utf-8"))["version"]
    return "unknown"


def capture_record(capture: Capture) -> dict:
    """Nested dictionaries of str, bool, int, float and lists of float.

    What is unknown is left out instead of None, because Blender's properties have no None. `FaceBox`, `Crop` and
    `Settings` are restored by passing their part as keywords.
    """
    return _plain(
        {
            "format": RECORD_FORMAT,
            **_view_record(capture.views[0]),
            "views": [_view_record(view) for view in capture.views],
            "pack": {
                "name": capture.pack.name,
                "version": capture.pack.version,
                "sha256": capture.pack.sha256,
            },
            "settings": asdict(capture.settings),
            **({"look": _look_record(capture.look)} if capture.settings.parts == WHOLE else {}),
            **({} if capture.irises is None else {"irises": capture.irises}),
            "provider": capture.provider,
            "provider_fallback": capture.provider_fallback,
            "timings": capture.timings,
            "versions": {"addon": addon_version()},
        }
    )


def _look_record(look: Look) -> dict:
    return {"gaze": look.gaze.ravel(), "iris": list(look.iris)}


def look_in(record: dict) -> Look:
    """How the record's eyes look; straight ahead where it does not tell."""
    told = record.get("look")
    return Look(np.array(told["gaze"], float).reshape(2, 2), tuple(told["iris"])) if told else STRAIGHT


def _view_record(view: View) -> dict:
    """What repeats one view."""
    return {
        "photo": {
            "path": str(view.photo.path).encode("utf-8", "replace").decode(),
            "sha256": view.photo.sha256,
            "width": view.photo.width,
            "height": view.photo.height,
        },
        "face_box": asdict(view.face_box),
        "crop": asdict(view.crop),
        **placement_record(view.camera, view.focal_from, view.pose),
        "visible_share": view.visible_share,
        "by_hand": view.by_hand,
        "belongs": view.belongs,
        **({} if view.expression is None else {"expression": view.expression}),  # coefficients of the head model
        "pins": pins_record(view.pins),
    }


def placement_record(camera: Camera, focal_from: str, pose: Similarity) -> dict:
    """Where camera and head are; `focal_from` as of `View`."""
    yaw, pitch, roll = yaw_pitch_roll(pose.rotation)
    return _plain(
        {
            "camera": {
                "projection": "perspective" if camera.is_perspective else "orthographic",
                "focal_from": focal_from,
                **{key: value for key, value in asdict(camera).items() if value is not None},
            },
            "pose": {
                "aligned_to_camera": pose.matrix.ravel(),  # 4 x 4, row by row
                "aligned_to_photo": (camera.matrix @ pose.matrix).ravel(),  # 3 x 4: homogeneous photo pixels
                "yaw": yaw,  # degrees
                "pitch": pitch,
                "roll": roll,
            },
        }
    )


def pins_record(pins: Iterable[Pin]) -> list[dict]:
    """Pins as they stand in a view's record."""
    return [{**asdict(pin), "uv": list(pin.uv), "place": list(pin.place)} for pin in pins]


def pins_in(view: dict) -> tuple[Pin, ...]:
    """The pins that the record of a view tells; those of older versions have none."""
    return tuple(Pin(**{**pin, "uv": tuple(pin["uv"]), "place": tuple(pin["place"])}) for pin in view.get("pins") or ())


def views_in(record: dict) -> list[dict]:
    """What a record tells of each view; the first is that of the head's expression.

    Records of older versions know one, and tell of it beside everything else.
    """
    return record.get("views") or [record]


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays to Python's own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
