"""The network: an hourglass over UV, whose narrowest layer sees the whole head at once.

It sees the photo unwrapped by the first pass, so pose is gone from its input, eyes and mouth lie near fixed texels, and
what is left is what the first pass got wrong.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

TEXELS = 64  # of the input, each with 2 x 2 finer ones of the photo
ANSWERS = 32  # texels of the answer
COLOURS = 12  # 2 x 2 texels in three colours
SEEN = COLOURS + 3 + 1 + 1  # and normals, whether inside of the photo, pixels per mm
UNIT = 3.0  # mm: what the network's numbers are in
LOG_DEVIATIONS = (-3.0, 4.0)
PLACE_UNIT = 8.0  # cm


@dataclass(frozen=True)
class RefineSize:
    """Channels at 64, 32, 16, 8 and 4 texels, and of the layer that sees all of them."""

    widths: tuple[int, int, int, int, int] = (32, 48, 96, 128, 160)
    whole: int = 384


class Convolution(nn.Sequential):
    """With its norm."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        )


class Residual(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(self.first(x)))


class RefineNetwork(nn.Module):
    """What the texels show to where they really are."""

    def __init__(self, size: RefineSize):
        super().__init__()
        self.size = size
        fine, a, b, c, d = size.widths
        self.register_buffer("places", torch.zeros(3, TEXELS, TEXELS))  # of the mean head, PLACE_UNIT
        self.stem = Convolution(SEEN + 3, fine)
        self.down = nn.ModuleList(
            [
                nn.Sequential(Convolution(fine, a, 2), Residual(a)),
                nn.Sequential(Convolution(a, b, 2), Residual(b), Residual(b)),
                nn.Sequential(Convolution(b, c, 2), Residual(c), Residual(c)),
                nn.Sequential(Convolution(c, d, 2), Residual(d)),
            ]
        )
        narrow = d * (TEXELS // 16) ** 2
        self.whole = nn.Sequential(
            nn.Flatten(), nn.Linear(narrow, size.whole), nn.ReLU(), nn.Linear(size.whole, narrow)
        )
        self.up = nn.ModuleList(
            [
                nn.Sequential(Convolution(d + c, c), Residual(c)),
                nn.Sequential(Convolution(c + b, b), Residual(b)),
                nn.Sequential(Convolution(b + a, a), Residual(a)),
            ]
        )
        self.answer = nn.Conv2d(a, 5, 1)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """(B, 5, 32, 32) offsets to the right, up and forwards in UNIT, and two log deviations, from (B, SEEN, 64, 64)."""
        places = self.places.expand(seen.shape[0], -1, -1, -1)
        features = [self.stem(torch.cat([seen, places], 1))]
        for layer in self.down:
            features.append(layer(features[-1]))
        x = features.pop()
        x = x + self.whole(x.contiguous()).view_as(x)
        for layer in self.up:
            x = layer(torch.cat([functional.interpolate(x, scale_factor=2.0), features.pop()], 1))
        return self.answer(x).float()


class PackNetwork(nn.Module):
    """The network with its answer in millimetres."""

    OUTPUTS = ("offset", "deviation")

    def __init__(self, network: RefineNetwork, deviation_scale: float):
        """
        Args:
            deviation_scale: what the deviations have to be multiplied by to be true on heads that it was not shown.
        """
        super().__init__()
        self.network, self.deviation_scale = network, deviation_scale

    def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Offsets (B, 3, 32, 32), and deviations (B, 32, 32) of those to the right and up."""
        answer = self.network(seen)
        # learnt with Laplace's distribution, whose deviation is the root of 2 times its scale
        return answer[:, :3] * UNIT, answer[:, 3].clamp(*LOG_DEVIATIONS).exp() * (2**0.5 * self.deviation_scale)
