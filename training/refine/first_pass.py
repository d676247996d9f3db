"""First passes of a pack's network over rendered heads: the position maps that the second pass begins with."""

from pathlib import Path

import torch
from torch.nn import functional

from ..augment import CropRange, Squares
from ..network import FAST, HeadNetwork, MapNetwork
from ..warm_start import encoder_pairs, read_encoder, read_values
from .network import TEXELS

TILT = 0.03  # radians, deviation of a crop's roll from the head's


def load_map_network(onnx_file: Path) -> MapNetwork:
    """A pack's network with maps of 64 x 64, each of whose texels is the mean of finer ones.

    Raises:
        ValueError, KeyError, RuntimeError: it is not a network of ours.
    """
    values = read_values(onnx_file)
    network = HeadNetwork(FAST)
    convolutions, gather = read_encoder(onnx_file)
    for (weight, bias), (convolution, norm) in zip(convolutions, encoder_pairs(network), strict=True):
        convolution.weight.data.copy_(torch.from_numpy(weight.copy()))
        norm.bias.data.copy_(torch.from_numpy(bias.copy()))
        norm.running_var.fill_(1 - norm.eps)  # the export folded the norms into the convolutions
    network.gather.weight.data.copy_(torch.from_numpy(gather[0].copy()))
    network.gather.bias.data.copy_(torch.from_numpy(gather[1].copy()))
    for name in ("head", "seen", "error"):
        for part in ("weight", "bias"):
            getattr(getattr(network, name), part).data.copy_(torch.from_numpy(values[f"network.{name}.{part}"].copy()))
    mean, basis = (_coarse(torch.from_numpy(values[name].copy())) for name in ("mean", "basis"))
    return MapNetwork(network, mean, basis).eval()


def _coarse(rows: torch.Tensor) -> torch.Tensor:
    """(K, R * R) of maps as (K, 64 * 64)."""
    size = round(rows.shape[1] ** 0.5)
    return functional.avg_pool2d(rows.view(-1, 1, size, size), size // TEXELS).flatten(1)


class FirstPass(torch.nn.Module):
    """A pack's network on rendered pictures, in crops as a capture's last pass has them."""

    def __init__(self, network: MapNetwork):
        super().__init__()
        self.network, self.crop = network, CropRange()

    @torch.no_grad()
    def forward(
        self, pictures: torch.Tensor, landmarks: torch.Tensor, roll: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """(B, 64, 64, 3) in units of the pictures (B, 3, S, S) 0..1.

        Args:
            landmarks: (B, 68, 2) in units of the pictures.
            roll: (B,) radians, of the heads.
        """
        shift, zoom = self.crop.jitters[0]

        def normal(*shape: int) -> torch.Tensor:
            return torch.randn(len(pictures), *shape, generator=generator, device=pictures.device)

        squares = Squares.around(landmarks, roll + normal() * TILT, self.crop.rule)
        squares = squares.moved(normal(2) * shift, normal() * zoom)
        maps = self.network(squares.cut(pictures, self.network.network.size.input_size))[0]
        return squares.to_picture(maps.flatten(1, 2)).view(-1, TEXELS, TEXELS, 3)
