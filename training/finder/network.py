"""The network: few convolutions, a feature pyramid, one answer for every cell of two grids.

It knows faces of 14 to 90 pixels; larger ones are found in smaller copies of the picture. So every face is learnt from at
few pixels, and all sizes teach the same weights.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

STRIDES = (8, 16)
MULTIPLE = 32  # of the pictures' sides
POINTS = 5  # eye centres, nose tip, mouth corners; the subject's right comes first
# Channels of an answer: score's logit; box centre and log sides; points; direction of the head's x axis.
ANSWER = {"score": 1, "box": 4, "points": 2 * POINTS, "roll": 2}


@dataclass(frozen=True)
class FinderSize:
    """Channels at strides 4, 8, 16 and 32, and of the pyramid."""

    stem: int = 32
    widths: tuple[int, int, int] = (48, 96, 128)
    pyramid: int = 48


def _normed(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, with a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.depthwise = nn.Sequential(*_normed(inputs, inputs, 3, stride, inputs))
        self.pointwise = nn.Sequential(*_normed(inputs, outputs, 1))
        self.keeps_shape = inputs == outputs and stride == 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.pointwise(functional.relu(self.depthwise(x)))
        return functional.relu(x + y if self.keeps_shape else y)


class Residual(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Sequential(*_normed(channels, channels, 3))
        self.second = nn.Sequential(*_normed(channels, channels, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


class FinderNetwork(nn.Module):
    """Pictures to answers for every cell."""

    def __init__(self, size: FinderSize):
        super().__init__()
        self.size = size
        fine, middle, coarse = size.widths
        # one large step: layers at stride 2 would cost as much as all the others together
        self.stem = nn.Sequential(*_normed(3, size.stem, 7, 4), nn.ReLU())
        self.stages = nn.ModuleList(
            [
                nn.Sequential(*_normed(size.stem, fine, 3, 2), nn.ReLU(), Residual(fine)),
                nn.Sequential(*_normed(fine, middle, 3, 2), nn.ReLU(), Residual(middle)),
                nn.Sequential(Separable(middle, coarse, 2), Separable(coarse, coarse), Separable(coarse, coarse)),
            ]
        )
        self.lateral = nn.ModuleList(nn.Sequential(*_normed(width, size.pyramid, 1)) for width in size.widths)
        self.heads = nn.ModuleList(nn.Sequential(*_normed(size.pyramid, size.pyramid, 3), nn.ReLU()) for _ in STRIDES)
        self.answers = nn.ModuleList(nn.Conv2d(size.pyramid, sum(ANSWER.values()), 1) for _ in STRIDES)
        for answer in self.answers:
            nn.init.normal_(answer.weight, std=0.01)
            nn.init.zeros_(answer.bias)
            answer.bias.data[0] = -4.6  # one cell in a hundred is a face

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """Answers (B, 17, H / s, W / s) for each stride s of pictures (B, 3, H, W) 0..1; sides are multiples of MULTIPLE."""
        x = self.stem(pictures * 4 - 2)
        features = []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            x = stage(x)
            features.append(lateral(x))
        for level in range(len(features) - 2, -1, -1):
            features[level] = features[level] + functional.interpolate(features[level + 1], scale_factor=2.0)
        # the coarsest features only tell the others what surrounds a face
        return [
            answer(head(functional.relu(feature)))
            for answer, head, feature in zip(self.answers, self.heads, features, strict=False)
        ]
