"""How near the fitted head's shape is to the truth, the mean head without a photo beside every number.

    .venv/bin/python benchmarks/shape.py WORK_FOLDER [--pictures 300] [--scan FOLDER] [--persons FOLDER]
        [--pack PACK] [--json]

Needs the training's requirements and assets (training/README.md). Heads are rendered into the work folder the first
time. Errors are mm: the face (forehead to chin, before the ears) placed by itself by a similarity, mean over its
texels. "shape" is the face without expression, as the identity alone gives it.
"""

import argparse
import json
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.photo_persons import DEFAULT_PERSONS, load_persons, measure_persons
from benchmarks.rendered_persons import ALL_SIDES, LIKE_PEOPLE, OTHER_DAYS, SIZE, Person, Persons, Portrait
from benchmarks.scan_shape import measure_scan, placed_error
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.geometry.pose import umeyama
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.networks.head import Regression, open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.reconstruct import evidence_in, regress
from prn_blender.capture.shape.evidence import EVIDENCE_SIZE, Evidence
from prn_blender.capture.shape.fit import Fit, ViewEvidence, fit, shape_of
from prn_blender.capture.shape.head_model import HeadModel
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.shape.views import fit_views
from prn_blender.capture.types import Photo, Settings
from training.evaluation.numbers import Numbers, add, table
from training.evaluation.scan import DEFAULT_SCAN

FRONTAL = 30  # degrees of yaw
LEAST_SEEN = 300  # texels of the face, of 4096 in all: less of it is no photo of a face
NOISES = (0.0, 0.75, 1.5, 3.0)  # mm at the head, deviation in x and in y
SMOOTH = 3.0  # texels of the evidence over which the noise is smooth: a tenth of the head's surface
PHOTOS = (1, 3, 5)
PINS = (5, 10, 20)
REGIONS = ("nose", "mouth", "forehead", "cheeks", "jaw", "ears", "skull")
HEADS = {ALL_SIDES: "", LIKE_PEOPLE: "heads like people's, "}


class FaceErrors:
    """Errors of fits, and of the mean head without a photo."""

    def __init__(self, model: HeadModel, persons: Persons):
        self.model, self.persons = model, persons
        self.points = model.points(persons.face_uv)
        self.usual = model.expression_mean.reshape(-1, 3)[persons.face]

    def of(self, found: Fit, person: Person) -> tuple[float, float]:
        """With the expression of the first view; without any."""
        face = shape_of(self.points, self.model, found.identity, found.views[0])
        identity = self.points.basis[:, :, : self.model.identities] @ found.identity.astype(np.float32)
        return placed_error(face, person.face), placed_error(self.points.mean - self.usual + identity, person.still)

    def by_region(self, found: Fit, person: Person) -> list[float]:
        """Of each of `REGIONS`, with the expression of the first view, the face placed by itself."""
        points = self.model.texels(len(self.model.mean))
        return self._by_region(shape_of(points, self.model, found.identity, found.views[0]), person)

    def by_region_of_mean(self, person: Person) -> list[float]:
        return self._by_region(self.persons.mean, person)

    def _by_region(self, shape: np.ndarray, person: Person) -> list[float]:
        placed = umeyama(shape[self.persons.face], person.face, np.ones(len(person.face))).apply(shape)
        off = 1000 * np.linalg.norm(placed - person.whole, axis=1)
        return [float(off[self.persons.parts[name]].mean()) for name in REGIONS]

    def of_mean(self, person: Person) -> tuple[float, float]:
        mean = self.persons.mean[self.persons.face]
        return placed_error(mean, person.face), placed_error(mean, person.still)


def is_face(view: Portrait) -> bool:
    return view.face_seen.sum() >= LEAST_SEEN


def true_evidence(view: Portrait, noise: float, rng: np.random.Generator) -> ViewEvidence:
    """Where the seen texels are in truth, with smooth noise (mm)."""
    import cv2

    off = cv2.GaussianBlur(rng.normal(size=(*view.seen.shape, 2)), (0, 0), SMOOTH)
    places = view.places.copy()
    places[..., :2] += off / off.std() * noise * view.pixels_per_mm
    deviation = np.where(view.seen, max(noise, 0.1) * view.pixels_per_mm, np.inf)
    return ViewEvidence(Evidence(places, deviation), SIZE, SIZE)


def with_true_evidence(numbers: Numbers, control: Numbers, errors: FaceErrors) -> None:
    """One photo and three, by how far the evidence is off."""
    for noise in NOISES:
        rng = np.random.default_rng(0)
        for photos in PHOTOS[:2]:
            rows = []
            for person in errors.persons:
                views = [view for view in person.views if is_face(view)][:photos]
                if len(views) == photos:
                    found = fit(errors.model, tuple(true_evidence(view, noise, rng) for view in views))
                    rows.append((*errors.of(found, person), *errors.of_mean(person)))
            _add_rows(numbers, control, f"true places, {noise} mm off, {_photos(photos)}", rows)


class Look:
    """What the pack's networks say of photos, as a capture would have it."""

    def __init__(self, pack: ModelPack):
        self.pack, self.network = pack, open_network(pack)
        self.refiner = open_refiner(pack, self.network.provider)

    @property
    def name(self) -> str:
        return "first pass" if self.refiner is None else "second pass"

    def first(self, photo: Photo, box: FaceBox) -> tuple[Crop, PositionMap, Regression]:
        """The first network's answer."""
        return regress(photo, box, self.pack, self.network, Settings().passes)

    def at(self, photo: Photo, box: FaceBox) -> ViewEvidence:
        """A face."""
        crop, position_map, said = self.first(photo, box)
        evidence = evidence_in(photo, crop, position_map, said, self.pack, self.refiner)
        assert evidence is not None  # a pack with a head model tells how sure it is
        return ViewEvidence(evidence, photo.width, photo.height, distance=said.distance)

    def evidence(self, view: Portrait) -> ViewEvidence:
        """A rendered portrait."""
        return self.at(*as_photo(view))


def as_photo(view: Portrait) -> tuple[Photo, FaceBox]:
    """A rendered portrait and its true box."""
    box = FaceBox(*view.landmarks.min(0), *view.landmarks.max(0))
    return Photo(Path("rendered"), view.picture, "", None, True), box


def looks_of(pack: ModelPack) -> list[Look]:
    """The first pass alone, and the second after it where the pack has one."""
    first = replace(pack, second_pass=None, sha256=f"{pack.sha256} first")
    return [Look(first)] if pack.second_pass is None else [Look(first), Look(pack)]


def places_seen(numbers: Numbers, errors: FaceErrors, subject: str, known: list[list[ViewEvidence]]) -> None:
    """How far off the evidence is on the seen face, and whether it knows."""
    face = errors.persons.face_at(EVIDENCE_SIZE)
    off, shares, frontal = [], [], []
    for person, views in zip(errors.persons, known, strict=True):
        for view, one in zip(filter(is_face, person.views), views, strict=True):
            evidence, seen = one.evidence, face & view.seen
            gap = np.linalg.norm((evidence.places - view.places)[seen][:, :2], axis=1)
            off.append(gap.mean() / view.pixels_per_mm)
            frontal.append(abs(view.yaw) < FRONTAL)
            shares.append([(gap < times * evidence.deviation[seen]).mean() for times in (1, 2)])
    within = np.mean(shares, axis=0)
    add(
        numbers,
        f"{subject}places of the seen face",
        **{
            "mm in the photo, mean": np.mean(off),
            "median": np.median(off),
            "frontal, mean": np.mean(np.array(off)[frontal]),
            "% within 1 deviation (39)": 100 * within[0],
            "% within 2 (86)": 100 * within[1],
        },
    )


def with_networks(
    numbers: Numbers, control: Numbers, errors: FaceErrors, subject: str, all_known: list[list[ViewEvidence]]
) -> None:
    """One, three and five photos of each head; times."""
    rows: dict[str, list] = {}
    regions: dict[str, list] = {}
    milliseconds = []
    for person, known in zip(errors.persons, all_known, strict=True):
        mean = errors.of_mean(person)
        for photos in PHOTOS:
            if len(known) >= photos:
                started = time.perf_counter()
                found = fit_views(errors.model, tuple(known[:photos])).found
                milliseconds.append(1000 * (time.perf_counter() - started) / photos)
                rows.setdefault(f"{subject}{_photos(photos)}", []).append((*errors.of(found, person), *mean))
                both = errors.by_region(found, person), errors.by_region_of_mean(person)
                regions.setdefault(f"{subject}{_photos(photos)}, by region", []).append(both)
        for view, one in zip(filter(is_face, person.views), known, strict=True):
            if abs(view.yaw) < FRONTAL:
                found = fit_views(errors.model, (one,)).found
                rows.setdefault(f"{subject}one frontal photo", []).append((*errors.of(found, person), *mean))
    for name in sorted(rows, key=lambda name: ("three" in name, len(name))):
        _add_rows(numbers, control, name, rows[name])
    for name, both in regions.items():
        for column, means in zip((numbers, control), np.mean(both, axis=0), strict=True):
            add(column, name, **{f"{region} mm": mean for region, mean in zip(REGIONS, means, strict=True)})
    add(
        numbers,
        f"{subject}time and memory",
        **{
            "ms of the fit, a photo": float(np.median(milliseconds)),
            "MB at most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
    )


def with_pins(
    numbers: Numbers, control: Numbers, errors: FaceErrors, subject: str, all_known: list[list[ViewEvidence]]
) -> None:
    """One and three photos of each head with pins at the truth."""
    for photos in PHOTOS[:2]:
        for count in PINS:
            rows = []
            for person, known in zip(errors.persons, all_known, strict=True):
                usable = list(filter(is_face, person.views))
                if len(usable) >= photos:
                    pinned = tuple(
                        ViewEvidence(**{**vars(one), "pins": true_pins(errors.persons, view, count)})
                        for one, view in zip(known[:photos], usable[:photos], strict=True)
                    )
                    found = fit_views(errors.model, pinned).found
                    rows.append((*errors.of(found, person), *errors.of_mean(person)))
            name = f"{subject}{_photos(photos)}, {count} pins{' in each' if photos > 1 else ''}"
            _add_rows(numbers, control, name, rows)


def true_pins(persons: Persons, view: Portrait, count: int) -> tuple[Pin, ...]:
    """Pins spread over the seen face, put where the truth is."""
    places, uv = view.face_places[view.face_seen], persons.face_uv[view.face_seen]
    chosen = [int(np.linalg.norm(uv - uv.mean(0), axis=1).argmin())]
    distance = np.full(len(uv), np.inf)
    while len(chosen) < count:  # farthest point next
        distance = np.minimum(distance, np.linalg.norm(uv - uv[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return tuple(Pin(tuple(uv[k]), tuple(places[k])) for k in chosen)


def _photos(count: int) -> str:
    return {1: "one photo", 3: "three photos", 5: "five photos"}[count]


def _add_rows(numbers: Numbers, control: Numbers, subject: str, rows: list[tuple]) -> None:
    """Adds the means of rows (with expression, shape, and both of the mean head)."""
    face, shape, mean_face, mean_shape = np.mean(rows, axis=0)
    add(numbers, subject, **{"face mm": face, "shape mm": shape, "mean head / this, shape": mean_shape / shape})
    add(control, subject, **{"face mm": mean_face, "shape mm": mean_shape})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--scan", type=Path, default=DEFAULT_SCAN, help="folder of a textured head scan")
    parser.add_argument("--persons", type=Path, default=DEFAULT_PERSONS, help="folder of photos of some persons")
    parser.add_argument("--pack", type=Path, help="model pack folder; default: the one in models/")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    options = parser.parse_args()
    pack = load_pack(options.pack)
    model = pack.head_model
    if model is None:
        sys.exit(f"The model pack {pack.name} has no head model.")
    rendered = (options.work, options.pictures, pack.topology.landmark_uv, model)
    heads = {kind: FaceErrors(model, Persons(*rendered, kind)) for kind in HEADS}
    numbers, control = {}, {}
    with_true_evidence(numbers, control, heads[ALL_SIDES])
    looks = looks_of(pack)
    for look in looks:
        for kind, errors in heads.items():
            subject = f"{look.name}, {HEADS[kind]}"
            known = [[look.evidence(view) for view in filter(is_face, person.views)] for person in errors.persons]
            places_seen(numbers, errors, subject, known)
            with_networks(numbers, control, errors, subject, known)
            if kind == ALL_SIDES:
                with_pins(numbers, control, errors, subject, known)
        if options.scan.is_dir():
            measure_scan(numbers, control, look, options.scan)
    groups = {
        "rendered persons, other days": [
            (number, *as_photo(view))
            for number, person in enumerate(Persons(*rendered, OTHER_DAYS))
            for view in filter(is_face, person.views)
        ]
    }
    if options.persons.is_dir():
        groups["persons"] = load_persons(options.persons)
    for name, group in groups.items():
        for look in looks:
            subject = f"{look.name}, {name}, {len(group)} photos"
            measure_persons(numbers, subject, model, heads[ALL_SIDES].persons.upper_face, group, look.at)
    columns = {f"{pack.name} {pack.version}": numbers, "mean head": control}
    print(table(columns))
    if options.json:
        print(json.dumps(columns))


if __name__ == "__main__":
    main()
