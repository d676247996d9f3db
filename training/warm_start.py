"""Starts a network from the encoder of an earlier pack whose batch norms were folded away at export."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .network import SCALE_UNIT, HeadNetwork


def read_values(onnx_file: Path) -> dict[str, np.ndarray]:
    """The numbers of a pack's network by their names, float32."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(onnx_file).graph
    values = {item.name: numpy_helper.to_array(item).astype(np.float32) for item in graph.initializer}
    stored = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in values]
    return values | {node.output[0]: values[node.input[0]] for node in stored}


Layer = tuple[np.ndarray, np.ndarray]  # weights and biases


def read_layers(onnx_file: Path, kind: str) -> list[Layer]:
    """A network's layers of a kind in ONNX's words, in the order they run."""
    import onnx

    values = read_values(onnx_file)
    nodes = [node for node in onnx.load(onnx_file).graph.node if node.op_type == kind]
    return [(values[node.input[1]], values[node.input[2]]) for node in nodes]


def read_encoder(onnx_file: Path) -> tuple[list[Layer], Layer]:
    """The encoder's convolutions in the order they run, and the layer after them."""
    connected = read_layers(onnx_file, "Gemm")
    if not connected:
        raise ValueError(f"{onnx_file} has no fully connected layer")
    return read_layers(onnx_file, "Conv"), connected[0]


def encoder_pairs(network: HeadNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with their norms in the order they run."""
    pairs = [(network.stem, network.stem_norm)]
    for block in network.layers:
        pairs += [(block.first, block.first_norm), (block.second, block.second_norm)]
        if block.shortcut is not None:
            pairs.append((block.shortcut, block.shortcut_norm))
    return pairs


def copy_last_layers(network: HeadNetwork, onnx_file: Path) -> None:
    """What comes after the encoder, of a pack with the same basis."""
    values = read_values(onnx_file)
    for name in ("head", "seen", "error"):
        for part in ("weight", "bias"):
            getattr(getattr(network, name), part).data.copy_(torch.from_numpy(values[f"network.{name}.{part}"].copy()))


def start_encoder(network: HeadNetwork, onnx_file: Path, crops: torch.Tensor) -> None:
    """Copies the encoder; its norms get the statistics of `crops`, so that the function stays the same.

    Raises:
        ValueError: the pack's encoder has another shape.
    """
    convolutions, (gather_weight, gather_bias) = read_encoder(onnx_file)
    if gather_weight.shape != network.gather.weight.shape:
        raise ValueError(f"{onnx_file} has an encoder of another shape")
    network.gather.weight.data.copy_(torch.from_numpy(gather_weight.copy()))
    network.gather.bias.data.copy_(torch.from_numpy(gather_bias.copy()))
    network.eval()
    copy_convolutions(encoder_pairs(network), convolutions, lambda: network.features(crops))


def copy_convolutions(
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]],
    convolutions: list[Layer],
    run: Callable[[], object],
) -> None:
    """Copies convolutions with folded norms; the norms get the statistics of what goes through them in `run`.

    Args:
        pairs, convolutions: in the order they run.

    Raises:
        ValueError: they have other shapes.
    """
    if [weight.shape for weight, _ in convolutions] != [tuple(conv.weight.shape) for conv, _ in pairs]:
        raise ValueError("the pack's convolutions have other shapes")
    hooks = []
    for (weight, bias), (conv, norm) in zip(convolutions, pairs, strict=True):
        conv.weight.data.copy_(torch.from_numpy(weight.copy()))
        hooks.append(norm.register_forward_hook(_calibrator(torch.from_numpy(bias.copy()))))
    with torch.no_grad():
        run()
    for hook in hooks:
        hook.remove()


def _calibrator(bias: torch.Tensor):
    """A hook that turns a norm into the addition of `bias` by way of the statistics of what it sees."""

    def calibrate(norm: nn.BatchNorm2d, inputs: tuple, _output: torch.Tensor) -> torch.Tensor:
        x, added = inputs[0], bias.to(inputs[0].device)
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.data.copy_(added + mean)
        return x + added[:, None, None]

    return calibrate


def find_stance(maps: torch.Tensor, shapes: torch.Tensor, distance: torch.Tensor) -> torch.Tensor:
    """(B, 9) as `Prediction.stance`, from maps and shapes (B, 3, P) and distances (B,), by least squares.

    Without perspective a map is an affine image of its shape: each point is moved to where it were without.
    """
    ones = torch.ones_like(shapes[:, :1])
    design = torch.cat([shapes, ones], 1).transpose(1, 2)
    towards_camera = torch.linalg.lstsq(design, maps[:, 2:].transpose(1, 2)).solution
    scale = towards_camera[:, :3, 0].norm(dim=1)
    far = 1 - maps[:, 2] / (scale * distance)[:, None]  # depth over the origin's depth
    # x = place + scale (turn q) / far: linear in the unknowns once it is multiplied by far
    rows = [
        torch.linalg.lstsq(
            torch.cat([shapes, far[:, None]], 1).transpose(1, 2), (maps[:, axis] * far)[..., None]
        ).solution[..., 0]
        for axis in (0, 1)
    ]
    return torch.cat(
        [
            rows[0][:, :3] / SCALE_UNIT,
            -rows[1][:, :3] / SCALE_UNIT,
            rows[0][:, 3:],
            rows[1][:, 3:],
            distance.log()[:, None],
        ],
        1,
    )


def start_head(network: HeadNetwork, features: torch.Tensor, targets: torch.Tensor) -> None:
    """Sets the last layer by ridge regression from features (N, F) to coefficients and stance (N, 3 K + 9)."""
    design = torch.cat([features, features.new_ones(len(features), 1)], 1)
    gram = design.T @ design
    gram.diagonal().add_(1e-4 * gram.diagonal().mean())
    solution = torch.linalg.solve(gram, design.T @ targets)
    network.head.weight.data.copy_(solution[:-1].T.contiguous())
    network.head.bias.data.copy_(solution[-1].contiguous())
