"""Eyes, teeth and the like follow a captured head."""

import numpy as np
import pytest

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.edge_loops import detailed_mean
from prn_blender.capture.shape.eyeball import CORNEA, WHITE, eyeball
from prn_blender.capture.shape.parts import PartsModel, clear_of_eyes, edge_of, parts_of, skin_faces

SPHERE = np.array([0.03, 0.01, 0.0, 0.012])


@pytest.fixture(scope="module")
def model(pack):
    return PartsModel.load(pack.parts_file)


@pytest.fixture(scope="module")
def mean(pack):
    with np.load(pack.loops_file) as data:
        return detailed_mean(PositionMap(data["canonical_map"]), pack.topology)


def head(pack, mean, move=lambda points: points):
    """Anchors and mesh of the mean head, moved."""
    game = pack.choose_topology("game")
    return (lambda model: move(mean.sample(model.anchor_uv))), move(game.vertices(mean)), game


def made(pack, mean, model, move=lambda points: points):
    anchors, vertices, game = head(pack, mean, move)
    return {part.name: part for part in parts_of(model, anchors(model), vertices, game)}, vertices, game


def test_every_part_is_there_and_finite(pack, mean, model):
    parts, _, _ = made(pack, mean, model)
    assert set(parts) == {
        "eye_left",
        "eye_right",
        "cornea_left",
        "cornea_right",
        "lashes",
        "teeth",
        "gums",
        "mouth",
        "sockets",
    }
    for part in parts.values():
        assert np.isfinite(part.vertices).all() and part.faces.max() == len(part.vertices) - 1
        assert part.uv.shape == (*part.faces.shape, 2)


def test_the_mean_head_has_the_mean_parts(pack, mean, model):
    parts, _, _ = made(pack, mean, model)
    for name in ("teeth", "gums"):
        assert np.abs(parts[name].vertices - model.vertices[name]).max() < 3e-4


def test_parts_follow_a_head_that_grows_turns_and_moves(pack, mean, model):
    angle = np.radians(3)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    move = lambda points: points @ turn.T * 1.03 + (0.002, -0.003, 0.002)
    still, _, _ = made(pack, mean, model)
    moved, _, _ = made(pack, mean, model, move)
    for name in ("teeth", "eye_left", "eye_right", "lashes"):
        off = np.linalg.norm(moved[name].vertices - move(still[name].vertices), axis=1)
        assert np.median(off) < 0.001, name  # of 3 to 6 mm


def test_eyeballs_are_round_and_turn_around_their_middle(pack, mean, model):
    parts, _, _ = made(pack, mean, model, lambda points: points * (1.05, 1, 0.97))
    for side in ("left", "right"):
        white = parts[f"eye_{side}"]
        length = np.linalg.norm(white.vertices - white.pivot, axis=1)
        assert np.ptp(np.sort(length)[200:]) < 1e-6
        assert (np.sign(white.pivot[0]) > 0) == (side == "left")


def test_lids_lie_on_the_eyeballs(pack, mean, model):
    """Nothing of a lid's edge is within an eyeball, and it is nowhere a millimetre away."""
    parts, vertices, game = made(pack, mean, model, lambda points: points * (1.04, 1, 0.98))
    cleared = clear_of_eyes(vertices, game, tuple(parts.values()))
    for side in ("left", "right"):
        white, edge = parts[f"eye_{side}"], edge_of(game, f"eye_{side}")
        radius = np.linalg.norm(white.vertices - white.pivot, axis=1).max()
        apart = np.linalg.norm(cleared[edge] - white.pivot, axis=1) - radius
        assert apart.min() > -1e-5 and apart.max() < 0.001
    assert np.linalg.norm(cleared - vertices, axis=1).max() < 0.0015


@pytest.mark.parametrize(("shape", "border"), [(WHITE, 0), (CORNEA, 32)])
def test_eyeballs_are_of_quads_that_look_outwards(shape, border):
    points, faces, uv = eyeball(shape, SPHERE)
    ends = np.sort(np.concatenate([faces[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    _, count = np.unique(ends, axis=0, return_counts=True)
    assert count.max() == 2 and (count == 1).sum() == border
    corner = points[faces].astype(float)
    normal = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    assert (((corner.mean(1) - SPHERE[:3]) * normal).sum(1) > 0).mean() > 0.95  # the step around the iris looks inwards
    assert uv.min() >= 0 and uv.max() <= 1


def test_openings_are_open_with_parts(pack):
    game = pack.choose_topology("game")
    kept = game.faces[skin_faces(game)]
    for name in ("eye_left", "eye_right", "mouth_inner"):
        assert np.isin(edge_of(game, name), kept).all()
        assert not (game.in_region(name)[kept].all(axis=1)).any()
