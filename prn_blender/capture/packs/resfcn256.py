"""PRNet's network, resfcn256, as a table of its layers; its graph without weights lies beside in `resfcn256.onnx`.

Source: Y. Feng et al., Joint 3D face reconstruction and dense alignment with position map regression network, ECCV
2018, and the names and shapes in its authors' checkpoint. 256 x 256 x 3 in and out, 13.4 million parameters.

Batch normalisation is folded into the convolutions, as an exporter for inference does.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

GRAPH_FILE = Path(__file__).with_name("resfcn256.onnx")
WEIGHTS_NAME = "weights.bin"  # the file beside the graph in which it looks for its parameters, one after the other
SIDE = 256  # pixels and texels

ROOT = "resfcn256"  # before all names in a checkpoint
VARIANCE_OFFSET = 1e-3  # of batch normalisation, where nobody chose another

Reader = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Parameter:
    """An array of the graph."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Convolution:
    """A convolution, transposed or not, with batch normalisation or without anything; never with a bias of its own."""

    scope: str
    inputs: int
    outputs: int
    kernel: int
    stride: int
    transposed: bool = False
    normalised: bool = True

    @property
    def parameters(self) -> list[Parameter]:
        channels = (self.inputs, self.outputs) if self.transposed else (self.outputs, self.inputs)
        weights = Parameter(f"{self.scope}/weights", (*channels, self.kernel, self.kernel))
        return [weights, Parameter(f"{self.scope}/bias", (self.outputs,))] if self.normalised else [weights]

    @property
    def pads(self) -> list[int]:
        """Before and after, for rows and columns: as TensorFlow's SAME, where of an odd number the end gets more."""
        total = max(self.kernel - self.stride, 0)
        return [total // 2] * 2 + [total - total // 2] * 2

    def folded(self, read: Reader) -> Iterator[np.ndarray]:
        """The parameters from a checkpoint's variables."""
        weights = read(f"{self.scope}/weights").astype(np.float64).transpose(3, 2, 0, 1)
        if not self.normalised:
            yield weights
            return
        factor, shift = _normalisation(self.scope, read)
        yield weights * (factor[:, None, None] if self.transposed else factor[:, None, None, None])
        yield shift


@dataclass(frozen=True)
class Residual:
    """A block of three convolutions beside a shortcut; their sum is normalised."""

    scope: str
    inputs: int
    outputs: int
    stride: int

    @property
    def shortcut(self) -> Convolution | None:
        """None where the block's input is taken as it is."""
        if self.stride == 1 and self.inputs == self.outputs:
            return None
        return Convolution(f"{self.scope}/shortcut", self.inputs, self.outputs, 1, self.stride, normalised=False)

    @property
    def convolutions(self) -> list[Convolution]:
        inner = self.outputs // 2
        return [
            Convolution(f"{self.scope}/Conv", self.inputs, inner, 1, 1),
            Convolution(f"{self.scope}/Conv_1", inner, inner, 4, self.stride),
            Convolution(f"{self.scope}/Conv_2", inner, self.outputs, 1, 1, normalised=False),
        ]

    @property
    def _all(self) -> list[Convolution]:
        return ([self.shortcut] if self.shortcut else []) + self.convolutions

    @property
    def normalisation(self) -> list[Parameter]:
        return [Parameter(f"{self.scope}/{name}", (1, self.outputs, 1, 1)) for name in ("factor", "shift")]

    @property
    def parameters(self) -> list[Parameter]:
        return [parameter for layer in self._all for parameter in layer.parameters] + self.normalisation

    def folded(self, read: Reader) -> Iterator[np.ndarray]:
        """The parameters from a checkpoint's variables."""
        for layer in self._all:
            yield from layer.folded(read)
        for values in _normalisation(self.scope, read):
            yield values[None, :, None, None]


def _normalisation(scope: str, read: Reader) -> tuple[np.ndarray, np.ndarray]:
    """(C,) factor and (C,) shift that do what batch normalisation does once it is trained."""
    beta, gamma, mean, variance = (
        read(f"{scope}/BatchNorm/{name}").astype(np.float64)
        for name in ("beta", "gamma", "moving_mean", "moving_variance")
    )
    factor = gamma / np.sqrt(variance + VARIANCE_OFFSET)
    return factor, beta - mean * factor


def _numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def _blocks() -> list[Residual]:
    widths = (16, 32, 64, 128, 256, 512)
    sizes = [size for before, width in pairwise(widths) for size in ((before, width, 2), (width, width, 1))]
    return [Residual(_numbered("resBlock", number), *size) for number, size in enumerate(sizes)]


def _decoder() -> list[Convolution]:
    steps = (
        *((512, 1), (256, 2), (256, 1), (256, 1), (128, 2), (128, 1), (128, 1), (64, 2), (64, 1), (64, 1)),
        *((32, 2), (32, 1), (16, 2), (16, 1), (3, 1), (3, 1), (3, 1)),
    )
    inputs = (512, *(outputs for outputs, _ in steps))
    return [
        Convolution(_numbered("Conv2d_transpose", number), inputs[number], outputs, 4, stride, transposed=True)
        for number, (outputs, stride) in enumerate(steps)
    ]


# In the order of the graph: ReLU follows each, a sigmoid the last.
LAYERS: list[Convolution | Residual] = [Convolution("Conv", 3, 16, 4, 1), *_blocks(), *_decoder()]


def parameters() -> list[Parameter]:
    """All of the graph's, in the order in which they lie in its file of weights, each as float32."""
    return [parameter for layer in LAYERS for parameter in layer.parameters]


def folded_weights(read: Reader) -> Iterator[np.ndarray]:
    """The values of `parameters()`, float32.

    Args:
        read: gives a variable of the checkpoint by its name.

    Raises:
        ValueError: a variable has the wrong shape, or is not finite.
        CaptureError: from `read`.
    """
    expected = iter(parameters())
    for layer in LAYERS:
        for values in layer.folded(lambda name: read(f"{ROOT}/{name}")):
            parameter = next(expected)
            if values.shape != parameter.shape:
                raise ValueError(f"{parameter.name} has the shape {values.shape}, not {parameter.shape}")
            if not np.isfinite(values).all():
                raise ValueError(f"{parameter.name} holds what is no number")
            yield np.ascontiguousarray(values, "<f4")
