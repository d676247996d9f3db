"""The photo projected once more onto a head whose shape was changed."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy
import numpy as np

from ...capture.errors import CaptureError
from ..shell import session
from ..shell.job_operator import JobOperator
from ..shell.preferences import preferences
from .operators import captured_head, head_for


class PRN_OT_project_texture(JobOperator, bpy.types.Operator):
    """Lay the photo onto the head once more, after its shape was changed by landmarks or by sculpting"""

    bl_idname = "prn.project_texture"
    bl_label = "Project Texture Again"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        head = head_for(cls, context)
        if head is not None and head.library:
            cls.poll_message_set("The head is linked from another file: make it local")
            return False
        return head is not None

    def prepare(self, context):
        from ...scene.edit.photo_points import camera_and_pose
        from ...scene.record import photo_of_head, read_record

        head = captured_head(context)
        record, own = read_record(head), preferences(context)
        self._head = head.name
        path, sha256 = Path(bpy.path.abspath(record["photo"]["path"])), photo_of_head(head)
        size, fill = record["settings"]["texture_size"], bool(record["settings"]["fill"])
        folder = Path(bpy.path.abspath(own.pack)) if own.pack else None
        camera, pose = camera_and_pose(head)
        vertices, triangles, triangle_uv = _surface(head.data)

        def work(progress):
            from ...capture.packs.pack import load_pack
            from ...capture.photo.read import load_photo
            from ...capture.texture.again import project_again
            from ...scene.build.encode import png_bytes

            progress(0.0, "Reading the photo")
            photo, pack = load_photo(path), load_pack(folder)
            if photo.sha256 != sha256:
                raise CaptureError(f"{path.name} is another photo now: put the captured one back, or capture this one.")
            if pack.sha256 != record["pack"]["sha256"]:
                raise CaptureError("The head was captured with another model pack: choose that in the preferences.")
            textures = project_again(photo, camera, pose, vertices, triangles, triangle_uv, pack, size, fill, progress)
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


def _surface(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (V, 3), triangles (T, 3), and the UVs of their corners (T, 3, 2), v downwards."""
    mesh.calc_loop_triangles()
    count = len(mesh.loop_triangles)
    vertices, triangles, loops = np.empty(3 * len(mesh.vertices)), *np.empty((2, 3 * count), np.int32)
    uv = np.empty(2 * len(mesh.loops), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    mesh.loop_triangles.foreach_get("loops", loops)
    mesh.uv_layers[0].uv.foreach_get("vector", uv)
    corners = np.array([0, 1]) + uv.reshape(-1, 2)[loops].reshape(count, 3, 2) * (1, -1)
    return vertices.reshape(-1, 3), triangles.reshape(count, 3), corners
