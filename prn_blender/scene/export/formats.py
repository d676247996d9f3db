"""Heads for other programs."""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..files.replace import replacing
from ..transaction import discarded


def export_glb(context: bpy.types.Context, head: bpy.types.Object, path: Path) -> None:
    """The aligned head with material and texture as binary glTF, without camera and landmarks.

    Raises:
        CaptureError: the file cannot be written, or the exporter failed or is switched off.
    """
    with _alone(context, head), replacing(path) as temporary:
        _export(
            lambda: bpy.ops.export_scene.gltf(
                filepath=str(temporary), export_format="GLB", use_selection=True, export_animations=False
            ),
            "glTF 2.0 format",
        )


def export_fbx(context: bpy.types.Context, head: bpy.types.Object, path: Path) -> None:
    """The aligned head with its texture embedded as FBX, in the axes and units that Unreal and Unity expect.

    Raises:
        CaptureError: the file cannot be written, or the exporter failed or is switched off.
    """
    with _alone(context, head), replacing(path) as temporary:
        _export(
            lambda: bpy.ops.export_scene.fbx(
                filepath=str(temporary),
                use_selection=True,
                object_types={"MESH"},
                apply_scale_options="FBX_SCALE_UNITS",
                mesh_smooth_type="FACE",
                use_tspace=True,
                bake_anim=False,
                path_mode="COPY",
                embed_textures=True,
            ),
            "FBX format",
        )


def _export(export: Callable[[], object], addon: str) -> None:
    try:
        with redirect_stderr(io.StringIO()):  # Blender prints the traceback that it then hands over
            export()
    except AttributeError as error:
        raise CaptureError(f"Blender has no exporter for this: enable the add-on {addon!r}.") from error
    except RuntimeError as error:  # the exporter's traceback; then, in some versions, where in Blender that was
        lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
        reason = re.sub(r"^OSError: (\[Errno \d+\] )?", "", lines[-1].strip())
        raise CaptureError(f"The export failed: {reason}") from error


@contextmanager
def _alone(context: bpy.types.Context, head: bpy.types.Object) -> Iterator[None]:
    """A copy of the head in its aligned frame and under its name is all that is selected; then all is as before.

    A copy, because the head itself may be hidden, turned, or in a collection that the view layer excludes.
    """
    objects = context.view_layer.objects
    selected, active, name = list(objects.selected), objects.active, head.name
    try:
        with discarded():
            copy = head.copy()
            if not head.library:  # a linked one's name is free here
                head.name = f"{name} being exported"
            copy.name = name
            copy.parent = None
            copy.matrix_basis.identity()
            copy.hide_viewport = False
            context.scene.collection.objects.link(copy)
            for other in selected:
                other.select_set(False)
            copy.select_set(True)
            objects.active = copy
            yield
    finally:
        if not head.library:
            head.name = name
        for other in selected:
            other.select_set(True)
        objects.active = active
