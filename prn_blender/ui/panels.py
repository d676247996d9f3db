"""The panels, in the sidebars of 3D Views and, as far as they are about the photo, of Image Editors."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ..capture.network import PROVIDER_LABELS
from . import dependencies, session
from .capture_operators import (
    PRN_OT_cancel,
    PRN_OT_choose_face,
    PRN_OT_choose_photo,
    PRN_OT_find_faces,
    PRN_OT_reconstruct_from_image,
    PRN_OT_use_face_box,
    faces_in_words,
)
from .face_picker import PRN_OT_pick_face
from .head_operators import (
    PRN_OT_align,
    PRN_OT_export_head,
    PRN_OT_release_memory,
    PRN_OT_shade,
    PRN_OT_show_alone,
    PRN_OT_view_photo,
    captured_head,
    is_photo_viewed,
)
from .image_editor import PRN_OT_open_in_image_editor, PRN_OT_open_photo_of_head, PRN_OT_use_image, shows_photo
from .landmark_operators import PRN_OT_adjust_landmarks, PRN_OT_reset_landmarks, why_not_adjustable
from .preferences import PACKAGE, preferences
from .properties import ALIGNMENTS, PRN_PG_capture
from .wrapped_text import wrapped


class InViewSidebar:
    """Panels in the sidebar of a 3D View."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = session.TAB


class InImageSidebar:
    """Panels in the sidebar of an Image Editor."""

    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = session.TAB


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
            self._draw_running()
            return
        if self._is_photo_elsewhere(context):
            return
        if options.photo:
            button = layout.column()
            button.scale_y = 1.8
            button.enabled = session.current.info is not None or session.current.info_job is not None
            button.operator(PRN_OT_reconstruct_from_image.bl_idname, icon="USER")
        if options.photo and context.mode != "OBJECT":
            box = layout.box()
            wrapped(context, box, "A head can be made in Object Mode only", icon="INFO")
            box.operator("object.mode_set", text="Switch to Object Mode", icon="OBJECT_DATAMODE").mode = "OBJECT"
        self._draw_message(context)

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
            layout.template_icon(icon_value=state.preview_icon(f"photo {state.info_of}", state.info.thumbnail), scale=8)
        row = layout.row(align=True)
        row.enabled = not state.is_busy
        row.prop(options, "photo", text="")
        if not _shows_photo(context):
            row.operator(PRN_OT_open_in_image_editor.bl_idname, text="", icon="IMAGE_REFERENCE")
        if state.info is not None:
            caption = layout.row()
            caption.active = False
            caption.alignment = "CENTER"
            caption.label(text=f"{state.info.width} x {state.info.height} pixels{_focal_in_words(state.info.focal_mm)}")
        elif state.info_job is not None:
            layout.label(text="Reading…", icon="TEMP")
        else:
            problem = state.info_error or f"No such file: {path.name}. Choose the photo again."
            box = layout.box()
            wrapped(context, box, problem, icon="ERROR")
            box.operator(PRN_OT_choose_photo.bl_idname, text="Choose Another Photo…", icon="IMAGE_DATA")

    def _draw_running(self) -> None:
        job = session.current.job
        fraction, text = job.progress
        column = self.layout.column()
        if job.is_cancelled:
            text = "Cancelling…"
        elif not job.is_running:
            text = "Waiting for Object Mode"
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
            self._draw_box(options)
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
        grid = layout.grid_flow(row_major=True, columns=0, even_columns=True)
        for index, picture in enumerate(faces.thumbnails):
            cell = grid.column(align=True)
            icon = session.current.preview_icon(f"face {index} {session.current.faces_of}", picture)
            cell.template_icon(icon_value=icon, scale=3.0)
            chosen = options.face == "ALL" or (options.face == "INDEX" and options.face_index == index)
            cell.operator(PRN_OT_choose_face.bl_idname, text=str(index + 1), depress=chosen).index = index

    def _draw_box(self, options: PRN_PG_capture) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        for index, side in enumerate(("Left", "Top", "Right", "Bottom")):
            column.prop(options, "box", index=index, text=side)
        row = layout.row(align=True)
        row.operator(PRN_OT_pick_face.bl_idname, text="Draw", icon="SELECT_SET")
        row.operator(PRN_OT_use_face_box.bl_idname, text="Middle")


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
        layout, options = self.layout, context.scene.prn_capture
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(options, "projection")
        if options.projection == "focal":
            layout.prop(options, "focal_mm")
        info = session.current.info
        if options.projection == "auto" and info is not None and info.focal_mm is None:
            wrapped(
                context, layout, "The photo does not tell its focal length: it will be estimated from the face", "INFO"
            )


class PRN_PT_head(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """Mesh and texture"""

    bl_label = "Mesh and Texture"
    bl_parent_id = "PRN_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, options = self.layout, context.scene.prn_capture
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(options, "topology")
        layout.prop(options, "parts")
        layout.prop(options, "polygons")
        layout.prop(options, "alignment")
        layout.separator()
        layout.prop(options, "texture_size", text="Texture Size")
        layout.prop(options, "fill")


class PRN_PT_computation(InViewSidebar, PhotoPanel, bpy.types.Panel):
    """Where the network runs"""

    bl_label = "Computation"
    bl_parent_id = "PRN_PT_capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if PACKAGE in context.preferences.addons:
            layout.prop(preferences(context), "provider")
        layout.prop(context.scene.prn_capture, "passes")
        layout.operator(PRN_OT_release_memory.bl_idname)


class PRN_PT_captured(InViewSidebar, bpy.types.Panel):
    """The captured head"""

    bl_label = "Captured Head"

    @classmethod
    def poll(cls, context):
        return captured_head(context) is not None

    def draw(self, context):
        from ..scene.alignment import alignment_of
        from ..scene.record import read_record

        head = captured_head(context)
        record = read_record(head)
        layout = self.layout
        layout.label(text=head.name, icon="OUTLINER_OB_MESH")
        self._draw_facts(context, record)
        layout.label(text="Alignment")
        row = layout.row(align=True)
        for identifier, label, _ in ALIGNMENTS:
            depress = alignment_of(head) == identifier
            row.operator(PRN_OT_align.bl_idname, text=label, depress=depress).alignment = identifier
        layout.label(text="View")
        row = layout.row(align=True)
        row.operator(PRN_OT_view_photo.bl_idname, text="Camera", icon="VIEW_CAMERA", depress=is_photo_viewed(context))
        row.operator("view3d.view_selected", text="Head", icon="ZOOM_SELECTED")
        row.operator(
            PRN_OT_show_alone.bl_idname, text="Alone", icon="SOLO_OFF", depress=bool(context.space_data.local_view)
        )
        shading = context.space_data.shading
        if shading.type == "SOLID":
            row = layout.row(align=True)
            for label, is_textured in (("Plain", False), ("Textured", True)):
                depress = (shading.color_type == "TEXTURE") == is_textured
                row.operator(PRN_OT_shade.bl_idname, text=label, depress=depress).textured = is_textured

    def _draw_facts(self, context: bpy.types.Context, record: dict) -> None:
        photo = record["photo"]["path"]
        faces = session.current.faces_in(Path(photo))
        column = self.layout.column(align=True)
        column.scale_y = 0.8
        _fact(column, "Photo", bpy.path.basename(photo))
        if faces is not None:
            _fact(column, "Faces Found", str(len(faces.boxes)))
        _fact(column, "Seen in Photo", f"{record['visible_share']:.0%} of the head")
        _fact(column, "Time", f"{sum(record['timings'].values()):.1f} s")
        _fact(column, "Computed On", PROVIDER_LABELS.get(record["provider"], record["provider"]))
        if record["provider_fallback"]:
            wrapped(context, self.layout, record["provider_fallback"], icon="INFO")


class LandmarksPanel:
    """The landmarks of captured heads"""

    bl_label = "Landmarks"

    def draw_header(self, context):
        self.layout.prop(context.scene.prn_capture, "show_landmarks", text="")

    def draw(self, context):
        from ..scene.adjustment import is_adjustable, moved_landmarks

        head, layout = captured_head(context), self.layout
        if not is_adjustable(head):
            wrapped(context, layout, why_not_adjustable(head), icon="INFO")
            return
        wrapped(context, layout, self.how)
        if PRN_OT_adjust_landmarks.poll(context):
            layout.operator(PRN_OT_adjust_landmarks.bl_idname, icon="EMPTY_AXIS")
        else:
            layout.operator(
                PRN_OT_open_photo_of_head.bl_idname, text="Open Photo in Image Editor", icon="IMAGE_REFERENCE"
            )
        count = len(moved_landmarks(head))
        if not count:
            return
        layout.label(text="1 landmark adjusted" if count == 1 else f"{count} landmarks adjusted", icon="EMPTY_AXIS")
        row = layout.row(align=True)
        row.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset Selected").only_selected = True
        row.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset All", icon="LOOP_BACK").only_selected = False


class PRN_PT_landmarks(InViewSidebar, LandmarksPanel, bpy.types.Panel):
    """The landmarks of the captured head"""

    bl_parent_id = "PRN_PT_captured"
    how = "Move a landmark with G: the head follows. Or drag it over the photo:"


class PRN_PT_image_landmarks(InImageSidebar, LandmarksPanel, bpy.types.Panel):
    """The landmarks of the heads captured from the image"""

    how = "Drag a landmark: the head follows"

    @classmethod
    def poll(cls, context):
        from ..scene.photo_images import photo_of_image
        from ..scene.record import photo_of_head

        head = captured_head(context)
        return head is not None and photo_of_image(context.space_data.image) == photo_of_head(head)


class PRN_PT_export(InViewSidebar, bpy.types.Panel):
    """The captured head for other programs"""

    bl_label = "Export"
    bl_parent_id = "PRN_PT_captured"

    def draw(self, context):
        row = self.layout.row(align=True)
        row.operator(PRN_OT_export_head.bl_idname, text="glTF", icon="EXPORT").format = "GLTF"
        row.operator(PRN_OT_export_head.bl_idname, text="FBX", icon="EXPORT").format = "FBX"


def _shows_photo(context: bpy.types.Context) -> bool:
    """Whether the panel is beside the photo itself, in an Image Editor."""
    return shows_photo(context.area, context.scene.prn_capture.photo_path, session.current.info)


def _focal_in_words(focal_mm: float | None) -> str:
    return "" if focal_mm is None else f", {focal_mm:.0f} mm"


def _fact(layout: bpy.types.UILayout, name: str, value: str) -> None:
    """A line that looks like a property but cannot be changed."""
    split = layout.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    split.label(text=value)
