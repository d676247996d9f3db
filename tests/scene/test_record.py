"""The capture record and the alignment survive what artists do with files."""

import json

import bpy
import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.record import capture_record
from prn_blender.capture.types import Settings
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.edit.align import FRONTAL, PHOTOGRAPHED, alignment_of, set_alignment
from prn_blender.scene.record import is_captured_head, read_record

from .conftest import SHOTS, both_packs
from .test_camera import assert_on_photo, on_render, world_vertices

pytestmark = both_packs


def test_record_is_json_and_repeats_the_capture(capture):
    record = capture_record(capture)
    assert json.loads(json.dumps(record)) == record
    assert FaceBox(**record["face_box"]) == capture.views[0].face_box
    assert Crop(**record["crop"]) == capture.views[0].crop
    assert Settings(**record["settings"]) == capture.settings
    assert record["photo"]["path"] == str(capture.views[0].photo.path)
    assert record["photo"]["sha256"] == capture.views[0].photo.sha256
    assert record["pack"]["sha256"] == capture.pack.sha256
    assert np.array_equal(np.reshape(record["pose"]["aligned_to_camera"], (4, 4)), capture.views[0].pose.matrix)


@pytest.mark.parametrize("name", ["landscape", "orthographic"])
def test_head_carries_the_record(make_capture, name):
    capture = make_capture(SHOTS[name])
    stored = read_record(build(capture, bpy.context))
    assert stored["versions"].pop("blender") == bpy.app.version_string
    assert stored == capture_record(capture)


def test_save_and_reload_keep_record_and_alignment(make_capture, topology, tmp_path):
    shot = SHOTS["portrait"]
    head = build(make_capture(shot), bpy.context, alignment=PHOTOGRAPHED)
    record = read_record(head)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    head = bpy.data.objects["portrait"]
    assert read_record(head) == record
    assert alignment_of(head) == PHOTOGRAPHED
    set_alignment(head, FRONTAL)
    bpy.context.view_layer.update()
    assert np.allclose(head.matrix_world, np.eye(4))
    found = on_render(bpy.context.scene, capture_camera(head), world_vertices(head))
    assert_on_photo(found, shot.pixels(topology.canonical))
    camera_image = capture_camera(head).data.background_images[0].image
    assert camera_image.has_data or camera_image.size[0] == shot.width


def test_an_appended_collection_keeps_record_and_camera(make_capture, tmp_path):
    record = read_record(build(make_capture(SHOTS["landscape"]), bpy.context))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "saved.blend")) as (_, wanted):
        wanted.collections = ["landscape"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    head = bpy.data.objects["landscape"]
    assert read_record(head) == record
    set_alignment(head, PHOTOGRAPHED)
    bpy.context.view_layer.update()
    assert capture_camera(head).matrix_world.to_euler().x == pytest.approx(np.pi / 2)


def test_photographed_camera_is_level_and_looks_along_y(make_capture):
    for shot in SHOTS.values():
        head = build(make_capture(shot), bpy.context, alignment=PHOTOGRAPHED)
        axes = capture_camera(head).matrix_world.to_3x3()
        assert np.allclose(axes, [[1, 0, 0], [0, 0, -1], [0, 1, 0]], atol=1e-5)
        assert np.allclose(head.matrix_world.translation, 0)
        assert np.allclose(head.matrix_world.to_scale(), 1)


def test_switching_back_restores_the_frontal_frame(capture):
    head = build(capture, bpy.context)
    camera = capture_camera(head).matrix_world.copy()
    set_alignment(head, PHOTOGRAPHED)
    bpy.context.view_layer.update()
    assert not np.allclose(head.matrix_world, np.eye(4), atol=0.1)
    set_alignment(head, FRONTAL)
    bpy.context.view_layer.update()
    assert np.array_equal(np.array(head.matrix_world), np.eye(4))
    assert np.allclose(capture_camera(head).matrix_world, camera, atol=1e-6)


def test_without_its_camera_the_head_still_turns(capture):
    head = build(capture, bpy.context)
    bpy.data.objects.remove(capture_camera(head))
    set_alignment(head, PHOTOGRAPHED)
    assert alignment_of(head) == PHOTOGRAPHED


def test_other_objects_are_no_captured_heads(capture):
    build(capture, bpy.context)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    assert not is_captured_head(cube) and not is_captured_head(None)
    with pytest.raises(CaptureError, match="Cube is not a captured head"):
        set_alignment(cube, FRONTAL)
