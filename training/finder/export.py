"""Writes the finder pack from a training run: ONNX with half-precision weights, and the manifest.

python -m training.finder.export RUN_FOLDER PACK_FOLDER --version 0.1.0 --min-score 0.54
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from ..pack_file import store_half, store_onnx, write_whole
from ..run import load_averaged
from .losses import UNIT
from .network import MULTIPLE, STRIDES, FinderNetwork, FinderSize

OUTPUTS = tuple(f"faces_{stride}" for stride in STRIDES)
MANIFEST = """[pack]
name = "finder"
version = "{version}"
title = "Synthetic face finder"
license = "MIT and CC0 training assets only; free for any use"
network_sha256 = "{network_sha256}"

[network]
file = "network.onnx"
input = "image"             # float32 (1, 3, H, W), RGB, 0..1
multiple = {multiple}               # that H and W must be of
outputs = {outputs}     # float32 (1, 17, H / stride, W / stride)

[answers]
strides = {strides}
unit = {unit}                  # lengths are in so many strides, from the middle of the cell
# 1: logit of the score; 2: of the 68 landmarks' box, along axes turned by the roll; 2: its width and height; 5 x 2: eye
# centres, nose tip, mouth corners, the subject's right first; 2: of the head's x axis in the picture, y downwards
order = ["score", "centre", "log_sides", "five_points", "cos_sin_roll"]
min_score = {min_score}
"""


def load_network(checkpoint: Path) -> FinderNetwork:
    """The averaged network of a run."""
    return load_averaged(checkpoint, FinderNetwork, FinderSize).eval()


def check_onnx(network: FinderNetwork, path: Path, pictures: np.ndarray) -> float:
    """The largest difference between ONNX and PyTorch in any answer, relative to the answers' spread.

    Args:
        pictures: (N, H, W, 3) uint8.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for picture in pictures:
        image = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
        with torch.no_grad():
            expected = [grid.numpy() for grid in network(torch.from_numpy(image))]
        for grid, wanted in zip(session.run(list(OUTPUTS), {"image": image}), expected, strict=True):
            worst = max(worst, float((np.abs(grid - wanted).max((0, 2, 3)) / wanted.std((0, 2, 3)).clip(1e-3)).max()))
    return worst


def write_pack(network: FinderNetwork, folder: Path, version: str, min_score: float) -> None:
    """Writes network and manifest; the manifest comes last, so that a broken pack has none."""
    folder.mkdir(parents=True, exist_ok=True)
    example, sides = (
        torch.zeros(1, 3, 128, 192),
        {name: {2: f"h_{name}", 3: f"w_{name}"} for name in ("image", *OUTPUTS)},
    )
    checksum = write_whole(
        folder / "network.onnx",
        lambda path: store_onnx(
            path, network, example, "image", list(OUTPUTS), lambda model: store_half(model, 256), sides
        ),
    )
    manifest = MANIFEST.format(
        version=version,
        network_sha256=checksum,
        multiple=MULTIPLE,
        outputs=str(list(OUTPUTS)).replace("'", '"'),
        strides=list(STRIDES),
        unit=UNIT,
        min_score=min_score,
    )
    (folder / "pack.toml").write_text(manifest, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--min-score", type=float, required=True)
    options = parser.parse_args()
    network = load_network(options.run / "checkpoint.pt")
    write_pack(network, options.pack, options.version, options.min_score)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 192, 256, 3), dtype=np.uint8)
    difference = check_onnx(network, options.pack / "network.onnx", pictures)
    size = (options.pack / "network.onnx").stat().st_size
    print(f"{size / 1e6:.2f} MB, largest difference between ONNX and PyTorch: {difference:.4f} of the answers' spread")


if __name__ == "__main__":
    main()
