"""Data sets as files of numbered shards: `shardNNNN_NAME.npy` for each array of a shard, one row a picture."""

import os
from pathlib import Path

import numpy as np


def write_shard(folder: Path, number: int, arrays: dict[str, np.ndarray]) -> None:
    """Writes the arrays by their names, in their order, each whole or not at all: the last one marks a finished shard."""
    for name, array in arrays.items():
        path = shard_file(folder, number, name)
        temporary = path.with_suffix(".tmp.npy")
        np.save(temporary, array)
        os.replace(temporary, path)


def shard_file(folder: Path, number: int, name: str) -> Path:
    """Where an array of a shard lies."""
    return folder / f"shard{number:04d}_{name}.npy"


class Shards:
    """The finished shards of one or more folders."""

    def __init__(self, folders: list[Path], last: str, made_by: str):
        """
        Args:
            last: the array that marks a finished shard; what was interrupted is passed over.
            made_by: the command that writes them, for the error.

        Raises:
            FileNotFoundError: there are none.
        """
        self._last = last
        self._files = [path for folder in folders for path in sorted(folder.glob(f"shard*_{last}.npy"))]
        if not self._files:
            raise FileNotFoundError(f"no finished shards in {', '.join(map(str, folders))}; run {made_by} first")

    def arrays(self, name: str, mmap_mode: str | None = None) -> list[np.ndarray]:
        """An array of each shard."""
        names = (path.name.replace(f"_{self._last}", f"_{name}") for path in self._files)
        return [
            np.load(path.with_name(file), mmap_mode=mmap_mode) for path, file in zip(self._files, names, strict=True)
        ]

    def whole(self, name: str) -> np.ndarray:
        """An array of all shards, read at once."""
        return np.concatenate(self.arrays(name))

    def rows(self, name: str) -> "Rows":
        """An array of all shards, left on disk."""
        return Rows(self.arrays(name, mmap_mode="r"))


class Rows:
    """Arrays one after the other, as if they were one."""

    def __init__(self, parts: list[np.ndarray]):
        self._parts = parts
        self.starts = np.cumsum([0, *map(len, parts)])  # of each part, and the end

    def __getitem__(self, index: int) -> np.ndarray:
        part = np.searchsorted(self.starts, index, side="right") - 1
        return self._parts[part][index - self.starts[part]]

    def take(self, chosen: np.ndarray) -> np.ndarray:
        """(B, ...) rows of the indices `chosen` (B,)."""
        return np.stack([self[index] for index in chosen])
