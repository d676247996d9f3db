"""Network passes on a CUDA card beside PRNet's published 9.8 ms, and what becomes of the card's memory.

    .venv/bin/python benchmarks/gpu.py [--provider cpu] [--repeats N]

For every network of our packs (`refine` is the head pack's second pass) and for resfcn256 (PRNet's network, random
weights): the median pass after warm-up in milliseconds, in batches of 1 and 16 where it takes them, with 32 and 16
bits, with and without I/O binding (input and output then stay on the card). Then the card's memory: before, with a warm
session of the head pack, and after it is released. Where CUDA cannot be had it says why; `--provider cpu` runs the same
on the processor.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

import onnx
import onnxruntime
from onnxruntime.transformers.float16 import convert_float_to_float16

from benchmarks.timing import median_seconds
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.session import release_networks
from prn_blender.capture.packs.pack import load_pack
from training import resfcn256

PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
PUBLISHED = "PRNet's paper: 9.8 ms for one pass of resfcn256 on a GTX 1080"
WARM_UP = 20
FREE_SIDE = 320  # pixels, where a network takes any size


def models(folder: Path) -> Iterator[tuple[str, Path]]:
    """The networks by name; a pack that is not there is left out, with a word."""
    for name in ("head", "finder"):
        found = sorted((CHECKOUT / "models" / name).glob("*.onnx"))
        for path in found:
            yield name if path.stem == "network" else path.stem, path
        if not found:
            print(f"models/{name} has no network: left out")
    path = folder / "resfcn256.onnx"
    resfcn256.export(path, batch="N")
    yield "resfcn256", path


def half(path: Path, folder: Path) -> Path:
    """The network with 16-bit numbers inside, 32-bit ones at its ends."""
    result = folder / f"{path.parent.name}-{path.stem}-16.onnx"
    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), result)
    return result


def batches(opened: onnxruntime.InferenceSession) -> tuple[int, ...]:
    """1 and 16, or the only one that a network takes."""
    fixed = opened.get_inputs()[0].shape[0]
    return (fixed,) if isinstance(fixed, int) else (1, 16)


def session(path: Path, provider: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        str(path), options, providers=list(dict.fromkeys([provider, "CPUExecutionProvider"]))
    )


def passes(opened: onnxruntime.InferenceSession, batch: int, device: str) -> tuple[Callable, Callable]:
    """A pass from and to the processor's memory, and one that stays on the device."""
    entry = opened.get_inputs()[0]
    shape = [batch, *(side if isinstance(side, int) else FREE_SIDE for side in entry.shape[1:])]
    image = np.random.default_rng(0).random(shape, np.float32)
    binding = opened.io_binding()
    binding.bind_ortvalue_input(entry.name, onnxruntime.OrtValue.ortvalue_from_numpy(image, device, 0))
    for output in opened.get_outputs():
        binding.bind_output(output.name, device)

    def bound() -> None:
        opened.run_with_iobinding(binding)
        binding.synchronize_outputs()

    return lambda: opened.run(None, {entry.name: image}), bound


def card_memory() -> str:
    """What the card says that it has in use."""
    asked = ["nvidia-smi", "--query-gpu=name,memory.used", "--format=csv,noheader"]
    try:
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not told (no nvidia-smi)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--provider", choices=PROVIDERS, default="cuda")
    parser.add_argument("--repeats", type=int, default=200)
    asked = parser.parse_args()
    provider = PROVIDERS[asked.provider]
    print(f"memory of the card before: {card_memory()}")
    network = open_network(load_pack(), provider)
    if network.provider != provider:
        sys.exit(f"{network.fallback}: nothing was measured (--provider cpu measures the processor)")
    print(f"memory of the card with the head pack warm: {card_memory()}")
    del network
    release_networks()
    gc.collect()
    print(f"memory of the card after its release: {card_memory()}")

    print(f"\nonnxruntime {onnxruntime.__version__}, {provider}, median of {asked.repeats} passes in ms. {PUBLISHED}.")
    print(f"{'network':<12}{'bits':>5}{'batch':>7}{'from memory':>13}{'I/O bound':>11}{'a picture':>11}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in models(Path(scratch)):
            for bits, file in ((32, path), (16, half(path, Path(scratch)))):
                opened = session(file, provider)
                for batch in batches(opened):
                    copied, bound = (
                        1000 * median_seconds(run, asked.repeats, min(WARM_UP, asked.repeats))
                        for run in passes(opened, batch, asked.provider)
                    )
                    per_picture = min(copied, bound) / batch
                    print(f"{name:<12}{bits:>5}{batch:>7}{copied:>13.2f}{bound:>11.2f}{per_picture:>11.2f}", flush=True)


if __name__ == "__main__":
    main()
