"""Rendered shards as one indexed set."""

from pathlib import Path

import numpy as np
import torch

from .shards import Rows, Shards


class RenderedHeads:
    """Pictures and head states of folders of shards; pictures stay on disk."""

    def __init__(self, folders: list[Path], last: str = "states", made_by: str = "training.render"):
        """
        Args:
            last, made_by: as of `Shards`.
        """
        shards = Shards(folders, last, made_by)
        self.states = torch.from_numpy(shards.whole("states"))
        self._shards, self._pictures, self._visibility = shards, shards.rows("pictures"), shards.rows("visibility")

    def __len__(self) -> int:
        return len(self.states)

    def batch(self, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, S, S) float 0..1 and states (B, STATE_SIZE) of the indices `chosen`."""
        tensor = torch.from_numpy(self._pictures.take(chosen)).permute(0, 3, 1, 2).float() / 255
        return tensor, self.states[torch.from_numpy(chosen)]

    def visibility(self, chosen: np.ndarray) -> np.ndarray:
        """(B, >= SKIN_VERTICES) uint8, 1 where the picture shows the skin's vertex."""
        return np.unpackbits(self._visibility.take(chosen), axis=1)

    def rows(self, name: str) -> Rows:
        """Another array that lies beside the pictures."""
        return self._shards.rows(name)
