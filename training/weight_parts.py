"""A network's weights as half floats in files small enough to be carried from one machine to another."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from .run import load_averaged

PART = 7_500_000  # numbers in a file, two bytes each


def save_parts(network: nn.Module, folder: Path) -> None:
    """The weights as half floats, in files that fit through narrow doors."""
    values = torch.cat([value.float().flatten() for value in network.state_dict().values()]).half().cpu().numpy()
    for old in folder.glob("weights_*.npy"):
        old.unlink()
    for number, part in enumerate(np.array_split(values, -(-len(values) // PART))):
        np.save(folder / f"weights_{number:03d}.npy", part)


def joined(folder: Path, network: nn.Module) -> nn.Module:
    """`network` with the weights of `save_parts`.

    Raises:
        FileNotFoundError: there are none.
    """
    parts = sorted(folder.glob("weights_*.npy"))
    if not parts:
        raise FileNotFoundError(f"no weights in {folder}")
    values = torch.from_numpy(np.concatenate([np.load(path) for path in parts])).float()
    state = network.state_dict()
    pieces = values.split([value.numel() for value in state.values()])
    network.load_state_dict(
        {
            name: piece.view(value.shape).to(value.dtype)
            for (name, value), piece in zip(state.items(), pieces, strict=True)
        }
    )
    return network


def load_trained(folder: Path, network_type: type, size_type: type) -> nn.Module:
    """The averaged network of a run's folder, or of one of `save_parts`."""
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        return load_averaged(checkpoint, network_type, size_type)
    return joined(folder, network_type(size_type()))
