"""Where model packs lie on this computer."""

from pathlib import Path

import bpy

from ..capture.packs.installed import InstalledPack, packs_in
from ..capture.packs.pack import default_pack_folder

_PACKAGE = __package__.removesuffix(".scene")


def user_packs_folder() -> Path:
    """Where the user's own packs are put. It outlives updates of the extension; it need not exist yet."""
    if _PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(_PACKAGE, path="packs"))
    return Path(bpy.utils.user_resource("DATAFILES"), "prn_head_capture", "packs")


def installed_packs() -> list[InstalledPack]:
    """Those that come along and the user's own, the default one first."""
    return packs_in((default_pack_folder().parent, user_packs_folder()))
