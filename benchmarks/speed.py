"""The time of every step from a 12-megapixel photo to objects in the scene, beside a PRN-size network.

    .venv/bin/python benchmarks/speed.py [PHOTO] [--json]

Without PHOTO the bundled portrait is enlarged to 12 megapixels. Everything is measured in one process on this
machine: first cold, then the median of warm captures, and in turns with them captures of whole heads, and of whole
heads with expressions; at the end the network passes against resfcn256 (PRNet's network with random weights) with
onnxruntime on the CPU.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

import bpy

from benchmarks.timing import median_seconds
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.run import Request, run
from prn_blender.capture.stopwatch import Stopwatch
from prn_blender.capture.types import WHOLE, Settings
from prn_blender.scene.build.assemble import build
from training import resfcn256

WARM_CAPTURES = 7
MEGAPIXELS = 12
KINDS = {
    "simple head": Settings(),
    "whole head": Settings(parts=WHOLE),
    "with expressions": Settings(parts=WHOLE, expressions=True),
}


def enlarged_portrait(folder: Path) -> Path:
    from PIL import Image

    with Image.open(CHECKOUT / "examples" / "astronaut.jpg") as portrait:
        factor = (MEGAPIXELS * 1e6 / (portrait.width * portrait.height)) ** 0.5
        size = (round(portrait.width * factor), round(portrait.height * factor))
        path = folder / "portrait.jpg"
        portrait.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path, quality=92)
    return path


def capture_once(path: Path, settings: Settings) -> dict[str, float]:
    """Seconds by step, and their sum under "total"."""
    bpy.ops.wm.read_homefile(use_empty=True)
    clock = Stopwatch()
    (capture,) = run(Request(path, settings=settings)).captures
    clock.lap("capture")
    build(capture, bpy.context)
    clock.lap("build scene")
    return {**capture.timings, "build scene": clock.seconds["build scene"], "total": sum(clock.seconds.values())}


def peer_pass(folder: Path) -> Callable[[], object]:
    """One pass of resfcn256 on as many threads as ours."""
    import onnxruntime

    path = folder / "resfcn256.onnx"
    resfcn256.export(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    image = {"image": np.random.default_rng(0).random((1, 3, 256, 256), np.float32)}
    return lambda: session.run(None, image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.photo or enlarged_portrait(Path(folder))
        cold = capture_once(path, Settings())
        capture_once(path, Settings())
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rounds = [[capture_once(path, settings) for settings in KINDS.values()] for _ in range(1 + WARM_CAPTURES)]
        warm = [kinds[0] for kinds in rounds[1:]]

        network = open_network(load_pack(), "CPUExecutionProvider")
        crop = np.zeros((network.input_size, network.input_size, 3), np.uint8)
        passes = {
            f"{load_pack().name}, one pass": median_seconds(lambda: network.run(crop), 50),
            "resfcn256, one pass": median_seconds(peer_pass(Path(folder)), 10),
        }

    steps = {step: float(np.median([times[step] for times in warm])) for step in warm[0]}
    print(f"{os.cpu_count()} CPU cores, Blender {bpy.app.version_string}, photo {path.name}")
    print(f"{'ms':<28}{'cold':>9}{'warm':>9}")
    for step, seconds in steps.items():
        print(f"{step:<28}{cold[step] * 1000:>9.0f}{seconds * 1000:>9.0f}")
    for name, seconds in passes.items():
        print(f"{name:<28}{'':>9}{seconds * 1000:>9.1f}")
    for number, kind in enumerate(KINDS):
        totals = [1000 * kinds[number]["total"] for kinds in rounds[1:]]
        print(f"{kind + ', total':<28}{min(totals):>9.0f}{np.median(totals):>9.0f}  (fastest, median)")
    print(f"peak memory of the process, Blender included: {peak_mb:.0f} MB")
    if arguments.json:
        print(json.dumps({"cold": cold, "warm": steps, "passes": passes, "peak_memory_mb": peak_mb}))


if __name__ == "__main__":
    main()
