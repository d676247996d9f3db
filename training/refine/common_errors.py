"""Learns what the errors of both passes have in common on rendered heads, and puts it into a pack.

    python -m training.refine.common_errors PACK DATA... --layout L.npz

DATA are folders of `training.render` with skins and hair that the networks were not shown (`--kept only`). The
principal components of the evidence's errors over UV, in deviations of the evidence, are what the fit solves for.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.pose import umeyama, yaw_pitch_roll
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.reconstruct import evidence_in, regress
from prn_blender.capture.shape.evidence import EVIDENCE_SIZE, Evidence
from prn_blender.capture.types import Photo, Settings

from ..assets import load_facekit
from ..bake import bake_operator, sampling_operator
from ..dataset import RenderedHeads
from ..labels import LabelMaker
from ..pack_file import write_section, write_whole
from ..uv_layout import UvLayout

COMPONENTS = 15  # with 30 the face of one photo gets worse
LARGEST = 6.0  # deviations: what is farther off counts as that
LOST = 0.02  # share of the pictures with the largest errors, which are left out
FILE = "common_errors.npz"
SECTION = """[common_errors]             # what the errors of both passes have in common, for the fit
file = "{file}"
sha256 = "{sha256}"
"""


class Lookers:
    """A pack's networks."""

    def __init__(self, pack: ModelPack):
        self.pack, self.network = pack, open_network(pack)
        refiner = open_refiner(pack, self.network.provider)
        if refiner is None:
            raise ValueError(f"{pack.name} has no second pass")
        self.refiner = refiner

    def __call__(self, picture: np.ndarray, landmarks: np.ndarray) -> Evidence:
        """What both say of a picture (S, S, 3) uint8, in the box of landmarks (68, 2) pixels."""
        photo = Photo(Path("rendered"), picture, "", None, True)
        box = FaceBox(*landmarks.min(0), *landmarks.max(0))
        said = regress(photo, box, self.pack, self.network, Settings().passes)
        evidence = evidence_in(photo, *said, self.pack, self.refiner)
        assert evidence is not None  # a pack with a second pass has a head model
        return evidence


def errors_of(
    pack: ModelPack, layout: UvLayout, heads: RenderedHeads, look: Callable[[np.ndarray, np.ndarray], Evidence]
) -> np.ndarray:
    """(N, E, E, 2) of each picture, in deviations, to the right and up of the upright head.

    Args:
        look: as `Lookers`.
    """
    kit = load_facekit()
    texels = LabelMaker(kit, bake_operator(layout, EVIDENCE_SIZE)[0])
    marks = LabelMaker(kit, sampling_operator(layout, pack.topology.landmark_uv))
    model = pack.head_model
    rigid = model.at_size(model.rigid, EVIDENCE_SIZE).ravel()
    mean = model.texels(EVIDENCE_SIZE).mean[rigid]
    pictures = heads.rows("pictures")
    errors = np.empty((len(heads), EVIDENCE_SIZE**2, 2), np.float32)
    for number in tqdm(range(len(heads)), unit="picture"):
        picture = np.array(pictures[number])
        with torch.no_grad():
            truth, landmarks = (
                maker(heads.states[number : number + 1])[0].numpy() * len(picture) for maker in (texels, marks)
            )
        evidence = look(picture, landmarks[:, :2])
        places = evidence.places.reshape(-1, 3)
        stance = umeyama(mean, places[rigid] * (1, -1, 1), np.ones(len(mean)))
        roll = np.radians(yaw_pitch_roll(stance.rotation)[2])
        axes = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])  # columns: right, up
        errors[number] = (places - truth)[:, :2] * (1, -1) @ axes / evidence.deviation.reshape(-1, 1)
    return errors.reshape(-1, EVIDENCE_SIZE, EVIDENCE_SIZE, 2)


def principal_components(errors: np.ndarray, inside: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """(count, E, E, 2) of errors (N, E, E, 2) on the texels inside (E, E), each of variance 1; their share of the errors."""
    rows = errors[:, inside]
    size = np.square(rows).mean(axis=(1, 2))
    kept = rows[size <= np.quantile(size, 1 - LOST)].clip(-LARGEST, LARGEST)
    flat = kept.reshape(len(kept), -1)
    _, lengths, components = np.linalg.svd(flat, full_matrices=False)
    found = np.zeros((count, *errors.shape[1:]), np.float32)
    scale = lengths[:count, None] / len(flat) ** 0.5
    found[:, inside] = (components[:count] * scale).reshape(count, -1, 2)
    return found, float(np.square(lengths[:count]).sum() / np.square(lengths).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--layout", type=Path, required=True)
    options = parser.parse_args()
    pack = load_pack(options.pack)
    errors = errors_of(pack, UvLayout.load(options.layout), RenderedHeads(options.data), Lookers(pack))
    inside = pack.head_model.at_size(pack.head_model.inside, EVIDENCE_SIZE)
    components, share = principal_components(errors, inside, COMPONENTS)
    print(f"errors of {np.sqrt(np.square(errors[:, inside].clip(-LARGEST, LARGEST)).mean()):.2f} deviations (rms)")
    print(f"{COMPONENTS} components hold {100 * share:.0f} % of them")
    stored = components.astype(np.float16)
    checksum = write_whole(options.pack / FILE, lambda path: np.savez_compressed(path, components=stored))
    write_section(options.pack, "common_errors", SECTION.format(file=FILE, sha256=checksum))


if __name__ == "__main__":
    main()
