"""A whole head: its eyes, teeth and insides are objects under it."""

import bpy
import numpy as np
import pytest

from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.shape.eye_texture import eye_texture
from prn_blender.capture.shape.eyeball import BROWN
from prn_blender.capture.types import WHOLE, Settings
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.material import base_colour_image
from prn_blender.scene.edit.pins import PinnedHead

from .conftest import PORTRAIT, mesh_in


@pytest.fixture(scope="module")
def whole(pack):
    photo = load_photo(PORTRAIT)
    box = choose_faces(find_faces(photo), "largest")[0]
    return reconstruct(photo, box, pack, Settings(texture_size=512, parts=WHOLE))


def test_parts_are_children_whose_origins_are_their_pivots(whole):
    head = build(whole, bpy.context)
    children = {child.name: child for child in head.children}
    for part in mesh_in(whole).parts:
        shape = children[f"astronaut {part.name}"]
        assert not shape.data.validate(verbose=True)
        np.testing.assert_allclose(shape.location, part.pivot, atol=1e-6)
        points = np.empty(len(shape.data.vertices) * 3, np.float32)
        shape.data.vertices.foreach_get("co", points)
        np.testing.assert_allclose(points.reshape(-1, 3) + part.pivot, part.vertices, atol=1e-6)
    assert children["astronaut eye_left"].active_material is children["astronaut eye_right"].active_material


def test_eyes_and_mouth_are_open(whole):
    head = build(whole, bpy.context)
    edges = len(head.data.edges)
    assert len(head.data.vertices) - edges + len(head.data.polygons) == -2  # a disc with three holes
    assert not head.data.validate(verbose=True)


def test_solid_shading_shows_the_parts_colours_and_the_iris_through_the_cornea(whole):
    head = build(whole, bpy.context)
    shown = {child.name: tuple(child.active_material.diffuse_color) for child in head.children if child.type == "MESH"}
    assert shown["astronaut cornea_left"][3] == 0 and shown["astronaut eye_left"][3] == 1
    assert max(shown["astronaut lashes"][:3]) < 0.1


def test_the_irises_in_the_scene_have_the_photos_colour(whole):
    head = build(whole, bpy.context)
    eye = next(part for part in head.children if part.name == "astronaut eye_left")
    image = base_colour_image(eye)
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[..., :3]
    expected = eye_texture(len(pixels), whole.look.iris)[::-1] / 255
    np.testing.assert_allclose(pixels, expected, atol=1 / 255)
    assert np.abs(expected - eye_texture(len(pixels), BROWN)[::-1] / 255).max() > 0.05


def test_eyes_stay_turned_while_the_head_follows_pins(whole, pack):
    head = build(whole, bpy.context)
    eye = next(part for part in head.children if part.name == "astronaut cornea_right")
    before, after = (np.empty(len(eye.data.vertices) * 3, np.float32) for _ in range(2))
    eye.data.vertices.foreach_get("co", before)
    pinned = PinnedHead(head, pack)
    chin = pinned.landmark_pin(0, 8)
    pinned.set_pins(0, [chin.moved((chin.place[0], chin.place[1] + 4))])
    eye.data.vertices.foreach_get("co", after)
    np.testing.assert_allclose(after, before, atol=3e-4)  # their size may change a little
