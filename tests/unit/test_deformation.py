"""Landmarks that take the surface along, on the canonical head."""

import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.packs.topology import OPENINGS, Topology
from prn_blender.capture.shape.deformation import Surface, anchors_of, falloff

MOUTH_CORNER, CHIN, BROW, NOSE_TIP, UPPER_LIP, LOWER_LIP, LID = 48, 8, 19, 30, 62, 66, 37
MILLIMETRE = 0.001
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def edges(topology) -> np.ndarray:
    """(E, 2) of the quads."""
    faces = topology.faces
    return np.unique(np.sort(np.concatenate([faces[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1), axis=0)


def surface_of(topology: Topology, edges: np.ndarray) -> Surface:
    openings = np.any([topology.in_region(name) for name in OPENINGS], axis=0)
    ways = np.concatenate([edges, topology.faces[:, [0, 2]], topology.faces[:, [1, 3]]])
    return Surface(topology.canonical, ways, openings, anchors_of(topology))


@pytest.fixture(scope="module")
def surface(topology, edges) -> Surface:
    return surface_of(topology, edges)


def moves(offsets: dict[int, tuple[float, float, float]]) -> np.ndarray:
    """(68, 3) metres from millimetres by landmark."""
    displacements = np.zeros((68, 3))
    for index, offset in offsets.items():
        displacements[index] = np.array(offset) * MILLIMETRE
    return displacements


def pins(*indices: int) -> np.ndarray:
    """(68,) bool"""
    return np.isin(np.arange(68), indices)


def move(surface: Surface, index: int, *offset: float) -> np.ndarray:
    """(V, 3) how far each vertex goes when one landmark is moved by millimetres."""
    return surface.moved(moves({index: offset}), pins(index)) - surface.positions


def test_anchors_are_where_the_landmarks_are(topology):
    anchors = anchors_of(topology)
    np.testing.assert_allclose(anchors.weights.sum(axis=1), 1)
    assert (anchors.weights >= 0).all()
    uv = anchors.on(topology.sample_uv[:, 0].astype(float))
    np.testing.assert_allclose(uv, topology.landmark_uv, atol=1e-5)


def test_anchors_beside_the_uv_domain_take_the_nearest_triangle(topology):
    beside = topology.landmark_uv.copy()
    beside[CHIN] = -0.2, 1.2
    anchors = anchors_of(replace(topology, landmark_uv=beside))
    np.testing.assert_allclose(anchors.weights.sum(axis=1), 1)
    corner = topology.sample_uv[anchors.vertices[CHIN], 0].mean(axis=0)
    assert corner[0] < 0.1 and corner[1] > 0.7  # the corner at the left and the bottom


def test_the_fall_off_is_smooth_at_both_ends():
    t = np.linspace(0, 1.2, 1201)
    value = falloff(t)
    assert value[0] == 1 and (value[t >= 1] == 0).all() and (np.diff(value) <= 0).all()
    slope, bend = np.gradient(value, t), np.gradient(np.gradient(value, t), t)
    assert abs(slope[0]) < 0.02
    assert np.abs(slope[t > 0.99]).max() < 1e-3 and np.abs(bend[t > 0.99]).max() < 0.01


@pytest.mark.parametrize("index", range(68))
def test_the_surface_goes_along_and_the_other_landmarks_ride_on_it(surface, index):
    wanted = moves({index: (3, -4, 2)})
    moved = surface.anchors.on(move(surface, index, 3, -4, 2).astype(float))
    np.testing.assert_allclose(moved[index], wanted[index], atol=0.1 * MILLIMETRE)
    np.testing.assert_allclose(surface.offsets(wanted, pins(index)), moved, atol=1e-6)
    others = np.delete(moved, index, axis=0)
    assert np.linalg.norm(others, axis=1).max() <= np.linalg.norm(moved[index])


def test_a_landmark_that_was_put_is_held_while_its_neighbour_moves(surface):
    wanted = moves({CHIN: (0, 0, -9), 7: (0, 0, 0)})
    moved = surface.anchors.on((surface.moved(wanted, pins(CHIN, 7)) - surface.positions).astype(float))
    np.testing.assert_allclose(moved[[CHIN, 7]], wanted[[CHIN, 7]], atol=0.1 * MILLIMETRE)
    assert np.linalg.norm(surface.offsets(wanted, pins(CHIN))[7]) > MILLIMETRE


def test_the_chin_drawn_far_gives_no_spike(surface, edges, topology):
    """By 53 pixels of a portrait of 512."""
    wanted = moves({CHIN: (0, 5, -30)})
    moved = (surface.moved(wanted, pins(CHIN)) - surface.positions)[:, 2]
    ends = surface.positions[edges]
    length = np.maximum(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), MILLIMETRE)
    assert (np.abs(moved[edges[:, 0]] - moved[edges[:, 1]]) / length).max() < 0.9
    jaw = surface.offsets(wanted, pins(CHIN))[:17, 2]
    assert (jaw[[7, 9]] < -15 * MILLIMETRE).all()  # at least half as far as the chin
    assert (np.diff(jaw[: CHIN + 1]) <= 1e-6).all() and (np.diff(jaw[CHIN:]) >= -1e-6).all()
    assert np.abs(moved[topology.in_region("eye_left") | topology.in_region("eye_right")]).max() < MILLIMETRE


def test_many_landmarks_at_once_are_all_reached(surface):
    displacements = np.random.default_rng(0).uniform(-2, 2, (68, 3)) * MILLIMETRE
    moved = surface.anchors.on((surface.moved(displacements, pins(*range(68))) - surface.positions).astype(float))
    np.testing.assert_allclose(moved, displacements, atol=0.1 * MILLIMETRE)


def test_nothing_moved_changes_nothing(surface):
    assert (surface.moved(np.zeros((68, 3)), pins()) == surface.positions).all()


def test_the_shape_is_the_same_in_whatever_order_it_is_asked_for(topology, edges, surface):
    wanted = moves({CHIN: (0, 0, -9), 7: (0, -3, 0)})
    both = surface.moved(wanted, pins(CHIN, 7))
    other = surface_of(topology, edges)
    other.moved(moves({7: (1, 1, 1)}), pins(7))
    other.moved(moves({CHIN: (2, 0, 0)}), pins(CHIN))
    assert (other.moved(wanted, pins(CHIN, 7)) == both).all()


@pytest.mark.parametrize("index", [MOUTH_CORNER, CHIN, BROW, NOSE_TIP, UPPER_LIP, LID])
def test_only_the_surroundings_move(surface, index):
    changed = np.linalg.norm(move(surface, index, 0, -5, 0), axis=1)
    distance = np.linalg.norm(surface.positions - surface.landmarks[index], axis=1)
    assert changed[distance > 45 * MILLIMETRE].max() < 0.01 * MILLIMETRE
    assert (changed > 0).sum() > 30


def test_a_lip_does_not_drag_the_other_one(surface, topology):
    moved = move(surface, UPPER_LIP, 0, 0, 5)[:, 2]
    middle = topology.landmark_uv[[LOWER_LIP, 57]].mean(axis=0)
    lower = np.linalg.norm(topology.sample_uv[:, 0] - middle, axis=1) < 0.02
    assert (lower & topology.in_region("skin")).sum() > 10
    assert np.abs(moved[lower & topology.in_region("skin")]).max() < 0.05 * MILLIMETRE


def test_a_mouth_corner_does_not_move_the_eyes(surface, topology):
    moved = move(surface, MOUTH_CORNER, 8, 0, 8)
    assert (moved[topology.in_region("eye_left") | topology.in_region("eye_right")] == 0).all()
    assert np.abs(moved).max() > 5 * MILLIMETRE


@pytest.mark.parametrize("index", [CHIN, BROW, NOSE_TIP, LID, 57, 4])
def test_the_surface_stays_smooth(surface, edges, index):
    """No vertex moves much farther than the landmark, nor much differently from its neighbours."""
    ends = surface.positions[edges]
    length = np.maximum(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1), MILLIMETRE)
    moved = move(surface, index, 0, -4, 0)
    assert np.abs(moved).max() < 4.5 * MILLIMETRE
    steps = np.linalg.norm(moved[edges[:, 0]] - moved[edges[:, 1]], axis=1)
    assert (steps / length).max() < 1.0


def test_landmarks_are_moved_where_every_other_library_is_broken():
    code = """
        import sys
        for name in ("bpy", "cv2", "PIL", "onnxruntime"):
            sys.modules[name] = None
        import numpy as np
        from prn_blender.capture.packs.topology import Topology
        from prn_blender.capture.shape.deformation import Surface, anchors_of

        topology = Topology.load("models/head/topology.npz")
        edges = np.unique(np.sort(topology.faces[:, [[0, 1], [1, 2], [2, 3], [3, 0]]].reshape(-1, 2), axis=1), axis=0)
        closed = np.zeros(len(topology.canonical), bool)
        surface = Surface(topology.canonical, edges, closed, anchors_of(topology))
        displacements = np.zeros((68, 3))
        displacements[8, 2] = -0.005
        moved = surface.moved(displacements, displacements.any(axis=1)) - topology.canonical
        moved = surface.anchors.on(moved.astype(float))
        np.testing.assert_allclose(moved[8], displacements[8], atol=1e-4)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
