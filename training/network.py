"""The head networks: a residual encoder, a linear decoder of the head's shape, and the camera that looks at it.

The encoder finds 3 K coefficients of a fixed basis (`basis.py`), which give the shape in the head's own axes, and how
the shape stands before the camera: turn, size, place, distance. Together they give the position map, so that a map is
always a head seen in perspective; a pass costs what the encoder costs, and the map may have any resolution.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class NetworkSize:
    """What makes up a network."""

    input_size: int = 128
    width: int = 24
    blocks: tuple[int, ...] = (2, 2, 2, 2)
    widths: tuple[int, ...] = (2, 4, 6, 10)  # times `width`
    features: int = 512
    basis: int = 128


# Texels per side of what is said about the surface besides its position.
SEEN_RESOLUTION = 32
# Metres. The cameras of the training pictures were 0.32 to 4 metres away.
DISTANCES = (0.25, 5.0)
# Crop sides per metre, about: the network's numbers should be about 1.
SCALE_UNIT = 4.0

FAST = NetworkSize()
FULL = NetworkSize(input_size=256, width=64, blocks=(3, 4, 6, 4), widths=(1, 2, 4, 8), features=1024, basis=160)


class Residual(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        return functional.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))


class Prediction(NamedTuple):
    """What a head network says of crops."""

    shape: torch.Tensor  # (B, 3, K) coefficients of the basis
    stance: (
        torch.Tensor
    )  # (B, 9): two rows of scaled rotation, the origin's place in the crop, the distance's logarithm
    seen: torch.Tensor  # (B, V, V) logits: is this texel's surface seen
    error: torch.Tensor  # (B, V, V) logarithm of the expected distance to the true position, crop sides


class HeadNetwork(nn.Module):
    """Crops to what `decode` makes position maps of."""

    def __init__(self, size: NetworkSize):
        super().__init__()
        self.size = size
        self.stem = nn.Conv2d(3, size.width, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(size.width)
        layers, channels = [], size.width
        for multiple, count in zip(size.widths, size.blocks, strict=True):
            for k in range(count):
                layers.append(Residual(channels, multiple * size.width, 2 if k == 0 else 1))
                channels = multiple * size.width
        self.layers = nn.Sequential(*layers)
        grid = size.input_size // 2 ** (1 + len(size.blocks))
        self.gather = nn.Linear(channels * grid * grid, size.features)
        self.head = nn.Linear(size.features, 3 * size.basis + 9)
        self.seen = nn.Linear(size.features, SEEN_RESOLUTION**2)
        self.error = nn.Linear(size.features, SEEN_RESOLUTION**2)
        nn.init.constant_(self.error.bias, -4.0)  # 2 % of the crop's side
        # a frontal head in the middle of the crop, a metre away
        self.head.bias.data[-9:] = torch.tensor([1.1, 0, 0, 0, 1.1, 0, 0.5, 0.5, 0])

    def features(self, crops: torch.Tensor) -> torch.Tensor:
        """(B, features) of crops (B, 3, S, S) 0..1."""
        x = self.layers(functional.relu(self.stem_norm(self.stem(crops - 0.5))))
        return functional.relu(self.gather(x.contiguous().flatten(1)))

    def forward(self, crops: torch.Tensor) -> Prediction:
        features = self.features(crops)
        with torch.autocast(crops.device.type, enabled=False):  # a tenth of a pixel is finer than bf16
            if features.dtype != torch.float32:  # a cast that casts nothing would still be exported
                features = features.float()
            shape, stance = self.head(features).split([3 * self.size.basis, 9], 1)
            grid = (-1, SEEN_RESOLUTION, SEEN_RESOLUTION)
            return Prediction(
                shape.view(-1, 3, self.size.basis),
                stance,
                self.seen(features).view(grid),
                # the error is judged by what the map needs anyway; it must not shape the features
                self.error(features.detach()).view(grid),
            )


class Decoded(NamedTuple):
    """The head that a prediction describes."""

    maps: torch.Tensor  # (B, 3, P) crop units
    shapes: torch.Tensor  # (B, 3, P) metres in the head's own axes
    log_distance: torch.Tensor  # (B,) logarithm of metres


def orthonormal(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The rotations (B, 3, 3) whose first two rows are nearest to `rows` (B, 2, 3) and the rows' mean length (B,)."""
    length = rows.norm(dim=2, keepdim=True)
    first, second = (rows / length).unbind(1)
    middle = functional.normalize(first + second, dim=1)
    across = functional.normalize(first - second, dim=1)
    first, second = (middle + across) * 0.5**0.5, (middle - across) * 0.5**0.5
    return torch.stack([first, second, torch.linalg.cross(first, second)], 1), length.mean((1, 2))


def decode(prediction: Prediction, mean: torch.Tensor, basis: torch.Tensor) -> Decoded:
    """Position maps of points with mean (3, P) and basis (K, P), in metres in the head's own axes.

    The camera looks at the head's origin from a distance D. A point q from there, in camera axes, appears at
    origin + scale q_xy / (1 - q_z / D), and its z is scale q_z (`head_model.project`).
    """
    shapes = prediction.shape @ basis + mean
    turn, scale = orthonormal(prediction.stance[:, :6].view(-1, 2, 3) * SCALE_UNIT)
    log_distance = prediction.stance[:, 8]
    distance = log_distance.clamp(math.log(DISTANCES[0]), math.log(DISTANCES[1])).exp()
    x, y, z = ((turn * scale[:, None, None]) @ shapes).unbind(1)
    nearness = 1 / (1 - z / (scale * distance)[:, None]).clamp(min=0.2)
    place = prediction.stance[:, 6:8]
    # crops have y downwards
    maps = torch.stack([place[:, :1] + x * nearness, place[:, 1:] - y * nearness, z], 1)
    return Decoded(maps, shapes, log_distance)


class MapNetwork(nn.Module):
    """A head network as packs store it, from `image` (N, 3, S, S) to

    - `position_map` (N, R, R, 3),
    - `visibility` (N, V, V) 0..1, how likely each texel's surface is seen,
    - `expected_error` (N, V, V), of the position, crop units,
    - `distance` (N,), metres from the camera to the head's origin for a head of the canonical head's size.

    All are means over four views of the crop: whole and from closer by, each also mirrored.
    """

    OUTPUTS = ("position_map", "visibility", "expected_error", "distance")

    def __init__(self, network: HeadNetwork, mean: torch.Tensor, basis: torch.Tensor):
        super().__init__()
        self.network = network
        self.resolution = round(basis.shape[1] ** 0.5)
        self.margin = network.size.input_size // 16  # that the closer view leaves out on every side
        self.part = 1 - 2 * self.margin / network.size.input_size  # that the closer view shows of the crop's side
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.register_buffer("mirror_sign", torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1))
        self.register_buffer("mirror_offset", torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))
        self.register_buffer("part_offset", torch.tensor([0.5, 0.5, 0.0]).view(1, 3, 1, 1) * (1 - self.part))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        prediction = self.network(self.views(image))
        decoded = decode(prediction, self.mean, self.basis)
        maps, mirrored = decoded.maps.view(-1, 3, self.resolution, self.resolution).chunk(2)
        maps, closer = ((maps + mirrored.flip(3) * self.mirror_sign + self.mirror_offset) / 2).chunk(2)
        maps = (maps + closer * self.part + self.part_offset) / 2
        seen, seen_mirrored = prediction.seen.sigmoid().chunk(2)
        error, error_mirrored = prediction.error.exp().chunk(2)
        error, error_closer = ((error + error_mirrored.flip(2)) / 2).chunk(2)
        return (
            maps.permute(0, 2, 3, 1),
            sum((seen + seen_mirrored.flip(2)).chunk(2)) / 4,
            (error + error_closer * self.part) / 2,
            (sum(decoded.log_distance.chunk(4)) / 4).exp(),
        )

    def views(self, image: torch.Tensor) -> torch.Tensor:
        """(4 N, 3, S, S): the crops, from closer by, and both mirrored."""
        size, margin = self.network.size.input_size, self.margin
        middle = image[:, :, margin : size - margin, margin : size - margin]
        closer = functional.interpolate(middle, (size, size), mode="bilinear", align_corners=False)
        straight = torch.cat([image, closer])
        return torch.cat([straight, straight.flip(3)])

    @torch.no_grad()
    def predict(self, crops: np.ndarray) -> np.ndarray:
        """Position maps (N, R, R, 3) of crops (N, S, S, 3) uint8."""
        parts = np.array_split(crops, -(-len(crops) // 32))
        return np.concatenate(
            [self(torch.from_numpy(part.copy()).permute(0, 3, 1, 2).float() / 255)[0].numpy() for part in parts]
        )
