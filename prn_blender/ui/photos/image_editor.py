"""The photo in an Image Editor."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from functools import partial
from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ...scene.build.photo_images import file_of_image, image_of_photo, photo_in
from ..head.operators import captured_head, head_for
from ..shell import session
from ..shell.photo_info import PhotoInfo

_shown_before: dict[int, str] = {}  # by area, the image that it showed before the photo


def shows_photo(area: bpy.types.Area, path: Path | None, info: PhotoInfo | None) -> bool:
    """Whether an Image Editor shows a photo, and upright."""
    if area.type != "IMAGE_EDITOR" or path is None or info is None:
        return False
    return _shows_upright(area.spaces.active.image, path, info)


def editor_of_photo(window: bpy.types.Window, path: Path | None, info: PhotoInfo | None) -> bpy.types.Area | None:
    """The largest Image Editor of a window that shows a photo."""
    showing = [area for area in window.screen.areas if shows_photo(area, path, info)]
    return max(showing, key=lambda area: area.width * area.height, default=None)


def photo_image(path: Path, info: PhotoInfo) -> bpy.types.Image:
    """An image that shows a photo upright, the one that there is if there is one.

    Raises:
        CaptureError: the photo cannot be read any more.
    """
    for image in bpy.data.images:
        if _shows_upright(image, path, info):
            return image
    from ...capture.photo.read import load_photo
    from ...scene.build.encode import photo_bytes
    from ...scene.build.images import packed_photo

    photo = load_photo(path)
    return packed_photo(photo, photo_bytes(photo))


def _shows_upright(image: bpy.types.Image | None, path: Path, info: PhotoInfo) -> bool:
    shown = photo_in(image)
    if shown is not None:
        return shown == info.sha256
    # One that the artist opened. Blender goes on showing what the file was then.
    if image is None or not info.as_stored or file_of_image(image) != path:
        return False
    return tuple(image.size) == (info.width, info.height)


def image_of_head(head: bpy.types.Object) -> bpy.types.Image | None:
    """The upright photo that was packed when the head was captured, of several the one that is looked at; None where
    it was deleted."""
    from ...scene.build.views import shown_view
    from ...scene.record import views_of_head

    return image_of_photo(views_of_head(head)[shown_view(head)]["photo"]["sha256"])


def editor_of_head(window: bpy.types.Window, head: bpy.types.Object) -> bpy.types.Area | None:
    """An Image Editor of a window that shows a photo of a head."""
    from ...scene.record import view_of_photo

    editors = (
        (area, photo_in(area.spaces.active.image)) for area in window.screen.areas if area.type == "IMAGE_EDITOR"
    )
    return next((area for area, photo in editors if photo and view_of_photo(head, photo) is not None), None)


class PRN_OT_open_in_image_editor(bpy.types.Operator):
    """Show the photo in an Image Editor beside the 3D View, where you can zoom into it, pick faces and
    move landmarks; or close it again"""

    bl_idname = "prn.open_in_image_editor"
    bl_label = "Photo beside the View"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return session.has_photo_for(cls) and context.window is not None

    def execute(self, context):
        shown = editor_of_photo(context.window, context.scene.prn_capture.photo_path, session.current.info)
        if shown is not None and shown != context.area:
            return _close(context, shown)
        try:
            image = photo_image(context.scene.prn_capture.photo_path, session.current.info)
        except (CaptureError, OSError, RuntimeError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return show_image(self, context, image)


class PRN_OT_open_photo_of_head(bpy.types.Operator):
    """Show the photo that the captured head was made from in an Image Editor, where you can move its landmarks;
    or close it again"""

    bl_idname = "prn.open_photo_of_head"
    bl_label = "Open Photo of Head in Image Editor"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        head = head_for(cls, context)
        if head is None:
            return False
        if image_of_head(head) is None:
            cls.poll_message_set("The head's photo is no longer in this file")
            return False
        return context.window is not None

    def execute(self, context):
        shown = editor_of_head(context.window, captured_head(context))
        if shown is not None and shown != context.area:
            return _close(context, shown)
        return show_image(self, context, image_of_head(captured_head(context)))


def show_image(operator: bpy.types.Operator, context: bpy.types.Context, image: bpy.types.Image) -> set[str]:
    """Shows an image in an Image Editor; what the operator returns."""
    area = _image_editor(context)
    if area is None:
        operator.report({"ERROR"}, "There is no room for an Image Editor: open one and choose the photo there.")
        return {"CANCELLED"}
    space = area.spaces.active
    if space.image is not None and space.image != image:
        _shown_before[area.as_pointer()] = space.image.name
    space.mode = "VIEW"
    space.image = image
    bpy.app.timers.register(partial(_fit_when_drawn, image.name), first_interval=0.2)
    return {"FINISHED"}


def _close(context: bpy.types.Context, area: bpy.types.Area) -> set[str]:
    """Gives an Image Editor's room back to the 3D View beside it; elsewhere it shows again what it did before."""
    before = _shown_before.pop(area.as_pointer(), None)
    beside = (
        other
        for other in context.window.screen.areas
        if other.type == "VIEW_3D" and (other.y, other.height) == (area.y, area.height)
    )
    if before is None and next(beside, None) is not None:
        with context.temp_override(area=area, region=next(part for part in area.regions if part.type == "WINDOW")):
            bpy.ops.screen.area_close()
    else:
        area.spaces.active.image = bpy.data.images.get(before or "")
    session.tag_redraw()
    return {"FINISHED"}


def _image_editor(context: bpy.types.Context) -> bpy.types.Area | None:
    """An Image Editor of the window; where it has none, half of its largest 3D View becomes one."""
    areas = context.window.screen.areas
    editors = [area for area in areas if area.type == "IMAGE_EDITOR"]
    if editors:
        return max(editors, key=lambda area: (area.ui_type == "IMAGE_EDITOR", area.width * area.height))
    views = [area for area in areas if area.type == "VIEW_3D"]
    if not views or context.window.screen.show_fullscreen:
        return None
    view = max(views, key=lambda area: area.width * area.height)
    before = set(areas)
    with context.temp_override(area=view, region=next(part for part in view.regions if part.type == "WINDOW")):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=0.5)
    new = set(context.window.screen.areas) - before
    if not new:
        return None
    # The sidebar that the artist works with stays where it is, at the right.
    left = min((new.pop(), view), key=lambda area: area.x)
    left.ui_type = "IMAGE_EDITOR"
    return left


def _fit_when_drawn(image_name: str) -> None:
    """Only when a new editor was drawn does it know its size."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            image = area.spaces.active.image if area.type == "IMAGE_EDITOR" else None
            if image is None or image.name != image_name:
                continue
            region = next(part for part in area.regions if part.type == "WINDOW")
            with bpy.context.temp_override(window=window, area=area, region=region):
                bpy.ops.image.view_all(fit_view=True)
