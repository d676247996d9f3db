"""The photo unwrapped over UV, and what the second network makes of it."""

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.geometry.unwrap import (
    CHANNELS,
    FINER,
    OWN_UNIT,
    PIXELS_PER_MM,
    TEXELS,
    UP,
    Stance,
    stance_of,
    unwrap,
)
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import evidence_in, reconstruct, regress
from prn_blender.capture.shape.evidence import DEPENDENT, FIRST_DOUBTED, Evidence, Likeness, evidence_of, joined
from prn_blender.capture.shape.fit import ViewEvidence, fit
from prn_blender.capture.shape.second_pass import second_pass
from prn_blender.capture.types import CPU, Settings

from .conftest import Shot
from .test_pack import edit

PORTRAIT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
HEAD_AXES = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # of a head that looks into the camera
NO_HEAD = np.zeros((TEXELS, TEXELS, 3), np.float32)
BLOCK = FINER * FINER


def standing(pixels_per_mm: float, roll: float) -> Stance:
    """A head in the photo's origin that looks into the camera, tilted clockwise."""
    c, s = np.cos(roll), np.sin(roll)
    return Stance(
        Similarity(1000 * pixels_per_mm, np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) @ HEAD_AXES, np.zeros(3))
    )


UPRIGHT = standing(1.0, 0.0)


def flat(centre, spacing, roll=0.0):
    """(T, T, 3) a sheet that faces the camera, texels `spacing` pixels apart, tilted as a head would be."""
    c, s = np.cos(roll), np.sin(roll)
    along = (np.arange(TEXELS) - TEXELS / 2 + 0.5) * spacing
    u, v = np.meshgrid(along, along)
    return np.stack([centre[0] + u * c - v * s, centre[1] + u * s + v * c, np.zeros_like(u)], axis=2).astype(np.float32)


def ramp(width, height, across, down):
    """A photo whose red grows to the right and whose green grows downwards, by so much a pixel."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x * across, y * down, np.full_like(x, 51)], axis=2).round().astype(np.uint8)


@pytest.mark.parametrize("roll", [-50, 0, 25])
def test_size_and_tilt_of_a_head_are_found(pack, roll):
    model = pack.head_model
    shot = Shot(800, 700, None, (20, -5, roll), (0.02, 0.01, -1.0))
    places = (model.mean @ shot.rotation.T * 1000 + (400, -350, 0)) * UP  # parallel rays: a millimetre a pixel
    found = stance_of(places.astype(np.float32), model.mean, model.rigid)
    assert found.pixels_per_mm == pytest.approx(1, rel=1e-3)
    expected = np.degrees(np.arctan2(*(shot.rotation @ (0, 0, 1))[:2]))  # the head's own axis in the picture
    assert np.degrees(found.roll) == pytest.approx(expected, abs=0.1)


def test_how_a_head_differs_from_the_mean_head_is_told_in_its_own_axes(pack):
    """Wherever it stands: here all of it is a centimetre wider on its left."""
    model = pack.head_model
    shot = Shot(800, 700, None, (20, -5, 30), (0.02, 0.01, -1.0))
    wider = model.mean + np.float32((0.01, 0, 0)) * ~model.rigid[..., None]
    places = ((wider @ shot.rotation.T * 2000 + (400, -350, 0)) * UP).astype(np.float32)
    seen = unwrap(np.zeros((700, 800, 3), np.uint8), places, model.mean, stance_of(places, model.mean, model.rigid))
    own = seen[-5:-2].transpose(1, 2, 0) * OWN_UNIT
    assert np.abs(own[model.rigid]).max() < 1e-5
    assert np.abs(own[~model.rigid] - (0.01, 0, 0)).max() < 1e-5


def test_offsets_go_with_the_head():
    stance = standing(4.0, np.radians(30))
    right, up, forwards = stance.to_photo(np.eye(3, dtype=np.float32))
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    assert np.allclose(right, (4 * c, 4 * s, 0), atol=1e-5)  # a head tilted clockwise: its right side is lower
    assert np.allclose(up, (4 * s, -4 * c, 0), atol=1e-5)
    assert np.allclose(forwards, (0, 0, 4), atol=1e-5)


@pytest.mark.parametrize("roll", [0.0, 0.6])
@pytest.mark.parametrize("pixels_per_mm", [0.5, 0.85, 6.0])
def test_texels_have_the_colours_of_their_places(roll, pixels_per_mm):
    """Of small photos and, reduced first, of large ones."""
    spacing = 3 * pixels_per_mm
    side = round(110 * spacing)
    pixels = ramp(side, side, 240 / side, 200 / side)
    places = flat((side * 0.48, side * 0.51), spacing, roll)
    seen = unwrap(pixels, places, NO_HEAD, standing(pixels_per_mm, roll))
    assert seen.shape == (CHANNELS, TEXELS, TEXELS) and seen.dtype == np.float32
    c, s = np.cos(roll) * spacing, np.sin(roll) * spacing
    for row in range(FINER):
        for column in range(FINER):
            u, v = (column - (FINER - 1) / 2) / FINER, (row - (FINER - 1) / 2) / FINER
            fine = places[..., :2] + np.array([u * c - v * s, u * s + v * c])
            expected = np.concatenate([fine * (240 / side, 200 / side), np.full((TEXELS, TEXELS, 1), 51)], axis=2)
            colours = seen[[FINER * row + column + BLOCK * colour for colour in range(3)]].transpose(1, 2, 0)
            off = np.abs((colours + 1) * 127.5 - expected)[1:-1, 1:-1]
            assert off.max() < 1.6, (row, column)
    assert (seen[-2] == 1).all()
    assert seen[-1, 0, 0] == pytest.approx(min(pixels_per_mm, PIXELS_PER_MM) - 1, abs=0.01)


def test_fine_stripes_of_a_large_photo_become_their_mean():
    pixels = np.zeros((2000, 2000, 3), np.uint8)
    pixels[:, ::2] = 255
    seen = unwrap(pixels, flat((1000, 1000), 20.0), NO_HEAD, standing(8.0, 0.0))
    assert np.abs(seen[: 3 * BLOCK]).max() < 0.1


def test_beyond_the_photo_its_edge_goes_on():
    pixels = ramp(100, 100, 2, 2)
    seen = unwrap(pixels, flat((0.0, 50.0), 1.0), NO_HEAD, UPRIGHT)
    half = TEXELS // 2
    assert (seen[-2, :, : half - 1] == 0).all() and (seen[-2, :, half + 1 :] == 1).all()
    assert np.abs(seen[0, :, :half] - (1 / 127.5 - 1)).max() < 0.02


def test_normals_are_those_of_a_tilted_ball():
    """In the head's own frame, however it is tilted in the photo."""
    along = np.linspace(-0.7, 0.7, TEXELS)
    x, y = np.meshgrid(along, -along)
    ball = np.stack([x, y, np.sqrt(1 - x**2 - y**2)], axis=2)
    stance = standing(2.0, 0.7)
    places = (stance.to_photo((80 * ball).astype(np.float32)) + (300, 280, 0)).astype(np.float32)
    seen = unwrap(np.zeros((600, 600, 3), np.uint8), places, NO_HEAD, stance)
    normals = seen[-8:-5].transpose(1, 2, 0)
    assert np.abs(normals - ball)[1:-1, 1:-1].max() < 0.02
    assert (normals[0] == 0).all() and (normals[:, -1] == 0).all()


@pytest.fixture(scope="module")
def looked_at(pack):
    """The bundled portrait, its first pass, and the second network."""
    photo = load_photo(PORTRAIT)
    network = open_network(pack, CPU)
    box = choose_faces(find_faces(photo), "largest")[0]
    crop, position_map, regression = regress(photo, box, pack, network, 2)
    return photo, box, crop, position_map, regression, open_refiner(pack, CPU)


def stance_in(position_map, pack):
    """How the head of a position map stands."""
    return stance_of(position_map.at_size(TEXELS), pack.head_model.mean, pack.head_model.rigid)


def test_the_second_pass_undoes_an_error_of_the_first(pack, looked_at):
    photo, _, _, position_map, _, refiner = looked_at
    stance = stance_in(position_map, pack)
    wrong_by = stance.to_photo(np.array([3, -3, 0], np.float32))
    moved = PositionMap(position_map.values + wrong_by)
    right, other = (second_pass(photo.pixels, one, pack.head_model, refiner.run) for one in (position_map, moved))
    inside = pack.head_model.at_size(pack.head_model.inside, len(right.places))
    face = inside & (right.deviation < np.median(right.deviation[inside]))
    left = np.linalg.norm((other.places - right.places)[face][:, :2], axis=1)
    assert np.median(left) < 0.45 * np.linalg.norm(wrong_by)
    assert (right.deviation[inside] > 0).all() and np.median(right.deviation[face]) < 6 * stance.pixels_per_mm


def test_a_large_photo_says_the_same(pack, looked_at):
    """The texels are seen as coarsely as the network has learnt them."""
    import cv2

    photo, _, _, position_map, _, refiner = looked_at
    said = []
    for factor in (2, 7):
        larger = cv2.resize(photo.pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        said.append(second_pass(larger, PositionMap(position_map.values * factor), pack.head_model, refiner.run))
    inside = pack.head_model.at_size(pack.head_model.inside, len(said[0].places))
    apart = np.linalg.norm((said[0].places / 2 - said[1].places / 7)[inside][:, :2], axis=1)
    assert np.median(apart) < 0.4 * stance_in(position_map, pack).pixels_per_mm


def test_a_pack_without_a_second_network_has_the_first_ones_evidence(copied, looked_at):
    photo, box, crop, position_map, regression, _ = looked_at
    edit(copied, r"\[refine\][^\[]*", "")
    (copied / "refine.onnx").unlink()
    pack = load_pack(copied)
    assert pack.second_pass is None and open_refiner(pack, CPU) is None
    evidence = evidence_in(photo, crop, position_map, regression, pack, None)
    first = evidence_of(position_map, regression.expected_error * crop.side, regression.visibility)
    assert np.array_equal(evidence.places, first.places) and np.array_equal(evidence.deviation, first.deviation)
    capture = reconstruct(photo, box, pack, Settings(texture_size=512))
    assert capture.views[0].visible_share > 0.2


def test_without_visibility_no_outline_is_looked_for(pack, looked_at):
    photo, _, crop, position_map, regression, refiner = looked_at
    evidence = evidence_in(photo, crop, position_map, replace(regression, visibility=None), pack, refiner)
    assert evidence.outline is None
    seen = evidence_in(photo, crop, position_map, regression, pack, refiner)
    assert seen.outline is not None and np.array_equal(evidence.cut.head, seen.cut.head)


def test_two_passes_count_by_how_sure_they_are():
    """Inverse variances; what is hidden is doubted in the second as in the first."""
    visible = np.ones((32, 32), np.float32)
    visible[:, :16] = 0
    grid = np.zeros((32, 32, 3))
    first, second = (
        Evidence(grid, np.full((32, 32), 6 / FIRST_DOUBTED)),
        Evidence(grid + 1, np.full((32, 32), 2.0)),
    )
    both = joined(first, second, visible)
    assert np.allclose(both.places[:, 20:], 0.9) and np.allclose(both.places[:, :12], 0.8)
    assert np.allclose(both.deviation[:, 20:], DEPENDENT * (1 / 36 + 1 / 4) ** -0.5)


def test_the_second_pass_changes_the_head(pack, looked_at):
    photo, box, *_ = looked_at
    settings = Settings(texture_size=512, provider=CPU)
    without = replace(pack, second_pass=None, sha256="without")
    first, second = (reconstruct(photo, box, one, settings).views[0] for one in (without, pack))
    moved = np.linalg.norm((first.position_map.values - second.position_map.values)[..., :2], axis=2)
    assert 0.001 * first.crop.side < np.median(moved) < 0.05 * first.crop.side
    vertices = pack.topology.vertices(second.position_map)
    assert np.abs(second.project(second.to_head(vertices)) - vertices[:, :2]).max() < 0.05


def test_a_second_network_that_is_another_one_is_refused(copied):
    shutil.copy(copied / "network.onnx", copied / "refine.onnx")
    sha256 = hashlib.sha256((copied / "refine.onnx").read_bytes()).hexdigest()
    edit(copied, r'(file = "refine.onnx"\nsha256 = )"[0-9a-f]*"', rf'\1"{sha256}"')
    with pytest.raises(CaptureError, match="The second network of the pack head_fast does not run"):
        open_refiner(load_pack(copied), CPU)


def test_a_damaged_second_network_is_refused(copied):
    with (copied / "refine.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(CaptureError, match="wrong checksum"):
        load_pack(copied)


def test_what_is_seen_has_the_channels_that_the_pack_was_trained_with(pack):
    shape = open_refiner(pack, CPU).session.inputs[pack.second_pass.input_name]
    assert shape == [1, CHANNELS, TEXELS, TEXELS]


def test_a_second_network_without_a_head_model_is_refused(copied):
    edit(copied, r"\[head_model\][^\[]*", "")
    with pytest.raises(CaptureError, match="needs a head model"):
        load_pack(copied)


def test_who_it_is_survives_a_smaller_crop(pack, looked_at):
    """What is told of the head's coefficients hardly hangs on where the first pass lay, and is surer than nothing."""
    photo, _, _, position_map, _, refiner = looked_at
    moved = PositionMap(position_map.values + stance_in(position_map, pack).to_photo(np.float32((2, 2, 0))))
    here, there = (
        second_pass(photo.pixels, one, pack.head_model, refiner.run).likeness for one in (position_map, moved)
    )
    assert here.mean.shape == here.deviation.shape == (pack.head_model.identities + pack.head_model.expressions,)
    first = slice(6)  # the coefficients that move the face most
    assert np.abs(here.mean - there.mean)[first].mean() < 0.5 * here.deviation[first].mean()
    assert 0.1 < here.deviation[first].mean() < 0.9


def test_likeness_draws_the_fit_to_the_person(pack, looked_at):
    """The surer it is told to be, the nearer the coefficients."""
    photo, _, crop, position_map, regression, refiner = looked_at
    evidence = evidence_in(photo, crop, position_map, regression, pack, refiner)
    told = np.zeros_like(evidence.likeness.mean)
    told[:3] = 1.5
    off = []
    for deviation in (1.0, 0.3, 0.03):
        likeness = Likeness(told, np.full_like(told, deviation))
        known = ViewEvidence(replace(evidence, likeness=likeness), photo.width, photo.height)
        off.append(np.abs(fit(pack.head_model, (known,)).identity[:3] - 1.5).mean())
    assert off[0] > off[1] > off[2] and off[2] < 0.15
