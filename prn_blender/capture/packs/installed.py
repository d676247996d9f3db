"""Which model packs there are to choose from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..errors import CaptureError
from .pack import PackDescription, default_pack_folder, describe_pack


@dataclass(frozen=True)
class InstalledPack:
    """A head model pack as its folder tells it; only loading it verifies it."""

    folder: Path
    description: PackDescription
    size: int  # bytes on the disk
    sha256: str  # of pack.toml, as of a `ModelPack`

    @property
    def identity(self) -> str:
        """Tells it from the others."""
        return f"{self.description.name} {self.description.version}"

    def answers_to(self, text: str) -> bool:
        """Whether a text is its identity, or its name alone."""
        return text in (self.identity, self.description.name)


def look_into(folders: Iterable[Path]) -> list[InstalledPack]:
    """The head model packs among folders, in their order.

    Of two with one identity the first counts. What is no pack, cannot be read or finds faces is passed over.
    """
    found: dict[str, InstalledPack] = {}
    for folder in folders:
        try:
            changed = max((folder / "pack.toml").stat().st_mtime_ns, folder.stat().st_mtime_ns)
            pack = _look_at(folder, changed)
        except (CaptureError, OSError):
            continue
        found.setdefault(pack.identity, pack)
    return list(found.values())


@lru_cache(maxsize=64)
def _look_at(folder: Path, changed: int) -> InstalledPack:
    description = describe_pack(folder)
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    manifest = (folder / "pack.toml").read_bytes()
    return InstalledPack(folder, description, size, hashlib.sha256(manifest).hexdigest())


def packs_in(places: Iterable[Path]) -> list[InstalledPack]:
    """The head model packs in folders of packs, the default one first."""
    return look_into([default_pack_folder(), *(folder for place in places for folder in _folders(place))])


def _folders(place: Path) -> list[Path]:
    try:
        return sorted(folder for folder in place.iterdir() if (folder / "pack.toml").is_file())
    except OSError:
        return []
