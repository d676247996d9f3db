"""Choosing the photo."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ...capture.types import PHOTO_TYPES
from ...scene.build.photo_images import file_of_image, image_at
from ..shell import session

PHOTO_EXTENSIONS = ";".join(PHOTO_TYPES)


class PRN_OT_choose_photo(bpy.types.Operator):
    """Choose the photo of a person, to make a head of it; or several photos of one person, which become one head"""

    bl_idname = "prn.choose_photo"
    bl_label = "Choose Photo"
    bl_options = {"UNDO"}

    filepath: bpy.props.StringProperty(
        name="Photo", description="Photo of a person", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    reconstruct: bpy.props.BoolProperty(
        name="Reconstruct",
        description="Make the head as soon as the photo is chosen",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context):
        return session.is_free_for(cls)

    def invoke(self, context, event):
        if self.filepath:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        names = [file.name for file in self.files if file.name]
        several = len(names) > 1
        context.scene.prn_capture.photo = str(Path(self.directory) / names[0]) if several else self.filepath
        session.current.forget_error()
        session.tag_redraw()
        if several:
            files = [{"name": name} for name in names]
            bpy.ops.prn.reconstruct_from_image("INVOKE_DEFAULT", directory=self.directory, files=files)
        elif self.reconstruct:
            bpy.ops.prn.reconstruct_from_image("INVOKE_DEFAULT")
        return {"FINISHED"}


class PRN_OT_reconstruct_dropped(bpy.types.Operator):
    """Make the head of the person in a photo that was dropped on the 3D View, or in several"""

    bl_idname = "prn.reconstruct_dropped"
    bl_label = "Reconstruct Head"
    bl_options = {"INTERNAL"}

    filepath: bpy.props.StringProperty(
        name="Photo", description="Photo of a person", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return session.is_free_for(cls) and session.is_in_object_mode_for(cls, context)

    def invoke(self, context, event):
        return self.execute(context)

    def execute(self, context):
        files = [{"name": file.name} for file in self.files]
        bpy.ops.prn.choose_photo(filepath=self.filepath, directory=self.directory, files=files, reconstruct=True)
        return {"FINISHED"}


class DroppedPhoto:
    """Photos dropped on the 3D View while its sidebar shows the extension's tab."""

    bl_file_extensions = PHOTO_EXTENSIONS

    @classmethod
    def poll_drop(cls, context):
        area = context.area
        if area is None or area.type != "VIEW_3D" or not area.spaces.active.show_region_ui:
            return False  # elsewhere a dropped image is a reference image, as ever
        sidebar = next(region for region in area.regions if region.type == "UI")
        return sidebar.active_panel_category == session.TAB and PRN_OT_choose_photo.poll(context)


class PRN_FH_photo(DroppedPhoto, bpy.types.FileHandler):
    """A dropped photo is chosen."""

    bl_idname = "PRN_FH_photo"
    bl_label = "Photo for PRN Head Capture"
    bl_import_operator = PRN_OT_choose_photo.bl_idname


class PRN_FH_head(DroppedPhoto, bpy.types.FileHandler):
    """A dropped photo becomes a head at once."""

    bl_idname = "PRN_FH_head"
    bl_label = "Head for PRN Head Capture"
    bl_import_operator = PRN_OT_reconstruct_dropped.bl_idname


class PRN_OT_use_image(bpy.types.Operator):
    """Make a head of the person in this image"""

    bl_idname = "prn.use_image"
    bl_label = "Reconstruct Head from This Image"
    bl_options = {"UNDO"}

    reconstruct: bpy.props.BoolProperty(
        name="Reconstruct",
        description="Make the head at once; otherwise the image is only chosen as the photo",
        default=True,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls):
            return False
        image = getattr(context.space_data, "image", None)
        if image is None:
            cls.poll_message_set("Show an image in the Image Editor")
            return False
        path = file_of_image(image)
        if path is None or image.is_dirty or not (path.is_file() or image_at(path) is not None):
            cls.poll_message_set("This image is in no file yet: save it with Image, Save As")
            return False
        return True

    def execute(self, context):
        context.scene.prn_capture.photo = str(file_of_image(context.space_data.image))
        session.current.forget_error()
        session.tag_redraw()
        if self.reconstruct:
            bpy.ops.prn.reconstruct_from_image("INVOKE_DEFAULT" if context.window else "EXEC_DEFAULT")
        return {"FINISHED"}
