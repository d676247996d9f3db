"""What the panel knows beyond the scene: the running job, the photo's thumbnail, its faces, the last error.

Never saved and never undone; it starts anew with every file.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import bpy.utils.previews

from ...capture.errors import CaptureError
from .found_faces import FoundFaces
from .job import Job
from .messages import one_line
from .photo_info import PhotoInfo, read_photo_info
from .warm_up import warm_up

TAB = "Head Capture"  # of the sidebars
_POLL_SECONDS = 0.1

# A file's name and state: a photo that was saved again is another one.
PhotoKey = tuple[str, int, int]


@dataclass
class Session:
    """The state of the panel."""

    job: Job | None = None  # the one with the progress bar
    error: str = ""
    no_face: bool = False  # the error is that no face was found
    faces: FoundFaces | None = None
    faces_of: PhotoKey | None = None
    info: PhotoInfo | None = None
    info_error: str = ""
    info_of: PhotoKey | None = None
    info_job: Job | None = None
    is_picking: bool = False  # a tool over the photo runs and draws what it needs itself
    previews: bpy.utils.previews.ImagePreviewCollection | None = field(default=None, repr=False)

    @property
    def is_busy(self) -> bool:
        return self.job is not None

    def forget_error(self) -> None:
        self.error, self.no_face = "", False

    def remember_faces(self, path: Path, faces: FoundFaces) -> None:
        """Keeps the faces of a photo for the choice in the panel."""
        self.faces, self.faces_of = faces, photo_key(path)

    def forget_faces(self) -> None:
        """They are looked for anew."""
        self.faces_of = None

    def faces_in(self, path: Path) -> FoundFaces | None:
        """The faces of a photo if they were looked for since it changed."""
        return self.faces if self.faces_of is not None and self.faces_of == photo_key(path) else None

    def look_at(self, path: Path) -> None:
        """Has `info` describe this photo; called at every redraw, reads a photo once, in a thread."""
        key = photo_key(path)
        if key == self.info_of:
            return
        self.info_of, self.info, self.info_error = key, None, ""
        self.forget_error()
        if self.previews is not None:
            self.previews.clear()
        if self.info_job is not None:
            self.info_job.cancel()
            self.info_job = None
        if key is None:
            return
        from ...scene.build.photo_images import packed_photo_at

        self.info_job = Job(read_photo_info(path, packed_photo_at(path))).start()
        if not bpy.app.timers.is_registered(_poll_info):
            bpy.app.timers.register(_poll_info, first_interval=_POLL_SECONDS)

    def preview_icon(self, name: str, picture) -> int:
        """The icon of a picture (h, w, 4) float32, made once for each name."""
        if self.previews is None:
            self.previews = bpy.utils.previews.new()
        if name not in self.previews:
            preview = self.previews.new(name)
            preview.image_size = picture.shape[1], picture.shape[0]
            preview.image_pixels_float.foreach_set(picture.ravel())
        return self.previews[name].icon_id


def photo_key(path: Path) -> PhotoKey | None:
    """None where there is no such file, and the .blend does not hold it."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        from ...scene.build.photo_images import image_at, photo_in

        image = image_at(path)
        return None if image is None else (f"{path} {photo_in(image)}", 0, 0)
    return str(path), state.st_mtime_ns, state.st_size


current = Session()


def reset() -> None:
    """Stops all jobs and forgets everything."""
    global current
    Job.stop_all()
    if bpy.app.timers.is_registered(_poll_info):
        bpy.app.timers.unregister(_poll_info)
    if current.previews is not None:
        bpy.utils.previews.remove(current.previews)
    current = Session()


def tag_redraw() -> None:
    """Shows the panel and the preferences anew in every window, and what is drawn over the photo in Image Editors."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"IMAGE_EDITOR", "PREFERENCES"}:
                area.tag_redraw()
            elif area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()


def is_panel_shown(window: bpy.types.Window | None) -> bool:
    """Whether a window shows the panel, in a 3D View or in an Image Editor."""
    return any(
        region.type == "UI" and region.width > 1 and region.active_panel_category == TAB
        for area in (window.screen.areas if window else ())
        if area.type in {"VIEW_3D", "IMAGE_EDITOR"}
        for region in area.regions
    )


def is_free_for(operator: type[bpy.types.Operator]) -> bool:
    """For an operator's poll: nothing is running; where something is, the operator says why it is disabled."""
    if current.is_busy:
        operator.poll_message_set("Wait for the running job, or cancel it")
    return not current.is_busy


def is_in_object_mode_for(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """For an operator's poll: Object Mode; in another the operator says why it is disabled."""
    if context.mode != "OBJECT":
        operator.poll_message_set("Switch to Object Mode")
    return context.mode == "OBJECT"


def has_photo_for(operator: type[bpy.types.Operator]) -> bool:
    """For an operator's poll: the chosen photo was read; where not, the operator says why it is disabled."""
    if current.info is None:
        operator.poll_message_set("Choose a photo that can be read")
    return current.info is not None


def _poll_info() -> float | None:
    job = current.info_job
    if job is None:
        return None
    if job.is_running:
        return _POLL_SECONDS
    current.info_job = None
    try:
        current.info = job.result()
        _start_warm_up()
    except Exception as error:  # noqa: BLE001 - shown in the panel in place of the thumbnail
        current.info_error = one_line(error)
    tag_redraw()
    return None


def _start_warm_up() -> None:
    from .packs import chosen_pack  # which draw with what this module knows
    from .preferences import preferences

    own = preferences(bpy.context)
    try:
        pack = chosen_pack(bpy.context, bpy.context.scene.prn_capture.pack)
    except CaptureError:  # the capture tells it
        return
    Job(warm_up(pack, own.provider, with_finder=not own.yunet)).start()


@bpy.app.handlers.persistent
def _before_load(*_arguments) -> None:
    reset()


def register() -> None:
    bpy.app.handlers.load_pre.append(_before_load)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_before_load)
    reset()
