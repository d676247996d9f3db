"""The head networks: a residual encoder and a linear decoder.

Position maps of heads in crops are linear in few numbers: each of x, y, z is a weighted sum of the head's coordinate
functions. So the decoder is a fixed basis (`basis.py`) and the encoder finds 3 K coefficients; a pass costs what the
encoder costs, and the map may have any resolution.
"""

from dataclasses import asdict, dataclass

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

    def to_dict(self) -> dict:
        """For checkpoints."""
        return asdict(self)


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


class HeadNetwork(nn.Module):
    """Crops to coefficients of the position map's basis."""

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
        self.coefficients = nn.Linear(size.features, 3 * size.basis)
        self._frozen_blocks = 0

    def freeze(self, blocks: int) -> None:
        """Keeps the stem and the first blocks as they are: a warm start then learns faster on little hardware."""
        self._frozen_blocks = blocks
        for module in self._frozen():
            module.requires_grad_(False)

    def _frozen(self) -> list[nn.Module]:
        return [self.stem, self.stem_norm, *self.layers[: self._frozen_blocks]] if self._frozen_blocks else []

    def train(self, mode: bool = True) -> "HeadNetwork":
        """As usual; frozen norms stay in evaluation mode."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def features(self, crops: torch.Tensor) -> torch.Tensor:
        """(B, features) of crops (B, 3, S, S) 0..1."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._frozen_blocks):
            x = functional.relu(self.stem_norm(self.stem(crops - 0.5)))
            x = self.layers[: self._frozen_blocks](x)
        x = self.layers[self._frozen_blocks :](x)
        return functional.relu(self.gather(x.contiguous().flatten(1)))

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(B, 3, K) coefficients."""
        return self.coefficients(self.features(crops)).view(-1, 3, self.size.basis)


def decode(coefficients: torch.Tensor, mean: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Positions (B, 3, P) from coefficients (B, 3, K), mean (3, P) and basis (K, P)."""
    return coefficients @ basis + mean


class MapNetwork(nn.Module):
    """A head network as packs store it: `image` (N, 3, S, S) to `position_map` (N, R, R, 3).

    With `mirrored` it also sees the mirrored crop and returns the mean of both maps.
    """

    def __init__(self, network: HeadNetwork, mean: torch.Tensor, basis: torch.Tensor, mirrored: bool):
        super().__init__()
        self.network = network
        self.mirrored = mirrored
        self.resolution = round(basis.shape[1] ** 0.5)
        self.register_buffer("mean", mean)
        self.register_buffer("basis", basis)
        self.register_buffer("mirror_sign", torch.tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1))
        self.register_buffer("mirror_offset", torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))

    def maps(self, image: torch.Tensor) -> torch.Tensor:
        """(N, 3, R, R)."""
        return decode(self.network(image), self.mean, self.basis).view(-1, 3, self.resolution, self.resolution)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        if not self.mirrored:
            return self.maps(image).permute(0, 2, 3, 1)
        seen, mirrored = self.maps(torch.cat([image, image.flip(3)])).chunk(2)
        return ((seen + mirrored.flip(3) * self.mirror_sign + self.mirror_offset) / 2).permute(0, 2, 3, 1)

    @torch.no_grad()
    def predict(self, crops: np.ndarray) -> np.ndarray:
        """(N, R, R, 3) of crops (N, S, S, 3) uint8."""
        parts = np.array_split(crops, -(-len(crops) // 32))
        return np.concatenate(
            [self(torch.from_numpy(part.copy()).permute(0, 3, 1, 2).float() / 255).numpy() for part in parts]
        )
