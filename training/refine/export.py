"""Writes the second pass of a head pack from a training run: ONNX with half-precision weights, and its part of the manifest.

python -m training.refine.export PACK_FOLDER RUN_FOLDER... --deviation-scale 1.0

RUN_FOLDER is one of `training.refine.train`, or the OUTPUT of `training.on_gpu`; of several, states of one run, it is the
mean of their weights.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from torch.optim.swa_utils import AveragedModel

from ..pack_file import store_half, store_onnx, write_section, write_whole
from ..weight_parts import load_trained
from .network import ANSWERS, COEFFICIENTS, SEEN, TEXELS, PackNetwork, RefineNetwork, RefineSize

FILE = "refine.onnx"
SECTION = """[refine]                    # the second pass: sees the photo over UV, tells where the surface really is
file = "{file}"
sha256 = "{sha256}"
input = "seen"              # float32 (1, {seen}, {texels}, {texels}) by UV, as the capture's geometry/unwrap.py makes it
offset = "offset"           # float32 (1, 3, {answers}, {answers}), mm to the right, up and forwards for an upright head
deviation = "deviation"     # float32 (1, {answers}, {answers}), mm, of the offsets to the right and up each
coefficients = "coefficients"   # float32 (1, {coefficients}), of the head model: identity, then expression
coefficient_deviations = "coefficient_deviations"   # float32 (1, {coefficients})
"""


@torch.no_grad()
def check_onnx(network: PackNetwork, path: Path, seen: np.ndarray) -> dict[str, float]:
    """The largest difference of each output between ONNX and PyTorch for inputs (N, SEEN, 64, 64), in its own unit."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = dict.fromkeys(PackNetwork.OUTPUTS, 0.0)
    for one in seen:
        found, right = session.run(list(worst), {"seen": one[None]}), network(torch.from_numpy(one[None]))
        for name, a, b in zip(worst, found, right, strict=True):
            worst[name] = max(worst[name], float(np.abs(a - b.numpy()).max()))
    return worst


def write_into(folder: Path, network: PackNetwork) -> None:
    """Puts the network into a pack, and what it is into the pack's manifest."""
    example, outputs = torch.zeros(1, SEEN, TEXELS, TEXELS), list(PackNetwork.OUTPUTS)
    checksum = write_whole(
        folder / FILE,
        lambda path: store_onnx(path, network, example, "seen", outputs, lambda model: store_half(model, 4096)),
    )
    section = SECTION.format(
        file=FILE, sha256=checksum, seen=SEEN, texels=TEXELS, answers=ANSWERS, coefficients=COEFFICIENTS
    )
    write_section(folder, "refine", section)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--deviation-scale", type=float, required=True, help="that makes its deviations true")
    options = parser.parse_args()
    first, *others = (load_trained(run, RefineNetwork, RefineSize) for run in options.runs)
    mean = AveragedModel(first, use_buffers=True)
    for one in (first, *others):
        mean.update_parameters(one)
    network = PackNetwork(mean.module, options.deviation_scale).eval()
    write_into(options.pack, network)
    seen = np.random.default_rng(0).normal(size=(4, SEEN, TEXELS, TEXELS)).astype(np.float32)
    for name, difference in check_onnx(network, options.pack / FILE, seen).items():
        print(f"largest difference between ONNX and PyTorch, {name}: {difference:.4f}")


if __name__ == "__main__":
    main()
