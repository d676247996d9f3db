"""Writing a captured head to a file."""

import os
from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ..head.operators import HeadOperator, captured_head


class PRN_OT_export_head(HeadOperator, bpy.types.Operator):
    """Write the captured head with its texture to a file"""

    bl_idname = "prn.export_head"
    bl_label = "Export Captured Head"

    filepath: bpy.props.StringProperty(
        name="File", description="File to write", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    format: bpy.props.EnumProperty(
        name="Format",
        description="File format",
        items=(
            ("GLTF", "glTF", "Binary glTF (.glb), for the web, game engines and most programs"),
            ("FBX", "FBX", "FBX with embedded texture (.fbx), for Unreal and Unity"),
        ),
        options={"SKIP_SAVE"},
    )
    filter_glob: bpy.props.StringProperty(default="*.glb;*.fbx", options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        from ...scene.record import read_record

        stem = Path(read_record(captured_head(context))["photo"]["path"]).stem
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / f"{stem}_head{self._suffix}")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context):
        """The file browser asks after every change: another format changes the file's name."""
        named = self._named(self.filepath)
        is_changed = named != self.filepath
        self.filepath = named
        return is_changed

    def execute(self, context):
        from ...scene.export.formats import export_fbx, export_glb

        if not self.filepath:
            self.report({"ERROR"}, "No file is named: give filepath.")
            return {"CANCELLED"}
        path = Path(bpy.path.abspath(self._named(self.filepath)))
        export = export_glb if self.format == "GLTF" else export_fbx
        try:
            export(context, captured_head(context), path)
        except CaptureError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"Wrote {path.name}")
        return {"FINISHED"}

    @property
    def _suffix(self) -> str:
        return ".glb" if self.format == "GLTF" else ".fbx"

    def _named(self, filepath: str) -> str:
        stem, suffix = os.path.splitext(filepath)
        return (stem if suffix.lower() in {".glb", ".fbx"} else filepath) + self._suffix
