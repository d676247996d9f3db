"""A head's own expressions."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.geometry.position_map import PositionMap, sample_bicubic
from prn_blender.capture.geometry.raster import rasterise
from prn_blender.capture.packs.edge_loops import detailed_mean
from prn_blender.capture.shape.carry import local_turns, sampled
from prn_blender.capture.shape.combinations import COMBINATIONS, PRESETS, VISEMES
from prn_blender.capture.shape.deformation import anchors_at
from prn_blender.capture.shape.expression_model import NAMES, STEP, ExpressionModel
from prn_blender.capture.shape.expressions import PHOTO, expressions_of, photo_expression
from prn_blender.capture.shape.fit import rotation_of
from prn_blender.capture.shape.lips import CONTACT, lips_of
from prn_blender.capture.shape.meeting import clearance
from prn_blender.capture.shape.mesh import expressions_of_mesh
from prn_blender.capture.shape.parts import clear_of_eyes, edge_of, opened, parts_of


@pytest.fixture(scope="module")
def game(pack):
    return pack.choose_topology("game")


@pytest.fixture(scope="module")
def mean(pack):
    with np.load(pack.loops_file) as data:
        return detailed_mean(PositionMap(data["canonical_map"]), pack.topology)


def head(pack, game, mean, move=lambda points: points):
    """Vertices and parts of the mean head, moved."""
    anchors, vertices = move(mean.sample(pack.parts.anchor_uv)), move(game.vertices(mean))
    parts = parts_of(pack.parts, anchors, vertices, game)
    return clear_of_eyes(vertices, game, parts), parts


@pytest.fixture(scope="module")
def made(pack, game, mean):
    """Expressions of the mean head as if a photo showed it smiling."""
    coefficients = np.zeros(pack.head_model.expressions)
    coefficients[:4] = 1
    photo = photo_expression(pack.head_model, coefficients)
    vertices, _ = head(pack, game, mean)
    shown = vertices + sample_bicubic(photo, game.sample_uv[:, 0])
    parts = parts_of(pack.parts, mean.sample(pack.parts.anchor_uv), shown, game)
    return expressions_of(pack.expressions, pack.parts, game, shown, parts, photo), shown, parts


@pytest.fixture(scope="module")
def still(pack, game, mean):
    """Expressions of the mean head without any."""
    vertices, parts = head(pack, game, mean)
    return expressions_of(pack.expressions, pack.parts, game, vertices, parts, None)


def test_names_are_arkits():
    assert len(set(NAMES)) == len(NAMES) == 52
    assert {name for face in COMBINATIONS.values() for name in face} <= set(NAMES)
    assert len(VISEMES) == 15 and {"happy", "blinkLeft", "lookRight"} <= set(PRESETS)


def test_the_packs_expressions_are_sound(pack):
    model = pack.expressions
    assert np.abs(model.surface).max((1, 2, 3)).min() * STEP > 0.001, "every one moves the skin"
    assert model.gaze.any((1, 2)).sum() == 8


@pytest.mark.parametrize("harm", ["surface", "lips", "gaze", "teeth"])
def test_damaged_expressions_are_told(pack, tmp_path, harm):
    with np.load(pack.expressions_file) as data:
        arrays = dict(data)
    arrays[harm] = {
        "surface": arrays["surface"][:40],
        "lips": arrays["lips"] * np.nan,
        "gaze": arrays["gaze"] + 100,
        "teeth": np.full_like(arrays["teeth"], 30000),
    }[harm]
    file = tmp_path / "expressions.npz"
    np.savez(file, **arrays)
    with pytest.raises(ValueError, match="wrong|far|range"):
        ExpressionModel.load(file)
    with pytest.raises(CaptureError, match="install it again"):
        _ = replace(pack, expressions_file=file).expressions


def test_displacements_are_read_between_texels(pack, game):
    uv = game.sample_uv[::7, 0]
    found = sampled(pack.expressions.surface, uv)
    for number in (0, 17, 51):
        whole = sample_bicubic(pack.expressions.surface[number].astype(np.float32) * STEP, uv)
        np.testing.assert_allclose(found[:, number], whole, atol=1e-7)


def test_turn_and_size_of_a_head_are_found(game):
    turn = rotation_of(np.array([0.1, -0.2, 0.15]))
    moved = 1.1 * game.canonical @ turn.T + 0.3
    found = local_turns(game.canonical, moved, game.sample_uv[:, 0]).reshape(-1, 3, 3)
    np.testing.assert_allclose(found, np.broadcast_to(1.1 * turn, found.shape), atol=1e-3)


def test_clearance_is_that_of_the_nearest_places():
    square = np.array([[0, 0, 0], [0.01, 0, 0], [0.01, 0.01, 0], [0, 0.01, 0]])
    two = lambda corners: corners[np.array([[0, 1, 2], [0, 2, 3]])]
    tilted = square + np.array([0, 0, 0.001]) + square[:, :1] * (0, 0, 0.2)
    columns = np.linspace(0.0005, 0.0095, 10)
    uppers = np.stack([two(tilted), two(square - (0, 0, 0.002)), two(square + (0.1, 0, 0))])
    lowers = np.stack([two(square)] * 3) + np.array([0, 0.3, 0])[:, None, None, None] * (1, 0, 0)
    uppers[1] += (0.3, 0, 0)
    slope, crossed, apart = clearance(uppers, lowers, columns + np.array([[0], [0.3], [0]]), 0.0004)
    np.testing.assert_allclose(slope, 0.001 + 0.2 * columns, atol=2e-4)
    np.testing.assert_allclose(crossed, -0.002, atol=1e-6)
    assert np.isnan(apart).all()


def test_the_photos_expression_is_a_key_of_its_own(made):
    expressions, shown, parts = made
    np.testing.assert_allclose(expressions.skin.neutral + expressions.skin.keys[PHOTO], shown, atol=1e-6)
    for part in parts:
        shapes = expressions.parts[part.name]
        moved = shapes.neutral + shapes.keys.get(PHOTO, 0)
        np.testing.assert_allclose(moved, part.vertices, atol=3e-5)


def lips_on(pack, game, points):
    triangles = game.triangles[~game.in_region("mouth_inner")[game.triangles].all(1)]
    uv = pack.expressions.lips.astype(float)
    anchors = anchors_at(game, uv.reshape(-1, 2))
    return lips_of(anchors, points, triangles, edge_of(game, "mouth_inner"), game.sample_uv[:, 0], uv)


def gap_of(lips, points):
    return lips.gap(points[None, lips.near])[0]


def test_lips_of_the_neutral_head_meet(pack, game, made):
    neutral = made[0].skin.neutral.astype(float)
    gap = gap_of(lips_on(pack, game, neutral), neutral)
    assert np.abs(gap[4:-4] - CONTACT).max() < 0.0005


def test_lips_meet_over_the_open_jaw(pack, game, made):
    skin = made[0].skin
    neutral = skin.neutral.astype(float)
    lips = lips_on(pack, game, neutral)
    opened = neutral + skin.keys["jawOpen"]
    assert gap_of(lips, opened)[8:-8].min() > 0.01
    assert np.abs(gap_of(lips, opened + skin.keys["mouthClose"])[4:-4] - CONTACT).max() < 0.0005
    for share in (0.25, 0.5, 0.75):
        closed = neutral + share * (skin.keys["jawOpen"] + skin.keys["mouthClose"])
        assert np.abs(gap_of(lips, closed)[4:-4] - CONTACT).max() < 0.0005, share


def test_no_expression_takes_the_lips_through_each_other(pack, game, made):
    skin = made[0].skin
    neutral = skin.neutral.astype(float)
    lips = lips_on(pack, game, neutral)
    for name in NAMES:
        if name != "mouthClose" and name in skin.keys:
            assert gap_of(lips, neutral + skin.keys[name])[3:-3].min() > -0.0007, name


def test_both_lips_can_be_rolled_in(pack, game, made):
    skin = made[0].skin
    neutral = skin.neutral.astype(float)
    lips = lips_on(pack, game, neutral)
    rolled = neutral + skin.keys["mouthRollLower"] + skin.keys["mouthRollUpper"]
    assert gap_of(lips, rolled)[3:-3].min() > -0.0003
    inner = edge_of(game, "mouth_inner")
    middle = inner[np.abs(neutral[inner, 0]) < 0.01]
    assert rolled[middle, 1].max() < neutral[middle, 1].max() + 0.001, "before the teeth"


def nearest_seen(points, faces, low, high):
    """(H, W) y of the surface that is seen from the front between low and high (x, z), by pixels of 0.2 mm."""
    pixel = 0.0002
    width, height = np.ceil((high - low) / pixel).astype(int).tolist()
    found = rasterise((points[faces][..., [0, 2]] - low) / pixel, width, height)
    seen = np.full((height, width), np.inf)
    np.minimum.at(seen, (found.row, found.column), found.interpolate(points[:, 1], faces))
    return seen


@pytest.mark.parametrize("side", ["left", "right"])
def test_closed_lids_hide_the_eye(game, made, side):
    expressions = made[0]
    key, neutral = f"eyeBlink{side.capitalize()}", expressions.skin.neutral
    edge = neutral[edge_of(game, f"eye_{side}")]
    low, high = edge.min(0)[[0, 2]], edge.max(0)[[0, 2]]
    triangles = game.triangles[(game.region[game.triangles] == 0).any(1)]
    ball = next(part for part in made[2] if part.name == f"eye_{side}")
    eye = expressions.parts[ball.name]
    shown = lambda value: (
        nearest_seen(eye.neutral + value * eye.keys[key], ball.faces[:, [0, 1, 2]], low, high)
        < nearest_seen(neutral + value * expressions.skin.keys[key], triangles, low, high)
    )
    assert shown(0).sum() > 1000
    assert shown(1).sum(0).max() <= 1  # pixels, from above down


@pytest.mark.parametrize("name", ["cheekSquintLeft", "noseSneerLeft", "browDownLeft", "mouthSmileLeft"])
def test_only_the_eyes_expressions_move_the_edges_of_lids(game, still, name):
    edge = edge_of(game, "eye_left")
    assert np.linalg.norm(still.skin.keys[name], axis=1).max() > 0.002
    assert np.linalg.norm(still.skin.keys[name][edge], axis=1).max() < 0.0003


def test_a_closed_lid_lies_before_the_other_one_that_is_raised(game, still):
    skin = still.skin
    closed = skin.neutral + skin.keys["eyeBlinkLeft"]
    raised = closed + skin.keys["eyeSquintLeft"]
    edge = edge_of(game, "eye_left")
    order = edge[np.argsort(skin.neutral[edge, 0])]
    corners = skin.neutral[order[[0, -1]]]
    is_upper = skin.neutral[edge, 2] > np.interp(skin.neutral[edge, 0], corners[:, 0], corners[:, 2])
    inside = np.abs(skin.neutral[edge, 0] - corners[:, 0].mean()) < 0.3 * np.ptp(corners[:, 0])
    upper, lower = raised[edge[is_upper & inside]], raised[edge[~is_upper & inside]]
    risen = raised - closed
    assert risen[edge[~is_upper & inside], 2].max() > 0.0003
    nearest = np.abs(upper[:, None, 0] - lower[:, 0]).argmin(0)
    assert (upper[nearest, 1] < lower[:, 1]).all(), "it stands out farther"


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "eyeLookDownRight", "eyeSquintLeft", "eyeWideRight"])
def test_lids_stay_out_of_the_eyeballs(game, still, name):
    moved = still.skin.neutral + still.skin.keys[name]
    for side in ("left", "right"):
        shapes = still.parts[f"eye_{side}"]
        centre = (shapes.neutral.min(0) + shapes.neutral.max(0)) / 2
        radius = np.linalg.norm(shapes.neutral - centre, axis=1).max()
        near = np.linalg.norm(moved - centre, axis=1)
        skin = game.region == 0
        assert near[skin].min() > radius - 0.0003


def test_expressions_of_both_sides_mirror_each_other(game, still):
    for name in ("mouthSmile", "browDown", "eyeBlink"):
        left, right = (still.skin.keys[f"{name}{side}"] for side in ("Left", "Right"))
        off = np.linalg.norm(left[game.mirror] * (-1, 1, 1) - right, axis=1)
        assert np.quantile(off, 0.99) < 0.0012, name


def test_a_larger_head_moves_more(pack, game, mean, still):
    vertices, parts = head(pack, game, mean, lambda points: points * 1.1)
    large = expressions_of(pack.expressions, pack.parts, game, vertices, parts, None)
    for name in ("jawOpen", "mouthSmileLeft", "browInnerUp"):
        ratio = np.linalg.norm(large.skin.keys[name]) / np.linalg.norm(still.skin.keys[name])
        assert 1.08 < ratio < 1.12, name


def test_eyes_turn_about_their_middle(still):
    for name, axis, sign in (("eyeLookUpLeft", 2, 1), ("eyeLookDownLeft", 2, -1), ("eyeLookOutLeft", 0, 1)):
        shapes = still.parts["eye_left"]
        front = shapes.neutral[:, 1].argmin()
        assert sign * shapes.keys[name][front, axis] > 0.004, name
        assert name not in still.parts["eye_right"].keys
    right = still.parts["eye_right"]
    assert right.keys["eyeLookInRight"][right.neutral[:, 1].argmin(), 0] > 0.004


def test_lower_teeth_follow_the_jaw_and_upper_ones_stay(still):
    teeth = still.parts["teeth"]
    moved = np.linalg.norm(teeth.keys["jawOpen"], axis=1)
    upper = teeth.neutral[:, 2] > np.median(teeth.neutral[:, 2])
    assert np.median(moved[upper]) < 1e-4 and np.median(moved[~upper]) > 0.02


def test_the_tongue_comes_out(still):
    moved = still.parts["gums"].neutral + still.parts["gums"].keys["tongueOut"]
    lips = still.skin.neutral + still.skin.keys["tongueOut"]
    mouth = (np.abs(lips[:, 0]) < 0.015) & (np.abs(lips[:, 2] + 0.08) < 0.02)
    assert moved[:, 1].min() < lips[mouth, 1].min() - 0.005


def test_lashes_go_along_with_the_lids(still):
    lashes = still.parts["lashes"]
    upper_left = (lashes.neutral[:, 0] > 0) & (lashes.neutral[:, 2] > 0.004)
    assert np.median(lashes.keys["eyeBlinkLeft"][upper_left, 2]) < -0.006
    assert "eyeBlinkLeft" not in still.parts["teeth"].keys


def test_a_mesh_that_exists_gets_the_same(pack, game, made):
    expressions, shown, _ = made
    kept = opened(game)[1]
    coefficients = np.zeros(pack.head_model.expressions)
    coefficients[:4] = 1
    again = expressions_of_mesh(pack, game, shown[kept].astype(np.float32), coefficients)
    assert np.abs(again.skin.neutral - expressions.skin.neutral[kept]).max() < 0.0005
    for name in ("jawOpen", "eyeBlinkLeft", "mouthClose"):
        assert np.abs(again.skin.keys[name] - expressions.skin.keys[name][kept]).max() < 0.001, name
    with pytest.raises(CaptureError, match="capture the photo again"):
        expressions_of_mesh(pack, game, shown[:-5], None)
