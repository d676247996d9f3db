"""The capture record: everything with which a capture can be repeated, as plain JSON values."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .geometry.pose import yaw_pitch_roll
from .types import Capture, View

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
            "pack": {
                "name": capture.pack.name,
                "version": capture.pack.version,
                "sha256": capture.pack.sha256,
            },
            "settings": asdict(capture.settings),
            "provider": capture.provider,
            "provider_fallback": capture.provider_fallback,
            "timings": capture.timings,
            "versions": {"addon": addon_version()},
        }
    )


def _view_record(view: View) -> dict:
    """What repeats one view."""
    camera = {key: value for key, value in asdict(view.camera).items() if value is not None}
    yaw, pitch, roll = yaw_pitch_roll(view.pose.rotation)
    return {
        "photo": {
            "path": str(view.photo.path).encode("utf-8", "replace").decode(),
            "sha256": view.photo.sha256,
            "width": view.photo.width,
            "height": view.photo.height,
        },
        "face_box": asdict(view.face_box),
        "crop": asdict(view.crop),
        "camera": {
            "projection": "perspective" if view.camera.is_perspective else "orthographic",
            "focal_from": view.focal_from,
            **camera,
        },
        "pose": {
            "aligned_to_camera": view.pose.matrix.ravel(),  # 4 x 4, row by row
            "aligned_to_photo": (view.camera.matrix @ view.pose.matrix).ravel(),  # 3 x 4: homogeneous photo pixels
            "yaw": yaw,  # degrees
            "pitch": pitch,
            "roll": roll,
        },
        "visible_share": view.visible_share,
        **({} if view.expression is None else {"expression": view.expression}),  # coefficients of the head model
    }


def _plain(value: Any) -> Any:
    """Numpy scalars and arrays to Python's own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value
