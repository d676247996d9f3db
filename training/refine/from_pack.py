"""A second pass that goes on learning from where a pack's is, whose batch norms were folded away at export."""

from pathlib import Path

import torch
from torch import nn

from ..warm_start import copy_convolutions, read_layers, read_values
from .network import RefineNetwork


def start_from_pack(network: RefineNetwork, onnx_file: Path, seen: torch.Tensor) -> None:
    """Copies the pack's weights; the norms get the statistics of what is `seen` (B, SEEN, 64, 64), so that the network
    says the same.

    Raises:
        ValueError, RuntimeError: the pack's network has another shape.
    """
    values = {name.removeprefix("network."): torch.from_numpy(value) for name, value in read_values(onnx_file).items()}
    named = [
        (name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear) or name == "answer"
    ]
    for name, module in named:
        module.load_state_dict({part: values[f"{name}.{part}"] for part in ("weight", "bias")})
    pairs = [(module[0], module[1]) for module in network.modules() if _is_with_norm(module)]
    network.eval()
    copy_convolutions(pairs, read_layers(onnx_file, "Conv")[:-1], lambda: network(seen))  # the last one is the answer


def _is_with_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d)
