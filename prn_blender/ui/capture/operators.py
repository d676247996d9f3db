"""Operators of the capture: faces, reconstruction."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...capture.errors import CaptureError
from ...capture.faces.box import FaceBox
from ...capture.faces.detail import expected_detail
from ...capture.types import Capture, Settings
from ..shell import session
from ..shell.found_faces import FoundFaces
from ..shell.job_operator import JobOperator
from ..shell.packs import chosen_pack
from ..shell.preferences import preferences
from .properties import CaptureOptions, ProviderOption
from .work import CapturedHeads, capture_heads, search_faces

if TYPE_CHECKING:
    from ...capture.run import Request
    from ...scene.build.images import PackedImages


def _absolute(path: str) -> str | None:
    return bpy.path.abspath(path) if path else None


class PRN_OT_reconstruct_from_image(CaptureOptions, JobOperator, bpy.types.Operator):
    """Make the head of the photo: mesh, texture, landmarks and camera.
    A selected head of the same face is updated"""

    bl_idname = "prn.reconstruct_from_image"
    bl_label = "Reconstruct from Image"
    # Without REGISTER there is no redo panel, whose every change would run the network again.
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(
        name="Photo",
        description="Photo of a person. This and every other option not given is taken from the panel",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    directory: bpy.props.StringProperty(
        name="Folder", description="Of several photos", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"}
    )
    files: bpy.props.CollectionProperty(
        name="Photos",
        description="Several photos of one person, which become one head; its expression is that of the first",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    provider: ProviderOption
    new_head: bpy.props.BoolProperty(
        name="New Head",
        description="Make a new head even where one of the same face is selected, which is updated otherwise",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, context, properties):
        if properties.new_head:
            return "Make another head of the photo, and leave the selected one as it is"
        if is_update(context):
            return (
                "Make the selected head anew with these choices. Moved landmarks stay moved, and what you added stays"
            )
        return cls.__doc__

    def invoke(self, context, event):
        if not self.filepath and not context.scene.prn_capture.photo:  # from the Add menu
            bpy.ops.prn.choose_photo("INVOKE_DEFAULT", reconstruct=True)
            return {"CANCELLED"}
        return super().invoke(context, event)

    def prepare(self, context):
        from ...capture.run import OtherPhoto, Request
        from ...scene.build.photo_images import packed_photo_at

        self._started = time.perf_counter()
        chosen = [Path(_absolute(str(Path(self.directory) / file.name))) for file in self.files if file.name]
        photo = str(chosen[0]) if chosen else _absolute(self._option(context, "photo", "filepath"))
        if photo is None:
            raise CaptureError("No photo is chosen: choose one in the Head Capture tab or give filepath.")
        own = preferences(context)
        face = self._option(context, "face")
        if self.properties.is_property_set("box") and not self.properties.is_property_set("face"):
            face = "BOX"
        self._polygons = self._option(context, "polygons")
        self._alignment = self._option(context, "alignment")
        self._placement = self._option(context, "placement")
        self._takes_camera = {"AUTO": None, "ALWAYS": True, "NEVER": False}[self._option(context, "scene_camera")]
        self._turns_view = self._option(context, "turn_view")
        request = Request(
            photo=Path(photo),
            face=self._option(context, "face_index") if face == "INDEX" else face.lower(),
            box=tuple(self._option(context, "box")) if face == "BOX" else None,
            settings=Settings(
                texture_size=int(self._option(context, "texture_size")),
                fill=self._option(context, "fill"),
                passes=self._option(context, "passes"),
                projection=self._option(context, "projection"),
                focal_mm=self._option(context, "focal_mm"),
                provider=own.provider if self.provider == "PREFERENCES" else self.provider,
                topology=self._option(context, "topology"),
                follow=self._option(context, "follow"),
                head_size=self._option(context, "head_size"),
                eye_mm=self._option(context, "eye_mm"),
                parts=self._option(context, "parts"),
                expressions=self._option(context, "expressions"),
            ),
            pack=chosen_pack(context, self._option(context, "pack")),
            yunet=Path(_absolute(own.yunet)) if own.yunet else None,
            packed=packed_photo_at(Path(photo)),
            together=tuple(OtherPhoto(path, packed=packed_photo_at(path)) for path in chosen[1:]),
        )
        if not chosen:
            request = self._with_what_the_head_has(context, request)
        self._photo = request.photo
        return capture_heads(request)

    def _with_what_the_head_has(self, context: bpy.types.Context, request: "Request") -> "Request":
        """With the further photos and the pins of the head that is updated."""
        from ...scene.posed import photos_of
        from ...scene.record import read_record

        heads = [] if self.new_head else selected_heads(context)
        updated = [head for head in heads if Path(read_record(head)["photo"]["path"]) == request.photo]
        if not updated:
            return request
        first, *others = photos_of(updated[0])
        return replace(request, together=tuple(others), pins=first.pins, only_for=FaceBox(*first.box))

    def finish(self, context, result: CapturedHeads):
        from ...capture.types import BASE_COLOR
        from ...scene.build.images import decode, pack_images
        from ...scene.build.photo_images import mark_open_images
        from ...scene.transaction import undone_on_error

        if result.faces is not None:
            session.current.remember_faces(self._photo, result.faces)
        images = []
        try:
            for capture, encoded in zip(result.captures, result.images, strict=True):
                images.append(pack_images(capture, encoded))
                if not bpy.app.background:
                    yield
                    decode(images[-1].textures[BASE_COLOR])
                    yield
            with _selection_kept_on_error(context), undone_on_error(context.scene):  # all heads or none
                self._into_scene(context, result, images)
            mark_open_images(result.captures[0].views[0].photo)
        except BaseException:
            for packed in images:
                packed.remove()
            raise
        self.report({"INFO"}, summary(result, time.perf_counter() - self._started))
        warn_of_strangers(self, result.captures)

    def show(self, context):
        from ...scene.record import note_waited
        from ..head.view import show_captured

        if self._new_heads and context.area is not None and context.area.type == "VIEW_3D":
            show_captured(context, context.area, self._new_heads, self._turns_view)
        for head in self._heads:
            note_waited(head, time.perf_counter() - self._started)

    def _into_scene(self, context: bpy.types.Context, result: CapturedHeads, images: "list[PackedImages]") -> None:
        """New heads in a row, and those in their places that are updated; all of them are selected."""
        from ...scene.build.assemble import build
        from ...scene.build.landmarks import hide_landmarks
        from ...scene.build.placement import places_for
        from ...scene.build.update import HeadUpdate, head_to_update

        is_triangles = self._polygons == "TRIANGLES"
        selected = [] if self.new_head else selected_heads(context)
        places = iter(places_for(context.scene, self._placement, len(result.captures)))
        self._heads, self._new_heads, updates = [], [], []
        for capture, mesh, packed in zip(result.captures, result.meshes, images, strict=True):
            head = head_to_update(capture, selected)
            if head is None:
                head = build(
                    capture, context, self._alignment, is_triangles, mesh, packed, next(places), self._takes_camera
                )
                hide_landmarks(head, not context.scene.prn_capture.show_landmarks)
                self._new_heads.append(head)
            else:
                updates.append(HeadUpdate.prepare(head, capture, is_triangles, mesh, packed))
            self._heads.append(head)
        for update in updates:  # once nothing can fail any more
            update.apply(context)
        for head in self._heads:
            head.select_set(True)
        context.view_layer.objects.active = self._heads[0]

    def _option(self, context: bpy.types.Context, name: str, own_name: str = ""):
        """What was given to the operator, else the panel's choice."""
        own_name = own_name or name
        if self.properties.is_property_set(own_name):
            return getattr(self, own_name)
        return getattr(context.scene.prn_capture, name)


class PRN_OT_find_faces(JobOperator, bpy.types.Operator):
    """Look for the faces in the photo, to choose one of them"""

    bl_idname = "prn.find_faces"
    bl_label = "Find Faces in Photo"

    filepath: bpy.props.StringProperty(
        name="Photo",
        description="Photo to look at; the panel's where it is not given",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )

    def prepare(self, context):
        photo = _absolute(self.filepath or context.scene.prn_capture.photo)
        if photo is None:
            raise CaptureError("No photo is chosen: choose one in the Head Capture tab or give filepath.")
        self._photo = Path(photo)
        from ...capture.run import Request
        from ...scene.build.photo_images import packed_photo_at

        own = preferences(context)
        request = Request(
            self._photo,
            settings=Settings(provider=own.provider),
            pack=chosen_pack(context, context.scene.prn_capture.pack),
            yunet=Path(_absolute(own.yunet)) if own.yunet else None,
            packed=packed_photo_at(self._photo),
        )
        return search_faces(request)

    def finish(self, context, result: FoundFaces):
        session.current.remember_faces(self._photo, result)
        self.report({"INFO"}, faces_in_words(len(result.boxes)))
        yield from ()  # one step is enough


class PRN_OT_choose_face(bpy.types.Operator):
    """Make the head of this face"""

    bl_idname = "prn.choose_face"
    bl_label = "Choose Face"
    bl_options = {"UNDO", "INTERNAL"}

    index: bpy.props.IntProperty(
        name="Face", description="Which of the found faces, 0 is the most certain one", min=0, options={"SKIP_SAVE"}
    )

    def execute(self, context):
        context.scene.prn_capture.face = "INDEX"
        context.scene.prn_capture.face_index = self.index
        return {"FINISHED"}


class PRN_OT_use_face_box(bpy.types.Operator):
    """Give the box around the face by hand, starting with the middle of the photo"""

    bl_idname = "prn.use_face_box"
    bl_label = "Give Face Box"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context):
        return session.has_photo_for(cls)

    def execute(self, context):
        info, options = session.current.info, context.scene.prn_capture
        half = 0.25 * min(info.width, info.height)
        x, y = info.width / 2, info.height / 2
        options.face = "BOX"
        options.box = round(x - half), round(y - half), round(x + half), round(y + half)
        session.current.forget_error()
        return {"FINISHED"}


class PRN_OT_cancel(bpy.types.Operator):
    """Stop the running job; the scene stays as it is"""

    bl_idname = "prn.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        if not session.current.is_busy:
            cls.poll_message_set("Nothing is running")
            return False
        return True

    def execute(self, context):
        session.current.job.cancel()
        session.tag_redraw()
        return {"FINISHED"}


def selected_heads(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The captured heads that are selected, or a part of which is; not those that are only placed as instances."""
    from ..head.operators import head_of_part

    objects = context.view_layer.objects
    found = dict.fromkeys(map(head_of_part, objects.selected))
    return [head for head in found if head is not None and objects.get(head.name) == head]


def is_update(context: bpy.types.Context) -> bool:
    """Whether a capture of the chosen photo would update a selected head, as far as is known before its faces are."""
    from ...scene.record import photo_of_head

    info = session.current.info
    return info is not None and any(photo_of_head(head) == info.sha256 for head in selected_heads(context))


@contextmanager
def _selection_kept_on_error(context: bpy.types.Context) -> Iterator[None]:
    objects = context.view_layer.objects
    active, selected = objects.active, list(objects.selected)
    try:
        yield
    except BaseException:
        for candidate in selected:
            candidate.select_set(True)
        objects.active = active
        raise


def summary(result: CapturedHeads, seconds: float) -> str:
    """The result in one line, with how long the artist waited for it."""
    count = len(result.captures)
    heads = "1 head" if count == 1 else f"{count} heads"
    found = "the given box" if result.faces is None else faces_in_words(len(result.faces.boxes))
    visible = sum(capture.views[0].visible_share for capture in result.captures) / count
    smallest = min((capture.views[0].face_box for capture in result.captures), key=lambda box: box.area)
    detail = expected_detail(smallest)
    return f"{heads} in {seconds:.1f} s; {found}; {visible:.0%} of the surface seen{detail and f'; {detail}'}"


def warn_of_strangers(operator: bpy.types.Operator, captures: Iterable[Capture]) -> None:
    """Says which photos may show another person than the others."""
    from ...capture.run import not_of_this_person

    for capture in captures:
        for view in capture.views:
            if not view.belongs:
                operator.report({"WARNING"}, not_of_this_person(view))


def faces_in_words(count: int) -> str:
    return "1 face found" if count == 1 else f"{count} faces found"
