"""A head in scenes of other units, and after *Apply* and *Set Origin*: as large as it is, and on its photo."""

from dataclasses import replace

import bpy
import numpy as np
import pytest

from prn_blender.capture.types import WHOLE
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.build.landmarks import landmark_positions, landmarks_of
from prn_blender.scene.edit.adjust import is_adjustable, moved_landmarks
from prn_blender.scene.edit.align import FRONTAL, PHOTOGRAPHED, set_alignment
from prn_blender.scene.edit.frame import frame_in_mesh

from .conftest import SHOTS, both_packs, mesh_in, with_prnet
from .test_camera import assert_on_photo, on_render, world_vertices


def set_unit_scale(scale: float) -> None:
    bpy.context.scene.unit_settings.scale_length = scale


def assert_head_is_on_its_photo(head: bpy.types.Object, shot, points: np.ndarray) -> None:
    bpy.context.view_layer.update()
    assert_on_photo(on_render(bpy.context.scene, capture_camera(head), world_vertices(head)), shot.pixels(points))


@with_prnet("scale", [1.0, 0.01, 0.001, 100.0], [0.01])
@pytest.mark.parametrize("name", ["portrait", "orthographic"])
@pytest.mark.parametrize("alignment", [FRONTAL, PHOTOGRAPHED])
def test_a_head_is_as_large_in_every_scene(make_capture, topology, scale, name, alignment):
    set_unit_scale(scale)
    captured = make_capture(SHOTS[name])
    points = mesh_in(captured).vertices
    head = build(captured, bpy.context, alignment=alignment)
    assert head.dimensions.z * scale == pytest.approx(np.ptp(points[:, 2]), abs=5e-5)
    assert np.allclose(head.matrix_world.to_scale(), 1)
    assert_head_is_on_its_photo(head, SHOTS[name], points)
    in_order = dict(sorted(landmarks_of(head))).values()
    landmarks = np.array([landmark.matrix_world.translation for landmark in in_order])
    found = on_render(bpy.context.scene, capture_camera(head), landmarks)
    assert_on_photo(found, SHOTS[name].pixels(topology.landmark_canonical))
    camera = capture_camera(head)
    depth = -(camera.matrix_world.inverted() @ head.matrix_world.translation).z
    assert camera.data.clip_start < depth < camera.data.clip_end


@both_packs
def test_a_scene_without_units_is_in_metres(capture):
    bpy.context.scene.unit_settings.system = "NONE"
    set_unit_scale(0.01)  # Blender takes no notice of it either
    expected = np.ptp(mesh_in(capture).vertices[:, 2])
    assert build(capture, bpy.context).dimensions.z == pytest.approx(expected, abs=5e-5)


@both_packs
@pytest.mark.usefixtures("registered")
def test_landmarks_are_in_metres_in_every_scene(capture, topology):
    set_unit_scale(0.01)
    head = build(capture, bpy.context)
    assert is_adjustable(head)
    np.testing.assert_allclose(landmark_positions(head), topology.landmark_canonical, atol=1e-6)
    before = world_vertices(head)
    dict(landmarks_of(head))[8].location.z -= 0.01
    bpy.context.view_layer.update()
    assert moved_landmarks(head) == [8]
    assert np.linalg.norm(world_vertices(head) - before, axis=1).max() == pytest.approx(1.0, rel=0.05)  # centimetres


def apply(head: bpy.types.Object, **kinds: bool) -> None:
    bpy.context.view_layer.update()
    bpy.ops.object.transform_apply(**{**dict.fromkeys(("location", "rotation", "scale"), False), **kinds})
    bpy.context.view_layer.update()


def set_origin(_head: bpy.types.Object) -> None:
    bpy.context.scene.cursor.location = (0.5, -0.2, 0.1)
    bpy.ops.object.origin_set(type="ORIGIN_CURSOR")


CHANGES = {
    "rotation": lambda head: apply(head, rotation=True),
    "scale": lambda head: apply(head, scale=True),
    "all": lambda head: apply(head, location=True, rotation=True, scale=True),
    "origin": set_origin,
    "origin to geometry": lambda head: bpy.ops.object.origin_set(type="ORIGIN_GEOMETRY", center="BOUNDS"),
}


@pytest.mark.parametrize("landmarks", ["kept", "deleted"])
@pytest.mark.parametrize("unit", [1.0, 0.01])
@with_prnet("change", CHANGES, ["all"])
def test_alignment_after_transforms_were_applied(make_capture, change, unit, landmarks):
    shot = SHOTS["landscape"]
    set_unit_scale(unit)
    captured = make_capture(shot)
    points = mesh_in(captured).vertices
    head = build(captured, bpy.context, alignment=PHOTOGRAPHED)
    head.location = np.array((0.1, 0.3, -0.2)) / unit
    head.rotation_euler.z += 0.4
    bpy.context.view_layer.update()
    place = head.matrix_world.translation.copy()
    CHANGES[change](head)
    if landmarks == "deleted":
        for _, landmark in list(landmarks_of(head)):
            bpy.data.objects.remove(landmark)
    for alignment in (FRONTAL, PHOTOGRAPHED, FRONTAL):
        set_alignment(head, alignment)
        assert_head_is_on_its_photo(head, shot, points)
    frame = head.matrix_world @ frame_in_mesh(head)
    assert np.allclose(frame.to_3x3(), np.eye(3) / unit, atol=1e-4 / unit)  # it faces the front
    assert np.allclose(frame.translation, place, atol=1e-4 / unit)  # where it stood


@both_packs
@pytest.mark.parametrize("name", ["landscape", "orthographic"])
def test_alignment_keeps_the_scale(make_capture, name):
    captured = make_capture(SHOTS[name])
    points = mesh_in(captured).vertices
    head = build(captured, bpy.context)
    head.scale = (0.85, 0.85, 0.85)
    for alignment in (PHOTOGRAPHED, FRONTAL):
        set_alignment(head, alignment)
        assert head.scale[:] == pytest.approx((0.85, 0.85, 0.85))
        assert_head_is_on_its_photo(head, SHOTS[name], points)


@both_packs
def test_a_sculpted_head_has_its_frame_where_it_was(make_capture, topology):
    """Edits all over the mesh are no applied transform."""
    head = build(make_capture(SHOTS["landscape"]), bpy.context)
    edited = topology.canonical * 1.05 + np.random.default_rng(0).normal(0, 0.002, topology.canonical.shape)
    head.data.vertices.foreach_set("co", edited.astype(np.float32).ravel())
    for _, landmark in list(landmarks_of(head)):
        bpy.data.objects.remove(landmark)
    assert np.array_equal(np.array(frame_in_mesh(head)), np.eye(4))


def test_the_parts_of_a_whole_head_are_as_large(make_capture):
    captured = make_capture(SHOTS["landscape"], name="game")
    captured = replace(captured, settings=replace(captured.settings, parts=WHOLE))
    places = []
    for scale in (1.0, 0.01):
        bpy.ops.wm.read_homefile(use_empty=True)
        set_unit_scale(scale)
        head = build(captured, bpy.context)
        bpy.context.view_layer.update()
        meshes = [child for child in head.children if child.type == "MESH"]
        assert len(meshes) > 4
        places.append(np.concatenate([world_vertices(child) for child in meshes]) * scale)
    np.testing.assert_allclose(places[1], places[0], atol=1e-6)
