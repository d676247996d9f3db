"""What a photo in profile adds to a frontal one: how near the head's outline is to the photo's, with pins and without.

    .venv/bin/python benchmarks/profile_outline.py WORK_FOLDER [--heads 20] [--scan FOLDER] [--json]

Needs the training's requirements and assets (training/README.md); the work folder is that of benchmarks/shape.py. The
outline is that of forehead, nose, lips and chin, in % of the head's height in the photo. A pin is put where the
outline is farthest off, one after the other, as an artist does, on the true outline, along which it slides. The mean
head is placed by the same fit. The scan is photographed by ourselves.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.scan_shape import placed_error
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.geometry.raster import rasterise
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.reconstruct import Portrait, evidence_in, known_of, lens_of, regress
from prn_blender.capture.shape.fit import Fit, ViewEvidence, fit, place_at_first
from prn_blender.capture.shape.outline import nearest_outline, slid
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.shape.views import Fitted, fit_views
from prn_blender.capture.types import Photo, Settings
from training.evaluation.numbers import Numbers, add, table
from training.evaluation.scan import DEFAULT_SCAN, load_scan, photograph

SIZE = 512  # pixels of the rendered photos
FINE = 4  # times finer the outlines are drawn
SEED = 9500  # far from what is rendered for training
PINS = 5
APART = 0.05  # of the head's height: pins are no nearer to one another
ROUNDS = 4  # of the fit after each pin, as where a drag ends


@dataclass(frozen=True)
class Pair:
    """A frontal photo and one in profile of one head, and the truth about the second."""

    portraits: tuple[Portrait, Portrait]
    outline: np.ndarray  # (N, 2) pixels of the profile photo: from forehead to chin
    height: float  # pixels from crown to chin there
    face: np.ndarray | None = None  # (F, 3) metres, of the face's texels at `face_uv`
    face_uv: np.ndarray | None = None


def outline_of(places: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N, 2) pixels of the outline of a mesh whose vertices lie at `places` (V, 2)."""
    low = np.floor(places.min(0)) - 1
    width, height = (FINE * (np.ceil(places.max(0)) + 1 - low)).astype(int).tolist()
    found = rasterise(FINE * (places - low)[triangles], width, height)
    mask = np.zeros((height, width), np.uint8)
    mask[found.row, found.column] = 1
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return (max(contours, key=len)[:, 0] + 0.5) / FINE + low


def profile_of(places: np.ndarray, triangles: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, float]:
    """(N, 2) of the outline from forehead to chin, and the head's height, in pixels."""
    outline = outline_of(places, triangles)
    brows, nose, chin = landmarks[17:27].mean(0), landmarks[30], landmarks[8]
    up = brows - chin
    up /= np.linalg.norm(up)
    along = (outline - chin) @ up
    forehead = (brows - chin) @ up * 1.35
    before = (outline - brows) @ np.array([up[1], -up[0]]) * np.sign((nose - brows) @ np.array([up[1], -up[0]]))
    front = (along > 0) & (along < forehead) & (before > -0.3 * (brows - chin) @ up)
    return outline[front], float(((places - chin) @ up).max())


class Rendered:
    """Rendered heads from the front and in profile, with skins and hair that no network was shown."""

    def __init__(self, work: Path, pack: ModelPack, count: int):
        from benchmarks.rendered_persons import Persons
        from training.renderer.scene import SceneSampler, Taste

        persons = Persons(work, 150, pack.topology.landmark_uv, pack.head_model)
        self._persons, self._count = persons, count
        self._sampler = SceneSampler(SIZE, SEED, None, taste=Taste(portraits=1.0, kept=True))

    def __iter__(self):
        import torch

        for _ in range(self._count):
            frontal, profile = self._sampler.head(2, (_side(0.05), _side(np.pi / 2)))
            states = torch.from_numpy(np.stack([view.state.pack() for view in (frontal, profile)]))
            marks, face = self._persons.truth_of(states)
            places = self._persons.skin_places(states)[1] * SIZE
            portraits = tuple(
                Portrait(
                    Photo(Path("rendered"), view.picture, "", None, True),
                    FaceBox(*(points.min(0) * SIZE), *(points.max(0) * SIZE)),
                )
                for view, points in zip((frontal, profile), marks, strict=True)
            )
            outline, height = profile_of(places, self._sampler.kit.skin_triangles, marks[1] * SIZE)
            yield Pair(portraits, outline, height, face, self._persons.face_uv)


def _side(yaw: float):
    return lambda rng: (yaw, float(rng.normal(0, 0.08)), float(rng.normal(0, 0.06)), 0.0)


def scanned(folder: Path, pack: ModelPack) -> list[Pair]:
    """The scan from the front and in profile."""
    scan = load_scan(folder)
    views = [photograph(scan, pack.topology.landmark_canonical, turn) for turn in (0, 90)]
    marks = [view.project(scan.landmarks) for view in views]
    portraits = tuple(
        Portrait(view.photo, FaceBox(*points.min(0), *points.max(0))) for view, points in zip(views, marks, strict=True)
    )
    outline, height = profile_of(views[1].project(scan.vertices), scan.triangles, marks[1])
    return [Pair(portraits, outline, height)]


class Profiles:
    """Fits of pairs."""

    def __init__(self, pack: ModelPack):
        self.pack, self.model, self.network = pack, pack.head_model, open_network(pack)
        self.refiner = open_refiner(pack, self.network.provider)

    def known(self, portrait: Portrait) -> ViewEvidence:
        """What the networks say of a photo."""
        said = regress(portrait.photo, portrait.face_box, self.pack, self.network, Settings().passes)
        evidence = evidence_in(portrait.photo, *said, self.pack, self.refiner)
        return known_of(portrait, evidence, lens_of(portrait.photo, said[2], self.pack, Settings()))

    def off(self, fitted: Fitted, pair: Pair) -> np.ndarray:
        """(N,) % of the head's height from the photo's outline to the head's, in the last view."""
        vertices = self._vertices(fitted)
        found = outline_of(vertices[:, :2], self.pack.topology.triangles)
        return 100 * cKDTree(found).query(pair.outline)[0] / pair.height

    def pinned(self, fitted: Fitted, pair: Pair) -> Fitted:
        """With one more pin, where the outline is farthest off."""
        last, topology = len(fitted.known) - 1, self.pack.topology
        off, put = self.off(fitted, pair), np.array([pin.place for pin in fitted.known[last].pins]).reshape(-1, 2)
        near = np.linalg.norm(pair.outline[:, None] - put, axis=2).min(axis=1, initial=np.inf) < APART * pair.height
        place = pair.outline[np.where(near, -1, off).argmax()]
        uv, _ = nearest_outline(self._vertices(fitted), topology, place)
        pins = (*fitted.known[last].pins, Pin(uv, tuple(place), slides=True))
        for _ in range(2):  # they slide as the head follows
            pins = slid(pins, self._vertices(fitted), topology)
            fitted = fitted.pinned(last, pins).again(self.model, rounds=ROUNDS)
        return fitted

    def mean_head(self, known: tuple[ViewEvidence, ...]) -> Fitted:
        """The mean head with the views' expressions."""
        placed = tuple(place_at_first(self.model, view) for view in known)
        start = Fit(np.zeros(self.model.identities), placed)
        flat = tuple(ViewEvidence(**{**vars(view), "pins": ()}) for view in known)
        return Fitted(flat, fit(self.model, flat, start, lock_identity=True))

    def face_error(self, fitted: Fitted, pair: Pair) -> float:
        """mm, of the head in the first photo."""
        head = fitted.head_in(self.model, self.pack.topology, 0)
        surface = head.camera.to_camera_space(PositionMap(head.position_map.values).sample(pair.face_uv))
        return placed_error(head.pose.inverse_apply(surface), pair.face)

    def _vertices(self, fitted: Fitted) -> np.ndarray:
        last = len(fitted.known) - 1
        return self.pack.topology.vertices(fitted.head_in(self.model, self.pack.topology, last).position_map)


def measure(numbers: Numbers, profiles: Profiles, subject: str, pairs) -> None:
    """Adds a subject's outlines: of the mean head, without pins, with one pin and more."""
    rows: dict[str, list] = {}
    for pair in pairs:
        known = tuple(profiles.known(portrait) for portrait in pair.portraits)
        fits = {"mean head, placed": profiles.mean_head(known), "no pin": fit_views(profiles.model, known)}
        alone = fit_views(profiles.model, known[:1])
        for count in range(1, PINS + 1):
            fits[f"{count} pin{'s' * (count > 1)}"] = profiles.pinned(list(fits.values())[-1], pair)
        for name, fitted in fits.items():
            off = profiles.off(fitted, pair)
            own = () if pair.face is None else (profiles.face_error(fitted, pair), profiles.face_error(alone, pair))
            rows.setdefault(name, []).append((off.mean(), off.max(), 100 * (off < 1).mean(), off.max() < 1, *own))
    for name, found in rows.items():
        mean, most, share, within, *face = np.mean(found, axis=0)
        add(
            numbers,
            f"{subject}, {name}",
            **{
                "outline off, % of the head's height": mean,
                "where it is most": most,
                "% of it within 1 %": share,
                "heads with all of it within 1 %, %": 100 * within,
                **dict(zip(("face mm", "of the frontal photo alone"), face, strict=False)),
            },
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--heads", type=int, default=20)
    parser.add_argument("--scan", type=Path, default=DEFAULT_SCAN, help="folder of a textured head scan")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    options = parser.parse_args()
    profiles, numbers = Profiles(load_pack()), {}
    if options.scan.is_dir():
        measure(numbers, profiles, "scan", scanned(options.scan, profiles.pack))
    measure(numbers, profiles, "rendered heads", Rendered(options.work, profiles.pack, options.heads))
    columns = {f"{profiles.pack.name} {profiles.pack.version}": numbers}
    print(table(columns))
    if options.json:
        print(json.dumps(columns))


if __name__ == "__main__":
    main()
