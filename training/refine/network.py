"""The network: an hourglass over UV, whose narrowest layer sees the whole head at once and tells who it is.

It sees the photo unwrapped by the first pass, so pose is gone from its input, eyes and mouth lie near fixed texels, and
what is left is what the first pass got wrong.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from prn_blender.capture.geometry.unwrap import CHANNELS as SEEN
from prn_blender.capture.geometry.unwrap import TEXELS
from prn_blender.capture.packs.pack import SECOND_PASS_OUTPUTS

ANSWERS = 32  # texels of the answer
COEFFICIENTS = 140  # of the pack's head model: 100 of identity, 40 of expression
UNIT = 3.0  # mm: what the network's numbers are in
LOG_DEVIATIONS = (-3.0, 4.0)
SURE, UNSURE = -2.5, 0.3  # logarithms of a coefficient's deviation, which is 1 where nothing is seen
PLACE_UNIT = 0.08  # metres


@dataclass(frozen=True)
class RefineSize:
    """Channels at 64, 32, 16, 8 and 4 texels, residuals on the way down from 32 on, and what sees all of the head."""

    widths: tuple[int, int, int, int, int] = (96, 128, 192, 256, 320)
    residuals: tuple[int, int, int, int] = (1, 3, 3, 2)
    whole: int = 512


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
            nn.Sequential(Convolution(before, after, 2), *(Residual(after) for _ in range(count)))
            for (before, after), count in zip(pairwise(size.widths), size.residuals, strict=True)
        )
        narrow = d * (TEXELS // 16) ** 2
        self.whole = nn.Sequential(nn.Flatten(), nn.Linear(narrow, size.whole), nn.ReLU(inplace=True))
        self.spread = nn.Linear(size.whole, narrow)
        self.person = nn.Linear(size.whole, 2 * COEFFICIENTS)
        self.up = nn.ModuleList(
            [
                nn.Sequential(Convolution(d + c, c), Residual(c)),
                nn.Sequential(Convolution(c + b, b), Residual(b)),
                nn.Sequential(Convolution(b + a, a), Residual(a)),
            ]
        )
        self.answer = nn.Conv2d(a, 5, 1)

    def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What is told of (B, SEEN, 64, 64).

        Returns:
            (B, 5, 32, 32) offsets to the right, up and forwards in UNIT, and two log deviations;
            (B, 2, COEFFICIENTS) the head model's coefficients and their log deviations.
        """
        places = self.places.expand(seen.shape[0], -1, -1, -1)
        features = [self.stem(torch.cat([seen, places], 1))]
        for layer in self.down:
            features.append(layer(features[-1]))
        x = features.pop()
        whole = self.whole(x.contiguous())
        x = x + self.spread(whole).view_as(x)
        for layer in self.up:
            x = layer(torch.cat([functional.interpolate(x, scale_factor=2.0), features.pop()], 1))
        return self.answer(x).float(), self.person(whole).float().view(-1, 2, COEFFICIENTS)


class PackNetwork(nn.Module):
    """The network with its answer in millimetres."""

    OUTPUTS = SECOND_PASS_OUTPUTS

    def __init__(self, network: RefineNetwork, deviation_scale: float):
        """
        Args:
            deviation_scale: what the offsets' deviations have to be multiplied by to be true on heads that it was not
                shown.
        """
        super().__init__()
        self.network, self.deviation_scale = network, deviation_scale

    def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Offsets (B, 3, 32, 32), deviations (B, 32, 32) of those to the right and up, coefficients (B, 140), theirs."""
        answer, person = self.network(seen)
        # learnt with Laplace's distribution, whose deviation is the root of 2 times its scale
        deviation = answer[:, 3].clamp(*LOG_DEVIATIONS).exp() * (2**0.5 * self.deviation_scale)
        return answer[:, :3] * UNIT, deviation, person[:, 0], person[:, 1].clamp(SURE, UNSURE).exp()
