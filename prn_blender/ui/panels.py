"""The PRN tab in the 3D View's sidebar."""

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
from .preferences import PACKAGE, preferences
from .properties import ALIGNMENTS, PRN_PG_capture
from .wrapped_text import wrapped


class SidebarPanel:
    """Where the panels are."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "PRN"


class PhotoPanel(SidebarPanel):
    """Base of the panels that mean something once there is a photo."""

    bl_parent_id = "PRN_PT_capture"

    @classmethod
    def poll(cls, context):
        return bool(context.scene.prn_capture.photo) and not dependencies.problem() and not session.current.is_busy


class PRN_PT_capture(SidebarPanel, bpy.types.Panel):
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
            wrapped(context, layout, "Or drop an image file on the 3D View")
            return
        path = options.photo_path
        state.look_at(path)
        if state.info is not None:
            layout.template_icon(icon_value=state.preview_icon(f"photo {state.info_of}", state.info.thumbnail), scale=8)
        row = layout.row(align=True)
        row.enabled = not state.is_busy
        row.prop(options, "photo", text="")
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


class PRN_PT_face(PhotoPanel, bpy.types.Panel):
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
            layout.operator(PRN_OT_find_faces.bl_idname, icon="VIEWZOOM")
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


class PRN_PT_camera(PhotoPanel, bpy.types.Panel):
    """The photo's camera"""

    bl_label = "Camera"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, options = self.layout, context.scene.prn_capture
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(options, "projection")
        if options.projection == "focal":
            layout.prop(options, "focal_mm")
        info = session.current.info
        if options.projection == "exif" and info is not None and info.focal_mm is None:
            wrapped(
                context, layout, "The photo does not tell its focal length: the camera will be orthographic", "INFO"
            )


class PRN_PT_head(PhotoPanel, bpy.types.Panel):
    """Mesh and texture"""

    bl_label = "Mesh and Texture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout, options = self.layout, context.scene.prn_capture
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(options, "polygons")
        layout.prop(options, "alignment")
        layout.separator()
        layout.prop(options, "texture_size", text="Texture Size")
        layout.prop(options, "fill")


class PRN_PT_computation(PhotoPanel, bpy.types.Panel):
    """Where the network runs"""

    bl_label = "Computation"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        if PACKAGE in context.preferences.addons:
            layout.prop(preferences(context), "provider")
        layout.prop(context.scene.prn_capture, "passes")
        layout.operator(PRN_OT_release_memory.bl_idname)


class PRN_PT_captured(SidebarPanel, bpy.types.Panel):
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


class PRN_PT_export(SidebarPanel, bpy.types.Panel):
    """The captured head for other programs"""

    bl_label = "Export"
    bl_parent_id = "PRN_PT_captured"

    def draw(self, context):
        row = self.layout.row(align=True)
        row.operator(PRN_OT_export_head.bl_idname, text="glTF", icon="EXPORT").format = "GLTF"
        row.operator(PRN_OT_export_head.bl_idname, text="FBX", icon="EXPORT").format = "FBX"


def _focal_in_words(focal_mm: float | None) -> str:
    return "" if focal_mm is None else f", {focal_mm:.0f} mm"


def _fact(layout: bpy.types.UILayout, name: str, value: str) -> None:
    """A line that looks like a property but cannot be changed."""
    split = layout.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    split.label(text=value)
