"""How wrong the sizes of captured heads are, by average size and by the irises, on rendered pictures.

    .venv/bin/python benchmarks/rendered_sizes.py WORK_FOLDER [--pictures 120] [--json]

Needs the training's requirements and assets (training/README.md); the work folder may be that of benchmarks/shape.py.
Eyeballs of rendered heads are larger and smaller ones, with their irises; people's irises are of one width. So what the
irises tell is measured against the width that they have on each head: an error of the measurement alone.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.head_size import Sizes
from benchmarks.rendered_persons import rendered
from prn_blender.capture.geometry.pose import umeyama
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.shape.head_model import texel_uv
from prn_blender.capture.shape.iris_size import WIDTH
from prn_blender.capture.types import Photo
from training.assets import EYEBALLS, SKIN_VERTICES, FaceKit, load_facekit
from training.bake import bake_operator, sampling_operator
from training.head_model import HeadModel, HeadState, neck_weight, project, to_camera
from training.preparation.eyes import IRIS_RADIUS

SIZE = 640  # pixels of the pictures: fewer do not show irises
TEXELS = 64  # of the surface, across


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    options = parser.parse_args()
    heads, layout = rendered(
        options.work, "irises", {"pictures": options.pictures, "shard-size": 30, "size": SIZE, "views": 1}
    )
    kit, pack, pictures = load_facekit(), load_pack(), heads.rows("pictures")
    truth, sizes = HeadModel(kit), Sizes(pack)
    marks = sampling_operator(layout, pack.topology.landmark_uv)
    surface, inside = bake_operator(layout, TEXELS)
    is_head = inside.ravel() & (surface @ neck_weight(kit.mean[:SKIN_VERTICES]) < 0.05)
    uv = texel_uv(TEXELS).reshape(-1, 2)[is_head]

    average, irises = [], []
    for number in range(len(heads)):
        state = HeadState.unpack(heads.states[number].numpy())
        vertices = truth.vertices(state)
        skin = vertices[:SKIN_VERTICES]
        landmarks = SIZE * project(to_camera(marks @ skin, state), state)[:, :2]
        view, factor = sizes.of(Photo(Path("rendered"), np.array(pictures[number]), "", None, True), landmarks)
        found = PositionMap(view.to_head(view.position_map.values)).sample(uv)
        true = (surface @ skin)[is_head] / 100  # metres
        wrong = np.log(umeyama(true, found.astype(np.float64), np.ones(len(true))).scale)
        average.append(wrong)
        if factor is not None:
            irises.append(wrong + np.log(factor * _iris_width(kit, vertices) / WIDTH))
    numbers = {
        name: {
            "heads": len(wrong),
            "too large, %": 100 * np.mean(wrong),
            "rms, %": 100 * np.sqrt(np.mean(np.square(wrong))),
        }
        for name, wrong in (("average size", average), ("by the irises", irises))
    }
    print(f"{'':<15}" + "".join(f"{name:>15}" for name in numbers["average size"]))
    for name, row in numbers.items():
        print(f"{name:<15}" + "".join(f"{value:>15.1f}" for value in row.values()))
    if options.json:
        print(json.dumps(numbers))


def _iris_width(kit: FaceKit, vertices: np.ndarray) -> float:
    """Metres across the irises of a head (V, 3), cm: as wide as its eyeballs make them."""
    left = kit.mean[EYEBALLS, 0] > 0
    spread, usual = (
        np.mean([points[EYEBALLS][side].std(axis=0).mean() for side in (left, ~left)])
        for points in (vertices, kit.mean)
    )
    return 2 * IRIS_RADIUS / 100 * spread / usual


if __name__ == "__main__":
    main()
