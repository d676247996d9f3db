"""How much the landmarks depend on the face box: the box is moved and resized by up to 15 % of its side.

    .venv/bin/python benchmarks/box_jitter.py FOLDER [--pack PACK]

Prints, for one, two and three network passes, how far the landmarks move from those of the unchanged box, in percent
of the square root of the box's area.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.annotated_photos import AnnotatedPhotos, box_size, nme
from benchmarks.landmarks import true_box
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import regress

JITTER = 0.15
TRIES = 4


def jittered(box: FaceBox, rng: np.random.Generator) -> FaceBox:
    width, height = box.right - box.left, box.bottom - box.top
    scale = 1 + rng.uniform(-JITTER, JITTER)
    x = (box.left + box.right) / 2 + rng.uniform(-JITTER, JITTER) * width
    y = (box.top + box.bottom) / 2 + rng.uniform(-JITTER, JITTER) * height
    half_width, half_height = scale * width / 2, scale * height / 2
    return replace(box, left=x - half_width, top=y - half_height, right=x + half_width, bottom=y + half_height)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pack", type=Path, help="model pack folder; default: the one in models/")
    arguments = parser.parse_args()
    pack = load_pack(arguments.pack)
    network = open_network(pack)
    photos = AnnotatedPhotos.load(arguments.folder)

    print(f"{'passes':>6} {'median %':>9} {'95 % of tries':>14} {'NME %':>7} {'NME % unmoved':>14}")
    for passes in (1, 2, 3):
        rng = np.random.default_rng(0)
        moved, errors, unmoved = [], [], []
        for path, truth in photos:
            photo, box = load_photo(path), true_box(truth)

            def landmarks(face_box: FaceBox, photo=photo, passes=passes) -> np.ndarray:
                return pack.topology.landmarks(regress(photo, face_box, pack, network, passes)[1])

            reference = landmarks(box)
            unmoved.append(nme(reference, truth))
            for _ in range(TRIES):
                points = landmarks(jittered(box, rng))
                moved.append(np.linalg.norm(points[:, :2] - reference[:, :2], axis=1).mean() / box_size(truth) * 100)
                errors.append(nme(points, truth))
        print(
            f"{passes:>6} {np.median(moved):>9.2f} {np.percentile(moved, 95):>14.2f} "
            f"{np.mean(errors):>7.2f} {np.mean(unmoved):>14.2f}"
        )


if __name__ == "__main__":
    main()
