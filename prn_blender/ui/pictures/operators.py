"""Pictures and files of a captured head as it lies in its photo."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ...capture.pictures.posed import closed
from ..head.operators import HeadJob, captured_head
from ..photos.image_editor import show_image
from ..shell.folders import default_folder
from ..shell.job_operator import AskBeforeReplacing, FileJobOperator, JobOperator
from ..shell.packs import packs_to_choose_from
from . import work

PICTURES = (
    ("LANDMARKS", "Landmarks", "The landmarks and a box along the head's axes, drawn over the photo"),
    ("POINTS", "Points", "Every vertex drawn over the photo, green where the photo shows it"),
    ("DEPTH", "Depth", "How far the head is from the camera: an image in metres, and one of shades to look at"),
    ("PNCC", "PNCC", "Each pixel's colour says which place of the mean head it shows"),
)
# With what the name of a file ends that is suggested.
FORMATS = (
    ("CSV", "Points, CSV", "Tables of vertices and landmarks: photo pixels, depth, metres, visibility", "_points.csv"),
    ("NPZ", "Points, NPZ", "The same with UVs, triangles, pose and camera matrix, as NumPy arrays", "_points.npz"),
    ("JSON", "Points, JSON", "The same as NPZ, as text", "_points.json"),
    ("DEPTH_PNG", "Depth, PNG", "16 bits a pixel, white is near, black is no head", "_depth.png"),
    ("DEPTH_EXR", "Depth, EXR", "Metres, 0 where there is no head", "_depth.exr"),
    ("PNCC", "PNCC, PNG", "Each pixel's colour says which place of the mean head it shows", "_pncc.png"),
    ("OBJ", "OBJ, Textured", "Triangles with a texture beside it, as PRNet writes them", "_head.obj"),
    ("OBJ_COLOURS", "OBJ, Vertex Colours", "Triangles with coloured vertices, as PRNet writes them", "_colours.obj"),
)
_ENDINGS = {identifier: ending for identifier, _, _, ending in FORMATS}
_SUFFIXES = {identifier: Path(ending).suffix for identifier, ending in _ENDINGS.items()}


class PRN_OT_draw_picture(HeadJob, JobOperator, bpy.types.Operator):
    """Draw the captured head as its photo shows it, as an image"""

    bl_idname = "prn.draw_picture"
    bl_label = "Draw Picture of Head"
    bl_options = {"UNDO"}

    kind: bpy.props.EnumProperty(name="Picture", description="What is drawn", items=PICTURES, options={"SKIP_SAVE"})

    @classmethod
    def description(cls, context, properties):
        return next(text for identifier, _, text in PICTURES if identifier == properties.kind)

    def prepare(self, context):
        from ...scene.posed import pack_of_head, photo_of, posed_head

        head = captured_head(context)
        self._name = f"{head.name} {next(label for identifier, label, _ in PICTURES if identifier == self.kind)}"
        placed = posed_head(head)
        if self.kind == "DEPTH":
            return work.depth_and_shades(closed(placed))
        if self.kind == "PNCC":
            return work.pncc(closed(placed), pack_of_head(head, packs_to_choose_from(context)))
        return work.overlay(placed, photo_of(head), is_points=self.kind == "POINTS")

    def finish(self, context, result):
        from ...scene.build.float_image import create_float_image
        from ...scene.build.images import packed_image
        from ...scene.build.results import keep_result

        if self.kind == "DEPTH":
            found, shades = result
            metres = keep_result(create_float_image(self._name, found.metres), self._name)
            # Shown as they are, metres would be white where there are more than one.
            name = f"{self._name} Shades"
            self._image = keep_result(packed_image(name, shades, "Non-Color"), name)
            made = f"images {metres.name}, {found.near:.2f} to {found.far:.2f} m, and {self._image.name}, white is near"
        else:
            self._image = keep_result(packed_image(self._name, result), self._name)
            made = f"image {self._image.name}"
        self.report({"INFO"}, f"Made the {made}")
        yield from ()  # one step is enough

    def show(self, context):
        show_image(self, context, self._image)


class PRN_OT_save_measured(HeadJob, FileJobOperator, bpy.types.Operator):
    """Write what is measured of the captured head in its photo: points, depth, PNCC, OBJ as PRNet writes it"""

    bl_idname = "prn.save_measured"
    bl_label = "Save Measured Head"

    filepath: bpy.props.StringProperty(
        name="File", description="File to write", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    format: bpy.props.EnumProperty(
        name="Format",
        description="What is written",
        items=[choice[:3] for choice in FORMATS],
        options={"SKIP_SAVE"},
    )

    check_existing: AskBeforeReplacing
    _suggested = None  # the format for which the file browser suggested a name

    def suggest(self, context):
        self._suggested = self.format
        self.filepath = str(default_folder() / f"{captured_head(context).name}{_ENDINGS[self.format]}")

    def check(self, context):
        """The file browser asks after every change: another format changes the file's name."""
        before, ending = self.filepath, _ENDINGS.get(self._suggested)
        if ending and self.filepath.endswith(ending):  # still as suggested
            self.filepath = self.filepath.removesuffix(ending) + _ENDINGS[self.format]
        self._suggested = self.format
        self.filepath = str(self._named())
        return self.filepath != before

    def to_write(self):
        from ...scene.files.obj import files_of_textured_obj
        from ...scene.files.points import tables_of

        files_of = {"CSV": tables_of, "OBJ": files_of_textured_obj}
        return files_of[self.format](self._absolute()) if self.format in files_of else [self._absolute()]

    def prepare(self, context):
        from ...scene.posed import pack_of_head, picture_of, posed_head, texture_of

        if not self.filepath:
            raise CaptureError("No file is named: give filepath.")
        head, path = captured_head(context), self._absolute()
        placed = posed_head(head)
        if self.format in {"CSV", "NPZ", "JSON"}:
            return work.save_points(placed, path)
        if self.format in {"DEPTH_PNG", "DEPTH_EXR"}:
            self._path = path
            surface = closed(placed)
            return work.depth(surface) if self.format == "DEPTH_EXR" else work.save_depth(surface, path)
        if self.format == "PNCC":
            return work.save_pncc(closed(placed), pack_of_head(head, packs_to_choose_from(context)), path)
        texture = picture_of(texture_of(head))
        return work.save_obj(placed, texture, path, is_textured=self.format == "OBJ")

    def finish(self, context, result):
        if self.format == "DEPTH_EXR":
            from ...scene.build.float_image import write_exr

            write_exr(result.metres, self._path)
            result = f"{self._path.name}: metres from the camera, {result.near:.2f} to {result.far:.2f}"
        self.report({"INFO"}, f"Wrote {result}")
        yield from ()  # one step is enough

    def _absolute(self) -> Path:
        return Path(bpy.path.abspath(str(self._named())))

    def _named(self) -> Path:
        path, suffixes = Path(self.filepath), set(_SUFFIXES.values())
        suffix = _SUFFIXES[self.format]
        return path.with_suffix(suffix) if path.suffix.lower() in suffixes else path.with_name(path.name + suffix)
