"""Entries in Blender's menus, through which the menu search finds them too."""

import bpy

from ..scene.export.formats import FORMATS
from .capture.operators import PRN_OT_reconstruct_from_image
from .export.operators import PRN_OT_check_head, PRN_OT_export_head
from .expressions.operators import PRN_OT_add_expressions
from .head.alignments import ALIGNMENTS
from .head.operators import PRN_OT_align, PRN_OT_set_scene_camera, PRN_OT_show_alone, PRN_OT_view_photo, captured_head
from .head.texture import PRN_OT_project_texture
from .landmarks.operators import PRN_OT_reset_landmarks
from .photos.image_editor import PRN_OT_open_in_image_editor, PRN_OT_open_photo_of_head
from .photos.operators import PHOTO_EXTENSIONS, PRN_OT_choose_photo, PRN_OT_use_image
from .pins.operators import PRN_OT_align_face, PRN_OT_remove_pins
from .pins.tool import PRN_OT_pin_head


class PRN_MT_captured_head(bpy.types.Menu):
    """What can be done with a captured head"""

    bl_idname = "PRN_MT_captured_head"
    bl_label = "Captured Head"

    def draw(self, context):
        layout = self.layout
        for identifier, label, _ in ALIGNMENTS:
            layout.operator(PRN_OT_align.bl_idname, text=f"Align {label}").alignment = identifier
        layout.separator()
        if context.area is not None and context.area.type == "VIEW_3D":
            layout.operator(PRN_OT_view_photo.bl_idname, icon="VIEW_CAMERA")
            layout.operator(PRN_OT_show_alone.bl_idname)
            layout.operator(PRN_OT_set_scene_camera.bl_idname)
            layout.separator()
        layout.operator(PRN_OT_open_photo_of_head.bl_idname, icon="IMAGE_REFERENCE")
        layout.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset All Landmarks").only_selected = False
        layout.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset Selected Landmarks").only_selected = True
        layout.operator(PRN_OT_align_face.bl_idname)
        layout.operator(PRN_OT_remove_pins.bl_idname)
        layout.operator(PRN_OT_project_texture.bl_idname)
        layout.operator(PRN_OT_add_expressions.bl_idname)
        layout.separator()
        layout.operator(PRN_OT_check_head.bl_idname, text="Check Head…", icon="CHECKMARK")
        for each in FORMATS.values():
            text = f"Export as {each.label}…"
            layout.operator(PRN_OT_export_head.bl_idname, text=text, icon="EXPORT").format = each.identifier


def _add_mesh(self, context):
    self.layout.separator()
    self.layout.operator(PRN_OT_reconstruct_from_image.bl_idname, text="Head from Photo", icon="USER")


def _import(self, context):
    extensions = "/".join(PHOTO_EXTENSIONS.split(";")[:3])
    self.layout.operator(PRN_OT_choose_photo.bl_idname, text=f"Head from Photo ({extensions})").reconstruct = True


def _object(self, context):
    if captured_head(context) is not None:
        self.layout.separator()
        self.layout.menu(PRN_MT_captured_head.bl_idname, icon="USER")


def _image(self, context):
    layout = self.layout
    layout.separator()
    layout.operator(PRN_OT_use_image.bl_idname, icon="USER")
    layout.operator(PRN_OT_open_in_image_editor.bl_idname, text="Show Photo of Head Capture")
    layout.operator(PRN_OT_pin_head.bl_idname)


_ENTRIES = (
    ("VIEW3D_MT_mesh_add", _add_mesh),
    ("TOPBAR_MT_file_import", _import),
    ("VIEW3D_MT_object", _object),
    ("VIEW3D_MT_object_context_menu", _object),
    ("OUTLINER_MT_object", _object),
    ("IMAGE_MT_image", _image),
)


def register() -> None:
    for menu, entry in _ENTRIES:
        getattr(bpy.types, menu).append(entry)


def unregister() -> None:
    for menu, entry in _ENTRIES:
        getattr(bpy.types, menu).remove(entry)
