"""What several photos of one person are worth, on the way that a capture takes: heads of one rendered photo, of three.

    .venv/bin/python benchmarks/several.py WORK_FOLDER [--pictures 300] [--json]

Needs the training's requirements and assets (training/README.md); the work folder is that of benchmarks/shape.py.
Errors are mm: the face (forehead to chin, before the ears) placed by itself by a similarity, mean over its texels.
Strangers: how often a photo is said to show another person, of three of one person and of two with one of another.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.rendered_persons import Person, Persons
from benchmarks.shape import is_face, placed_error
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import Portrait, evidence_in, head_of, regress, views_of
from prn_blender.capture.types import Photo, Settings
from training.evaluation.numbers import add, table

PHOTOS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    options = parser.parse_args()
    pack, settings = load_pack(), Settings()
    network = open_network(pack)
    refiner = open_refiner(pack, network.provider)
    persons = Persons(options.work, options.pictures, pack.topology.landmark_uv, pack.head_model)

    def seen(person: Person):
        """Portraits of a person, the most frontal first, and what the networks say of each."""
        views = sorted((view for view in person.views if is_face(view)), key=lambda view: abs(view.yaw))[:PHOTOS]
        portraits = tuple(
            Portrait(
                Photo(Path("rendered"), view.picture, "", None, True),
                FaceBox(*view.landmarks.min(0), *view.landmarks.max(0)),
            )
            for view in views
        )
        said = [regress(one.photo, one.face_box, pack, network, settings.passes) for one in portraits]
        evidence = [evidence_in(one.photo, *first, pack, refiner) for one, first in zip(portraits, said, strict=True)]
        return list(zip(portraits, said, evidence, strict=True))

    def views(chosen):
        portraits, said, evidence = zip(*chosen, strict=True)
        return views_of(portraits, list(said), list(evidence), pack, settings)[0]

    def error(chosen, person: Person) -> float:
        surface = PositionMap(head_of(views(chosen)[0]).surface)
        return placed_error(surface.sample(persons.face_uv), person.face)

    everybody = [(person, seen(person)) for person in persons]
    everybody = [(person, known) for person, known in everybody if len(known) == PHOTOS]
    one, three, mean, same, other, seconds = [], [], [], [], [], []
    for number, (person, known) in enumerate(everybody):
        one.append(error(known[:1], person))
        started = time.process_time()
        three.append(error(known, person))
        seconds.append(time.process_time() - started)
        mean.append(placed_error(persons.mean[persons.face], person.face))
        same.append(any(not view.belongs for view in views(known)))
        stranger = everybody[(number + 1) % len(everybody)][1][0]
        other.append(not views([*known[:2], stranger])[2].belongs)
    numbers, control = {}, {}
    for name, found in (("one photo", one), ("three photos", three)):
        add(numbers, name, **{"face mm": np.mean(found), "mean head / this": np.mean(mean) / np.mean(found)})
        add(control, name, **{"face mm": np.mean(mean)})
    add(numbers, "three against one", **{"share of heads nearer": np.mean(np.less(three, one))})
    add(numbers, "strangers", **{"said of one person": np.mean(same), "said of another": np.mean(other)})
    add(numbers, "fit and maps of three", **{"ms of a processor": 1000 * np.median(seconds)})
    columns = {f"{pack.name} {pack.version}": numbers, "mean head": control}
    print(f"{len(everybody)} heads\n{table(columns)}")
    if options.json:
        print(json.dumps(columns))


if __name__ == "__main__":
    main()
