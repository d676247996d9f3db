"""Writing a captured head to a file, and the check that goes before it."""

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ...scene.export.findings import ERROR, INFO, WARNING
from ...scene.export.formats import FORMATS
from ..head.operators import HeadOperator, captured_head
from ..shell.folders import default_folder
from ..shell.job_operator import AskBeforeReplacing
from ..shell.sidebar import settings_layout

_ICONS = {ERROR: "ERROR", WARNING: "INFO", INFO: "DOT"}


class ExportOptions:
    """How a head is written."""

    format: bpy.props.EnumProperty(
        name="Format",
        description="File format",
        items=[(each.identifier, each.label, each.about) for each in FORMATS.values()],
        options={"SKIP_SAVE"},
    )
    texture_format: bpy.props.EnumProperty(
        name="Textures",
        description="How textures are written. A texture that is stored in this format already is not encoded again",
        items=(
            ("PNG", "PNG", "Without loss, the largest files"),
            ("JPEG", "JPEG", "A tenth of the size; every program reads it"),
            ("WEBP", "WebP", "Smaller still; for glTF on the web, few other programs read it"),
        ),
    )
    texture_quality: bpy.props.IntProperty(
        name="Quality",
        description="Of JPEG and WebP textures; the lower, the smaller the file",
        subtype="PERCENTAGE",
        default=90,
        min=1,
        max=100,
    )

    joined: bpy.props.BoolProperty(
        name="One Mesh",
        description="Write eyes, teeth and the like as one mesh with the head, with a material slot for each, "
        "instead of as objects of their own",
    )

    @property
    def kind(self):
        return FORMATS[self.format]

    @property
    def textures(self):
        from ...scene.export.images import TextureChoice

        return TextureChoice(self.texture_format, self.texture_quality)

    _looked_for = None  # the options with which the head was looked at
    _width = 0  # of the dialog; 0: drawn in a region that tells its own

    def look(self, context: bpy.types.Context) -> None:
        """Checks the head, if that was not done with these options already."""
        from ...scene.export.head import check_head

        options = self.format, self.texture_format, self.texture_quality, self.joined
        if options != self._looked_for:
            self._looked_for = options
            self._report = check_head(context, captured_head(context), self.kind, self.textures, self.joined)

    def draw(self, context):
        layout = settings_layout(self.layout)
        layout.prop(self, "format")
        layout.prop(self, "texture_format")
        row = layout.row()
        row.active = self.texture_format != "PNG"
        row.prop(self, "texture_quality")
        layout.prop(self, "joined")
        draw_report(context, layout, self._report, self._width)


class PRN_OT_check_head(ExportOptions, HeadOperator, bpy.types.Operator):
    """Say what an export of the captured head would write, and what is wrong with it"""

    bl_idname = "prn.check_head"
    bl_label = "Check Head"
    _width = 420

    def invoke(self, context, event):
        self.look(context)
        return context.window_manager.invoke_props_dialog(self, width=self._width)

    def check(self, context):
        """The dialog asks after every change of an option."""
        self.look(context)
        return True

    def execute(self, context):
        self.look(context)
        for finding in self._report.findings:
            self.report({WARNING if finding.level == ERROR else finding.level}, finding.text)
        count = len(self._report.errors), len(self._report.warnings)
        self.report({INFO}, f"{count[0]} errors, {count[1]} warnings. {'; '.join(self._report.written)}")
        return {"CANCELLED"} if self._report.errors else {"FINISHED"}


class PRN_OT_export_head(ExportOptions, HeadOperator, bpy.types.Operator):
    """Write the captured head with its texture, its rig and its shape keys to a file"""

    bl_idname = "prn.export_head"
    bl_label = "Export Captured Head"

    filepath: bpy.props.StringProperty(
        name="File", description="File to write", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    check_existing: AskBeforeReplacing
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for each in FORMATS.values() for suffix in each.suffixes),
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context, event):
        from ...scene.record import read_record

        stem = Path(read_record(captured_head(context))["photo"]["path"]).stem
        self.filepath = str(self.kind.named(default_folder() / f"{stem}_head"))
        self.look(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context):
        """The file browser asks after every change: another format changes the file's name."""
        self.look(context)
        named = str(self.kind.named(Path(self.filepath)))
        is_changed = named != self.filepath
        self.filepath = named
        return is_changed

    def execute(self, context):
        from ...scene.export.head import export_head

        if not self.filepath:
            self.report({"ERROR"}, "No file is named: give filepath.")
            return {"CANCELLED"}
        path = self.kind.named(Path(bpy.path.abspath(self.filepath)))
        try:
            report = export_head(context, captured_head(context), path, self.kind, self.textures, self.joined)
        except CaptureError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for text in report.warnings:
            self.report({WARNING}, text)
        self.report({INFO}, f"Wrote {path.name}: {'; '.join(report.written)}")
        return {"FINISHED"}


def draw_report(context: bpy.types.Context, layout: bpy.types.UILayout, report, width: int) -> None:
    """A check's findings and what will be written."""
    from ..shell.wrapped_text import wrapped

    for finding in report.findings:
        wrapped(context, layout, finding.text, _ICONS[finding.level], width)
    if not report.errors:
        column = layout.column(align=True)
        column.label(text="The file will hold", icon="CHECKMARK")
        for line in report.written:
            wrapped(context, column, line, "BLANK1", width)
