"""Rendered heads from several sides each, with the truth about them in the pack's own frame."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from prn_blender.capture.shape.evidence import EVIDENCE_SIZE
from prn_blender.capture.shape.head_model import HeadModel, texel_uv
from training.assets import LANDMARK_VERTICES, SKIN_VERTICES, load_facekit
from training.bake import bake_operator, sampling_operator
from training.dataset import RenderedHeads
from training.head_model import neck_weight
from training.head_model_pack import regions
from training.labels import LabelMaker, neutral, split_states
from training.topology import eye_centre, to_blender
from training.uv_layout import UvLayout

SIZE = 256  # pixels of the pictures
VIEWS = 5
SHARD = 100
FIRST_SHARD = 9000  # far from what is rendered for training
# Folders of the work folder, and how their heads are rendered: ICT-FaceKit's from all sides; each picture of a head on
# another day, with another expression, other clothes and hair; like scanned people's, every second one as in portraits.
ALL_SIDES, OTHER_DAYS, LIKE_PEOPLE = "persons", "days", "like_people"
KINDS = {ALL_SIDES: (), OTHER_DAYS: ("--days",), LIKE_PEOPLE: ("--scanned", 1, "--portraits", 0.5)}


@dataclass(frozen=True)
class Portrait:
    """One picture of a head."""

    picture: np.ndarray  # (S, S, 3) uint8
    landmarks: np.ndarray  # (68, 2) pixels
    places: np.ndarray  # (E, E, 3) photo space: where the evidence's texels are in truth
    seen: np.ndarray  # (E, E) bool
    face_places: np.ndarray  # (F, 2) photo space, of the face's texels
    face_seen: np.ndarray  # (F,) bool
    pixels_per_mm: float  # at the head's origin
    yaw: float  # degrees


@dataclass(frozen=True)
class Person:
    """A head from several sides."""

    face: np.ndarray  # (F, 3) metres, with the expression of the first view
    still: np.ndarray  # (F, 3) without
    whole: np.ndarray  # (P, 3) all texels of the model, with it
    views: tuple[Portrait, ...]


class Persons:
    """The heads of a work folder, rendered where they are not there yet."""

    def __init__(
        self, work: Path, pictures: int, landmark_uv: np.ndarray, model: HeadModel, kind: str = ALL_SIDES
    ) -> None:
        """
        Args:
            kind: one of `KINDS`.
        """
        options = {"pictures": pictures, "shard-size": SHARD, "size": SIZE, "views": VIEWS, "processes": 2}
        self.heads, layout = rendered(work, kind, options, *KINDS[kind])
        self._pictures, kit = self.heads.rows("pictures"), load_facekit()
        self._eyes = eye_centre(kit, layout)
        size = len(model.mean)
        operator, inside = bake_operator(layout, size)
        skin = kit.mean[:SKIN_VERTICES]
        self.mean = to_blender(operator @ skin, self._eyes)  # (P, 3) the mean head without a photo
        self.parts = regions(self.mean, to_blender(kit.mean[LANDMARK_VERTICES], self._eyes), inside.ravel())
        own = operator @ neck_weight(skin) < 0.05
        upper = np.any([self.parts[name] for name in ("nose", "forehead", "cheeks")], axis=0) & own
        face = upper | (self.parts["mouth"] | self.parts["jaw"]) & own
        self.face, self.upper_face = np.flatnonzero(face), np.flatnonzero(upper)  # texels of the model
        self.face_uv = texel_uv(size).reshape(-1, 2)[self.face]
        self._operators = [operator[self.face], bake_operator(layout, EVIDENCE_SIZE)[0]]
        self._face, self._texels, self._whole = (LabelMaker(kit, one) for one in (*self._operators, operator))
        self._marks = LabelMaker(kit, sampling_operator(layout, landmark_uv))
        self._skin = LabelMaker(kit, sparse.identity(SKIN_VERTICES, format="csr"))

    def face_at(self, size: int) -> np.ndarray:
        """(size, size) bool: larger texels that are all of the face."""
        mask = np.zeros(len(self.mean), bool)
        mask[self.face] = True
        step = round(len(mask) ** 0.5) // size
        return mask.reshape(size, step, size, step).all(axis=(1, 3))

    def truth_of(self, states: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(B, 68, 2) places of the landmarks in the pictures 0..1, and (F, 3) metres of the first head's face."""
        face = self._face.head_points(split_states(states[:1])).numpy()[0]
        return self._marks(states).numpy().astype(np.float64)[..., :2], to_blender(face, self._eyes)

    def skin_places(self, states: torch.Tensor) -> np.ndarray:
        """(B, SKIN_VERTICES, 2) places of ICT-FaceKit's skin in the pictures 0..1."""
        return self._skin(states).numpy().astype(np.float64)[..., :2]

    def __len__(self) -> int:
        return len(self.heads) // VIEWS

    def __getitem__(self, number: int) -> Person:
        if number >= len(self):
            raise IndexError(number)
        chosen = np.arange(number * VIEWS, (number + 1) * VIEWS)
        pictures, states = self._pictures.take(chosen), self.heads.states[torch.from_numpy(chosen)]
        parts = split_states(states)
        face, still = (self._face.head_points(split_states(one[:1])).numpy()[0] for one in (states, neutral(states)))
        vertices = self.heads.visibility(chosen)[:, :SKIN_VERTICES].astype(np.float32)
        face_seen, seen = ((operator @ vertices.T).T > 0.5 for operator in self._operators)
        places, face_places, marks = (
            maker(states).numpy().astype(np.float64) * SIZE for maker in (self._texels, self._face, self._marks)
        )
        scale = parts["projection"][:, 0] / parts["translation"].norm(dim=1) * SIZE / 10
        forwards = parts["rotation"][:, :, 2]
        yaw = torch.rad2deg(torch.atan2(forwards[:, 0], forwards[:, 2]))
        views = tuple(
            Portrait(
                picture=pictures[k],
                landmarks=marks[k][:, :2],
                places=places[k].reshape(EVIDENCE_SIZE, EVIDENCE_SIZE, 3),
                seen=seen[k].reshape(EVIDENCE_SIZE, EVIDENCE_SIZE),
                face_places=face_places[k][:, :2],
                face_seen=face_seen[k],
                pixels_per_mm=float(scale[k]),
                yaw=float(yaw[k]),
            )
            for k in range(VIEWS)
        )
        whole = self._whole.head_points(split_states(states[:1])).numpy()[0]
        return Person(*(to_blender(points, self._eyes) for points in (face, still, whole)), views)


def rendered(work: Path, name: str, options: dict[str, int], *others) -> tuple[RenderedHeads, UvLayout]:
    """The heads in a folder of the work folder and its UV layout, made where they are not there yet.

    Args:
        options: of `training.render`, besides skins and hair that no network was shown.
    """
    folder, layout_file = work / name, work / "layout.npz"
    work.mkdir(parents=True, exist_ok=True)
    if not layout_file.exists():
        _training("uv_layout", layout_file)
    given = options | {"first-shard": FIRST_SHARD, "kept": "only"}
    _training("render", folder, *(part for name, value in given.items() for part in (f"--{name}", value)), *others)
    return RenderedHeads([folder]), UvLayout.load(layout_file)


def _training(module: str, *arguments) -> None:
    """Runs a module of `training` from the checkout's root."""
    subprocess.run(
        [sys.executable, "-m", f"training.{module}", *map(str, arguments)],
        cwd=Path(__file__).parents[1],
        check=True,
        stdout=subprocess.DEVNULL,
    )
