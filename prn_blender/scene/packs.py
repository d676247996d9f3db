"""Where model packs lie on this computer."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..capture.packs.installed import InstalledPack, packs_in
from ..capture.packs.pack import default_pack_folder

_PACKAGE = __package__.removesuffix(".scene")


@dataclass(frozen=True)
class _Found:
    """What was found in folders of packs when these had last changed."""

    places: tuple[Path, ...]
    changed: dict[Path, int]  # each place and what lies in it
    packs: tuple[InstalledPack, ...]

    @classmethod
    def look(cls, places: tuple[Path, ...]) -> "_Found":
        changed = _changes(path for place in places for path in (place, *_inside(place)))
        return cls(places, changed, tuple(packs_in(places)))

    def is_current(self, places: tuple[Path, ...]) -> bool:
        return places == self.places and _changes(self.changed) == self.changed


_found: _Found | None = None


def user_packs_folder() -> Path:
    """Where the user's own packs are put. It outlives updates of the extension; it need not exist yet."""
    if _PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(_PACKAGE, path="packs"))
    return Path(bpy.utils.user_resource("DATAFILES"), "prn_head_capture", "packs")


def installed_packs() -> list[InstalledPack]:
    """Those that come along and the user's own, the default one first. Asked for several times at every redraw."""
    global _found
    places = default_pack_folder().parent, user_packs_folder()
    if _found is None or not _found.is_current(places):
        _found = _Found.look(places)
    return list(_found.packs)


def forget_installed_packs() -> None:
    """Has them looked for anew."""
    global _found
    _found = None


def _inside(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:
        return []


def _changes(paths: Iterable[Path]) -> dict[Path, int]:
    """When each was changed, in nanoseconds; 0 where it cannot be told, as of a folder that there is not."""
    changed = {}
    for path in paths:
        try:
            changed[path] = path.stat().st_mtime_ns
        except OSError:
            changed[path] = 0
    return changed
