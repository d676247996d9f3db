"""Preferences: what belongs to this computer and not to a file."""

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ...capture.packs.pack import describe_pack
from . import dependencies
from .sidebar import draw_fact, settings_layout
from .wrapped_text import wrapped

PACKAGE = __package__.removesuffix(".ui.shell")

PROVIDERS = (
    ("auto", "Automatic", "The fastest that works: CUDA, then DirectML or CoreML, then the processor"),
    ("CUDAExecutionProvider", "CUDA", "NVIDIA graphics card; needs the variant of the extension with CUDA"),
    ("DmlExecutionProvider", "DirectML", "Any graphics card on Windows"),
    ("CoreMLExecutionProvider", "CoreML", "Apple's graphics and neural units"),
    ("CPUExecutionProvider", "CPU", "The processor; works everywhere"),
)


class PRN_AP_preferences(bpy.types.AddonPreferences):
    """Settings of this computer."""

    bl_idname = PACKAGE

    provider: bpy.props.EnumProperty(
        name="Compute On",
        description="What runs the network. One that does not work here is replaced by the processor, "
        "and the panel says why",
        items=PROVIDERS,
        default="auto",
    )
    pack: bpy.props.StringProperty(
        name="Model Pack",
        description="Folder of a head model pack (with pack.toml) that is used where the panel chooses none. "
        "Empty: the one that comes with the extension",
        subtype="DIR_PATH",
    )
    yunet: bpy.props.StringProperty(
        name="Face Detector",
        description="ONNX file of the YuNet face detector. Empty: the built-in detector",
        subtype="FILE_PATH",
    )

    def draw(self, context):
        layout = settings_layout(self.layout)
        if dependencies.problem():
            layout.label(text=dependencies.problem(), icon="ERROR")
        layout.prop(self, "provider")
        layout.prop(self, "pack")
        self._draw_pack(context)
        layout.operator("prn.import_prnet", text="Import PRNet…", icon="IMPORT")
        layout.prop(self, "yunet", text="Face Detector (YuNet)")
        layout.operator("prn.release_memory")

    def _draw_pack(self, context: bpy.types.Context) -> None:
        """What the model pack is, and under which terms it may be used."""
        try:
            pack = describe_pack(Path(bpy.path.abspath(self.pack)) if self.pack else None)
        except CaptureError as error:
            wrapped(context, self.layout, str(error), icon="ERROR")
            return
        column = self.layout.column(align=True)
        draw_fact(column, "", f"{pack.title}, {pack.version}")
        draw_fact(column, "Licence", pack.license)


class _Defaults:
    """The preferences where the package is a plain module and Blender keeps none for it."""

    provider = "auto"
    pack = ""
    yunet = ""


def preferences(context: bpy.types.Context) -> "PRN_AP_preferences | _Defaults":
    """The user's preferences."""
    addon = context.preferences.addons.get(PACKAGE)
    return addon.preferences if addon is not None and addon.preferences is not None else _Defaults()
