"""Taking a region of another texture, and swapping the face in the photo."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...capture.errors import CaptureError
from ...capture.pictures.posed import closed
from ..head.operators import HeadJob, captured_head
from ..photos.image_editor import show_image
from ..shell.folders import default_folder
from ..shell.job_operator import AskBeforeReplacing, FileJobOperator, JobOperator
from ..shell.packs import packs_to_choose_from
from . import work
from .properties import PAINTED, PRN_PG_textures

if TYPE_CHECKING:
    from ...scene.posed import Picture


class PRN_OT_take_region(HeadJob, JobOperator, bpy.types.Operator):
    """Put the chosen region of the other texture into this head's, with its colours matched and a soft border.
    The head gets a new image; the one before stays in the file"""

    bl_idname = "prn.take_region"
    bl_label = "Take Region"
    bl_options = {"UNDO"}
    changes_head = True

    def prepare(self, context):
        from ...scene.posed import picture_of, texture_of

        head, chosen = captured_head(context), context.scene.prn_textures
        texture = texture_of(head)
        self._head, self._before = head.name, texture.name
        return work.take_region(picture_of(texture), _other(head, chosen), _mask(context, head, chosen), chosen.match)

    def finish(self, context, result: bytes):
        from ...scene.build.images import packed_image
        from ...scene.build.material import base_colour_image, set_base_colour_image

        head, before = bpy.data.objects.get(self._head), bpy.data.images.get(self._before)
        if head is None or before is None or base_colour_image(head) is None:
            raise CaptureError(f"{self._head} or its texture is gone: nothing to put the region into.")
        set_base_colour_image(head, packed_image(before.name, result, before.colorspace_settings.name))
        before.use_fake_user = True
        self.report({"INFO"}, f"{head.name} has a new texture; the one before is still in the file")
        yield from ()  # one step is enough


class PRN_OT_swap_face(HeadJob, FileJobOperator, bpy.types.Operator):
    """Put the other face into this head's photo, through the photo's camera and at its full resolution, as an image"""

    bl_idname = "prn.swap_face"
    bl_label = "Swap Face in Photo"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(
        name="File",
        description="PNG file that is written too; without one there is only the image in Blender",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    to_file: bpy.props.BoolProperty(
        name="To File", description="Ask for a file to write too", options={"SKIP_SAVE", "HIDDEN"}
    )
    check_existing: AskBeforeReplacing
    filter_glob: bpy.props.StringProperty(default="*.png", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        return super().invoke(context, event) if self.to_file else JobOperator.invoke(self, context, event)

    def suggest(self, context):
        self.filepath = str(default_folder() / f"{captured_head(context).name}_swapped.png")

    def to_write(self):
        path = Path(bpy.path.abspath(self.filepath))
        return [path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")]

    def prepare(self, context):
        from ...scene.posed import photo_of, posed_head, seen_of

        head, chosen = captured_head(context), context.scene.prn_textures
        path = self.to_write()[0] if self.filepath else None
        self._name, self._path = f"{head.name} Swapped", path
        # Where a mask was painted it says all that is to be swapped.
        shown = None if chosen.region == PAINTED else seen_of(head)
        return work.swap(
            closed(posed_head(head)), photo_of(head), _other(head, chosen), _mask(context, head, chosen), shown, path
        )

    def finish(self, context, result: bytes):
        from ...scene.build.images import packed_image
        from ...scene.build.results import keep_result

        self._image = keep_result(packed_image(self._name, result), self._name)
        written = f", wrote {self._path.name}" if self._path is not None else ""
        self.report({"INFO"}, f"Made the image {self._image.name}{written}")
        yield from ()  # one step is enough

    def show(self, context):
        show_image(self, context, self._image)


def _other(head: bpy.types.Object, chosen: PRN_PG_textures) -> "Picture":
    """The other texture. Raises CaptureError."""
    from ...scene.posed import picture_of, require_same_uv, texture_of

    if chosen.source == "IMAGE":
        if chosen.image is None:
            raise CaptureError("No other texture is chosen: choose an image.")
        return picture_of(chosen.image)
    if chosen.head is None:
        raise CaptureError("No other head is chosen: choose one that was captured with the same model pack.")
    require_same_uv(head, chosen.head)
    return picture_of(texture_of(chosen.head))


def _mask(context: bpy.types.Context, head: bpy.types.Object, chosen: PRN_PG_textures) -> "Picture":
    """The chosen region by UV, (M, M) float32 0..1. Raises CaptureError."""
    from ...scene.posed import pack_of_head, picture_of

    if chosen.region == PAINTED:
        if chosen.mask is None:
            raise CaptureError("No mask is chosen: choose an image that is white where the other texture shall be.")
        return work.as_mask(picture_of(chosen.mask))
    return work.region(pack_of_head(head, packs_to_choose_from(context)), chosen.region)
