"""The files of a capture: what a user gets from the command line."""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import bpy
from mathutils import Euler

from ..capture.errors import CaptureError
from ..capture.progress import Progress, silent
from ..capture.reconstruct import Capture
from .build import build
from .camera import capture_camera
from .encoded import encode_images, png_bytes
from .export import export_glb
from .images import pack_images
from .landmarks import LANDMARK_NAMES
from .preview import render_preview
from .record import read_record
from .silenced import silenced

FILE_NAMES = ("head.blend", "head.glb", "head_basecolor.png", "head_mask.png", "preview.png", "capture.json")


def write_capture(capture: Capture, folder: Path, triangles: bool = False, progress: Progress = silent) -> dict:
    """Builds the capture in a new, empty Blender file and writes `FILE_NAMES` into `folder`, all of them or none.

    Returns:
        what capture.json says.

    Raises:
        CaptureError: the folder cannot be written, or the exporter failed.
    """
    timings = dict(capture.timings)
    with _filled(folder) as temporary:
        progress(0.0, "Building the scene")
        started = time.perf_counter()
        with silenced():
            bpy.ops.wm.read_homefile(use_empty=True)
        images = encode_images(capture)
        head = build(capture, bpy.context, triangles=triangles, images=pack_images(capture, images))
        timings["scene"] = time.perf_counter() - started

        progress(0.2, "Rendering the preview")
        started = time.perf_counter()
        with silenced():
            preview = render_preview(capture, head)
        timings["preview"] = time.perf_counter() - started

        progress(0.8, "Writing the files")
        started = time.perf_counter()
        with _told(folder):
            (temporary / "preview.png").write_bytes(png_bytes(preview))
            (temporary / "head_basecolor.png").write_bytes(images.colour)
            (temporary / "head_mask.png").write_bytes(images.mask)
            _set_the_stage(bpy.context.scene)
            with silenced():
                export_glb(bpy.context, head, temporary / "head.glb")
                bpy.ops.wm.save_as_mainfile(filepath=str(temporary / "head.blend"), copy=True, compress=True)
        timings["files"] = time.perf_counter() - started

        described = describe(capture, head, timings)
        with _told(folder):
            (temporary / "capture.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
    return described


@contextmanager
def _filled(folder: Path) -> Iterator[Path]:
    """A temporary folder whose `FILE_NAMES` move to `folder` at the end; after an exception nothing of it stays.

    Raises:
        CaptureError: nothing can be written there.
    """
    missing = [place for place in (folder, *folder.parents) if not os.path.exists(place)]
    try:
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            temporary = tempfile.TemporaryDirectory(dir=folder, prefix=".prn_capture_")
        with temporary as name:
            yield Path(name)
            with _told(folder):
                for file in FILE_NAMES:
                    os.replace(Path(name) / file, folder / file)
    except BaseException:
        with suppress(OSError):
            for place in missing:
                place.rmdir()
        raise


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """An operating system's error about `folder` in words for the artist."""
    try:
        yield
    except OSError as error:
        raise CaptureError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error


def describe(capture: Capture, head: bpy.types.Object, timings: dict[str, float]) -> dict:
    """The capture in numbers, as JSON values: metres in the aligned frame, pixels of the upright photo, degrees."""
    record = read_record(head)
    lens = capture_camera(head).data
    points = zip(
        LANDMARK_NAMES, capture.head.landmarks.tolist(), capture.landmarks_in_photo[:, :2].tolist(), strict=True
    )
    return {
        "record": record,
        "pose": {
            "yaw": record["pose"]["yaw"],
            "pitch": record["pose"]["pitch"],
            "roll": record["pose"]["roll"],
            "aligned_to_camera": capture.pose.matrix.tolist(),
        },
        "camera": {
            "projection": record["camera"]["projection"],
            **asdict(capture.camera),
            "focal_mm": lens.lens if capture.camera.is_perspective else None,  # on a 36 mm wide sensor
            "aligned_from_camera": [list(row) for row in capture_camera(head).matrix_world],
        },
        "landmarks": [{"name": name, "metres": metres, "photo": photo} for name, metres, photo in points],
        "visible_share": record["visible_share"],
        "timings": timings,
    }


def _set_the_stage(scene: bpy.types.Scene) -> None:
    """Whoever opens the new file sees the head large and in the photo's own colours."""
    scene.view_settings.view_transform = "Standard"  # AgX would flatten the photo
    scene.world = bpy.data.worlds.new("PRN World")
    if scene.world.node_tree is None:  # before Blender 5
        scene.world.use_nodes = True
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (1, 1, 1, 1)
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                space = area.spaces.active
                space.shading.color_type = "TEXTURE"
                space.clip_start = 0.001
                space.region_3d.view_perspective = "PERSP"
                space.region_3d.view_distance = 0.9
                space.region_3d.view_rotation = Euler((1.4, 0, 0.5)).to_quaternion()
