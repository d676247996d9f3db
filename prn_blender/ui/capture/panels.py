"""The panels from a photo to a head, in the sidebars of 3D Views and Image Editors."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ...capture.faces.box import FaceBox
from ...capture.faces.detail import expected_detail
from ..photos.image_editor import PRN_OT_open_in_image_editor, editor_of_photo, shows_photo
from ..photos.operators import PRN_OT_choose_photo, PRN_OT_use_image
from ..shell import dependencies, session
from ..shell.found_faces import FoundFaces
from ..shell.memory import PRN_OT_release_memory
from ..shell.packs import pack_of_panel
from ..shell.photo_info import PhotoInfo
from ..shell.preferences import PACKAGE, preferences
from ..shell.sidebar import InImageSidebar, InViewSidebar, settings_layout
from ..shell.wrapped_text import wrapped
from .face_picker import PRN_OT_pick_face
from .operators import (
    PRN_OT_cancel,
    PRN_OT_choose_face,
    PRN_OT_find_faces,
    PRN_OT_reconstruct_from_image,
    PRN_OT_use_face_box,
    faces_in_words,
    is_update,
)
from .properties import PRN_PG_capture


class PhotoPanel:
    """Base of the panels that mean something once there is a photo."""

    @classmethod
    def poll(cls, context):
        if dependencies.problem() or session.current.is_busy or session.current.info_error:
            return False
        return bool(context.scene.prn_capture.photo)


class CapturePanel:
    """From a photo to a head"""

    bl_label = "Head Capture"

    def draw(self, context):
        layout, options = self.layout, context.scene.prn_capture
        if dependencies.problem():
            wrapped(context, layout, dependencies.problem(), icon="ERROR")
            return
        self._draw_photo(context, options)
        if session.current.is_busy:
            self._draw_running(context)
            return
        if self._is_photo_elsewhere(context):
            return
        if options.photo:
            self._draw_choices(context, options)
            self._draw_button(context)
        if options.photo and context.mode != "OBJECT":
            box = layout.box()
            wrapped(context, box, "A head can be made in Object Mode only", icon="INFO")
            box.operator("object.mode_set", text="Switch to Object Mode", icon="OBJECT_DATAMODE").mode = "OBJECT"
        self._draw_message(context)

    def _draw_choices(self, context: bpy.types.Context, options: PRN_PG_capture) -> None:
        """What is chosen anew for nearly every head."""
        column = settings_layout(self.layout.column(align=True))
        column.prop(options, "topology", text="Mesh")
        pack, row = pack_of_panel(context), column.row()
        row.active = pack is None or pack.description.has_parts
        row.prop(options, "parts")
        row = column.row()
        row.active = pack is None or pack.description.has_expressions
        row.prop(options, "expressions")
        column.prop(options, "texture_size", text="Texture")

    def _draw_button(self, context: bpy.types.Context) -> None:
        button = self.layout.row(align=True)
        button.scale_y = 1.6
        button.enabled = session.current.info is not None or session.current.info_job is not None
        if is_update(context):
            button.operator(PRN_OT_reconstruct_from_image.bl_idname, text="Update Head", icon="FILE_REFRESH")
            button.operator(PRN_OT_reconstruct_from_image.bl_idname, text="New Head", icon="ADD").new_head = True
        else:
            button.operator(PRN_OT_reconstruct_from_image.bl_idname, icon="USER")

    def _draw_photo(self, context: bpy.types.Context, options: PRN_PG_capture) -> None:
        layout, state = self.layout, session.current
        if not options.photo:
            button = layout.column()
            button.scale_y = 1.8
            button.operator(PRN_OT_choose_photo.bl_idname, text="Choose Photo…", icon="IMAGE_DATA")
            self._draw_other_way(context)
            return
        path = options.photo_path
        state.look_at(path)
        if state.info is not None and not _shows_photo(context):
            layout.template_icon(icon_value=state.preview_icon(f"photo {state.info_of}", state.info.thumbnail), scale=4)
        row = layout.row(align=True)
        row.enabled = not state.is_busy
        row.prop(options, "photo", text="")
        if not _shows_photo(context):
            is_open = editor_of_photo(context.window, path, state.info) is not None
            row.operator(PRN_OT_open_in_image_editor.bl_idname, text="", icon="IMAGE_REFERENCE", depress=is_open)
        if state.info is not None:
            caption = layout.row()
            caption.active = False
            caption.alignment = "CENTER"
            caption.label(text=f"{state.info.width} x {state.info.height} pixels{_focal_in_words(state.info)}")
        elif state.info_job is not None:
            layout.label(text="Reading…", icon="TEMP")
        else:
            problem = state.info_error or f"No such file: {path.name}. Choose the photo again."
            box = layout.box()
            wrapped(context, box, problem, icon="ERROR")
            box.operator(PRN_OT_choose_photo.bl_idname, text="Choose Another Photo…", icon="IMAGE_DATA")

    def _draw_running(self, context: bpy.types.Context) -> None:
        job = session.current.job
        fraction, text = job.progress
        column = self.layout.column()
        if job.is_cancelled:
            text = "Cancelling…"
        elif not job.is_running:
            text = "Putting It into the Scene" if context.mode == "OBJECT" else "Waiting for Object Mode"
        column.progress(factor=fraction, type="BAR", text=text)
        row = column.row()
        row.enabled = not job.is_cancelled
        row.operator(PRN_OT_cancel.bl_idname, icon="X")

    def _draw_message(self, context: bpy.types.Context) -> None:
        state = session.current
        if state.error:
            box = self.layout.box()
            wrapped(context, box, state.error, icon="ERROR")
            if state.no_face:
                box.operator(PRN_OT_pick_face.bl_idname, text="Draw Face Box", icon="SELECT_SET")


class PRN_PT_capture(InViewSidebar, CapturePanel, bpy.types.Panel):
    """From a photo to a head"""

    def _draw_other_way(self, context: bpy.types.Context) -> None:
        wrapped(context, self.layout, "Or drop an image file on the 3D View")

    def _is_photo_elsewhere(self, context: bpy.types.Context) -> bool:
        return False


class PRN_PT_image_capture(InImageSidebar, CapturePanel, bpy.types.Panel):
    """From a photo to a head"""

    def _draw_other_way(self, context: bpy.types.Context) -> None:
        if context.space_data.image is not None:
            self.layout.operator(PRN_OT_use_image.bl_idname, text="Use This Image").reconstruct = False

    def _is_photo_elsewhere(self, context: bpy.types.Context) -> bool:
        """Whether the editor shows another image than the chosen photo: the artist may mean either."""
        if session.current.info is None or _shows_photo(context):
            return False
        column = self.layout.column(align=True)
        column.operator(PRN_OT_open_in_image_editor.bl_idname, text="Show This Photo", icon="IMAGE_REFERENCE")
        if context.space_data.image is not None:
            column.operator(PRN_OT_use_image.bl_idname, text="Use the Image Instead").reconstruct = False
        return True


class FacePanel(PhotoPanel):
    """Which face of the photo"""

    bl_label = "Face"

    def draw(self, context):
        layout, options = self.layout, context.scene.prn_capture
        layout.row().prop(options, "face", expand=True)
        if options.face == "BOX":
            self._draw_box(context, options)
            return
        faces = session.current.faces_in(options.photo_path)
        if faces is None:
            column = layout.column(align=True)
            column.operator(PRN_OT_find_faces.bl_idname, text="Find Faces", icon="VIEWZOOM")
            column.operator(PRN_OT_pick_face.bl_idname, icon="SELECT_SET")
            return
        row = layout.row()
        row.label(text=faces_in_words(len(faces.boxes)))
        row.operator(PRN_OT_pick_face.bl_idname, text="Pick in Photo", icon="RESTRICT_SELECT_OFF")
        if len(faces.boxes) > 1:
            self._draw_thumbnails(options, faces)
        from ..landmarks.overlay import chosen_faces

        chosen = chosen_faces(options, faces)
        self._draw_detail(context, [box for index, box in enumerate(faces.boxes) if index in chosen])

    def _draw_thumbnails(self, options: PRN_PG_capture, faces: FoundFaces) -> None:
        grid = self.layout.grid_flow(row_major=True, columns=0, even_columns=True)
        for index, picture in enumerate(faces.thumbnails):
            cell = grid.column(align=True)
            icon = session.current.preview_icon(f"face {index} {session.current.faces_of}", picture)
            cell.template_icon(icon_value=icon, scale=3.0)
            depress = options.face == "ALL" or (options.face == "INDEX" and options.face_index == index)
            cell.operator(PRN_OT_choose_face.bl_idname, text=str(index + 1), depress=depress).index = index

    def _draw_box(self, context: bpy.types.Context, options: PRN_PG_capture) -> None:
        layout = settings_layout(self.layout)
        column = layout.column(align=True)
        for index, side in enumerate(("Left", "Top", "Right", "Bottom")):
            column.prop(options, "box", index=index, text=side)
        row = layout.row(align=True)
        row.operator(PRN_OT_pick_face.bl_idname, text="Draw", icon="SELECT_SET")
        row.operator(PRN_OT_use_face_box.bl_idname, text="Middle")
        self._draw_detail(context, [FaceBox(*options.box)])

    def _draw_detail(self, context: bpy.types.Context, chosen: list[FaceBox]) -> None:
        """What to expect of the smallest of the chosen faces, until there is a head of it."""
        if is_update(context):
            return
        smallest = min(chosen, key=lambda box: box.area, default=None)
        if smallest is not None and smallest.area > 0 and (detail := expected_detail(smallest)):
            wrapped(context, self.layout, detail, icon="INFO")


class PRN_PT_face(InViewSidebar, FacePanel, bpy.types.Panel):
    """Which face of the photo"""

    bl_parent_id = "PRN_PT_capture"


class PRN_PT_image_face(InImageSidebar, FacePanel, bpy.types.Panel):
    """Which face of the photo"""

    bl_parent_id = "PRN_PT_image_capture"

    @classmethod
    def poll(cls, context):
        return super().poll(context) and _shows_photo(context)


class PRN_PT_camera(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """The photo's camera"""

    bl_label = "Camera"
    bl_parent_id = "PRN_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, options = settings_layout(self.layout), context.scene.prn_capture
        layout.prop(options, "projection")
        if options.projection == "focal":
            layout.prop(options, "focal_mm")
        info = session.current.info
        if options.projection == "auto" and info is not None and info.focal_mm is None:
            told = info.focal_told or "the photo does not tell it"
            wrapped(context, layout, f"Focal length: {told}; it will be estimated from the face", "INFO")
        elif options.projection == "auto" and info is not None:
            wrapped(context, layout, f"{info.focal_mm:.0f} mm on 35 mm film, from the {info.focal_told}", "INFO")


class PRN_PT_head(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """How the head is made, and where it stands"""

    bl_label = "More"
    bl_parent_id = "PRN_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, options = settings_layout(self.layout), context.scene.prn_capture
        layout.prop(options, "polygons")
        layout.prop(options, "follow", slider=True)
        layout.prop(options, "head_size")
        if options.head_size == "eyes":
            layout.prop(options, "eye_mm")
        layout.prop(options, "fill")
        layout.separator()
        layout.prop(options, "alignment")
        layout.prop(options, "placement")
        layout.prop(options, "scene_camera", text="Scene Camera")
        layout.prop(options, "turn_view")


class PRN_PT_computation(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """Where the network runs"""

    bl_label = "Computation"
    bl_parent_id = "PRN_PT_head"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = settings_layout(self.layout)
        if PACKAGE in context.preferences.addons:
            layout.prop(preferences(context), "provider")
        layout.prop(context.scene.prn_capture, "passes")
        layout.operator(PRN_OT_release_memory.bl_idname)


def _shows_photo(context: bpy.types.Context) -> bool:
    """Whether the panel is beside the photo itself, in an Image Editor."""
    return shows_photo(context.area, context.scene.prn_capture.photo_path, session.current.info)


def _focal_in_words(info: PhotoInfo) -> str:
    return "" if info.focal_mm is None else f", {info.focal_mm:.0f} mm"
