"""Writes a model pack from a training run: network, topologies, manifest.

python -m training.export RUN_FOLDER PACK_FOLDER --layout L.npz --landmarks LM.npz --basis B.npz --version 0.3.0

RUN_FOLDER is one of `training.train`, or OUTPUT/first of `training.on_gpu`; such a network's basis is that of the pack it
went on from: `--basis PACK/network.onnx`.

Precisions: `compact` stores large weights as fp16 and computes in fp32, the same result on every provider in half the
size; `fp32` is the network as it was trained; `fp16` computes in half precision too, for graphics cards.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .assets import FaceKit, load_facekit
from .basis import MapBasis
from .crop_rule import CROP_RULE
from .network import SEEN_RESOLUTION, HeadNetwork, MapNetwork, NetworkSize
from .pack_file import store_half, store_onnx, write_whole
from .topology import make_loop_topology, make_topology
from .uv_layout import UvLayout
from .weight_parts import load_trained

LEVELS = {"low": -1, "game": 0, "detailed": 1, "sculpt": 2}  # of subdivision

MANIFEST = """[pack]
name = "{name}"
version = "{version}"
title = "{title}"
license = "made from MIT, Apache-2.0 and CC0 assets only; free for any use"
topology_sha256 = "{topology_sha256}"
network_sha256 = "{network_sha256}"

[topologies]                # what the user chooses from
standard = {{ title = "Even Grid", quads = {standard}, about = " in straight rows over the whole head" }}
low = {{ title = "Low Poly", quads = {low}, about = " with edge loops around eyes, mouth, nostrils and ears: for crowds and previews" }}
game = {{ title = "Game", quads = {game}, about = " with edge loops around eyes, mouth, nostrils and ears: for rigging and games" }}
detailed = {{ title = "Detailed", quads = {detailed}, about = " with the same edge loops: Low Poly and Game subdivided" }}
sculpt = {{ title = "Sculpt", quads = {sculpt}, about = " with the same edge loops, to sculpt on: Detailed subdivided" }}

[loops]                     # topologies with edge loops, by the level of subdivision
file = "loops.npz"
sha256 = "{loops_sha256}"
levels = {{ {levels} }}

[network]
file = "network.onnx"
input = "image"             # float32 (N, 3, {size}, {size}), RGB, 0..1
output = "position_map"     # float32 (N, {resolution}, {resolution}, 3)
visibility = "visibility"   # float32 (N, {seen}, {seen}) by UV, 0..1: how likely the surface is seen, not covered by itself or by anything else
expected_error = "expected_error"   # float32 (N, {seen}, {seen}) by UV: expected distance of the position from the true one, crop units
distance = "distance"       # float32 (N,): metres from the camera to origin_canonical for a head as large as the canonical one

[crop]
from_landmarks = {{ scale = {crop_scale}, shift_y = {crop_shift_y} }}   # side over the mean of the 68 points' box sides; how far the centre is moved, in sides

[position_map]
xy = "crop"                 # unit crop: x right, y down, (0, 0) the crop's top-left corner, (1, 1) its bottom-right corner
z = "crop"                  # same unit, larger is nearer, along the line of sight to origin_canonical, where it is 0
projection = "perspective"
"""


def load_network(run_folder: Path, basis_file: Path) -> MapNetwork:
    """The averaged network of a run with the pack's basis, ready to run."""
    network = load_trained(run_folder, HeadNetwork, NetworkSize)
    basis = MapBasis.load(basis_file)
    return MapNetwork(network, torch.from_numpy(basis.fine_mean), torch.from_numpy(basis.fine_components)).eval()


def _compute_half(model):
    from onnxconverter_common.float16 import convert_float_to_float16

    return convert_float_to_float16(model, keep_io_types=True)


PRECISIONS: dict[str, Callable] = {
    "compact": lambda model: store_half(model, 4096),
    "fp32": lambda model: model,
    "fp16": _compute_half,
}


def write_onnx(network: MapNetwork, path: Path, precision: str = "compact") -> None:
    """ONNX with float32 inputs and outputs, for any number of crops."""
    size, outputs = network.network.size.input_size, list(MapNetwork.OUTPUTS)
    counts = {name: {0: "n"} for name in ("image", *outputs)}
    store_onnx(path, network, torch.zeros(1, 3, size, size), "image", outputs, PRECISIONS[precision], counts)


@torch.no_grad()
def check_onnx(network: MapNetwork, path: Path, crops: np.ndarray) -> dict[str, float]:
    """The largest difference of each output between ONNX and PyTorch for crops (N, S, S, 3) uint8."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = crops.transpose(0, 3, 1, 2).astype(np.float32) / 255
    found = session.run(list(MapNetwork.OUTPUTS), {"image": image})
    right = network(torch.from_numpy(image))
    return {
        name: float(np.abs(a - b.numpy()).max()) for name, a, b in zip(MapNetwork.OUTPUTS, found, right, strict=True)
    }


def topology_files(
    kit: FaceKit, layout: UvLayout, landmark_uv: np.ndarray, resolution: int
) -> tuple[dict[str, Callable[[Path], None]], dict[str, int]]:
    """What writes each of a pack's topology files, and how many quads each topology has."""
    topology = make_topology(kit, layout, landmark_uv, resolution)
    loops = make_loop_topology(kit, layout, resolution)
    files: dict[str, Callable[[Path], None]] = {
        "topology.npz": lambda path: np.savez_compressed(path, **topology),
        "loops.npz": lambda path: np.savez_compressed(path, **loops),
    }
    levels = {name: int(len(loops["faces"]) * 4.0**level) for name, level in LEVELS.items()}
    return files, {"standard": len(topology["faces"]), **levels}


def write_pack(
    network: MapNetwork,
    folder: Path,
    layout: UvLayout,
    landmark_uv: np.ndarray,
    name: str,
    title: str,
    version: str,
    precision: str = "compact",
) -> None:
    """Writes network, topologies and manifest; the manifest comes last, so that a broken pack has none."""
    folder.mkdir(parents=True, exist_ok=True)
    files, quads = topology_files(load_facekit(), layout, landmark_uv, network.resolution)
    files["network.onnx"] = lambda path: write_onnx(network, path, precision)
    checksums = {}
    for file, write in files.items():
        checksums[f"{Path(file).stem}_sha256"] = write_whole(folder / file, write)
    (folder / "pack.toml").write_text(
        MANIFEST.format(
            name=name,
            version=version,
            title=title,
            size=network.network.size.input_size,
            resolution=network.resolution,
            seen=SEEN_RESOLUTION,
            crop_scale=CROP_RULE.scale,
            crop_shift_y=CROP_RULE.shift_y,
            levels=", ".join(f"{name} = {level}" for name, level in LEVELS.items()),
            **quads,
            **checksums,
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--landmarks", type=Path, required=True)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--precision", choices=PRECISIONS, default="compact")
    parser.add_argument("--name", default="head_fast")
    parser.add_argument("--title", default="Synthetic head (fast)")
    options = parser.parse_args()
    network = load_network(options.run, options.basis)
    landmark_uv = np.load(options.landmarks)["landmark_uv"]
    write_pack(
        network,
        options.pack,
        UvLayout.load(options.layout),
        landmark_uv,
        options.name,
        options.title,
        options.version,
        options.precision,
    )
    size = network.network.size.input_size
    crops = np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8)
    for name, difference in check_onnx(network, options.pack / "network.onnx", crops).items():
        print(f"largest difference between ONNX and PyTorch, {name}: {difference:.6f}")


if __name__ == "__main__":
    main()
