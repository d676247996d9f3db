"""A captured head to a file: checked, prepared, written, and looked at once more."""

import tempfile
from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..files.replace import filled_folder
from .check import Report, report_on
from .findings import error
from .formats import GLTF, Format
from .images import TextureChoice, TextureFiles
from .prepare import prepared

_PNG = TextureChoice()


def check_head(
    context: bpy.types.Context,
    head: bpy.types.Object,
    kind: Format = GLTF,
    choice: TextureChoice = _PNG,
    joined: bool = False,
) -> Report:
    """What `export_head` would write and say. Nothing is written and nothing stays in the scene."""
    with tempfile.TemporaryDirectory(prefix="prn_check_") as folder:
        textures = TextureFiles(Path(folder), "head", choice)
        try:
            with prepared(context, head, textures, kind.holds_rig, kind.holds_shapes, joined) as ready:
                return report_on(ready, textures, kind, choice)
        except CaptureError as problem:
            return Report((error(str(problem)),), ())


def export_head(
    context: bpy.types.Context,
    head: bpy.types.Object,
    path: Path,
    kind: Format = GLTF,
    choice: TextureChoice = _PNG,
    joined: bool = False,
) -> Report:
    """Writes the head with what belongs to it, its material, textures and rig, in metres and its aligned frame, without
    camera and landmarks. An older file stays where anything fails.

    Args:
        joined: as one mesh with a material for each part.

    Returns:
        what the check found and what was written.

    Raises:
        CaptureError: the check found an error, the file cannot be written, the exporter failed or left a mesh out.
    """
    with filled_folder(path.parent) as folder, tempfile.TemporaryDirectory(prefix="prn_export_") as elsewhere:
        textures = TextureFiles(Path(elsewhere) if kind.holds_textures else folder, path.stem, choice)
        with prepared(context, head, textures, kind.holds_rig, kind.holds_shapes, joined) as ready:
            report = report_on(ready, textures, kind, choice)
            if report.errors:
                raise CaptureError(report.errors[0])
            # Where the operator was called from a 3D View in local view, that view's objects would be all there are.
            with context.temp_override(area=None, region=None):
                kind.export(folder / path.name)
                written, wanted = kind.meshes_in(folder / path.name), len(ready.meshes)
            if written < wanted:
                raise CaptureError(
                    f"Nothing was written: Blender's exporter left out {wanted - written} of {wanted} meshes. "
                    "Try another format."
                )
    return report
