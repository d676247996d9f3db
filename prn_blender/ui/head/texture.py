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
    """Lay the photo onto the head once more, after its shape was changed by pins, landmarks or sculpting"""

    bl_idname = "prn.project_texture"
    bl_label = "Project Texture Again"
    bl_options = {"UNDO"}
    changes_head = True

    def prepare(self, context):
        from ...capture.types import WHOLE
        from ...scene.build.expressions import has_expressions
        from ...scene.build.update import texture_places
        from ...scene.posed import pack_of_head, photo_of, posed_head
        from ...scene.record import read_record, views_of_head

        head = captured_head(context)
        texture_places(head)  # told now, and not after the work
        record = read_record(head)
        self._head = head.name
        size, fill = record["settings"]["texture_size"], bool(record["settings"]["fill"])
        rims_move = has_expressions(head) and record["settings"].get("parts") == WHOLE
        pack = pack_of_head(head, packs_to_choose_from(context))
        views = [
            (Path(view["photo"]["path"]), view["photo"]["sha256"], photo_of(head, number), posed_head(head, number))
            for number, view in enumerate(views_of_head(head))
        ]

        def work(progress):
            from ...capture.packs.pack import load_pack
            from ...capture.texture.again import project_again
            from ...capture.types import Photo
            from ...scene.build.png import png_bytes

            progress(0.0, "Reading the photo")
            shown = [
                (Photo(path, picture(), sha256, focal_px=None, as_stored=True), posed)
                for path, sha256, picture, posed in views
            ]
            textures = project_again(shown, load_pack(pack.folder), size, fill, progress, rims_move)
            return {name: png_bytes(pixels) for name, pixels in textures.items()}

        return work

    def finish(self, context, result: dict[str, bytes]):
        from ...scene.build.update import replace_textures

        head = bpy.data.objects.get(self._head)
        if head is None:
            raise CaptureError(f"{self._head} is gone: nothing to lay the photo on.")
        replace_textures(head, result)
        session.tag_redraw()
        yield from ()  # one step is enough
