"""Draws pictures of people who do not exist, for tests; where their 68 landmarks lie is known exactly.

    python -m training.people tests/data/people --layout LAYOUT.npz

The folder gets JPEG files and `faces.json`: by the picture's name its people, with "points", (68, 2) pixels in iBUG's
order, and "turn", yaw, pitch and roll in degrees. LAYOUT is the UV layout of the default pack, whose landmarks they are.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prn_blender.capture.packs.pack import load_pack

from .assets import SKIN_VERTICES
from .bake import sampling_operator
from .head_model import HeadState, project, to_camera
from .renderer.background import sample_background
from .renderer.gl import sample_look
from .renderer.sampling import rotation, sample_light
from .renderer.scene import SceneSampler
from .uv_layout import UvLayout

QUALITY = 85  # of the JPEG files
DISTANCE = 110.0  # cm


@dataclass(frozen=True)
class Person:
    """Who stands where in a picture."""

    seed: int
    centre: tuple[float, float]  # pixels, of the landmarks' box
    side: float  # pixels, mean side of that box
    turn: tuple[float, float, float] = (0, 0, 0)  # degrees of yaw, pitch and roll; as seen, positive turns to the right


@dataclass(frozen=True)
class Picture:
    """What a picture shows."""

    size: int  # pixels
    height: int  # of its upper part, which is kept
    background: int  # seed
    people: tuple[Person, ...]  # the farthest first


PICTURES = {
    "frontal": Picture(450, 450, 4, (Person(5, (225, 245), 165),)),
    "half_left": Picture(480, 480, 1, (Person(9, (235, 240), 150, (-32, 4, -3)),)),
    "half_right": Picture(480, 480, 9, (Person(16, (250, 245), 165, (38, -6, 4)),)),
    "profile": Picture(480, 480, 2, (Person(11, (270, 245), 150, (74, 3, 0)),)),
    "tilted": Picture(480, 480, 7, (Person(38, (240, 230), 140, (12, 6, 24)),)),
    "group": Picture(
        1000,
        640,
        3,
        (
            Person(30, (180, 170), 62, (15, 0, 0)),
            Person(14, (420, 150), 60, (-20, 0, 5)),
            Person(12, (640, 160), 66, (0, 8, 0)),
            Person(37, (850, 165), 64, (-30, 0, -6)),
            Person(2, (290, 330), 96, (10, 0, 0)),
            Person(39, (540, 340), 100, (-5, 5, -8)),
            Person(31, (780, 345), 94, (-25, 0, 0)),
        ),
    ),
    "street": Picture(
        1280,
        720,
        15,
        (
            Person(21, (1010, 200), 22, (25, 0, 0)),
            Person(19, (760, 205), 24, (-40, 0, 0)),
            Person(7, (560, 195), 28, (10, 0, 0)),
            Person(28, (880, 240), 36, (-15, 0, 0)),
            Person(23, (1130, 260), 44, (-50, 0, 0)),
            Person(5, (650, 290), 55, (20, 0, 4)),
            Person(27, (250, 330), 150, (22, 0, 0)),
        ),
    ),
}


class PersonSampler(SceneSampler):
    """One person, the same for the same seed, drawn in front of a picture where it is wanted."""

    def __init__(self, size: int, layout: UvLayout, landmark_uv: np.ndarray):
        super().__init__(size, 0, None)
        self.landmarks = sampling_operator(layout, landmark_uv)

    def add(self, person: Person, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`picture` (S, S, 3) uint8 with the person, and their landmarks (68, 2) in pixels."""
        self.rng = np.random.default_rng(person.seed)
        self.skins, self.person, self.picture = [], person, picture
        return self.head(1)[0]

    def _view(
        self, state: HeadState, vertices: np.ndarray, skin: tuple, eyes, is_portrait: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Overrides the labelled picture: placed by `person`, before `picture`, nothing degraded."""
        yaw, pitch, roll = np.radians(self.person.turn)
        posed = HeadState(**vars(state))
        posed.rotation = rotation(yaw, pitch, -roll)
        posed.translation = np.array([0, 0, -DISTANCE], np.float32)
        posed.projection = np.array([1, 0, 0], np.float32)
        camera = to_camera(self.landmarks @ vertices[:SKIN_VERTICES], posed)
        flat = project(camera, posed)[:, :2]
        low, high = flat.min(0), flat.max(0)
        size = self.drawing.size
        focal = self.person.side / float((high - low).mean()) / size
        posed.projection = np.array(
            [focal, *(np.array(self.person.centre) / size - focal * (low + high) / 2)], np.float32
        )
        look = sample_look(self.rng, sample_light(self.rng, []))
        drawn = self.drawing.draw(posed, skin[1:], eyes, look, self.picture)
        return drawn, project(camera, posed)[:, :2] * size


def draw(picture: Picture, layout: UvLayout, landmark_uv: np.ndarray) -> tuple[np.ndarray, list[dict]]:
    """(height, size, 3) uint8 RGB, and its people as in `faces.json`."""
    sampler = PersonSampler(picture.size, layout, landmark_uv)
    drawn = sample_background(np.random.default_rng(picture.background), picture.size, [])
    people = []
    for person in picture.people:
        drawn, points = sampler.add(person, drawn)
        people.append({"points": np.round(points, 1).tolist(), "turn": list(person.turn)})
    return drawn[: picture.height], people


def main() -> None:
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    layout, landmark_uv = UvLayout.load(options.layout), load_pack().topology.landmark_uv
    faces = {}
    for name, picture in PICTURES.items():
        drawn, faces[f"{name}.jpg"] = draw(picture, layout, landmark_uv)
        cv2.imwrite(str(options.folder / f"{name}.jpg"), drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    (options.folder / "faces.json").write_text(json.dumps(faces) + "\n")


if __name__ == "__main__":
    main()
