"""The head model and its fit: what it was made from is found again, pins hold, nothing dents."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import reconstruct, regress
from prn_blender.capture.shape import fit as fitting
from prn_blender.capture.shape.detail import with_detail
from prn_blender.capture.shape.evidence import EVIDENCE_SIZE, Evidence, evidence_of
from prn_blender.capture.shape.fit import Fit, FittedView, ViewEvidence, fit, project, rotation_of, shape_of
from prn_blender.capture.shape.head_model import load_head_model
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.shape.remainder import fitted_map
from prn_blender.capture.shape.views import fit_views
from prn_blender.capture.types import Photo, Settings

FRONT = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # head axes to those of a camera in front
WIDTH, HEIGHT, FOCAL = 1600, 1200, 1800.0


@pytest.fixture(scope="module")
def pack():
    return load_pack()


@pytest.fixture(scope="module")
def model(pack):
    return pack.head_model


def person(model, rng):
    return rng.normal(size=model.identities) * 0.7


def seen_from(model, rng, yaw=0.0, distance=0.8, place=(900.0, 500.0)) -> FittedView:
    turn = rotation_of(np.array([0, np.radians(yaw), 0]))
    return FittedView(
        expression=rng.normal(size=model.expressions) * 0.7,
        neck=model.neck_deviation * rng.normal(size=3) * 0.5,
        rotation=turn @ FRONT,
        size=FOCAL / distance,
        place=np.array(place),
        nearness=1 / distance,
        width=WIDTH,
        height=HEIGHT,
    )


def evidence_from(model, identity, state, deviation=1.0, every_texel=True, **known) -> ViewEvidence:
    texels = model.texels(EVIDENCE_SIZE)
    places = project(shape_of(texels, model, identity, state), model, state)
    deviations = np.full((EVIDENCE_SIZE, EVIDENCE_SIZE), deviation)
    if not every_texel:
        half = np.arange(EVIDENCE_SIZE) < EVIDENCE_SIZE // 2
        deviations[:, half] = np.inf
    grid = places.reshape(EVIDENCE_SIZE, EVIDENCE_SIZE, 3)
    return ViewEvidence(Evidence(grid, deviations), state.width, state.height, **known)


def face_error(model, found, identity, state) -> float:
    """mm between the fitted and the true surface in the head's axes, without the neck."""
    texels = model.texels(EVIDENCE_SIZE)
    own = (texels.neck_weight < 0.01) & model.at_size(model.inside, EVIDENCE_SIZE).ravel()
    true, got = shape_of(texels, model, identity, state), shape_of(texels, model, found.identity, found.views[0])
    return 1000 * float(np.linalg.norm(true - got, axis=1)[own].mean())


def mean_error(model, identity, state) -> float:
    start = Fit(np.zeros(model.identities), (replace(state, expression=np.zeros(model.expressions)),))
    return face_error(model, start, identity, state)


@pytest.mark.parametrize("known", ["focal", "distance", "nothing"])
@pytest.mark.parametrize("yaw", [0, 50])
def test_a_head_is_found_again(model, known, yaw):
    rng = np.random.default_rng(yaw)
    identity, state = person(model, rng), seen_from(model, rng, yaw)
    said = {"focal": {"focal_px": FOCAL}, "distance": {"distance": 0.9}, "nothing": {}}[known]
    view = evidence_from(model, identity, state, deviation=0.2, **said)
    found = fit(model, (view,), rounds=8)
    assert face_error(model, found, identity, state) < 0.35 * mean_error(model, identity, state)
    inside = model.at_size(model.inside, EVIDENCE_SIZE).ravel()
    off = project(shape_of(model.texels(EVIDENCE_SIZE), model, found.identity, found.views[0]), model, found.views[0])
    off = np.linalg.norm((off - view.evidence.places.reshape(-1, 3))[:, :2], axis=1)[inside]
    assert np.median(off) < 1.0


def test_the_derivatives_are_those_of_the_projection(model):
    rng = np.random.default_rng(3)
    identity, state = person(model, rng), seen_from(model, rng, 20)
    view = evidence_from(model, identity, seen_from(model, rng, 25), deviation=50.0)
    one = fitting._observe(model, view, state)
    _, gradient = fitting._normal_equations(model, one, identity, state, robust=False)

    def cost(step):
        moved = fitting._moved(state, view, step[model.identities :])
        shape = shape_of(one.points, model, identity + step[: model.identities], moved)
        off = one.places - project(shape, model, moved)[:, :2]
        mean, deviation = fitting.prior_nearness(model, view)
        prior = (moved.expression**2).sum() + ((moved.neck / model.neck_deviation) ** 2).sum()
        prior += ((moved.nearness - mean) / deviation) ** 2
        return 0.5 * ((off**2).sum(axis=1) @ one.precision + prior)

    small = 1e-4
    for unknown in [0, 7, model.identities + 2, *range(model.identities + model.expressions, len(gradient))]:
        step = np.zeros(len(gradient))
        step[unknown] = small
        slope = (cost(step) - cost(-step)) / (2 * small)
        assert -gradient[unknown] == pytest.approx(slope, rel=0.02, abs=0.01 * np.abs(gradient).max())


def test_more_photos_tell_more(model):
    rng = np.random.default_rng(5)
    identity = person(model, rng)
    states = [seen_from(model, rng, yaw) for yaw in (0, -50, 50)]
    views = []
    for state in states:
        view = evidence_from(model, identity, state, deviation=2.0, every_texel=False)
        off = rng.normal(size=view.evidence.places.shape) * 2.0
        views.append(replace(view, evidence=replace(view.evidence, places=view.evidence.places + off)))
    one, three = fit(model, (views[0],)), fit(model, tuple(views))

    def shape_off(found):
        return float(np.linalg.norm(found.identity - identity))

    assert shape_off(three) < 0.9 * shape_off(one) < 0.9 * np.linalg.norm(identity)
    assert len(three.views) == 3


def test_a_few_texels_that_are_far_off_matter_little(model, monkeypatch):
    rng = np.random.default_rng(6)
    identity, state = person(model, rng), seen_from(model, rng)
    view = evidence_from(model, identity, state, focal_px=FOCAL)
    wrong = view.evidence.places.copy()
    wrong[20:23, 14:18] += 200
    spoilt = replace(view, evidence=replace(view.evidence, places=wrong))
    clean, robust = (face_error(model, fit(model, (one,)), identity, state) for one in (view, spoilt))
    monkeypatch.setattr(fitting, "ROBUST", 1e6)
    trusting = face_error(model, fit(model, (spoilt,)), identity, state)
    assert robust - clean < 0.2 * (trusting - clean)


def test_what_is_locked_stays(model):
    rng = np.random.default_rng(7)
    first = fit(model, (evidence_from(model, person(model, rng), seen_from(model, rng)),))
    other = evidence_from(model, person(model, rng), seen_from(model, rng, 10))
    held = fit(model, (other,), start=first, lock_identity=True)
    assert np.array_equal(held.identity, first.identity)
    assert not np.allclose(held.views[0].expression, first.views[0].expression)
    still = fit(model, (other,), start=first, lock_expression=True)
    assert np.array_equal(still.views[0].expression, first.views[0].expression)
    assert not np.allclose(still.identity, first.identity)


def test_parallel_rays_and_known_focal_lengths_stay_what_they_are(model):
    rng = np.random.default_rng(8)
    identity, state = person(model, rng), seen_from(model, rng)
    view = evidence_from(model, identity, state)
    parallel = fit(model, (replace(view, orthographic=True),)).views[0]
    assert parallel.camera.focal_px is None
    known = fit(model, (replace(view, focal_px=1234.0),)).views[0]
    assert known.camera.focal_px == pytest.approx(1234.0)


@pytest.mark.parametrize("orthographic", [False, True])
def test_the_camera_sees_the_map_where_it_says(pack, model, orthographic):
    rng = np.random.default_rng(9)
    view = evidence_from(model, person(model, rng), seen_from(model, rng, 30), orthographic=orthographic)
    head = fit_views(model, (view,)).head_in(model, pack.topology, 0)
    vertices = pack.topology.vertices(head.position_map)
    seen = head.camera.project(head.camera.to_camera_space(vertices))
    assert np.abs(seen - vertices[:, :2]).max() < 0.01
    aligned = head.pose.inverse_apply(head.camera.to_camera_space(vertices))
    assert np.abs(pack.topology.eye_weights @ (aligned - pack.topology.canonical)).max() < 1e-6
    assert np.linalg.norm(aligned - pack.topology.canonical, axis=1)[pack.topology.rigid].mean() < 0.02


def test_pins_hold_exactly_and_dent_nothing(pack, model):
    rng = np.random.default_rng(10)
    state = seen_from(model, rng, 15)
    view = evidence_from(model, person(model, rng), state, deviation=8.0)
    start = fit_views(model, (view,))
    plain = start.head_in(model, pack.topology, 0).position_map
    uv = np.array([(0.5, 0.47), (0.3, 0.33), (0.68, 0.33), (0.5, 0.66), (0.5, 0.76), (0.25, 0.6)])
    moved = plain.sample(uv)[:, :2] + rng.normal(size=(len(uv), 2)) * 25
    pins = tuple(Pin(tuple(place), tuple(to), 0.5) for place, to in zip(uv, moved, strict=True))
    found = start.pinned(0, pins).again(model)
    for follow in (0.0, 1.0):
        result = found.head_in(model, pack.topology, 0, follow).position_map
        assert np.abs(result.sample(uv)[:, :2] - moved).max() < 0.01
    # Neighbouring texels keep their order: nothing folds between the pins.
    without = found.pinned(0, ()).head_in(model, pack.topology, 0).position_map
    bent = (result.values - without.values)[..., :2] / found.found.views[0].size
    size = len(bent)
    apart = np.linalg.norm(np.diff(model.surface(size).reshape(size, size, 3), axis=1), axis=2)
    face = slice(size * 30 // 128, size * 98 // 128)
    assert (np.linalg.norm(np.diff(bent, axis=1), axis=2)[face, face] < 0.8 * apart[face, face] + 1e-4).all()


def test_a_pin_of_no_stiffness_moves_only_its_surroundings(pack, model):
    rng = np.random.default_rng(11)
    start = fit_views(model, (evidence_from(model, person(model, rng), seen_from(model, rng)),))
    plain = start.head_in(model, pack.topology, 0).position_map
    place = plain.sample(np.array([(0.5, 0.47)]))[0, :2] + (0, 12)
    found = start.pinned(0, (Pin((0.5, 0.47), tuple(place), 0.0),)).again(model, rounds=0)
    off = np.linalg.norm((found.head_in(model, pack.topology, 0).position_map.values - plain.values)[..., :2], axis=2)
    size = len(off)
    assert off[size * 60 // 128, size // 2] > 8
    assert off[: size * 30 // 128].max() < 0.01 and off[size * 110 // 128 :].max() < 0.01


def test_pins_that_are_turned_off_do_nothing(pack, model):
    rng = np.random.default_rng(14)
    start = fit_views(model, (evidence_from(model, person(model, rng), seen_from(model, rng)),))
    pin = Pin((0.5, 0.47), (300.0, 200.0), is_on=False)
    found = start.pinned(0, (pin,)).again(model)
    assert np.array_equal(found.found.identity, start.again(model).found.identity)
    plain = start.again(model).head_in(model, pack.topology, 0).position_map
    assert np.array_equal(found.head_in(model, pack.topology, 0).position_map.values, plain.values)
    assert pin.moved((1.0, 2.0)) == Pin((0.5, 0.47), (1.0, 2.0))


def test_what_is_locked_stays_while_a_pin_is_dragged(model):
    rng = np.random.default_rng(15)
    start = fit_views(model, (evidence_from(model, person(model, rng), seen_from(model, rng), deviation=8.0),))
    chin = start.found.views[0].place + (30, 130)
    pinned = start.pinned(0, (Pin((0.5, 0.76), tuple(chin.tolist())),))
    same_head = pinned.again(model, lock_identity=True).found
    same_face = pinned.again(model, lock_expression=True).found
    assert np.array_equal(same_head.identity, start.found.identity)
    assert np.abs(same_head.views[0].expression - start.found.views[0].expression).max() > 0.1
    assert np.array_equal(same_face.views[0].expression, start.found.views[0].expression)
    assert np.abs(same_face.identity - start.found.identity).max() > 0.1


def test_a_drag_in_small_steps_ends_where_one_fit_does(pack, model):
    """Two rounds a step are enough, and the order in which pins were put does not matter."""
    rng = np.random.default_rng(16)
    start = fit_views(model, (evidence_from(model, person(model, rng), seen_from(model, rng, 20), deviation=4.0),))
    uv = np.array([(0.5, 0.47), (0.4, 0.76)])
    seen = start.head_in(model, pack.topology, 0).position_map.sample(uv)[:, :2]
    goal = seen + ((8, 30), (-25, 5))
    dragged = start
    for step in np.linspace(0.1, 1, 10):
        places = (1 - step) * seen + step * goal
        pins = tuple(Pin(tuple(at), tuple(to)) for at, to in zip(uv.tolist(), places.tolist(), strict=True))
        dragged = dragged.pinned(0, pins).again(model, rounds=2)
    at_once = start.pinned(0, pins[::-1]).again(model, rounds=12)
    maps = [one.head_in(model, pack.topology, 0).position_map.values for one in (dragged.again(model), at_once)]
    assert np.linalg.norm((maps[0] - maps[1])[..., :2], axis=2).max() < 1.5


@pytest.mark.parametrize("photos", [1, 3])
def test_the_remainder_follows_the_evidence_and_is_bounded(model, photos):
    """One photo of several is followed for its share."""
    rng = np.random.default_rng(12)
    identity, state = person(model, rng), seen_from(model, rng)
    view = evidence_from(model, identity, state, deviation=1.0)
    found = fit(model, (view,) * photos)
    u, v = np.meshgrid(np.arange(EVIDENCE_SIZE), np.arange(EVIDENCE_SIZE))
    hill = 6 * np.exp(-((u - 16) ** 2 + (v - 15) ** 2) / 30)[..., None]

    def moved_by(pixels: float) -> np.ndarray:
        places = view.evidence.places + hill / 6 * pixels * (1, 0, 0)
        bent = fitted_map(model, found, 0, replace(view, evidence=replace(view.evidence, places=places)))
        return (bent.values - fitted_map(model, found, 0, view).values)[..., 0]

    assert 0.6 * 6 < photos * moved_by(6.0).max() < 6.5
    assert moved_by(400.0).max() < 0.007 * state.size


def test_a_capture_is_the_head_that_explains_the_network(pack):
    """Without a head model the map is the network's own, as before."""
    photo = Photo(None, np.full((400, 300, 3), 120, np.uint8), "", 500.0, True)
    settings, box = Settings(texture_size=256), FaceBox(60, 80, 240, 300)
    with_model, without = (
        reconstruct(photo, box, one, settings).views[0] for one in (pack, replace(pack, head_model_file=None))
    )
    network = with_detail(regress(photo, box, pack, open_network(pack), settings.passes)[1], pack.topology)
    assert np.array_equal(without.position_map.values, network.values)
    moved = np.linalg.norm((with_model.position_map.values - network.values)[..., :2], axis=2)
    assert 0.01 < np.median(moved) < 0.05 * with_model.crop.side
    for view in (with_model, without):
        vertices = pack.topology.vertices(view.position_map)
        assert np.abs(view.project(view.to_head(vertices)) - vertices[:, :2]).max() < 0.05
        assert view.camera.focal_px == pytest.approx(500)


def test_hidden_texels_say_less(pack, model):
    rng = np.random.default_rng(13)
    plain = fitted_map(
        model,
        Fit(np.zeros(model.identities), (seen_from(model, rng),)),
        0,
        evidence_from(model, np.zeros(model.identities), seen_from(model, rng)),
        0.0,
    )
    seen = np.ones((32, 32), np.float32)
    seen[:, :16] = 0
    evidence = evidence_of(plain, np.full((32, 32), 4.0, np.float32), seen)
    assert (evidence.deviation[:, 2:12] > evidence.deviation[:, 20:30]).all()
    assert np.allclose(evidence.places[10, 10], plain.sample(np.array([(10.5 / 32, 10.5 / 32)]))[0], atol=1e-2)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.pop("neck_weight"),
        lambda arrays: arrays.update(mean=arrays["mean"][:10]),
        lambda arrays: arrays.update(identity=arrays["identity"] * np.float16(np.nan)),
        lambda arrays: arrays.update(identity=arrays["identity"].astype(np.float32) * 1000),
        lambda arrays: arrays.update(neck_deviation=np.zeros(3, np.float32)),
        lambda arrays: arrays.update(rigid=np.zeros_like(arrays["rigid"])),
        lambda arrays: arrays.update(inside=arrays["inside"].astype(np.float32)),
        lambda arrays: arrays.update(nearness=-arrays["nearness"]),
        lambda arrays: arrays.update(mean=np.array([object()])),
    ],
)
def test_a_head_model_that_is_none_is_refused(pack, tmp_path, spoil):
    with np.load(pack.head_model_file) as data:
        arrays = dict(data)
    spoil(arrays)
    np.savez(tmp_path / "head_model.npz", **arrays)
    with pytest.raises(CaptureError, match="install the model pack again"):
        load_head_model(tmp_path / "head_model.npz")


def test_a_head_model_that_would_fill_the_memory_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 27,)})
    archive = zipfile.ZipFile(tmp_path / "head_model.npz", "w", zipfile.ZIP_DEFLATED)
    with archive, archive.open("mean.npy", "w", force_zip64=True) as file:
        file.write(header.getvalue())
        for _ in range(1 << 9):
            file.write(bytes(1 << 20))
    with pytest.raises(CaptureError, match="far too large"):
        load_head_model(tmp_path / "head_model.npz")
