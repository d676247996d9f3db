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
        self._pictures = [
            np.load(path.with_name(path.name.replace("_states", "_pictures")), mmap_mode="r") for path in files
        ]
        self._starts = np.cumsum([0, *[len(pictures) for pictures in self._pictures]])

    def __len__(self) -> int:
        return len(self.states)

    def batch(self, chosen: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 3, S, S) float 0..1 and states (B, STATE_SIZE) of the indices `chosen`."""
        shard = np.searchsorted(self._starts, chosen, side="right") - 1
        pictures = np.stack([self._pictures[s][i - self._starts[s]] for s, i in zip(shard, chosen, strict=True)])
        tensor = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
        return tensor, self.states[torch.from_numpy(chosen)]
