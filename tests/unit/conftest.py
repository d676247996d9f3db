"""Synthetic truth: position maps of the canonical head, placed and photographed by the numbers of a `Shot`."""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

sys.modules["bpy"] = None  # the capture must work without it: an import of bpy fails here

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.pack import ModelPack, default_pack_folder, load_pack
from prn_blender.capture.packs.prnet import import_prnet, read_uv_data
from prn_blender.capture.packs.topology import Topology
from prn_blender.capture.types import Photo

from ..prnet_copy import prnet_folder, random_checkpoint

# People who do not exist, with `faces.json`, where their landmarks are: see training/people.py.
PEOPLE = Path(__file__).parents[1] / "data" / "people"
SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session")
def pack() -> ModelPack:
    return load_pack()


@pytest.fixture(scope="session")
def topology(pack) -> Topology:
    return pack.topology


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Photos and detectors for measurements, which are no part of the project."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the measurement data in {SHARED}, which is no part of the project")
    return SHARED / "data"


@pytest.fixture(scope="session")
def kit():
    """ICT-FaceKit, which the trainings' heads are made of."""
    from training.assets import DEFAULT_FOLDER, load_facekit

    if not (DEFAULT_FOLDER / "ict_facekit.npz").exists():
        pytest.skip(
            f"needs the head assets in {DEFAULT_FOLDER}, or in the folder that HEAD_ASSETS names: "
            "`python -m training.prepare_assets` makes them (training/README.md, Assets)"
        )
    return load_facekit()


@pytest.fixture(scope="session")
def layout(kit):
    """A UV layout of it, less relaxed than a pack's."""
    pytest.importorskip("scipy")
    from training.uv_layout import make_layout

    return make_layout(kit, iterations=4)


@pytest.fixture(scope="session")
def uv_data(shared_data):
    return read_uv_data(shared_data / "prnet")


@pytest.fixture(scope="session")
def untrained(shared_data, tmp_path_factory):
    """A PRNet folder with random weights, and the network by whose weights they are."""
    scratch = tmp_path_factory.mktemp("checkpoint")
    network = random_checkpoint(scratch)
    return prnet_folder(tmp_path_factory.mktemp("authors") / "PRNet", shared_data / "prnet", scratch), network


@pytest.fixture(scope="session")
def prnet(untrained, tmp_path_factory) -> ModelPack:
    return load_pack(import_prnet(untrained[0], tmp_path_factory.mktemp("packs with spaces é")))


@pytest.fixture
def copied(tmp_path) -> Path:
    """A copy of the default pack that a test may damage."""
    return shutil.copytree(default_pack_folder(), tmp_path / "pack with spaces é")


def landmarks_of(picture: str) -> list[np.ndarray]:
    """Of each person in a picture of PEOPLE, (68, 2) photo space."""
    return [np.array(person["points"]) for person in json.loads((PEOPLE / "faces.json").read_text())[picture]]


def photo_of(pixels: np.ndarray) -> Photo:
    """A photo (H, W, 3) from no camera."""
    return Photo(Path("made.png"), np.ascontiguousarray(pixels), "", None, True)


@dataclass(frozen=True)
class Shot:
    """A photo of a head that nobody took."""

    width: int
    height: int
    focal_px: float | None  # None: orthographic, a millimetre per pixel
    angles: tuple[float, float, float]  # degrees of yaw, pitch and roll
    position: tuple[float, float, float]  # metres, the head's origin in camera space

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) aligned frame to camera space: yaw about the head's axis, then pitch, then roll in the picture."""
        yaw, pitch, roll = np.radians(self.angles)
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        return about_z @ about_x @ about_y @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])

    def photograph(self, points: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """(N, 3) photo-space points for points (N, 3) of the aligned frame: the textbook pinhole, or parallel rays.

        z is relative to `origin` (3,) of the aligned frame, along the line of sight to it, in pixels at its depth.
        """
        x, y, z = in_camera = (np.asarray(points, np.float64) @ self.rotation.T + self.position).T
        in_sight = self.rotation @ origin + self.position
        origin_z = in_sight[2]
        if self.focal_px is None:
            return np.stack([self.width / 2 + 1000 * x, self.height / 2 - 1000 * y, 1000 * (z - origin_z)], axis=1)
        factor = self.focal_px / -z
        nearer = -in_sight / np.linalg.norm(in_sight) @ (in_camera - in_sight[:, None])
        relative = nearer * self.focal_px / -origin_z
        return np.stack([self.width / 2 + factor * x, self.height / 2 - factor * y, relative], axis=1)


def bake(topology: Topology, values: np.ndarray, resolution: int) -> PositionMap:
    """The position map whose surface is the mesh with `values` (V, 3) at its vertices, linear within triangles.

    Texels outside of every triangle take the nearest inside, as in a pack.
    """
    texel = np.arange(6)
    corners = topology.triangle_uv * resolution - 0.5
    first = np.ceil(corners.min(axis=1)).astype(int)
    columns = (first[:, 0, None, None] + texel).repeat(6, axis=1)
    rows = (first[:, 1, None, None] + texel[:, None]).repeat(6, axis=2)
    a, b, c = (corners[:, k][:, None, None] for k in range(3))
    p = np.stack([columns, rows], axis=-1)
    cross = lambda u, v: u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    area = cross(b - a, c - a)
    weights = np.stack([cross(b - p, c - p), cross(c - p, a - p), cross(a - p, b - p)], axis=-1) / area[..., None]
    inside = (weights >= -1e-9).all(-1) & (columns < resolution) & (rows < resolution)
    triangle = np.nonzero(inside)[0]
    image = np.full((resolution, resolution, 3), np.nan)
    image[rows[inside], columns[inside]] = np.einsum(
        "nk,nkc->nc", weights[inside], values[topology.triangles[triangle]]
    )
    while np.isnan(image).any():
        for axis in (0, 1):
            for step in (1, -1):
                neighbour = np.roll(image, step, axis)
                image = np.where(np.isnan(image), neighbour, image)
    return PositionMap(image.astype(np.float32))
