"""Landmarks moved by hand, and the mesh that follows; how it deforms is tested without Blender."""

import json

import bpy
import numpy as np
import pytest

import prn_blender
from prn_blender.capture.shape.deformation import anchors_of
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.landmarks import landmark_positions, landmarks_of
from prn_blender.scene.edit.adjust import CAPTURED, captured_landmarks, is_adjustable, moved_landmarks, reset_landmarks
from prn_blender.scene.edit.align import set_alignment
from prn_blender.scene.export.head import export_head
from prn_blender.scene.record import is_captured_head
from prn_blender.ui.landmarks.operators import why_not_adjustable

from .conftest import both_packs, coordinates

MOUTH_CORNER, CHIN, BROW, NOSE_TIP = 48, 8, 19, 30
MILLIMETRE = 0.001

pytestmark = [both_packs, pytest.mark.usefixtures("registered")]


@pytest.fixture
def head(capture) -> bpy.types.Object:
    return build(capture, bpy.context)


@pytest.fixture
def anchors(topology):
    return anchors_of(topology)


def shape(head: bpy.types.Object) -> np.ndarray:
    return coordinates(head.data)


def move(head: bpy.types.Object, index: int, *offset: float) -> None:
    """Moves a landmark as a transform does: its location, then Blender's own update."""
    dict(landmarks_of(head))[index].location += type(head.location)(offset)
    bpy.context.view_layer.update()


def move_all_a_little(head: bpy.types.Object) -> None:
    offsets = np.random.default_rng(0).uniform(-2, 2, (68, 3)) * MILLIMETRE
    for index, landmark in landmarks_of(head):
        landmark.location += type(head.location)(offsets[index])
    bpy.context.view_layer.update()


@pytest.mark.parametrize("index", [CHIN, BROW, NOSE_TIP, MOUTH_CORNER])
def test_the_other_landmarks_ride_on_the_surface(head, anchors, index):
    before = anchors.on(shape(head).astype(float))
    move(head, index, 3 * MILLIMETRE, -4 * MILLIMETRE, 2 * MILLIMETRE)
    moved = anchors.on(shape(head).astype(float)) - before
    np.testing.assert_allclose(landmark_positions(head) - captured_landmarks(head), moved, atol=1e-6)
    assert moved_landmarks(head) == [index]


def test_symmetric_moves_the_other_side_too(head):
    bpy.context.scene.prn_capture.symmetric = True
    move(head, MOUTH_CORNER, 4 * MILLIMETRE, -MILLIMETRE, 2 * MILLIMETRE)
    offsets = landmark_positions(head) - captured_landmarks(head)
    np.testing.assert_allclose(offsets[54], offsets[MOUTH_CORNER] * (-1, 1, 1), atol=1e-6)
    assert moved_landmarks(head) == [MOUTH_CORNER, 54]
    move(head, MOUTH_CORNER, -4 * MILLIMETRE, MILLIMETRE, -2 * MILLIMETRE)
    assert moved_landmarks(head) == []


def test_a_landmark_put_back_by_hand_is_as_if_it_was_never_moved(head):
    """A drag that is cancelled, of a landmark that rode along with another one."""
    move(head, CHIN, 0, 0, -9 * MILLIMETRE)
    before, places = shape(head), landmark_positions(head)
    move(head, 7, 0.003, 0, 0)
    assert moved_landmarks(head) == [7, CHIN]
    dict(landmarks_of(head))[7].location = places[7]
    bpy.context.view_layer.update()
    assert moved_landmarks(head) == [CHIN]
    assert (shape(head) == before).all()


def test_other_objects_are_not_looked_at_while_a_landmark_moves(head, monkeypatch):
    from prn_blender.scene.build import landmarks

    move(head, CHIN, 0, 0, -MILLIMETRE)
    monkeypatch.setattr(landmarks, "_search", lambda head: pytest.fail("went through the file"))
    move(head, CHIN, 0, 0, -MILLIMETRE)
    move(head, BROW, 0, 0, MILLIMETRE)
    assert moved_landmarks(head) == [CHIN, BROW]


def test_landmarks_are_hidden_until_asked_for_without_lines_to_their_parent(head):
    landmarks = [landmark for _, landmark in landmarks_of(head)]
    assert not any(landmark.visible_get() for landmark in landmarks)
    bpy.context.scene.prn_capture.show_landmarks = True
    assert all(landmark.visible_get() for landmark in landmarks)
    assert not landmarks[0].parent.visible_get()  # Blender draws a line to a parent that it shows
    bpy.context.scene.prn_capture.show_landmarks = False
    assert not any(landmark.visible_get() for landmark in landmarks)


def test_many_landmarks_at_once_are_all_reached(head, anchors):
    before = anchors.on(shape(head).astype(float))
    move_all_a_little(head)
    offsets = landmark_positions(head) - captured_landmarks(head)
    apart = np.linalg.norm(before[:, None] - before, axis=2) + np.eye(68)
    lone = apart.min(axis=1) > 1.5 * MILLIMETRE  # nearer ones cannot be torn apart: they go together
    assert lone.sum() >= 66
    moved = anchors.on(shape(head).astype(float)) - before
    np.testing.assert_allclose(moved[lone], offsets[lone], atol=0.1 * MILLIMETRE)


def test_reset_gives_back_exactly_what_was_captured(head):
    before, places = shape(head), landmark_positions(head)
    attributes = set(head.data.attributes.keys())
    move_all_a_little(head)
    move(head, CHIN, 0, 0, -9 * MILLIMETRE)
    assert moved_landmarks(head) == list(range(68))
    assert (shape(head) != before).any()
    reset_landmarks(head)
    assert (shape(head) == before).all()
    assert (landmark_positions(head) == places).all()
    assert moved_landmarks(head) == []
    assert set(head.data.attributes.keys()) == attributes


def test_reset_of_one_landmark_keeps_the_others(head):
    move(head, CHIN, 0, 0, -9 * MILLIMETRE)
    only_chin = shape(head)
    move(head, BROW, 0, 0, 3 * MILLIMETRE)
    reset_landmarks(head, [BROW])
    assert moved_landmarks(head) == [CHIN]
    np.testing.assert_allclose(shape(head), only_chin, atol=1e-7)


def test_order_does_not_matter(head):
    move(head, CHIN, 0, 0, -9 * MILLIMETRE)
    move(head, 7, 0, -3 * MILLIMETRE, 0)
    one_way, places = shape(head), landmark_positions(head)
    reset_landmarks(head)
    for index in (7, CHIN):
        dict(landmarks_of(head))[index].location = places[index]
        bpy.context.view_layer.update()
    np.testing.assert_allclose(shape(head), one_way, atol=1e-6)


def test_polygons_uvs_and_texture_stay(head):
    def fixed() -> list:
        mesh = head.data
        return [
            [tuple(polygon.vertices) for polygon in mesh.polygons],
            [tuple(uv.vector) for uv in mesh.uv_layers[0].uv],
            [material.name for material in mesh.materials],
            len(mesh.vertices),
        ]

    before = fixed()
    move_all_a_little(head)
    assert fixed() == before


def test_both_alignments(head, anchors):
    before = anchors.on(shape(head).astype(float))
    set_alignment(head, "PHOTOGRAPHED")
    bpy.context.view_layer.update()
    move(head, NOSE_TIP, 0, -5 * MILLIMETRE, 0)
    moved = anchors.on(shape(head).astype(float)) - before
    np.testing.assert_allclose(moved[NOSE_TIP], (0, -5 * MILLIMETRE, 0), atol=1e-6)
    empty = dict(landmarks_of(head))[NOSE_TIP]
    in_world = head.matrix_world @ type(head.location)(captured_landmarks(head)[NOSE_TIP] + (0, -5 * MILLIMETRE, 0))
    np.testing.assert_allclose(empty.matrix_world.translation, in_world, atol=1e-6)


def test_two_heads_follow_their_own_landmarks(capture):
    first, second = build(capture, bpy.context), build(capture, bpy.context)
    before = shape(first)
    move(second, CHIN, 0, 0, -5 * MILLIMETRE)
    assert (shape(first) == before).all()
    assert (shape(second) != before).any()
    move(first, BROW, 0, 0, 5 * MILLIMETRE)
    assert moved_landmarks(first) == [BROW]
    assert moved_landmarks(second) == [CHIN]


def test_triangles_follow_too(capture, anchors):
    head = build(capture, bpy.context, triangles=True)
    before = anchors.on(shape(head).astype(float))
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    moved = anchors.on(shape(head).astype(float)) - before
    np.testing.assert_allclose(moved[CHIN], (0, 0, -5 * MILLIMETRE), atol=1e-6)
    np.testing.assert_allclose(landmark_positions(head) - captured_landmarks(head), moved, atol=1e-6)


def test_undo_and_redo_are_one_step(head):
    name, before = head.name, shape(head)
    bpy.ops.ed.undo_push(message="Captured")
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    after = shape(head)
    bpy.ops.ed.undo_push(message="Move")
    bpy.ops.ed.undo()
    head = bpy.data.objects[name]
    assert (shape(head) == before).all()
    assert moved_landmarks(head) == []
    bpy.ops.ed.redo()
    assert (shape(bpy.data.objects[name]) == after).all()


def test_an_undo_step_with_the_landmark_alone_is_completed(head):
    """As *Adjust Last Operation* leaves it: the step is stored before Blender updates the scene."""
    name = head.name
    bpy.ops.ed.undo_push(message="Captured")
    dict(landmarks_of(head))[CHIN].location.z -= 5 * MILLIMETRE
    bpy.ops.ed.undo_push(message="Move")
    bpy.context.view_layer.update()
    after = shape(head)
    bpy.context.scene.frame_end = 77
    bpy.ops.ed.undo_push(message="Else")
    bpy.ops.ed.undo()
    assert (shape(bpy.data.objects[name]) == after).all()


def test_save_and_reload(head, tmp_path):
    before, name = shape(head), head.name
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    after = shape(head)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "moved.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "moved.blend"))
    head = bpy.data.objects[name]
    assert (shape(head) == after).all()
    move(head, BROW, 0, 0, 3 * MILLIMETRE)
    assert moved_landmarks(head) == [CHIN, BROW]
    reset_landmarks(head)
    assert (shape(head) == before).all()


def test_what_was_sculpted_stays(head):
    ear = 200
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    with_chin = shape(head)
    head.data.vertices[ear].co.x += 0.01
    sculpted = shape(head)
    move(head, BROW, 0, 0, 3 * MILLIMETRE)
    assert shape(head)[ear, 0] == pytest.approx(sculpted[ear, 0], abs=1e-6)
    reset_landmarks(head)
    assert shape(head)[ear, 0] - with_chin[ear, 0] == pytest.approx(0.01, abs=1e-6)
    assert moved_landmarks(head) == []
    assert CAPTURED not in head.data.attributes


def test_shape_keys_go_along(head, anchors):
    head.shape_key_add(name="Basis")
    smile = head.shape_key_add(name="Smile")
    smile.data[0].co.z += 0.01
    before = np.array([point.co[:] for point in smile.data])
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    moved = anchors.on(np.array([point.co[:] for point in smile.data]) - before)
    np.testing.assert_allclose(moved[CHIN], (0, 0, -5 * MILLIMETRE), atol=1e-6)
    move(head, CHIN, 0, 0, 5 * MILLIMETRE)
    np.testing.assert_allclose(np.array([point.co[:] for point in smile.data]), before, atol=1e-6)


def test_a_mesh_that_was_cut_is_left_alone(head):
    import bmesh

    edited = bmesh.new()
    edited.from_mesh(head.data)
    bmesh.ops.delete(edited, geom=list(edited.verts)[:10])
    edited.to_mesh(head.data)
    edited.free()
    before = shape(head)
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    assert not is_adjustable(head)
    assert (shape(head) == before).all()


def test_a_deleted_landmark_keeps_what_it_did(head):
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    bpy.data.objects.remove(dict(landmarks_of(head))[CHIN])
    before = shape(head)
    move(head, BROW, 0, 0, 2 * MILLIMETRE)
    assert moved_landmarks(head) == [CHIN, BROW]
    reset_landmarks(head, [BROW])
    assert (shape(head) == before).all()
    reset_landmarks(head)
    assert moved_landmarks(head) == []


def test_the_exported_file_holds_the_moved_shape(head, tmp_path):
    move(head, CHIN, 0, 0, -20 * MILLIMETRE)
    export_head(bpy.context, head, tmp_path / "head.glb")
    data = (tmp_path / "head.glb").read_bytes()
    length = int.from_bytes(data[12:16], "little")
    document = json.loads(data[20 : 20 + length])
    (primitive,) = document["meshes"][0]["primitives"]
    accessor = document["accessors"][primitive["attributes"]["POSITION"]]
    view = document["bufferViews"][accessor["bufferView"]]
    start = 28 + length + view.get("byteOffset", 0)
    points = np.frombuffer(data[start : start + view["byteLength"]], np.float32).reshape(-1, 3)
    in_blender = np.column_stack([points[:, 0], -points[:, 2], points[:, 1]])
    chin = shape(head)[np.linalg.norm(shape(head) - landmark_positions(head)[CHIN], axis=1).argmin()]
    assert np.linalg.norm(in_blender - chin, axis=1).min() < 1e-6


def test_heads_are_found_again_after_unregister(head):
    prn_blender.unregister()
    before = shape(head)
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    assert (shape(head) == before).all()
    prn_blender.register()
    move(head, BROW, 0, 0, 2 * MILLIMETRE)
    assert moved_landmarks(head) == [CHIN, BROW]
    assert [candidate for candidate in bpy.data.objects if is_captured_head(candidate)] == [head]


def test_a_head_that_hangs_on_another_moves_alone(capture):
    upper, lower = build(capture, bpy.context), build(capture, bpy.context)
    upper.parent, before = lower, shape(lower)
    move(upper, CHIN, 0, 0, -5 * MILLIMETRE)
    lower_landmarks = {landmark.name for _, landmark in landmarks_of(lower)}
    assert len(lower_landmarks) == 68
    assert lower_landmarks.isdisjoint(landmark.name for _, landmark in landmarks_of(upper))
    move(lower, BROW, 0, 0, 2 * MILLIMETRE)
    reset_landmarks(lower)
    assert (shape(lower) == before).all()
    assert moved_landmarks(upper) == [CHIN]


def test_a_copied_landmark_takes_nothing_from_the_original(head):
    original = dict(landmarks_of(head))[CHIN]
    copy = original.copy()
    bpy.context.scene.collection.objects.link(copy)
    copy.location.z += 50 * MILLIMETRE
    bpy.context.view_layer.update()
    assert moved_landmarks(head) == []
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    assert dict(landmarks_of(head))[CHIN] == original
    assert moved_landmarks(head) == [CHIN]


def duplicated(head: bpy.types.Object, linked: bool) -> bpy.types.Object:
    """The head with all that hangs on it, which Blender duplicates where it is shown."""
    bpy.ops.object.select_all(action="DESELECT")
    for part in (head, *head.children_recursive):
        part.hide_set(False)
        part.select_set(True)
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.duplicate(linked=linked)
    return bpy.context.view_layer.objects.active


def test_a_duplicate_starts_from_what_was_adjusted(head):
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    copy = duplicated(head, linked=False)
    move(copy, BROW, 0, 0, 2 * MILLIMETRE)
    assert moved_landmarks(head) == [CHIN]
    assert moved_landmarks(copy) == [CHIN, BROW]


def test_heads_that_share_a_mesh_do_not_undo_one_another(head):
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    adjusted = shape(head)
    copy = duplicated(head, linked=True)
    move(copy, BROW, 0, 0, 2 * MILLIMETRE)
    assert (shape(head) == adjusted).all()
    assert "single-user" in why_not_adjustable(head)
    with pytest.raises(RuntimeError, match="single-user"):
        bpy.ops.prn.reset_landmarks()
    copy.data = copy.data.copy()
    move(copy, BROW, 0, 0, 1 * MILLIMETRE)
    assert moved_landmarks(copy) == [CHIN, BROW]
    assert (shape(head) == adjusted).all()


@pytest.mark.parametrize("applied", ["scale", "rotation", "location", "origin"])
def test_landmarks_go_on_after_transforms_were_applied(head, applied):
    head.location, head.scale, head.rotation_euler = (0.3, 0.1, -0.2), (10, 10, 10), (0, 0, 1)
    bpy.context.view_layer.update()
    captured = shape(head)
    if applied == "origin":
        bpy.context.scene.cursor.location = (0.1, 0.2, 0.3)
        bpy.ops.object.origin_set(type="ORIGIN_CURSOR")
    else:
        chosen = {kind: kind == applied for kind in ("location", "rotation", "scale")}
        bpy.ops.object.transform_apply(**chosen)
    bpy.context.view_layer.update()
    assert is_adjustable(head)
    before, matrix = shape(head), np.array(head.matrix_world)
    assert np.abs(before - captured).max() > 0.01
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    changed = (shape(head) - before) @ matrix[:3, :3].T
    assert np.linalg.norm(changed, axis=1).max() == pytest.approx(50 * MILLIMETRE, rel=0.05)  # ten times as large
    assert changed[np.linalg.norm(changed, axis=1).argmax()] == pytest.approx((0, 0, -0.05), abs=0.003)
    reset_landmarks(head)
    np.testing.assert_allclose(shape(head), before, atol=1e-5)


def test_landmarks_that_were_moved_away_from_the_head_leave_the_mesh_alone(head):
    root = dict(landmarks_of(head))[CHIN].parent
    root.location.z = 0.1
    bpy.context.view_layer.update()
    before = shape(head)
    move(head, CHIN, 0, 0, -5 * MILLIMETRE)
    assert (shape(head) == before).all()
    assert "moved away" in why_not_adjustable(head)
