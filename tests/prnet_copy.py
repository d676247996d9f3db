"""A copy of PRNet that nobody trained: the real UV data, and a checkpoint of random weights written byte by byte."""

import struct
from pathlib import Path

import numpy as np

from benchmarks.prnet_parity import prnet_folder
from prn_blender.capture.packs.crc32c import masked_crc32c
from prn_blender.capture.packs.prnet import CHECKPOINT

__all__ = ["RandomNetwork", "prnet_folder", "random_checkpoint", "table", "write_checkpoint"]


class RandomNetwork:
    """resfcn256 by the definitions of TensorFlow's operations, in numpy; the weights are drawn when first needed.

    Nothing here knows the table of layers that is imported. Batch normalisation takes its means and variances from
    the first picture that is run.
    """

    def __init__(self, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.variables: dict[str, np.ndarray] = {}

    def run(self, image: np.ndarray) -> np.ndarray:
        """(256, 256, 3) 0..1 for a picture (256, 256, 3) uint8."""
        x = image.astype(np.float32) / 255
        x = self._relu("Conv", self._convolution("Conv", x, 16, 4, 1))
        names = ["resBlock", *(f"resBlock_{number}" for number in range(1, 10))]
        for name, outputs in zip(names, (32, 32, 64, 64, 128, 128, 256, 256, 512, 512), strict=True):
            x = self._residual(name, x, outputs, 2 if outputs != x.shape[2] else 1)
        names = ["Conv2d_transpose", *(f"Conv2d_transpose_{number}" for number in range(1, 17))]
        sizes = (8, 16, 16, 16, 32, 32, 32, 64, 64, 64, 128, 128, 256, 256, 256, 256, 256)
        widths = {8: 512, 16: 256, 32: 128, 64: 64, 128: 32, 256: 16}
        for number, (name, size) in enumerate(zip(names, sizes, strict=True)):
            outputs = widths[size] if number < 14 else 3
            x = self._normalised(name, self._transposed(name, x, outputs, size // len(x)))
            x = np.maximum(x, 0) if number < 16 else 1 / (1 + np.exp(-x))
        return x

    def _variable(self, name: str, values: object) -> np.ndarray:
        return self.variables.setdefault(f"resfcn256/{name}", np.asarray(values, np.float32))

    def _weights(self, name: str, *shape: int) -> np.ndarray:
        known = self.variables.get(f"resfcn256/{name}/weights")
        return known if known is not None else self._variable(f"{name}/weights", self.rng.normal(0, 0.1, shape))

    def _convolution(self, name: str, x: np.ndarray, outputs: int, kernel: int, stride: int) -> np.ndarray:
        """`tf.nn.conv2d` with the padding SAME."""
        size = -(-len(x) // stride)
        missing = max((size - 1) * stride + kernel - len(x), 0)
        x = np.pad(x, (*2 * ((missing // 2, missing - missing // 2),), (0, 0)))
        weights = self._weights(name, kernel, kernel, x.shape[2], outputs)
        reach = (size - 1) * stride + 1
        return sum(
            x[row : row + reach : stride, column : column + reach : stride] @ weights[row, column]
            for row in range(kernel)
            for column in range(kernel)
        )

    def _transposed(self, name: str, x: np.ndarray, outputs: int, stride: int) -> np.ndarray:
        """`tf.nn.conv2d_transpose` with the padding SAME: what goes back from a convolution's output to its input."""
        size, reach = len(x) * stride, (len(x) - 1) * stride + 1
        weights = self._weights(name, 4, 4, outputs, x.shape[2])
        total = np.zeros((reach + 3, reach + 3, outputs), np.float32)
        for row in range(4):
            for column in range(4):
                total[row : row + reach : stride, column : column + reach : stride] += x @ weights[row, column].T
        before = (reach + 3 - size) // 2  # as much as the convolution pads
        return total[before : before + size, before : before + size]

    def _normalised(self, name: str, x: np.ndarray) -> np.ndarray:
        channels = x.shape[2]
        mean = self._variable(f"{name}/BatchNorm/moving_mean", x.mean(axis=(0, 1)))
        variance = self._variable(f"{name}/BatchNorm/moving_variance", x.var(axis=(0, 1)))
        # Most of it passes the ReLU, or rounding errors grow from layer to layer.
        beta = self._variable(f"{name}/BatchNorm/beta", self.rng.normal(0.6, 0.3, channels))
        gamma = self._variable(f"{name}/BatchNorm/gamma", self.rng.uniform(0.5, 1, channels))
        return gamma * (x - mean) / np.sqrt(variance + 0.001) + beta

    def _relu(self, name: str, x: np.ndarray) -> np.ndarray:
        return np.maximum(self._normalised(name, x), 0)

    def _residual(self, name: str, x: np.ndarray, outputs: int, stride: int) -> np.ndarray:
        shortcut = x
        if stride != 1 or x.shape[2] != outputs:
            shortcut = self._convolution(f"{name}/shortcut", x, outputs, 1, stride)
        x = self._relu(f"{name}/Conv", self._convolution(f"{name}/Conv", x, outputs // 2, 1, 1))
        x = self._relu(f"{name}/Conv_1", self._convolution(f"{name}/Conv_1", x, outputs // 2, 4, stride))
        return self._relu(name, self._convolution(f"{name}/Conv_2", x, outputs, 1, 1) + shortcut)


def random_checkpoint(folder: Path) -> RandomNetwork:
    """Writes a checkpoint by PRNet's name into a folder; the network it holds."""
    network = RandomNetwork()
    network.run(np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    of_training = {"beta1_power": np.float32(0.9), "resfcn256/Conv/weights/Adam": np.zeros((4, 4, 3, 16), np.float32)}
    write_checkpoint(folder / CHECKPOINT.name, {**network.variables, **of_training})
    return network


# --- The files of a checkpoint --------------------------------------------------------------------------------------


def write_checkpoint(prefix: Path, variables: dict[str, np.ndarray], block_size: int = 2000) -> None:
    """Variables as TensorFlow writes them: float32, sorted by name, in one shard."""
    records = [(b"", _field(1, 1) + _field(3, _field(1, 1)))]
    place = 0
    with prefix.with_name(f"{prefix.name}.data-00000-of-00001").open("wb") as shard:
        for name, values in sorted(variables.items()):
            data = np.asarray(values, "<f4").tobytes()
            shape = b"".join(_field(2, _field(1, size)) for size in np.shape(values))
            entry = _field(1, 1) + _field(2, shape) + (_field(4, place) if place else b"") + _field(5, len(data))
            records.append((name.encode(), entry + b"\x35" + struct.pack("<I", masked_crc32c(data))))
            shard.write(data)
            place += len(data)
    prefix.with_name(f"{prefix.name}.index").write_bytes(table(records, block_size))


def table(records: list[tuple[bytes, bytes]], block_size: int, compression: int = 0) -> bytes:
    """A LevelDB table of sorted records."""
    written, handles, waiting = b"", [], []

    def end_block(content: list[tuple[bytes, bytes]]) -> bytes:
        nonlocal written
        block = _block(content)
        handle = varint(len(written)) + varint(len(block))
        kind = bytes([compression])
        written += block + kind + struct.pack("<I", masked_crc32c(block + kind))
        return handle

    for number, record in enumerate(records, start=1):
        waiting.append(record)
        if number == len(records) or sum(len(key) + len(value) for key, value in waiting) > block_size:
            handles.append((record[0], end_block(waiting)))
            waiting = []
    further = end_block([])
    footer = further + end_block(handles)
    return written + footer.ljust(40, b"\0") + bytes.fromhex("57fb808b247547db")


def _block(records: list[tuple[bytes, bytes]]) -> bytes:
    content, restarts, before = b"", [0], b""
    for number, (key, value) in enumerate(records):
        shared = 0
        if number % 16 == 0:  # here a reader may begin: the key is whole
            restarts = [*restarts, len(content)] if number else restarts
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return content + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def varint(number: int) -> bytes:
    result = b""
    while number > 127:
        result += bytes([number & 127 | 128])
        number >>= 7
    return result + bytes([number])


def _field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value
