"""Operators on the photos of a captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..capture.operators import warn_of_strangers
from ..capture.work import CapturedHeads, capture_heads
from ..head.operators import HeadViewOperator, captured_head, head_for
from ..shell.job_operator import JobOperator
from ..shell.packs import chosen_pack
from ..shell.preferences import preferences


class PRN_OT_show_view(HeadViewOperator, bpy.types.Operator):
    """Look through this photo's camera, with the head over the photo and with the expression that it has there"""

    bl_idname = "prn.show_view"
    bl_label = "Show Photo"
    bl_options = {"UNDO", "INTERNAL"}

    view: bpy.props.IntProperty(name="Photo", description="Which of the head's photos", min=0, options={"SKIP_SAVE"})

    def execute(self, context):
        from ...scene.build.camera import capture_camera, look_through
        from ...scene.build.views import name_of_view, set_shown_view
        from ...scene.record import views_of_head

        head = captured_head(context)
        views = views_of_head(head)
        if self.view >= len(views):
            self.report({"ERROR"}, f"{head.name} was made of {_photos(len(views))}: choose one of these.")
            return {"CANCELLED"}
        camera = capture_camera(head, self.view)
        if camera is None:
            self.report({"ERROR"}, f"The camera of {name_of_view(head, self.view)} was deleted: capture it again.")
            return {"CANCELLED"}
        photo = views[self.view]["photo"]
        look_through(context.scene, camera, photo["width"], photo["height"])
        set_shown_view(head, self.view)
        context.space_data.region_3d.view_perspective = "CAMERA"
        show_in_image_editors(context, head, self.view)
        return {"FINISHED"}


def show_in_image_editors(context: bpy.types.Context, head: bpy.types.Object, number: int) -> None:
    """Image Editors that show one of the head's photos show this one."""
    from ...scene.build.photo_images import image_of_photo, photo_in
    from ...scene.record import view_of_photo, views_of_head

    image = image_of_photo(views_of_head(head)[number]["photo"]["sha256"])
    for area in context.window.screen.areas if context.window and image else ():
        if area.type == "IMAGE_EDITOR":
            shown = photo_in(area.spaces.active.image)
            if shown is not None and view_of_photo(head, shown) is not None:
                area.spaces.active.image = image


class CaptureAgain(JobOperator):
    """Base of the operators that make a head anew from other photos; it takes the place of the one that there is."""

    @classmethod
    def poll(cls, context):
        head = head_for(cls, context)
        if head is None or not super().poll(context):
            return False
        if head.library:
            cls.poll_message_set("The head is linked from another file: make it local")
        return not head.library

    def photos(self, context: bpy.types.Context, known: list) -> list:
        """The photos (`OtherPhoto`) of the new head; `known` are those of the old one. Raises CaptureError."""
        raise NotImplementedError

    def prepare(self, context):
        from ...capture.run import OtherPhoto, Request
        from ...scene.build.photo_images import packed_photo_at
        from ...scene.record import read_record, settings_in, views_of_head

        head = captured_head(context)
        self._head = head.name
        known = [
            OtherPhoto(
                Path(view["photo"]["path"]),
                box=tuple(view["face_box"][side] for side in ("left", "top", "right", "bottom")),
                by_hand=view.get("by_hand", False),
                packed=packed_photo_at(Path(view["photo"]["path"])),
            )
            for view in views_of_head(head)
        ]
        first, *others = self.photos(context, known)
        yunet = preferences(context).yunet
        request = Request(
            photo=first.photo,
            box=first.box,
            settings=settings_in(read_record(head)),
            pack=chosen_pack(context, read_record(head)["pack"]["name"]),
            yunet=Path(bpy.path.abspath(yunet)) if yunet else None,
            packed=first.packed,
            together=tuple(others),
        )
        return capture_heads(request)

    def finish(self, context, result: CapturedHeads):
        from ...scene.build.assemble import build
        from ...scene.build.images import pack_images
        from ...scene.edit.align import alignment_of
        from ...scene.edit.succeed import succeed
        from ...scene.record import is_captured_head
        from ...scene.transaction import undone_on_error

        head = context.scene.objects.get(self._head)
        if not is_captured_head(head):
            raise CaptureError(f"{self._head} is gone: capture its photos again.")
        (capture,), (mesh,), (encoded,) = result.captures, result.meshes, result.images
        yield
        is_triangles = all(len(polygon.vertices) == 3 for polygon in head.data.polygons)
        with undone_on_error(context.scene):
            images = pack_images(capture, encoded)
            new = build(capture, context, alignment_of(head), is_triangles, mesh, images)
            succeed(new, head)
        self.report({"INFO"}, f"{new.name}: 1 head of {_photos(len(capture.views))} in {result.seconds:.1f} s")
        warn_of_strangers(self, result.captures)


class PRN_OT_add_photos(CaptureAgain, bpy.types.Operator):
    """Make the head anew, with more photos of the same person. Changes to its mesh are lost"""

    bl_idname = "prn.add_photos"
    bl_label = "Add Photos of This Person"
    bl_options = {"UNDO"}

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    box: bpy.props.FloatVectorProperty(
        name="Head Box",
        description="Left, top, right and bottom of the head's face in a single photo in which none is found: a "
        "profile, or the back of the head",
        size=4,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context, event):
        if self.files:
            return super().invoke(context, event)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        # After the file browser, too: there the artist is not to wait.
        return super().execute(context) if bpy.app.background else super().invoke(context, None)

    def photos(self, context, known):
        from ...capture.run import OtherPhoto

        box = tuple(self.box) if self.properties.is_property_set("box") else None
        folder = Path(bpy.path.abspath(self.directory))
        chosen = [OtherPhoto(folder / file.name, box=box) for file in self.files if file.name]
        if not chosen:
            raise CaptureError("No photo is chosen: choose one or more photos of the same person.")
        if box is not None and len(chosen) > 1:
            raise CaptureError("A box belongs to one photo: add the photos one after the other.")
        return [*known, *chosen]


class PRN_OT_remove_photo(CaptureAgain, bpy.types.Operator):
    """Make the head anew without this photo. Changes to its mesh are lost"""

    bl_idname = "prn.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"UNDO"}

    view: bpy.props.IntProperty(name="Photo", description="Which of the head's photos", min=0, options={"SKIP_SAVE"})

    def photos(self, context, known):
        if len(known) < 2 or self.view >= len(known):
            raise CaptureError("A head needs a photo: only one of several can be removed.")
        return [photo for number, photo in enumerate(known) if number != self.view]


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"
