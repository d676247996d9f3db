"""Operators on the photos of a captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...capture.errors import CaptureError
from ..capture.operators import warn_of_strangers
from ..capture.work import CapturedHeads, capture_heads
from ..head.operators import HeadJob, HeadViewOperator, captured_head, look_through
from ..shell.job_operator import JobOperator
from ..shell.packs import chosen_pack
from ..shell.preferences import preferences

if TYPE_CHECKING:
    from ...capture.run import OtherPhoto


class PRN_OT_show_view(HeadViewOperator, bpy.types.Operator):
    """Look through this photo's camera, with the head over the photo and with the expression that it has there"""

    bl_idname = "prn.show_view"
    bl_label = "Show Photo"
    bl_options = {"UNDO", "INTERNAL"}

    view: bpy.props.IntProperty(name="Photo", description="Which of the head's photos", min=0, options={"SKIP_SAVE"})

    def execute(self, context):
        from ...scene.build.camera import capture_camera
        from ...scene.build.views import name_of_view, set_shown_view
        from ...scene.record import views_of_head

        head = captured_head(context)
        count = len(views_of_head(head))
        if self.view >= count:
            self.report({"ERROR"}, f"{head.name} was made of {photos_in_words(count)}: choose one of these.")
            return {"CANCELLED"}
        camera = capture_camera(head, self.view)
        if camera is None:
            self.report({"ERROR"}, f"The camera of {name_of_view(head, self.view)} was deleted: capture it again.")
            return {"CANCELLED"}
        look_through(context, head, camera)
        set_shown_view(head, self.view)
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


class CaptureAgain(HeadJob, JobOperator):
    """Base of the operators that make a head anew from other photos."""

    changes_head = True

    def photos(self, context: bpy.types.Context, known: "list[OtherPhoto]") -> "list[OtherPhoto]":
        """The photos of the new head; `known` are those of the old one. Raises CaptureError."""
        raise NotImplementedError

    def prepare(self, context):
        from ...capture.run import Request
        from ...scene.build.expressions import has_expressions
        from ...scene.posed import photos_of
        from ...scene.record import read_record, settings_in

        self._started = time.perf_counter()
        head = captured_head(context)
        self._head = head.name
        record = read_record(head)
        first, *others = self.photos(context, photos_of(head))
        yunet = preferences(context).yunet
        request = Request(
            photo=first.photo,
            box=first.box,
            settings=replace(settings_in(record), expressions=has_expressions(head)),
            pack=chosen_pack(context, record["pack"]["name"]),
            yunet=Path(bpy.path.abspath(yunet)) if yunet else None,
            packed=first.packed,
            together=tuple(others),
            pins=first.pins,
        )
        return capture_heads(request)

    def finish(self, context, result: CapturedHeads):
        from ...scene.build.images import pack_images
        from ...scene.build.update import HeadUpdate
        from ...scene.record import is_captured_head, note_waited
        from ...scene.transaction import undone_on_error

        head = context.scene.objects.get(self._head)
        if not is_captured_head(head):
            raise CaptureError(f"{self._head} is gone: capture its photos again.")
        (capture,), (mesh,), (encoded,) = result.captures, result.meshes, result.images
        yield
        is_triangles = all(len(polygon.vertices) == 3 for polygon in head.data.polygons)
        with undone_on_error(context.scene):
            update = HeadUpdate.prepare(head, capture, is_triangles, mesh, pack_images(capture, encoded))
        update.apply(context)
        seconds = time.perf_counter() - self._started
        note_waited(head, seconds)
        self.report({"INFO"}, f"{head.name}: 1 head of {photos_in_words(len(capture.views))} in {seconds:.1f} s")
        warn_of_strangers(self, result.captures)


class PRN_OT_add_photos(CaptureAgain, bpy.types.Operator):
    """Make the head anew, with more photos of the same person. Moved landmarks stay moved; other changes to its mesh
    are lost"""

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
        self._was_asked = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        # The file browser executes; the job is to run beside the window all the same.
        return super().invoke(context, None) if getattr(self, "_was_asked", False) else super().execute(context)

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
    """Make the head anew without this photo. Moved landmarks stay moved; other changes to its mesh are lost"""

    bl_idname = "prn.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"UNDO"}

    view: bpy.props.IntProperty(name="Photo", description="Which of the head's photos", min=0, options={"SKIP_SAVE"})

    def photos(self, context, known):
        if len(known) < 2 or self.view >= len(known):
            raise CaptureError("A head needs a photo: only one of several can be removed.")
        return [photo for number, photo in enumerate(known) if number != self.view]


def photos_in_words(count: int) -> str:
    return "1 photo" if count == 1 else f"{count} photos"
