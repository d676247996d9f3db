"""Whole heads look where the eyes in the photo look, and have the colour of their irises."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.geometry.camera import Camera
from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.record import capture_record, look_in
from prn_blender.capture.shape.expression_parts import straightened, turned
from prn_blender.capture.shape.eye_texture import eye_texture
from prn_blender.capture.shape.eyeball import BROWN, IRIS, STRAIGHT
from prn_blender.capture.shape.iris import SeenEye, direction, eyes_in, look_in_eyes
from prn_blender.capture.shape.iris_size import MEASURED, WIDTH, iris_width, size_by_irises
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.shape.size import enlarged, size_factor
from prn_blender.capture.types import WHOLE, Settings, View

from .conftest import photo_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SIDE = 240  # pixels of a drawn eye's photo
PER_METRE = 4000.0
SPHERE = np.array([0.0, 0.0, 0.0, 0.014])
SKIN, WHITE = (0.72, 0.52, 0.43), (0.82, 0.79, 0.77)
FRONTAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
COLOURS = {"brown": (0.28, 0.16, 0.09), "blue": (0.36, 0.43, 0.50), "green": (0.36, 0.40, 0.28)}


def lids(open_by: float = 0.0055) -> np.ndarray:
    """(M, 3) their edge on SPHERE, an almond."""
    turn = np.arange(40) * 2 * np.pi / 40
    x, z = 0.012 * np.cos(turn), open_by * np.sin(turn)
    return np.stack([x, -np.sqrt(SPHERE[3] ** 2 - x**2 - z**2), z], 1)


def drawn(
    gaze, iris=COLOURS["brown"], light=(1.0, 1.0, 1.0), open_by: float = 0.0055, yaw: float = 0.0, size: float = IRIS
) -> View:
    """A photo of one eye that looks by `gaze`, of a head turned by `yaw` degrees, drawn ray by ray.

    Args:
        size: radius of the iris, of the eyeball's.
    """
    turn = np.radians(yaw)
    about = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    pose = Similarity(1.0, about @ FRONTAL, np.array([0, 0, -1.0]))
    camera = Camera(SIDE, SIDE, None, 1.0, 1 / PER_METRE, SIDE / 2, SIDE / 2)
    x, y = np.meshgrid(np.arange(SIDE) + 0.5 - SIDE / 2, SIDE / 2 - 0.5 - np.arange(SIDE))
    x, y = x / PER_METRE, y / PER_METRE
    depth = np.sqrt(np.maximum(SPHERE[3] ** 2 - x**2 - y**2, 0))
    towards = np.stack([x, y, depth], -1) @ pose.rotation / SPHERE[3]  # in the head's axes
    cosine = np.clip(towards @ direction(*gaze), -1, 1)
    out = np.where(cosine > 0, np.sqrt(1 - cosine**2) / size, 9)
    pixels = np.where((out < 1)[..., None], np.where((out < 0.34)[..., None], 0.03, iris), WHITE)
    pixels[np.hypot(x + 0.001, y - 0.001) < 0.0006] = 1.0  # a highlight
    between = (towards[..., 0] / 0.012) ** 2 + (towards[..., 2] / open_by) ** 2 < SPHERE[3] ** -2
    pixels = np.where((between & (depth > 0))[..., None], pixels, SKIN) * light
    rng = np.random.default_rng(3)
    noisy = 255 * pixels + rng.normal(0, 3, pixels.shape)
    return View(
        photo=photo_of(np.clip(noisy, 0, 255).astype(np.uint8)),
        face_box=FaceBox(0, 0, SIDE, SIDE),
        crop=Crop(0.0, 0.0, float(SIDE)),
        position_map=PositionMap(np.zeros((2, 2, 3), np.float32)),
        camera=camera,
        focal_from="",
        pose=pose,
        visibility=np.ones(1, np.float32),
        landmarks=np.zeros((68, 3)),
    )


def look_at(view: View, open_by: float = 0.0055):
    return look_in_eyes((SeenEye.of(view, SPHERE, lids(open_by)), None))


@pytest.mark.parametrize("yaw", [-25, 0, 25])
@pytest.mark.parametrize("gaze", [(0, 0), (15, 0), (-22, 4), (8, -9), (-6, 8)])
def test_a_drawn_gaze_comes_back(gaze, yaw):
    found = look_at(drawn(gaze, yaw=yaw)).gaze
    np.testing.assert_allclose(found, np.tile(gaze, (2, 1)), atol=5)  # the eye that is not seen goes along


@pytest.mark.parametrize("name", COLOURS)
def test_an_iris_has_the_drawn_colour(name):
    look = look_at(drawn((5, 2), COLOURS[name]))
    np.testing.assert_allclose(look.iris, COLOURS[name], atol=0.07)


def test_dim_and_tinted_light_changes_an_iris_less_than_the_photo():
    light = np.array([0.75, 0.65, 0.55])
    plain, dim = (np.array(look_at(drawn((0, 0), COLOURS["blue"], by)).iris) for by in (np.ones(3), light))
    in_photo = np.abs(np.array(COLOURS["blue"]) * (1 - light)).max()
    assert np.abs(plain - dim).max() < 0.6 * in_photo


def test_irises_keep_to_the_colours_of_human_eyes():
    red, green, blue = look_at(drawn((0, 0), (0.5, 0.05, 0.5))).iris
    assert green > 0.75 * (red + blue) / 2


@pytest.mark.parametrize("open_by", [0.0005, 0.0012])
def test_a_nearly_closed_eye_looks_straight_ahead(open_by):
    assert look_at(replace_photo(drawn((15, 0), open_by=open_by), 4), open_by) is STRAIGHT


def replace_photo(view: View, factor: int) -> View:
    """The view in a photo that many times smaller."""
    pixels = view.photo.pixels.reshape(SIDE // factor, factor, SIDE // factor, factor, 3).mean((1, 3)).astype(np.uint8)
    small, camera = SIDE // factor, view.camera
    place = replace(camera, width=small, height=small, metres_per_px=camera.metres_per_px * factor)
    return replace(view, photo=photo_of(pixels), camera=replace(place, aim_x=small / 2, aim_y=small / 2))


def test_an_eye_without_an_iris_looks_straight_ahead():
    view = drawn((15, 0))
    plain = np.random.default_rng(0).normal(150, 4, view.photo.pixels.shape).astype(np.uint8)
    assert look_at(replace(view, photo=photo_of(plain))) is STRAIGHT


def test_an_eye_beyond_the_photos_edge_is_not_looked_at():
    view = drawn((0, 0))
    assert SeenEye.of(view, SPHERE + [0.025, 0, 0, 0], lids() + [0.025, 0, 0]) is None


@pytest.fixture(scope="module")
def astronaut(pack):
    photo = load_photo(EXAMPLES / "astronaut.jpg")
    box = choose_faces(find_faces(photo), "largest")[0]
    return reconstruct(photo, box, pack, Settings(texture_size=512, parts=WHOLE, expressions=True, head_size="irises"))


def test_the_astronaut_looks_into_the_camera_with_brown_eyes(astronaut):
    view = astronaut.views[0]
    to_camera = view.pose.inverse_apply(np.zeros(3))
    to_camera /= np.linalg.norm(to_camera)
    for gaze in astronaut.look.gaze:
        assert np.degrees(np.arccos(direction(*gaze) @ to_camera)) < 12
    red, green, blue = astronaut.look.iris
    assert 0.2 < red < 0.45 and red > green > blue and astronaut.look.iris != BROWN


def test_the_look_is_found_again_and_kept_in_the_record(astronaut):
    again, kept = look_in_eyes(eyes_in(astronaut.views[0], astronaut.pack)), look_in(capture_record(astronaut))
    for look in (again, kept):
        np.testing.assert_allclose(look.gaze, astronaut.look.gaze)
        assert look.iris == pytest.approx(astronaut.look.iris)
    assert look_in({}) is STRAIGHT


def test_eyes_are_turned_in_the_photo_and_straight_without_its_expression(astronaut):
    mesh = mesh_of(astronaut, astronaut.pack.choose_topology("game"))
    for side, gaze in zip(("left", "right"), astronaut.look.gaze, strict=True):
        part = next(part for part in mesh.parts if part.name == f"cornea_{side}")
        shapes = mesh.expressions.parts[part.name]
        np.testing.assert_allclose(shapes.neutral + shapes.keys["Photo"], part.vertices, atol=1e-6)
        for points, wanted in ((part.vertices, direction(*gaze)), (shapes.neutral, direction(0, 0))):
            axis = (points - part.pivot).mean(0)
            assert axis / np.linalg.norm(axis) @ wanted > np.cos(np.radians(1))


def test_straightened_takes_a_turn_back(astronaut):
    mesh = mesh_of(astronaut, astronaut.pack.choose_topology("game"))
    gaze = np.array([[20.0, -8.0], [-13.0, 11.0]])
    for part, back in zip(mesh.parts, straightened(turned(mesh.parts, gaze), gaze), strict=True):
        np.testing.assert_allclose(back.vertices, part.vertices, atol=1e-6)


@pytest.mark.parametrize("gaze", [(0, 0), (12, -3), (-9, 5)])
@pytest.mark.parametrize("size", [0.34, 0.4, 0.46])
def test_the_width_of_a_drawn_iris_is_found(gaze, size):
    view = drawn(gaze, size=size)
    eye = SeenEye.of(view, SPHERE, lids())
    width = iris_width(eye, look_in_eyes((eye, None)).gaze[0])
    assert width == pytest.approx(2 * size * SPHERE[3], rel=0.1)


def test_a_head_is_as_large_as_its_irises_tell():
    factor = {}
    for size in (0.36, 0.44):
        view = drawn((5, 2), size=size)
        eyes = (SeenEye.of(view, SPHERE, lids()),) * 2
        factor[size] = size_by_irises((view,), (eyes,), (look_in_eyes(eyes),))
        width = iris_width(eyes[0], look_in_eyes(eyes).gaze[0])
        assert factor[size] == pytest.approx(WIDTH * MEASURED / width)
        assert size_by_irises((view, view), (eyes, eyes), (look_in_eyes(eyes),) * 2) == pytest.approx(factor[size])
    assert factor[0.36] / factor[0.44] == pytest.approx(0.44 / 0.36, rel=0.08)


def test_irises_that_do_not_tell_the_size_are_left_aside():
    view, wide = drawn((5, 2), size=0.36), drawn((5, 2), size=0.5)
    one, other = (SeenEye.of(photo, SPHERE, lids()) for photo in (view, wide))
    told = lambda eyes, of=view: size_by_irises((of,), (eyes,), (look_in_eyes(eyes),))
    assert told((one, one)) is not None
    assert told((one, None)) is None  # a single eye may be another thing
    assert told((one, other)) is None  # nobody's irises differ so much
    small = replace_photo(view, 8)
    seen = SeenEye.of(small, SPHERE, lids())
    assert seen is None or told((seen, seen), small) is None
    closed = drawn((5, 2), open_by=0.0005)
    assert told((SeenEye.of(closed, SPHERE, lids(0.0005)),) * 2, closed) is None


def test_a_typed_eye_distance_comes_before_irises(astronaut):
    landmarks = astronaut.head.landmarks
    typed = Settings(head_size="eyes", eye_mm=50.0)
    assert size_factor(landmarks, typed, 0.9) == size_factor(landmarks, typed) < 0.9
    irises = Settings(head_size="irises")
    assert size_factor(landmarks, irises, 0.9) == 0.9
    assert size_factor(landmarks, irises) == size_factor(landmarks, Settings(head_size="average"), 0.9) == 1


def test_a_photo_with_small_eyes_makes_a_head_of_average_size(astronaut):
    assert astronaut.irises is None and "irises" not in capture_record(astronaut)
    told = astronaut.fitted.found.views[0]
    assert enlarged(astronaut.views[0].camera.metres_per_px, told.size) == pytest.approx(1)


def test_the_eyes_picture_has_the_irises_colour():
    pixels = eye_texture(256, (0.3, 0.4, 0.5)) / 255
    axis = (np.arange(256) + 0.5) / 256 * 2 - 1
    out = np.sin(np.hypot(*np.meshgrid(axis, axis)) * np.pi) / IRIS
    near = np.hypot(*np.meshgrid(axis, axis)) < 0.3
    np.testing.assert_allclose(np.median(pixels[near & (out > 0.6) & (out < 0.8)], axis=0), (0.3, 0.4, 0.5), rtol=0.2)
