"""The files of a capture: what a user gets from the command line."""

import json
import time
from dataclasses import asdict
from pathlib import Path

import bpy
from mathutils import Euler

from ...capture.geometry.pose import yaw_pitch_roll
from ...capture.landmarks import NAMES
from ...capture.progress import Progress, silent
from ...capture.types import Capture, View
from ..build.assemble import build
from ..build.camera import capture_camera
from ..build.encode import mesh_and_images
from ..build.images import pack_images
from ..build.png import png_bytes
from ..export.head import export_head
from ..names import as_name
from ..record import read_record
from .extras import Extras, write_extras
from .preview import render_preview
from .replace import filled_folder, unwritable_told
from .silence import stdout_silenced

DESCRIPTION = "capture.json"


def write_capture(
    capture: Capture,
    folder: Path,
    triangles: bool = False,
    progress: Progress = silent,
    extras: Extras = Extras(),  # noqa: B008 - frozen
) -> dict:
    """Builds the capture in a new, empty Blender file and writes into `folder`, all of the files or none:

    head.blend, head.glb, head_NAME.png for each texture, preview.png and capture.json; and the extras.

    Returns:
        what capture.json says.

    Raises:
        CaptureError: the folder cannot be written, or the exporter failed.
    """
    timings = dict(capture.timings)
    with filled_folder(folder) as temporary:
        progress(0.0, "Building the scene")
        started = time.perf_counter()
        with stdout_silenced():
            bpy.ops.wm.read_homefile(use_empty=True)
        mesh, images = mesh_and_images(capture)
        head = build(capture, bpy.context, triangles=triangles, mesh=mesh, images=pack_images(capture, images))
        timings["scene"] = time.perf_counter() - started

        progress(0.2, "Rendering the preview")
        started = time.perf_counter()
        with stdout_silenced():
            preview = render_preview(capture, mesh, head)
        timings["preview"] = time.perf_counter() - started

        progress(0.8, "Writing the files")
        started = time.perf_counter()
        with unwritable_told(folder):
            (temporary / "preview.png").write_bytes(png_bytes(preview))
            for name, data in images.textures.items():
                (temporary / f"head_{name}.png").write_bytes(data)
            _set_the_stage(bpy.context.scene)
            with stdout_silenced():
                export_head(bpy.context, head, temporary / "head.glb")
                bpy.ops.wm.save_as_mainfile(filepath=str(temporary / "head.blend"), copy=True, compress=True)
        with unwritable_told(folder):
            told = write_extras(extras, capture, images.textures, temporary)
        timings["files"] = time.perf_counter() - started

        described = {**describe(capture, head, timings), **told}
        with unwritable_told(folder):
            described["files"] = sorted(file.name for file in temporary.iterdir())
            (temporary / DESCRIPTION).write_text(json.dumps(described, indent=1), encoding="utf-8")
    return described


def describe(capture: Capture, head: bpy.types.Object, timings: dict[str, float]) -> dict:
    """The capture in numbers, as JSON values: metres in the aligned frame, pixels of the upright photo, degrees."""
    record, view = read_record(head), capture.views[0]
    lens = capture_camera(head).data
    points = zip(NAMES, capture.head.landmarks.tolist(), view.landmarks[:, :2].tolist(), strict=True)
    return {
        "record": record,
        "pose": {
            "yaw": record["pose"]["yaw"],
            "pitch": record["pose"]["pitch"],
            "roll": record["pose"]["roll"],
            "translation": view.pose.translation.tolist(),
            "aligned_to_camera": view.pose.matrix.tolist(),
            "aligned_to_photo": (view.camera.matrix @ view.pose.matrix).tolist(),
        },
        "camera": {
            "projection": record["camera"]["projection"],
            **asdict(view.camera),
            "focal_mm": lens.lens if view.camera.is_perspective else None,  # on a 36 mm wide sensor
            "aligned_from_camera": [list(row) for row in capture_camera(head).matrix_world],
        },
        "landmarks": [{"name": name, "metres": metres, "photo": photo} for name, metres, photo in points],
        "visible_share": record["visible_share"],
        "views": [_describe_view(capture.views[number], number, head) for number in range(len(capture.views))],
        "timings": timings,
    }


def _describe_view(view: View, number: int, head: bpy.types.Object) -> dict:
    """One of a capture's photos."""
    yaw, pitch, roll = yaw_pitch_roll(view.pose.rotation)
    return {
        "photo": as_name(str(view.photo.path)),
        "pose": {"yaw": yaw, "pitch": pitch, "roll": roll, "aligned_to_camera": view.pose.matrix.tolist()},
        "camera": {
            **asdict(view.camera),
            "aligned_from_camera": [list(row) for row in capture_camera(head, number).matrix_world],
        },
        "landmarks": view.landmarks[:, :2].tolist(),  # pixels of the photo
        "visible_share": view.visible_share,
        "belongs": view.belongs,
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
