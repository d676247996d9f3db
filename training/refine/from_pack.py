"""A second pass that goes on learning from where a pack's is, whose batch norms were folded away at export."""

from itertools import groupby
from pathlib import Path

import torch
from torch import nn

from ..warm_start import Layer, copy_convolutions, read_layers, read_values
from .network import RefineNetwork, RefineSize


def start_from_pack(network: RefineNetwork, onnx_file: Path, seen: torch.Tensor) -> None:
    """Copies the pack's weights; the norms get the statistics of what is `seen` (B, SEEN, 64, 64), so that the network
    says the same. Where the network is wider or deeper than the pack's, what it has more of does not yet take part in the
    answers.

    Raises:
        ValueError, RuntimeError: the pack's network has another shape, or is wider or deeper.
    """
    convolutions = read_layers(onnx_file, "Conv")[:-1]  # the last one is the answer
    values = {name.removeprefix("network."): torch.from_numpy(value) for name, value in read_values(onnx_file).items()}
    pack = RefineNetwork(_size_of(convolutions, values)).to(seen.device)
    named = [
        (name, module) for name, module in pack.named_modules() if isinstance(module, nn.Linear) or name == "answer"
    ]
    for name, module in named:
        module.load_state_dict({part: values[f"{name}.{part}"] for part in ("weight", "bias")})
    pack.places.copy_(network.places)
    pairs = [(module[0], module[1]) for module in pack.modules() if _is_with_norm(module)]
    pack.eval()
    copy_convolutions(pairs, convolutions, lambda: pack(seen))
    _grow(pack, network)


def _size_of(convolutions: list[Layer], values: dict[str, torch.Tensor]) -> RefineSize:
    """Of a pack's network: its channels grow from layer to layer on the way down, which comes first."""
    steps = [(width, len(list(one))) for width, one in groupby(len(weight) for weight, _ in convolutions)][:5]
    widths, counts = zip(*steps, strict=True)
    return RefineSize(widths, tuple(count // 2 for count in counts[1:]), len(values["spread.weight"].T))


def _is_with_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and len(module) > 1 and isinstance(module[1], nn.BatchNorm2d)


@torch.no_grad()
def _grow(small: RefineNetwork, large: RefineNetwork) -> None:
    """Makes `large` say what `small` says: its first channels are the small network's and see no others, and residuals
    that the small one has not add nothing.
    """
    joined = {  # layers that see the coarser texels' channels, and then those of the way down
        f"up.{k}.0.0.weight": (small.size.widths[4 - k], large.size.widths[4 - k]) for k in range(len(small.up))
    }
    state, given = large.state_dict(), small.state_dict()
    if given.keys() - state.keys():
        raise ValueError("the pack's network is deeper")
    for name in state.keys() - given.keys():
        if name.endswith(".second.1.weight"):
            state[name].zero_()
    for name, value in given.items():
        into = state[name]
        if value.dim() < 2:  # biases and norms
            into.view(-1)[: value.numel()] = value
            continue
        before, after = joined.get(name, (value.shape[1], value.shape[1]))
        into[: len(value)] = 0
        into[: len(value), :before] = value[:, :before]
        into[: len(value), after : after + value.shape[1] - before] = value[:, before:]
