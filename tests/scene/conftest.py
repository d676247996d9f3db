"""Captures with a known truth: the canonical head, placed and photographed by the numbers of a `Shot`."""

import atexit
import hashlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

import prn_blender
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.camera import Camera
from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.edge_loops import detailed_mean
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.packs.prnet import import_prnet
from prn_blender.capture.packs.topology import Topology
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.types import BASE_COLOR, MASK, Capture, Head, HeadMesh, Photo, Settings, View

from ..prnet_copy import prnet_folder, random_checkpoint

_exit_status = [1]


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_exit_status[0])


# Before Blender registers its own exit function, so that it runs after that: see prn_blender/__main__.py.
atexit.register(_leave)

import bpy

from prn_blender.scene.files import studio


def pytest_sessionfinish(exitstatus: int) -> None:
    """Keeps the exit status of pytest for `_leave`."""
    _exit_status[0] = int(exitstatus)


CHECKOUT = Path(__file__).parents[2]
PORTRAIT = CHECKOUT / "examples" / "astronaut.jpg"
# What the command line writes of a capture.
FILE_NAMES = ("head.blend", "head.glb", "head_basecolor.png", "head_mask.png", "preview.png", "capture.json")


def coordinates(mesh: bpy.types.Mesh) -> np.ndarray:
    """(V, 3) float32"""
    values = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


@dataclass(frozen=True)
class Shot:
    """A photo of the canonical head that nobody took."""

    width: int
    height: int
    focal_px: float | None  # None: orthographic, a millimetre per pixel
    angles: tuple[float, float, float]  # degrees about the camera's x, y and z axes, from frontal
    position: tuple[float, float, float]  # metres, the head's origin in camera space
    stem: str = "shot"

    @property
    def rotation(self) -> np.ndarray:
        """(3, 3) aligned frame to camera space."""
        x, y, z = np.radians(self.angles)
        turn_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        turn_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        turn_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        frontal = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
        return turn_z @ turn_y @ turn_x @ frontal

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) where points (N, 3) of the aligned frame are on the photo: the textbook pinhole, or parallel rays."""
        x, y, z = (np.asarray(points, np.float64) @ self.rotation.T + self.position).T
        factor = self.focal_px / -z if self.focal_px else 1000.0
        return np.stack([self.width / 2 + factor * x, self.height / 2 - factor * y], axis=1)

    def photograph(self, surface: np.ndarray) -> np.ndarray:
        """(R, R, 3) photo space of a surface (R, R, 3) of the aligned frame; z in pixels at the origin's depth."""
        points = surface.reshape(-1, 3)
        z = (np.asarray(points, np.float64) @ self.rotation.T)[:, 2]
        per_metre = self.focal_px / -self.position[2] if self.focal_px else 1000.0
        return np.column_stack([self.pixels(points), per_metre * z]).reshape(surface.shape)


def canonical_surface(pack: ModelPack) -> np.ndarray:
    """(R, R, 3) float32 metres of the canonical head by UV."""
    return _canonical_surface(pack.topology, pack.loops_file)


@lru_cache(maxsize=2)
def _canonical_surface(topology: Topology, loops_file: Path | None) -> np.ndarray:
    if loops_file is None:  # PRNet's, which has a vertex in every texel
        surface = np.zeros((256, 256, 3), np.float32)
        columns, rows = (topology.sample_uv[:, 0] * 256).astype(int).T
        surface[rows, columns] = topology.canonical
    else:
        with np.load(loops_file) as loops:
            surface = detailed_mean(PositionMap(loops["canonical_map"]), topology).values.astype(np.float32)
    return _shared(surface)


@lru_cache(maxsize=4)
def _photo(width: int, height: int) -> tuple[np.ndarray, bytes]:
    """(height, width, 3) uint8 of which every pixel tells where it is, and its PNG file."""
    import cv2

    rows, columns = np.arange(height).astype(np.uint8)[:, None], np.arange(width).astype(np.uint8)
    pixels = np.stack(np.broadcast_arrays(columns, rows, rows + columns), axis=-1)
    return _shared(pixels), cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()


def _shared(array: np.ndarray) -> np.ndarray:
    """The array, which no test may change, since others have it, too."""
    array.flags.writeable = False
    return array


def mesh_in(capture: Capture) -> HeadMesh:
    """The mesh that the settings of a capture ask for."""
    return mesh_of(capture, capture.pack.choose_topology(capture.settings.topology))


SHOTS = {
    "landscape": Shot(1200, 800, 1500.0, (10, 35, -8), (0.06, -0.03, -0.9), "landscape"),
    "portrait": Shot(900, 1350, 1100.0, (-15, -60, 20), (-0.05, 0.08, -0.5), "portrait"),
    "telephoto": Shot(6000, 4000, 30000.0, (5, 10, 0), (0.2, 0.1, -9.0), "telephoto"),
    "orthographic": Shot(700, 500, None, (0, 20, 5), (0.04, 0.02, -1.0), "orthographic"),
    "orthographic_portrait": Shot(480, 641, None, (20, -80, -30), (-0.02, 0.05, -1.0), "orthographic_portrait"),
}


@pytest.fixture(autouse=True)
def empty_file():
    """Every test begins in an empty file with one scene."""
    bpy.ops.wm.read_homefile(use_empty=True)


@pytest.fixture(autouse=True)
def coarse_previews(monkeypatch):
    """One sample a pixel: rendering the preview takes most of the time in which files are written."""
    monkeypatch.setattr(studio, "SAMPLES", 1)


@pytest.fixture
def registered():
    """The add-on is registered."""
    prn_blender.register()
    yield
    prn_blender.unregister()


@pytest.fixture(scope="session")
def pack(request) -> ModelPack:
    """The built-in pack, or the one that a test is parametrised with."""
    return request.getfixturevalue("prnet") if getattr(request, "param", "head") == "prnet" else load_pack()


def with_prnet(name: str, choices: Iterable, few: Iterable) -> pytest.MarkDecorator:
    """Parametrises with every choice, and with a few of them for PRNet's pack too, whose mesh is ten times as large."""
    pairs = [("head", choice) for choice in choices] + [("prnet", choice) for choice in few]
    ids = [f"{pack}-{getattr(choice, 'identifier', choice)}" for pack, choice in pairs]
    return pytest.mark.parametrize(("pack", name), pairs, ids=ids, indirect=["pack"], scope="session")


both_packs = pytest.mark.parametrize("pack", ["head", "prnet"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def prnet(tmp_path_factory) -> ModelPack:
    """PRNet's, with random weights."""
    uv_data = CHECKOUT.parent / "shared" / "data" / "prnet"
    if not uv_data.is_dir():
        pytest.skip(f"needs PRNet's UV data in {uv_data}")
    scratch = tmp_path_factory.mktemp("prnet")
    random_checkpoint(scratch)
    return load_pack(import_prnet(prnet_folder(scratch / "PRNet", uv_data, scratch), scratch))


@pytest.fixture
def topology(pack) -> Topology:
    return pack.topology


@pytest.fixture
def make_capture(pack, tmp_path):
    """make_capture(shot, as_stored=True, name="standard") -> Capture, `name` the topology's."""

    def make(shot: Shot, as_stored: bool = True, name: str = "standard") -> Capture:
        pixels, content = _photo(shot.width, shot.height)
        path = tmp_path / f"{shot.stem}.png"
        path.write_bytes(content)
        topology, size = pack.topology, 64
        ramp = np.linspace(0, 255, size).astype(np.uint8)
        colour = np.stack([*np.meshgrid(ramp, ramp), np.full((size, size), 128, np.uint8)], axis=-1)
        distance = -shot.position[2]
        on_photo = shot.pixels(topology.landmark_canonical)
        surface = canonical_surface(pack)
        visible = np.linspace(0, 1, len(pack.topology.canonical), dtype=np.float32)
        view = View(
            photo=Photo(path, pixels, hashlib.sha256(content).hexdigest(), shot.focal_px, as_stored),
            face_box=FaceBox(*on_photo.min(0).tolist(), *on_photo.max(0).tolist()),
            crop=Crop(shot.width / 2, shot.height / 2, 300.0),
            position_map=PositionMap(shot.photograph(surface).astype(np.float32)),
            camera=Camera(
                shot.width,
                shot.height,
                shot.focal_px,
                distance,
                distance / shot.focal_px if shot.focal_px else 0.001,
                shot.width / 2,
                shot.height / 2,
            ),
            focal_from="exif" if shot.focal_px else "",
            pose=Similarity(1.0, shot.rotation, np.array(shot.position)),
            visibility=visible,
            landmarks=np.column_stack([on_photo, np.zeros(68)]),
        )
        return Capture(
            views=(view,),
            head=Head(surface, topology.landmark_canonical.astype(np.float32)),
            textures={BASE_COLOR: colour, MASK: np.where(colour[..., 0] > 100, 255, 0).astype(np.uint8)},
            pack=pack,
            settings=Settings(texture_size=size, topology=name),
            provider="CPUExecutionProvider",
            provider_fallback="",
            timings={"network": 0.01, "texture": 0.2},
        )

    return make


@pytest.fixture
def capture(make_capture) -> Capture:
    return make_capture(SHOTS["landscape"])
