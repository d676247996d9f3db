"""Which camera and which photo belong to which head, wherever they were moved and whatever was copied."""

from pathlib import Path

import bpy
import numpy as np
import pytest

from prn_blender.capture.progress import silent
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera, heads_of_camera
from prn_blender.scene.edit.align import PHOTOGRAPHED, set_alignment
from prn_blender.ui.photos.image_editor import image_of_head, photo_image, shows_photo
from prn_blender.ui.shell.photo_info import read_photo_info

from .conftest import SHOTS, both_packs
from .test_camera import assert_on_photo, on_render, world_vertices
from .test_photo_overlay import editor  # noqa: F401 - a fixture


@pytest.fixture
def two_heads(make_capture) -> list[bpy.types.Object]:
    """Two captured heads with their cameras in one collection."""
    heads = [build(make_capture(SHOTS[name]), bpy.context) for name in ("landscape", "portrait")]
    together = heads[0].users_collection[0]
    move(heads[1], together)
    move(capture_camera(heads[1]), together)
    return heads


def move(part: bpy.types.Object, collection: bpy.types.Collection) -> None:
    for other in part.users_collection:
        other.objects.unlink(part)
    collection.objects.link(part)


@both_packs
def test_each_of_two_heads_in_one_collection_has_its_own_camera(two_heads):
    cameras = [capture_camera(head) for head in two_heads]
    assert cameras[0] != cameras[1]
    assert [heads_of_camera(camera) for camera in cameras] == [[head] for head in two_heads]
    before = cameras[0].matrix_world.copy()
    set_alignment(two_heads[1], PHOTOGRAPHED)
    bpy.context.view_layer.update()
    assert cameras[0].matrix_world == before
    assert np.abs(np.array(cameras[1].matrix_world.to_euler()) - (np.pi / 2, 0, 0)).max() < 1e-4  # level


@both_packs
def test_a_head_in_a_collection_of_its_own_keeps_its_camera(capture):
    head = build(capture, bpy.context)
    camera = capture_camera(head)
    alone = bpy.data.collections.new("Alone")
    bpy.context.scene.collection.children.link(alone)
    move(head, alone)
    assert capture_camera(head) == camera and heads_of_camera(camera) == [head]
    set_alignment(head, PHOTOGRAPHED)
    bpy.context.view_layer.update()
    found = on_render(bpy.context.scene, camera, world_vertices(head))
    shot = SHOTS["landscape"]
    assert_on_photo(found, shot.pixels(np.array([vertex.co for vertex in head.data.vertices])))


@both_packs
def test_copies_of_head_and_camera_belong_together(capture):
    head = build(capture, bpy.context)
    camera = capture_camera(head)
    copies = [part.copy() for part in (head, camera)]
    for copy in copies:
        head.users_collection[0].objects.link(copy)
    assert capture_camera(head) == camera
    assert capture_camera(copies[0]) == copies[1]
    assert heads_of_camera(copies[1]) == [copies[0]]


def test_a_head_without_its_camera_has_none(two_heads):
    bpy.data.objects.remove(capture_camera(two_heads[0]))
    assert capture_camera(two_heads[0]) is None
    assert capture_camera(two_heads[1]) is not None


@pytest.mark.parametrize("artists_own", [False, True])
def test_a_photo_that_was_replaced_is_another_photo(editor, capture, artists_own):  # noqa: F811
    import cv2

    path = capture.views[0].photo.path
    head = build(capture, bpy.context)
    old = bpy.data.images.load(str(path)) if artists_own else image_of_head(head)
    editor.spaces.active.image = old
    assert shows_photo(editor, path, read_photo_info(path)(silent))
    path.write_bytes(cv2.imencode(".png", np.full((300, 500, 3), 90, np.uint8))[1].tobytes())
    info = read_photo_info(path)(silent)
    assert not shows_photo(editor, path, info)
    new = photo_image(path, info)
    assert new != old and tuple(new.size) == (500, 300)
    assert tuple(image_of_head(head).size) == (capture.views[0].photo.width, capture.views[0].photo.height)


def test_a_photo_is_recorded_by_a_path_that_means_the_same_everywhere(monkeypatch):
    from prn_blender.capture.photo.read import load_photo

    from .conftest import PORTRAIT

    monkeypatch.chdir(PORTRAIT.parent)
    assert load_photo(Path(PORTRAIT.name)).path == PORTRAIT
