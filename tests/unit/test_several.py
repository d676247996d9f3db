"""Several photos of one person: one head, one texture in one light, and strangers among them."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import Portrait, reconstruct, seen_in
from prn_blender.capture.record import capture_record, views_in
from prn_blender.capture.run import OtherPhoto, Request, run
from prn_blender.capture.shape.belonging import strangers
from prn_blender.capture.shape.mesh import mesh_of, vertices_in_view
from prn_blender.capture.shape.size import size_factor, sized
from prn_blender.capture.shape.views import fit_views
from prn_blender.capture.texture.guide import GUIDE_SIZE, draw
from prn_blender.capture.texture.merge import exposures
from prn_blender.capture.texture.project import project_textures
from prn_blender.capture.types import BASE_COLOR, MASK, Photo, Settings, View

from ..cancelling import CancelAt
from .conftest import Shot
from .test_pack import edit
from .test_shape import evidence_from, person, seen_from

SIZE = 512
SHOTS = {
    "front": Shot(640, 640, 900.0, (0, 0, 0), (0, 0.02, -0.7)),
    "left": Shot(800, 600, 1100.0, (45, 0, 0), (0, 0, -0.9)),
    "right": Shot(500, 700, 700.0, (-45, 0, 5), (0, 0, -0.7)),
}


@pytest.fixture(scope="module")
def model(pack):
    return pack.head_model


@pytest.fixture(scope="module")
def three(pack, model):
    """Evidence of a person from three sides, and the truth of it."""
    rng = np.random.default_rng(3)
    identity = person(model, rng)
    states = [seen_from(model, rng, yaw) for yaw in (0, 40, -50)]
    return identity, states, tuple(evidence_from(model, identity, state) for state in states)


def painted(topology) -> np.ndarray:
    """(V, 3) 0..255: the true colour of each vertex of a head, with details."""
    x, y, z = topology.canonical.T
    detail = 20 * np.sin(x * 400) * np.sin(z * 400)
    return np.stack([150 + 600 * x + detail, 120 + 300 * z + detail, 110 + 200 * y + detail], axis=1).clip(5, 250)


def photographed(pack, shot: Shot, light=(1.0, 1.0, 1.0), width_of_light: float = 0.0) -> View:
    """The painted canonical head in a photo whose light is stronger on one side, and what is known of it."""
    from prn_blender.capture.geometry.camera import Camera
    from prn_blender.capture.geometry.crop import Crop
    from prn_blender.capture.geometry.pose import Similarity
    from prn_blender.capture.geometry.raster import rasterise

    topology = pack.topology
    vertices = shot.photograph(topology.canonical, np.zeros(3))
    front = topology.triangles[np.argsort(vertices[topology.triangles, 2].mean(axis=1))]
    pixels = np.full((shot.height, shot.width, 3), (40, 60, 40), np.float32)
    shade = 1 + width_of_light * topology.canonical[:, :1] / 0.08
    colours = painted(topology) * shade * np.array(light)
    fragments = rasterise(vertices[front][..., :2], shot.width, shot.height)
    depth = fragments.interpolate(vertices[:, 2:], front)[:, 0]
    order = np.argsort(depth, kind="stable")
    pixels[fragments.row[order], fragments.column[order]] = fragments.interpolate(colours, front)[order]
    uv_map = draw(topology).interpolate(topology.canonical)
    places = shot.photograph(uv_map.reshape(-1, 3), np.zeros(3)).reshape(uv_map.shape).astype(np.float32)
    distance = -shot.position[2]
    view = View(
        photo=Photo(None, pixels.clip(0, 255).astype(np.uint8), "", shot.focal_px, True),
        face_box=FaceBox(0, 0, 1, 1),
        crop=Crop(0, 0, 1),
        position_map=PositionMap(places),
        camera=Camera(
            shot.width,
            shot.height,
            shot.focal_px,
            distance,
            distance / shot.focal_px,
            shot.width / 2 + shot.focal_px * shot.position[0] / distance,
            shot.height / 2 - shot.focal_px * shot.position[1] / distance,
        ),
        focal_from="exif",
        pose=Similarity(1.0, shot.rotation, np.array(shot.position)),
        visibility=np.ones(len(topology.canonical), np.float32),
        landmarks=topology.landmarks(PositionMap(places)),
    )
    return replace(view, visibility=seen_in(view, pack))


def true_texture(topology) -> np.ndarray:
    """(G, G, 3)"""
    return draw(topology).interpolate(painted(topology))


def errors(texture: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(G, G) of a texture (T, T, 3)."""
    import cv2

    return np.abs(cv2.resize(texture, (GUIDE_SIZE, GUIDE_SIZE), interpolation=cv2.INTER_AREA) - true).mean(axis=2)


def test_three_photos_show_more_than_one_and_in_the_first_ones_light(pack, topology):
    lights = {"front": (1, 1, 1), "left": (0.6, 0.7, 0.9), "right": (1.15, 1.0, 0.8)}
    views = tuple(photographed(pack, shot, lights[name]) for name, shot in SHOTS.items())
    one, merged = (project_textures(some, topology, SIZE, True) for some in (views[:1], views))
    assert merged[MASK].mean() > 1.2 * one[MASK].mean()
    import cv2

    shown = cv2.resize(merged[MASK], (GUIDE_SIZE, GUIDE_SIZE), interpolation=cv2.INTER_AREA) > 250
    only_others = shown & (cv2.resize(one[MASK], (GUIDE_SIZE, GUIDE_SIZE), interpolation=cv2.INTER_AREA) < 5)
    true = true_texture(topology)
    error = errors(merged[BASE_COLOR], true)
    assert only_others.sum() > 1000
    assert np.median(error[shown]) < 6 and np.median(error[only_others]) < 10
    unlevelled = np.median(np.abs(true[only_others] * (1 - np.array(lights["left"]))).mean(axis=1))
    assert np.median(error[only_others]) < 0.5 * unlevelled


def test_borders_between_photos_are_not_visible(pack, topology):
    """Light that comes from one side in one photo and from the other in the next: no step where they meet."""
    views = tuple(
        photographed(pack, shot, (light, light, light), side)
        for shot, light, side in zip(SHOTS.values(), (1.0, 0.7, 1.2), (0.0, 0.25, -0.25), strict=True)
    )
    merged = project_textures(views, topology, SIZE, True)
    import cv2

    shown = cv2.resize(merged[MASK], (GUIDE_SIZE, GUIDE_SIZE), interpolation=cv2.INTER_AREA) > 250
    ratio = cv2.resize(merged[BASE_COLOR], (GUIDE_SIZE, GUIDE_SIZE), interpolation=cv2.INTER_AREA) / true_texture(
        topology
    )
    smooth = cv2.GaussianBlur(ratio.mean(axis=2).astype(np.float32), (0, 0), 2.0)
    steps = np.maximum(*(np.abs(np.diff(smooth, axis=axis, append=0)) for axis in (0, 1)))
    inside = cv2.erode(shown.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.quantile(steps[inside], 0.99) < 0.03  # the photos differ by 70 %


def test_exposures_agree_where_photos_overlap():
    rng = np.random.default_rng(0)
    surface = rng.uniform(3, 5, (16, 16, 3))
    darker = np.array([[0, 0, 0], [0.4, 0.2, 0.1], [-0.3, 0, 0.2]])
    trusts = [np.zeros((16, 16)) for _ in range(3)]
    trusts[0][:, :8], trusts[1][:, 4:12], trusts[2][:, 9:] = 1, 1, 1  # the third shares nothing with the first
    found = exposures(np.array([surface - one for one in darker]), trusts)
    assert np.abs(found - darker).max() < 0.02
    alone = [np.eye(16)[0:1].repeat(16, 0) * 0 for _ in range(2)]
    assert np.abs(exposures(np.array([surface, surface - 1]), alone)).max() < 1e-6


def test_three_photos_tell_more_of_a_person_than_one(pack, model, three):
    identity, _, known = three

    def off(found):
        return np.linalg.norm(np.tensordot(found.identity - identity, model.identity, 1)[model.rigid], axis=1).mean()

    noisy = []
    rng = np.random.default_rng(5)
    for one in known:
        import cv2

        noise = cv2.GaussianBlur(rng.normal(size=(*one.evidence.deviation.shape, 2)), (0, 0), 2)
        places = one.evidence.places.copy()
        places[..., :2] += noise / noise.std() * 4
        noisy.append(replace(one, evidence=replace(one.evidence, places=places, deviation=one.evidence.deviation * 4)))
    alone, together = fit_views(model, (noisy[0],)).found, fit_views(model, tuple(noisy)).found
    assert off(together) < 0.8 * off(alone)


def test_a_photo_without_a_face_is_fitted_to_the_head_that_the_others_show(pack, model, three):
    identity, states, known = three
    unsure = replace(known[2], evidence=replace(known[2].evidence, deviation=np.full((32, 32), 40.0)))
    fitted = fit_views(model, (*known[:2], unsure), (False, False, True))
    found, heads = fitted.found, fitted.heads(model, pack.topology)
    assert np.linalg.norm(found.identity - identity) < 0.5 * np.linalg.norm(identity)
    turn = found.views[2].rotation @ states[2].rotation.T
    assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 6
    assert len(heads) == 3


def test_a_stranger_is_noticed(model, three):
    _, _, known = three
    other = person(model, np.random.default_rng(99)) * 2
    stranger = evidence_from(model, other, seen_from(model, np.random.default_rng(7), -30))
    assert strangers(model, known, (False,) * 3) == frozenset()
    assert strangers(model, (*known[:2], stranger), (False,) * 3) == {2}
    assert strangers(model, (known[0], stranger), (False,) * 2) == {1}
    assert strangers(model, (known[0], stranger), (False, True)) == frozenset()  # a profile tells too little
    assert strangers(model, known[:1], (False,)) == frozenset()


@pytest.mark.parametrize("orthographic", [False, True])
def test_a_head_gets_the_size_that_its_eyes_tell(pack, model, three, orthographic):
    view = replace(three[2][0], orthographic=orthographic)
    head = fit_views(model, (view,)).head_in(model, pack.topology, 0)
    landmarks = head.camera.to_camera_space(pack.topology.landmarks(head.position_map))
    factor = size_factor(landmarks, Settings(head_size="eyes", eye_mm=50.0))
    assert size_factor(landmarks, Settings()) == 1 and factor < 0.9
    small = replace(head, **dict(zip(("camera", "pose"), sized(head.camera, head.pose, factor), strict=True)))
    eyes = small.camera.to_camera_space(pack.topology.landmarks(head.position_map))
    right, left = eyes[36:42].mean(axis=0), eyes[42:48].mean(axis=0)
    assert np.linalg.norm(right - left) == pytest.approx(0.05, rel=1e-3)
    vertices = pack.topology.vertices(head.position_map)
    in_head = small.pose.inverse_apply(small.camera.to_camera_space(vertices))
    assert np.abs(small.camera.project(small.pose.apply(in_head)) - vertices[:, :2]).max() < 0.01
    before = head.pose.inverse_apply(head.camera.to_camera_space(vertices))
    assert np.abs(in_head - before * factor).max() < 1e-5


GREY = Photo(None, np.full((400, 300, 3), 120, np.uint8), "", None, True)
BOX = FaceBox(60, 80, 240, 300)


def test_photos_of_different_sizes_make_one_head(pack):
    other = Photo(None, np.full((900, 700, 3), 90, np.uint8), "", 1200.0, True)
    settings = Settings(texture_size=256)
    capture = reconstruct(GREY, BOX, pack, settings, others=(Portrait(other, FaceBox(150, 200, 500, 700), True),))
    first, second = capture.views
    assert (first.focal_from, second.focal_from) == ("face", "exif") and second.camera.focal_px == pytest.approx(1200.0)
    assert not first.by_hand and second.by_hand
    mesh = mesh_of(capture, pack.topology)
    assert (mesh.visibility >= first.visibility).all() and (mesh.visibility >= second.visibility).all()
    for number, view in enumerate(capture.views):
        shape = vertices_in_view(capture, pack.topology, number).astype(float)
        assert np.abs(view.project(shape) - pack.topology.vertices(view.position_map)[:, :2]).max() < 0.1
    record = capture_record(capture)
    assert [view["photo"]["width"] for view in views_in(record)] == [300, 700]
    assert record["photo"] == record["views"][0]["photo"]


def test_every_step_with_several_photos_can_be_cancelled(pack):
    steps = []
    settings, others = Settings(texture_size=256), (Portrait(GREY, BOX),)
    reconstruct(GREY, BOX, pack, settings, lambda _, text: steps.append(text), others)
    assert steps.count("Finding the head's shape") == 2 and steps.count("Comparing the photos") == 2
    for last in (2, 5, len(steps) - 1):
        with pytest.raises(Cancelled):
            reconstruct(GREY, BOX, pack, settings, CancelAt(last), others)


def test_what_makes_no_sense_is_told(copied, pack, tmp_path):
    assert pack.head_model is not None
    (copied / "head_model.npz").unlink()
    for section in ("head_model", "refine"):
        edit(copied, rf"\[{section}\][^\[]*", "")
    with pytest.raises(CaptureError, match="no head model"):
        reconstruct(GREY, BOX, load_pack(copied), Settings(texture_size=256), others=(Portrait(GREY, BOX),))
    with pytest.raises(CaptureError, match="choose one face"):
        run(Request(tmp_path / "a.png", face="all", together=(OtherPhoto(tmp_path / "b.png"),)))
    with pytest.raises(CaptureError, match="outside"):
        reconstruct(GREY, BOX, pack, Settings(), others=(Portrait(GREY, FaceBox(900, 0, 950, 50)),))
    for wrong in ({"follow": 1.5}, {"head_size": "iris"}, {"head_size": "eyes", "eye_mm": 6.3}):
        with pytest.raises(CaptureError, match="choose"):
            Settings(**wrong)
