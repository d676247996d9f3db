"""The capture record: everything with which a capture can be repeated, as plain JSON values."""

import tomllib
from dataclasses import asdict
from pathlib import Path

from .pose import yaw_pitch_roll
from .reconstruct import Capture

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
    camera = {key: value for key, value in asdict(capture.camera).items() if value is not None}
    yaw, pitch, roll = yaw_pitch_roll(capture.pose.rotation)
    return _plain(
        {
            "format": RECORD_FORMAT,
            "photo": {
                "path": str(capture.photo.path).encode("utf-8", "replace").decode(),
                "sha256": capture.photo.sha256,
                "width": capture.photo.width,
                "height": capture.photo.height,
            },
            "face_box": asdict(capture.face_box),
            "crop": asdict(capture.crop),
            "pack": {
                "name": capture.pack.name,
                "version": capture.pack.version,
                "sha256": capture.pack.sha256,
            },
            "settings": asdict(capture.settings),
            "camera": {
                "projection": "perspective" if capture.camera.is_perspective else "orthographic",
                "focal_from": capture.focal_from,
                **camera,
            },
            "pose": {
                "aligned_to_camera": capture.pose.matrix.ravel(),  # 4 x 4, row by row
                "yaw": yaw,  # degrees
                "pitch": pitch,
                "roll": roll,
            },
            "visible_share": capture.visible_share,
            "provider": capture.provider,
            "provider_fallback": capture.provider_fallback,
            "timings": capture.timings,
            "versions": {"addon": addon_version()},
        }
    )


def _plain(value):
    """Numpy scalars and arrays to Python's own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value
