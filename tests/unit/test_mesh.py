"""A head's surface as a mesh of any of the pack's topologies."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.run import Request, run
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.types import Capture, Settings

from .conftest import PEOPLE


def captured(name: str) -> Capture:
    (capture,) = run(Request(PEOPLE / name, settings=Settings(texture_size=512))).captures
    return capture


@pytest.fixture(scope="module")
def frontal() -> Capture:
    return captured("frontal.jpg")


def test_the_standard_mesh_lies_on_the_heads_surface(frontal, topology):
    mesh = mesh_of(frontal, topology)
    assert mesh.topology is topology
    np.testing.assert_array_equal(mesh.vertices, topology.vertices(PositionMap(frontal.head.surface)))
    np.testing.assert_array_equal(mesh.visibility, frontal.views[0].visibility)
    assert 0.2 < np.ptp(mesh.vertices[:, 2]) < 0.4  # metres
    foremost = mesh.vertices[mesh.vertices[:, 1].argmin()]
    assert np.linalg.norm(foremost - frontal.head.landmarks[30]) < 0.01  # the tip of the nose


@pytest.mark.parametrize("name", ["low", "game", "detailed"])
def test_other_topologies_show_the_same_head(frontal, pack, topology, name):
    other = pack.choose_topology(name)
    mesh, standard = mesh_of(frontal, other), mesh_of(frontal, topology)
    assert mesh.vertices.shape == (len(other.canonical), 3) and mesh.visibility.shape == (len(other.canonical),)
    distance = np.linalg.norm(mesh.vertices[::40, None] - standard.vertices, axis=2)
    assert np.median(distance.min(axis=1)) < 0.002 and distance.min(axis=1).max() < 0.012  # metres, between vertices
    assert mesh.visibility.min() >= 0 and mesh.visibility.max() <= 1
    assert np.corrcoef(mesh.visibility[::40], standard.visibility[distance.argmin(axis=1)])[0, 1] > 0.8


def test_what_any_view_shows_is_seen(frontal, topology):
    from_the_side = captured("profile.jpg").views[0]
    both = replace(frontal, views=(*frontal.views, from_the_side))
    seen = mesh_of(both, topology).visibility
    np.testing.assert_array_equal(seen, np.maximum(frontal.views[0].visibility, from_the_side.visibility))
    assert seen.mean() > frontal.views[0].visibility.mean() + 0.05
