"""The file formats: how Blender's exporters are called, what a format can hold, and what a written file holds."""

import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..transaction import discarded


@dataclass(frozen=True)
class Format:
    """A file format. `write` exports the selection of a scene in metres, `meshes_in` counts the meshes of a file."""

    identifier: str
    label: str
    about: str
    suffixes: tuple[str, ...]  # the first where none is given
    operator: str  # Blender's, that writes it
    addon: str  # that brings the operator; empty: it is built in
    write: Callable[[Path], None]
    meshes_in: Callable[[Path], int]
    holds_rig: bool = True
    holds_pose: bool = True  # of the rig; otherwise the rest position alone
    holds_shapes: bool = True
    holds_values: bool = True  # of the shape keys; otherwise all are 0
    holds_textures: bool = True  # inside of the file; otherwise they lie beside it
    texture_formats: tuple[str, ...] = ("PNG", "JPEG")  # that programs read in it

    @property
    def why_not(self) -> str:
        """Why this Blender cannot write the format, and what to do; empty where it can."""
        module, name = self.operator.split(".")
        with suppress(KeyError):
            getattr(getattr(bpy.ops, module), name).get_rna_type()
            return ""
        if self.addon:
            return f"Blender's exporter for {self.label} is switched off: enable the add-on {self.addon!r}."
        return f"This Blender was built without {self.label}: choose another format, or use Blender from blender.org."

    def named(self, path: Path) -> Path:
        """The path with a suffix of the format."""
        if path.suffix.lower() in self.suffixes:
            return path
        known = {suffix for other in FORMATS.values() for suffix in other.suffixes}
        stem = path.stem if path.suffix.lower() in known else path.name
        return path.with_name(stem + self.suffixes[0])

    def export(self, path: Path) -> None:
        """Writes the selection, which consists of meshes and armatures.

        Raises:
            CaptureError: the exporter failed.
        """
        try:
            with redirect_stderr(io.StringIO()):  # Blender prints the traceback that it then hands over
                self.write(path)
        except RuntimeError as error:  # the exporter's traceback; then, in some versions, where in Blender that was
            lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
            reason = re.sub(r"^(OSError: (\[Errno \d+\] )?|Error: )", "", lines[-1].strip())
            raise CaptureError(f"The export failed: {reason}") from error


def _write_glb(path: Path) -> None:
    bpy.ops.export_scene.gltf(
        filepath=str(path),
        export_format="GLB",
        use_selection=True,
        export_animations=False,
        export_rest_position_armature=False,  # the rig is in its pose, as in the other formats
        export_current_frame=True,
        export_all_influences=True,
    )


def _write_fbx(path: Path) -> None:
    bpy.ops.export_scene.fbx(
        filepath=str(path),
        use_selection=True,
        object_types={"MESH", "ARMATURE"},
        apply_scale_options="FBX_SCALE_UNITS",
        mesh_smooth_type="FACE",
        use_tspace=True,
        add_leaf_bones=False,
        bake_anim=False,
        path_mode="COPY",
        embed_textures=True,
    )


def _write_obj(path: Path) -> None:
    bpy.ops.wm.obj_export(
        filepath=str(path),
        export_selected_objects=True,
        apply_modifiers=False,
        path_mode="STRIP",
        export_animation=False,
    )


def _write_usd(path: Path) -> None:
    known = bpy.ops.wm.usd_export.get_rna_type().properties
    # The textures lie beside the file already.
    textures = {"export_textures_mode": "KEEP"} if "export_textures_mode" in known else {"export_textures": False}
    bpy.ops.wm.usd_export(
        filepath=str(path),
        selected_objects_only=True,
        export_animation=False,
        export_custom_properties=False,  # they are Blender's, with paths of this computer
        relative_paths=True,
        **textures,
    )


def _meshes_in_glb(path: Path) -> int:
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    return sum("mesh" in node for node in json.loads(data[20 : 20 + length]).get("nodes", ()))


def _meshes_in_fbx(path: Path) -> int:
    return path.read_bytes().count(
        b"\0\1GeometryS\4\0\0\0Mesh"
    )  # a node's name and kind, as the binary format has them


def _meshes_in_obj(path: Path) -> int:
    text = path.read_bytes()
    return len(re.findall(rb"(?m)^o ", text)) if re.search(rb"(?m)^f ", text) else 0


def _meshes_in_usd(path: Path) -> int:
    """By Blender's importer: the file is compressed, and few builds of Blender have USD's Python modules."""
    before = set(bpy.data.objects)
    with discarded():
        bpy.ops.wm.usd_import(filepath=str(path), import_materials=False, set_frame_range=False)
        return sum(item.type == "MESH" for item in set(bpy.data.objects) - before)


GLTF = Format(
    identifier="GLTF",
    label="glTF",
    about="Binary glTF (.glb), for the web, game engines and most programs; textures inside",
    suffixes=(".glb",),
    operator="export_scene.gltf",
    addon="glTF 2.0 format",
    write=_write_glb,
    meshes_in=_meshes_in_glb,
    texture_formats=("PNG", "JPEG", "WEBP"),
)
FBX = Format(
    identifier="FBX",
    label="FBX",
    about="FBX (.fbx), for Unreal and Unity; textures inside",
    suffixes=(".fbx",),
    operator="export_scene.fbx",
    addon="FBX format",
    write=_write_fbx,
    meshes_in=_meshes_in_fbx,
)
OBJ = Format(
    identifier="OBJ",
    label="OBJ",
    about="Wavefront OBJ (.obj), for sculpting programs; the shape as it is shown, textures beside the file",
    suffixes=(".obj",),
    operator="wm.obj_export",
    addon="",
    write=_write_obj,
    meshes_in=_meshes_in_obj,
    holds_rig=False,
    holds_shapes=False,
    holds_textures=False,
)
USD = Format(
    identifier="USD",
    label="USD",
    about="Universal Scene Description (.usdc), for film pipelines; textures beside the file",
    suffixes=(".usdc", ".usda", ".usd"),
    operator="wm.usd_export",
    addon="",
    write=_write_usd,
    meshes_in=_meshes_in_usd,
    holds_pose=bpy.app.version >= (4, 5, 0),  # before that Blender writes a pose as animation only
    holds_values=False,  # which Blender writes as animation only
    holds_textures=False,
)
FORMATS = {each.identifier: each for each in (GLTF, FBX, OBJ, USD)}
