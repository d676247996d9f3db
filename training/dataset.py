"""Rendered shards as one indexed set."""

from pathlib import Path

import numpy as np
import torch


class RenderedHeads:
    """Pictures and head states of a folder of shards; pictures stay on disk."""

    def __init__(self, folders: list[Path]):
        files = [path for folder in folders for path in sorted(folder.glob("shard*_states.npy"))]
        if not files:
            raise FileNotFoundError(f"no finished shards in {', '.join(map(str, folders))}; run training.render first")
        self.states = torch.from_numpy(np.concatenate([np.load(path) for path in files]))
        self._pictures = [_beside(path, "pictures") for path in files]
        self._visibility = [_beside(path, "visibility") for path in files]
        self._starts = np.cumsum([0, *[len(pictures) for pictures in self._pictures]])

    def __len__(self) -> int:
        return len(self.states)

    def batch(self, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, S, S) float 0..1 and states (B, STATE_SIZE) of the indices `chosen`."""
        pictures = self._take(self._pictures, chosen)
        tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return tensor, self.states[torch.from_numpy(chosen)]

    def visibility(self, chosen: np.ndarray) -> np.ndarray:
        """(B, >= SKIN_VERTICES) uint8, 1 where the picture shows the skin's vertex."""
        return np.unpackbits(self._take(self._visibility, chosen), axis=1)

    def _take(self, shards: list[np.ndarray], chosen: np.ndarray) -> np.ndarray:
        shard = np.searchsorted(self._starts, chosen, side="right") - 1
        return np.stack([shards[s][i - self._starts[s]] for s, i in zip(shard, chosen, strict=True)])


def _beside(states: Path, kind: str) -> np.ndarray:
    """Another array of the shard, left on disk."""
    return np.load(states.with_name(states.name.replace("_states", f"_{kind}")), mmap_mode="r")
