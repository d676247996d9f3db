"""PRNet in TensorFlow beside PRNet imported as a model pack: the same crops, the same numbers.

    .venv/bin/python benchmarks/prnet_parity.py [--data FOLDER]

The first call makes an environment with TensorFlow in `.venv-tensorflow` (about 2 GB). There the network is built with
random weights, because the authors' weights are the user's own, saved as a checkpoint and run; here the checkpoint is
imported and run. FOLDER holds PRNet's UV data, in the shared data by default.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.packs.prnet import CHECKPOINT, UV_DATA, import_prnet

DATA = CHECKOUT.parent / "shared" / "data" / "prnet"
ENVIRONMENT = CHECKOUT / ".venv-tensorflow"
TENSORFLOW = "tensorflow-cpu==2.21.0"
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How far the outputs (N, 256, 256, 3) in 0..1 are apart."""

    crops: np.ndarray
    theirs: np.ndarray
    ours: np.ndarray

    @property
    def largest(self) -> float:
        return float(np.abs(self.theirs - self.ours).max())

    @property
    def spread(self) -> np.ndarray:
        """(3,) standard deviation of the outputs by channel: of a constant any network would be right."""
        return self.theirs.std(axis=(0, 1, 2))


def tensorflow_python() -> Path:
    """The Python of the environment with TensorFlow, or what PRN_TENSORFLOW_PYTHON names; it may not exist."""
    named = os.environ.get("PRN_TENSORFLOW_PYTHON")
    return Path(named) if named else ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def set_up() -> None:
    """Makes the environment."""
    print(f"{ENVIRONMENT.name}: installing {TENSORFLOW} …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    pip = [str(tensorflow_python()), "-m", "pip", "install", "--progress-bar", "off", "--quiet", TENSORFLOW]
    subprocess.run(pip, check=True)


def make_crops() -> np.ndarray:
    """(4, 256, 256, 3) uint8: a photo as it is and turned, noise, and nothing."""
    import cv2

    photo = cv2.cvtColor(cv2.imread(str(CHECKOUT / "examples" / "astronaut.jpg")), cv2.COLOR_BGR2RGB)
    crop = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(0).integers(0, 256, crop.shape, dtype=np.uint8)
    return np.stack([crop, np.rot90(crop), noise, np.zeros_like(crop)])


def prnet_folder(folder: Path, uv_data: Path, checkpoint: Path) -> Path:
    """A PRNet folder as it comes from its authors, in `folder`, with another checkpoint."""
    for part in ("uv-data", "net-data"):
        (folder / "Data" / part).mkdir(parents=True)
    for name in UV_DATA:
        shutil.copyfile(uv_data / name, folder / "Data" / "uv-data" / name)
    for suffix in (".index", ".data-00000-of-00001"):
        name = CHECKPOINT.name + suffix
        shutil.copyfile(checkpoint / name, folder / "Data" / CHECKPOINT.parent / name)
    return folder


def compare(uv_data: Path, scratch: Path) -> Comparison:
    """Both networks on the same crops."""
    crops = make_crops()
    np.save(scratch / "crops.npy", crops.astype(np.float32) / 255)
    script = CHECKOUT / "benchmarks" / "prnet_tensorflow.py"
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([str(tensorflow_python()), str(script), str(scratch)], check=True, capture_output=True, env=quiet)
    pack = load_pack(import_prnet(prnet_folder(scratch / "PRNet", uv_data, scratch), scratch / "packs"))
    network = open_network(pack, "CPUExecutionProvider")
    ours = np.stack([network.run(crop).position_map for crop in crops])
    return Comparison(crops, np.load(scratch / "outputs.npy"), ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    asked = parser.parse_args()
    if not tensorflow_python().exists():
        set_up()
    with tempfile.TemporaryDirectory() as scratch:
        found = compare(asked.data, Path(scratch))
    print(f"outputs 0..1 of {len(found.crops)} crops, standard deviation by channel {found.spread.round(3)}")
    print(f"largest difference {found.largest:.1e}, in the picture {found.largest * 281.6:.1e} pixels of 256")
    sys.exit(found.largest > TOLERANCE)


if __name__ == "__main__":
    main()
