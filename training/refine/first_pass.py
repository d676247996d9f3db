"""First passes of a pack's network over rendered heads: the position maps that the second pass begins with."""

from pathlib import Path

import torch

from ..augment import CropRange, Squares
from ..basis import MapBasis
from ..network import FAST, HeadNetwork, MapNetwork
from ..warm_start import copy_last_layers, encoder_pairs, read_encoder
from .network import TEXELS

TILT = 0.03  # radians, deviation of a crop's roll from the head's


def load_map_network(onnx_file: Path) -> MapNetwork:
    """A pack's network with maps of 64 x 64.

    Raises:
        ValueError, KeyError, RuntimeError: it is not a network of ours.
    """
    network = HeadNetwork(FAST)
    convolutions, gather = read_encoder(onnx_file)
    for (weight, bias), (convolution, norm) in zip(convolutions, encoder_pairs(network), strict=True):
        convolution.weight.data.copy_(torch.from_numpy(weight.copy()))
        norm.bias.data.copy_(torch.from_numpy(bias.copy()))
        norm.running_var.fill_(1 - norm.eps)  # the export folded the norms into the convolutions
    network.gather.weight.data.copy_(torch.from_numpy(gather[0].copy()))
    network.gather.bias.data.copy_(torch.from_numpy(gather[1].copy()))
    copy_last_layers(network, onnx_file)
    return coarse_map_network(network, MapBasis.of_pack(onnx_file))


def coarse_map_network(network: HeadNetwork, basis: MapBasis) -> MapNetwork:
    """A network with maps of 64 x 64, ready to run."""
    return MapNetwork(network, torch.from_numpy(basis.mean), torch.from_numpy(basis.components)).eval()


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
