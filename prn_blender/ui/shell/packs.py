"""Which model pack a capture uses, and packs of the user's own."""

from pathlib import Path

import bpy

from ...capture.errors import CaptureError
from ...capture.packs.installed import InstalledPack, look_into
from ...scene.packs import forget_installed_packs, installed_packs, user_packs_folder
from . import session
from .job_operator import FileJobOperator
from .preferences import preferences


def packs_to_choose_from(context: bpy.types.Context) -> list[InstalledPack]:
    """The one that is used where none is chosen comes first: that of the preferences, else the built-in one."""
    own = preferences(context).pack
    first = look_into([Path(bpy.path.abspath(own))]) if own else []
    known = {pack.identity for pack in first}
    return [*first, *(pack for pack in installed_packs() if pack.identity not in known)]


def pack_of_panel(context: bpy.types.Context) -> InstalledPack | None:
    """What the panel chooses; None where it is not installed."""
    packs, choice = packs_to_choose_from(context), context.scene.prn_capture.pack
    return next((pack for pack in packs if pack.answers_to(choice)), None) if choice else packs[0]


def chosen_pack(context: bpy.types.Context, choice: str) -> Path | None:
    """The folder of a pack by its name, with or without its version, or of a folder; None: the built-in one.

    Raises:
        CaptureError: there is none.
    """
    own = preferences(context).pack
    if not choice:
        return Path(bpy.path.abspath(own)) if own else None
    for pack in packs_to_choose_from(context):
        if pack.answers_to(choice):
            return pack.folder
    folder = Path(bpy.path.abspath(choice))
    if not folder.is_dir():
        raise CaptureError(f"The model pack {choice} is not installed: choose another one.")
    return folder


class PRN_OT_import_prnet(FileJobOperator, bpy.types.Operator):
    """Make a model pack of your own copy of PRNet: its checkpoint and UV data, as its authors give them away"""

    bl_idname = "prn.import_prnet"
    bl_label = "Import PRNet"
    asks_for = "directory"

    directory: bpy.props.StringProperty(
        name="Folder",
        description="PRNet's folder, or the folder Data in it, with net-data and uv-data",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context):
        return session.is_free_for(cls)

    def prepare(self, context):
        from ...capture.packs.prnet import import_prnet

        if not self.directory:
            raise CaptureError("No folder of PRNet is given: give directory.")
        folder, into = Path(bpy.path.abspath(self.directory)), user_packs_folder()

        def work(progress):
            progress(0.1, "Reading PRNet's weights")
            return import_prnet(folder, into)

        return work

    def finish(self, context, result: Path):
        forget_installed_packs()
        self.report({"INFO"}, "PRNet is installed: choose it in the Head Capture tab under More, Model Pack")
        yield from ()  # one step is enough
