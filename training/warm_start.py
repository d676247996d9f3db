"""Starts a network from the encoder of an earlier pack whose batch norms were folded away at export."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from .network import HeadNetwork


def read_encoder(onnx_file: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of the encoder's convolutions in the order they run, and of the layer after them."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(onnx_file).graph
    values = {item.name: numpy_helper.to_array(item).astype(np.float32) for item in graph.initializer}
    values |= {node.output[0]: values[node.input[0]] for node in graph.node if node.op_type == "Cast"}
    convolutions = []
    for node in graph.node:
        if node.op_type == "Conv":
            convolutions.append((values[node.input[1]], values[node.input[2]]))
        if node.op_type == "Gemm":
            return convolutions, (values[node.input[1]], values[node.input[2]])
    raise ValueError(f"{onnx_file} has no fully connected layer")


def _pairs(network: HeadNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with their norms in the order they run: of a block, the shortcut comes first."""
    pairs = [(network.stem, network.stem_norm)]
    for block in network.layers:
        if block.shortcut is not None:
            pairs.append((block.shortcut, block.shortcut_norm))
        pairs += [(block.first, block.first_norm), (block.second, block.second_norm)]
    return pairs


def start_encoder(network: HeadNetwork, onnx_file: Path, crops: torch.Tensor) -> None:
    """Copies the encoder; its norms get the statistics of `crops`, so that the function stays the same.

    Raises:
        ValueError: the pack's encoder has another shape.
    """
    convolutions, (gather_weight, gather_bias) = read_encoder(onnx_file)
    pairs = _pairs(network)
    shapes = [
        (weight.shape, tuple(conv.weight.shape)) for (weight, _), (conv, _) in zip(convolutions, pairs, strict=True)
    ]
    if any(a != b for a, b in shapes) or gather_weight.shape != network.gather.weight.shape:
        raise ValueError(f"{onnx_file} has an encoder of another shape")
    hooks = []
    for (weight, bias), (conv, norm) in zip(convolutions, pairs, strict=True):
        conv.weight.data = torch.from_numpy(weight.copy())
        hooks.append(norm.register_forward_hook(_calibrator(torch.from_numpy(bias.copy()))))
    network.gather.weight.data = torch.from_numpy(gather_weight.copy())
    network.gather.bias.data = torch.from_numpy(gather_bias.copy())
    network.eval()
    with torch.no_grad():
        network.features(crops)
    for hook in hooks:
        hook.remove()


def _calibrator(bias: torch.Tensor):
    """A hook that turns a norm into the addition of `bias` by way of the statistics of what it sees."""

    def calibrate(norm: nn.BatchNorm2d, inputs: tuple, _output: torch.Tensor) -> torch.Tensor:
        x = inputs[0]
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.data = torch.sqrt(variance + norm.eps)
        norm.bias.data = bias + mean
        return x + bias[:, None, None]

    return calibrate


def start_decoder(network: HeadNetwork, features: torch.Tensor, coefficients: torch.Tensor) -> None:
    """Sets the last layer by ridge regression from features (N, F) to coefficients (N, 3, K)."""
    design = torch.cat([features, torch.ones(len(features), 1)], 1)
    gram = design.T @ design
    gram += torch.eye(len(gram)) * (1e-4 * gram.diagonal().mean())
    solution = torch.linalg.solve(gram, design.T @ coefficients.flatten(1))
    network.coefficients.weight.data = solution[:-1].T.contiguous()
    network.coefficients.bias.data = solution[-1].contiguous()
