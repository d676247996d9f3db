"""The photo projected once more onto a head whose shape was changed."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..shell import session
from ..shell.job_operator import JobOperator
from ..shell.packs import packs_to_choose_from
from .operators import HeadJob, captured_head


class PRN_OT_project_texture(HeadJob, JobOperator, bpy.types.Operator):
    """Lay the photo onto the head once more, after its shape was changed by landmarks or by sculpting"""

    bl_idname = "prn.project_texture"
    bl_label = "Project Texture Again"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        if captured_head(context).library:
            cls.poll_message_set("The head is linked from another file: make it local")
            return False
        return True

    def prepare(self, context):
        from ...scene.build.photo_images import packed_photo_at
        from ...scene.posed import pack_of_head, posed_head
        from ...scene.record import photo_of_head, read_record

        head = captured_head(context)
        record = read_record(head)
        self._head = head.name
        path, sha256 = Path(bpy.path.abspath(record["photo"]["path"])), photo_of_head(head)
        size, fill = record["settings"]["texture_size"], bool(record["settings"]["fill"])
        pack, packed, posed = pack_of_head(head, packs_to_choose_from(context)), packed_photo_at(path), posed_head(head)

        def work(progress):
            from ...capture.photo.read import load_photo
            from ...capture.texture.again import project_again
            from ...scene.build.encode import png_bytes

            progress(0.0, "Reading the photo")
            photo = load_photo(path, packed)
            if photo.sha256 != sha256:
                raise CaptureError(f"{path.name} is another photo now: put the captured one back, or capture this one.")
            textures = project_again(photo, posed, pack, size, fill, progress)
            return {name: png_bytes(pixels) for name, pixels in textures.items()}

        return work

    def finish(self, context, result: dict[str, bytes]):
        from ...scene.build.images import TEXTURES, packed_image
        from ...scene.build.update import replace_textures

        head = bpy.data.objects.get(self._head)
        if head is None:
            raise CaptureError(f"{self._head} is gone: nothing to lay the photo on.")
        textures = {
            name: packed_image(f"{head.name} {TEXTURES[name].label}", data, TEXTURES[name].color_space)
            for name, data in result.items()
        }
        for name, image in textures.items():
            image.filepath_raw = f"//{head.name}_{name}.png"
        replace_textures(head, textures)
        session.tag_redraw()
        yield from ()  # one step is enough
