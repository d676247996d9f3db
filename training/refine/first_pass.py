"""First passes of a pack's network over rendered heads: the position maps that the second pass begins with.

python -m training.refine.first_pass DATA_FOLDER --pack PACK --layout L.npz --landmarks LM.npz

Beside the pictures of each shard come `NAME_first.npy` (N, 64, 64, 3) float32, in units of the picture. The crop is the
rule's around the true landmarks, shifted and scaled as later passes' crops are. An interrupted run goes on.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from prn_blender.capture.geometry.crop import Crop, crop_around
from prn_blender.capture.packs.pack import load_pack

from ..assets import load_facekit
from ..augment import CropRange
from ..bake import sampling_operator
from ..evaluation.runner import PackRunner
from ..labels import LabelMaker
from ..shards import shard_file, write_shard
from ..uv_layout import UvLayout
from .network import TEXELS

NAME = "first"


class FirstPass:
    """A pack's network on rendered pictures."""

    def __init__(self, runner: PackRunner, landmarks: LabelMaker, rng: np.random.Generator):
        self.runner, self.landmarks, self.rng = runner, landmarks, rng
        self.jitter = CropRange().jitters[0]

    def __call__(self, pictures: np.ndarray, states: torch.Tensor) -> np.ndarray:
        """(B, 64, 64, 3) in units of the pictures (B, S, S, 3) uint8 of heads in `states` (B, STATE_SIZE)."""
        side = pictures.shape[1]
        marks = self.landmarks(states)[..., :2].numpy() * side
        return np.stack([self._map(*one) for one in zip(pictures, marks, strict=True)]) / side

    def _map(self, picture: np.ndarray, marks: np.ndarray) -> np.ndarray:
        exact = crop_around(marks, self.runner.pack.crop_rule)
        shift, zoom = self.rng.normal(size=2) * self.jitter[0] * exact.side, self.rng.normal() * self.jitter[1]
        crop = Crop(exact.centre_x + shift[0], exact.centre_y + shift[1], exact.side * float(np.exp(zoom)))
        values = self.runner.maps(crop.resample(picture, self.runner.input_size)[None])[0]
        step = len(values) // TEXELS
        values = values.reshape(TEXELS, step, TEXELS, step, 3).mean(axis=(1, 3))
        return np.concatenate([crop.to_photo(values[..., :2]), values[..., 2:] * crop.side], axis=2).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="written by training.render")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--landmarks", type=Path, required=True, help="npz with landmark_uv (68, 2)")
    options = parser.parse_args()
    marks = np.load(options.landmarks)["landmark_uv"]
    landmarks = LabelMaker(load_facekit(), sampling_operator(UvLayout.load(options.layout), marks))
    runner = PackRunner(load_pack(options.pack))
    for finished in tqdm(sorted(options.folder.glob("shard*_states.npy")), unit="shard"):
        number = int(finished.name.removeprefix("shard").split("_")[0])
        if shard_file(options.folder, number, NAME).exists():
            continue
        pictures = np.load(shard_file(options.folder, number, "pictures"), mmap_mode="r")
        states = torch.from_numpy(np.load(finished))
        first = FirstPass(runner, landmarks, np.random.default_rng(number))(pictures, states)
        write_shard(options.folder, number, {NAME: first})


if __name__ == "__main__":
    main()
