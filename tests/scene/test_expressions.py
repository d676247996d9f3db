"""A head's expressions as shape keys: they look right, follow one another, and get out of Blender."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import bpy
import cv2
import numpy as np
import pytest
from mathutils import Matrix

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import head_of, in_size, reconstruct
from prn_blender.capture.record import look_in
from prn_blender.capture.shape.combinations import PRESETS, VISEMES
from prn_blender.capture.shape.expression_model import NAMES
from prn_blender.capture.shape.expressions import COPIED, NEUTRAL, PHOTO
from prn_blender.capture.shape.mesh import expressions_of_mesh
from prn_blender.capture.texture.guide import GUIDE_SIZE, rims
from prn_blender.capture.types import MASK, SIMPLE, WHOLE, Capture, Settings
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.encode import encode_images
from prn_blender.scene.build.expressions import (
    add_combinations,
    add_expressions,
    has_expressions,
    key_values,
    remove_expressions,
    set_key_values,
    show_face,
)
from prn_blender.scene.build.images import pack_images
from prn_blender.scene.build.landmarks import landmarks_of
from prn_blender.scene.build.parts import parts_of_head
from prn_blender.scene.build.update import HeadUpdate
from prn_blender.scene.build.views import set_shown_view
from prn_blender.scene.edit.adjust import follow_landmarks, reset_landmarks
from prn_blender.scene.edit.align import PHOTOGRAPHED, set_alignment
from prn_blender.scene.edit.frame import frame_in_mesh
from prn_blender.scene.edit.pins import PinnedHead
from prn_blender.scene.edit.showcase import add_test, has_test, remove_test
from prn_blender.scene.export.formats import FBX, GLTF, OBJ
from prn_blender.scene.export.head import export_head
from prn_blender.scene.fitted import size_of
from prn_blender.scene.posed import posed_head
from prn_blender.scene.record import read_record

from .conftest import PORTRAIT, coordinates, mesh_in

MOVED = 0.002  # metres


@pytest.fixture(scope="module")
def captured(pack):
    photo = load_photo(PORTRAIT)
    box = choose_faces(find_faces(photo), "largest")[0]
    return reconstruct(photo, box, pack, Settings(texture_size=512, parts=WHOLE, expressions=True, topology="low"))


def without(capture):
    return replace(capture, settings=replace(capture.settings, expressions=False))


def shown(shape: bpy.types.Object) -> np.ndarray:
    """(V, 3) of its own space, as its keys make it."""
    bpy.context.view_layer.update()
    evaluated = shape.evaluated_get(bpy.context.evaluated_depsgraph_get())
    points = coordinates(evaluated.to_mesh())
    evaluated.to_mesh_clear()
    return points


def part_of(head: bpy.types.Object, name: str) -> bpy.types.Object:
    return next(part for part in parts_of_head(head) if part.name == f"{head.name} {name}")


def test_a_head_with_expressions_looks_as_one_without(captured):
    head = build(captured, bpy.context)
    assert [key.name for key in head.data.shape_keys.key_blocks] == [NEUTRAL, PHOTO, *NAMES]
    np.testing.assert_allclose(shown(head), mesh_in(captured).vertices, atol=1e-6)
    for part in mesh_in(captured).parts:
        np.testing.assert_allclose(shown(part_of(head, part.name)), part.vertices - part.pivot, atol=4e-5)
    assert key_values(head) == {PHOTO: 1.0} | dict.fromkeys(NAMES, 0.0)


def test_parts_follow_the_heads_sliders(captured):
    head = build(captured, bpy.context)
    before = {part.name: shown(part) for part in parts_of_head(head)}
    set_key_values(head, {"jawOpen": 1.0, "eyeLookUpLeft": 1.0, "eyeBlinkRight": 1.0})
    moved = {part.name: np.abs(shown(part) - before[part.name]).max() for part in parts_of_head(head)}
    for name in ("eye_left", "cornea_left", "teeth", "gums", "mouth", "lashes", "sockets"):
        assert moved[f"{head.name} {name}"] > MOVED, name
    assert all(not part.data.validate() for part in parts_of_head(head))


def test_rims_of_lids_and_lips_are_not_the_photos(captured):
    mask = captured.textures[MASK]
    step = len(mask) // GUIDE_SIZE
    hidden = np.repeat(np.repeat(rims(captured.pack.topology) > 0.999, step, 0), step, 1)
    inner = cv2.erode(hidden.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert inner.sum() > 1000 and mask[inner].max() == 0
    assert mask.max() == 255


def test_half_a_slider_moves_half_as_far(captured):
    head = build(captured, bpy.context)
    still = shown(head)
    set_key_values(head, {"mouthSmileLeft": 1.0})
    whole = shown(head) - still
    set_key_values(head, {"mouthSmileLeft": 0.5})
    np.testing.assert_allclose(shown(head) - still, whole / 2, atol=1e-6)


@pytest.mark.parametrize("parts", [WHOLE, SIMPLE])
def test_expressions_added_later_are_those_of_the_capture(captured, parts):
    capture = replace(captured, settings=replace(captured.settings, parts=parts))
    with_them, later = build(capture, bpy.context), build(without(capture), bpy.context)
    record = read_record(later)
    pack = captured.pack
    topology = pack.choose_topology(record["settings"]["topology"])
    before = shown(later)
    told = np.array(record["expression"]), look_in(record).gaze
    add_expressions(later, expressions_of_mesh(pack, topology, coordinates(later.data), *told))
    np.testing.assert_allclose(shown(later), before, atol=1e-6)
    for name in (NEUTRAL, "jawOpen", "eyeBlinkLeft", "mouthPucker"):
        one, other = (np.empty(3 * len(later.data.vertices), np.float32) for _ in range(2))
        with_them.data.shape_keys.key_blocks[name].data.foreach_get("co", one)
        later.data.shape_keys.key_blocks[name].data.foreach_get("co", other)
        assert np.abs(one - other).max() < 0.002, name  # eyes are placed anew, by anchors on a coarse mesh
    assert has_expressions(later)
    assert all(part.data.shape_keys is not None for part in parts_of_head(later))
    with pytest.raises(CaptureError, match="shape keys already"):
        add_expressions(later, mesh_in(capture).expressions)


def test_all_that_belongs_to_a_head_has_its_size(captured, registered):
    settings = replace(captured.settings, head_size="eyes", eye_mm=50.0)
    view = captured.views[0]
    small = reconstruct(view.photo, view.face_box, captured.pack, settings)
    factor = small.views[0].camera.metres_per_px / view.camera.metres_per_px
    assert factor < 0.9
    usual = mesh_in(captured).expressions
    expressions, later = mesh_in(small).expressions, build(without(small), bpy.context)
    assert size_of(later) == pytest.approx(factor)
    assert bpy.ops.prn.add_expressions() == {"FINISHED"}
    for name in (PHOTO, "jawOpen"):
        photo = expressions.skin.keys[name]
        np.testing.assert_allclose(photo, factor * usual.skin.keys[name], atol=0.001)
        added = shown_key(later.data.shape_keys.key_blocks[name]) - shown_key(later.data.shape_keys.key_blocks[NEUTRAL])
        assert np.abs(added - photo).max() < 0.002  # eyes are placed anew, by anchors on a coarse mesh
        assert np.abs(added - photo).mean() < 0.0001
    np.testing.assert_allclose(expressions.skin.neutral, factor * usual.skin.neutral, atol=0.001)
    for name in ("teeth", "eye_left"):
        parts = [capture.parts[name].neutral for capture in (usual, expressions)]
        assert np.ptp(parts[1], axis=0) == pytest.approx(factor * np.ptp(parts[0], axis=0), rel=0.03)


@pytest.mark.parametrize("centimetres", [False, True])
def test_a_head_in_any_unit_and_turned_moves_as_it_should(captured, centimetres):
    bpy.context.scene.unit_settings.scale_length = 0.01 if centimetres else 1.0
    metre = 100.0 if centimetres else 1.0
    head = build(without(captured), bpy.context)
    head.data.transform(Matrix.Rotation(0.5, 4, "Z"))
    for part in parts_of_head(head):
        part.matrix_parent_inverse = Matrix.Rotation(0.5, 4, "Z") @ part.matrix_parent_inverse
    next(landmarks_of(head))[1].parent.matrix_parent_inverse = Matrix.Rotation(0.5, 4, "Z")
    add_expressions(head, mesh_in(captured).expressions)
    before, teeth = shown(head), shown(part_of(head, "teeth"))
    set_key_values(head, {"jawOpen": 1.0})
    turn = np.array(Matrix.Rotation(0.5, 3, "Z"))
    expected = metre * mesh_in(captured).expressions.skin.keys["jawOpen"] @ turn.T
    np.testing.assert_allclose(shown(head) - before, expected, atol=1e-4 * metre)
    expected = metre * mesh_in(captured).expressions.parts["teeth"].keys["jawOpen"]
    np.testing.assert_allclose(shown(part_of(head, "teeth")) - teeth, expected, atol=1e-4 * metre)


def test_landmarks_take_all_expressions_along(captured):
    head = build(captured, bpy.context)
    before = {key.name: shown_key(key) for key in head.data.shape_keys.key_blocks}
    landmark = dict(landmarks_of(head))[30]
    landmark.location.y -= 0.01
    assert follow_landmarks(head)
    for key in head.data.shape_keys.key_blocks:
        assert np.abs(shown_key(key) - before[key.name]).max() == pytest.approx(0.01, rel=0.2), key.name
    nose = np.array(landmark.location)
    assert np.linalg.norm(shown(head) - nose, axis=1).min() < 0.004  # as coarse as the mesh
    reset_landmarks(head)
    for key in head.data.shape_keys.key_blocks:
        np.testing.assert_allclose(shown_key(key), before[key.name], atol=1e-5)


def shown_key(key: bpy.types.ShapeKey) -> np.ndarray:
    points = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", points)
    return points.reshape(-1, 3)


def test_what_lies_over_the_photo_has_the_photos_expression(captured):
    head = build(captured, bpy.context)
    assert np.allclose(np.array(frame_in_mesh(head)), np.eye(4))
    show_face(head, {})
    np.testing.assert_allclose(posed_head(head).vertices, mesh_in(captured).vertices, atol=1e-6)
    set_alignment(head, PHOTOGRAPHED)
    np.testing.assert_allclose(posed_head(head).vertices, mesh_in(captured).vertices, atol=1e-6)


def update(head: bpy.types.Object, capture: Capture) -> None:
    images = pack_images(capture, encode_images(capture))
    HeadUpdate.prepare(head, capture, False, mesh_in(capture), images).apply(bpy.context)


def test_an_update_keeps_the_sliders(captured):
    head = build(captured, bpy.context)
    set_key_values(head, {PHOTO: 0.25, "jawOpen": 0.5})
    other = replace(captured, settings=replace(captured.settings, topology="game"))
    update(head, other)
    assert key_values(head)[PHOTO] == 0.25 and key_values(head)["jawOpen"] == 0.5
    assert len(head.data.vertices) == len(mesh_in(other).vertices)
    before = shown(part_of(head, "teeth"))
    set_key_values(head, {"jawOpen": 1.0})
    assert np.abs(shown(part_of(head, "teeth")) - before).max() > MOVED


def test_an_update_keeps_what_moves_the_sliders(captured):
    head = build(captured, bpy.context)
    add_combinations(head, ["viseme_aa"])
    keys = head.data.shape_keys.key_blocks
    keys["jawOpen"].slider_max, keys["jawOpen"].value, keys["cheekPuff"].mute = 2.0, 1.5, True
    for frame, value in ((1, 0.0), (11, 1.0)):
        keys["viseme_aa"].value = value
        keys["viseme_aa"].keyframe_insert("value", frame=frame)
    hand = bpy.data.objects.new("Hand", None)
    bpy.context.scene.collection.objects.link(hand)
    driven_by(keys["mouthPucker"].driver_add("value"), hand, "location.x")
    driven_by(keys["mouthFunnel"].driver_add("value"), head.data.shape_keys, 'key_blocks["mouthPucker"].value')
    driven_by(hand.driver_add("scale", 0), head.data.shape_keys, 'key_blocks["jawOpen"].value')
    update(head, replace(captured, settings=replace(captured.settings, topology="game")))
    keys = head.data.shape_keys.key_blocks
    assert keys["jawOpen"].value == 1.5 and keys["cheekPuff"].mute and len(bpy.data.shape_keys) > 1
    bpy.context.scene.frame_set(6)
    hand.location.x = 0.5
    bpy.context.view_layer.update()
    assert keys["viseme_aa"].value == pytest.approx(0.5) and hand.scale.x == 1.5
    assert [keys[name].value for name in ("mouthPucker", "mouthFunnel")] == pytest.approx([0.5, 0.5])
    keys["jawOpen"].value = 0.0
    bpy.context.view_layer.update()
    assert hand.scale.x == 0.0


def test_an_update_keeps_strips_of_animation(captured):
    head = build(captured, bpy.context)
    keys = head.data.shape_keys
    for frame, value in ((1, 0.0), (11, 1.0)):
        keys.key_blocks["jawOpen"].value = value
        keys.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    animation = keys.animation_data
    action, animation.action = animation.action, None
    for name, start, scale in (("Talk", 20, 2.0), ("Yawn", 60, 1.0)):
        track = animation.nla_tracks.new()
        track.name = name
        strip = track.strips.new(name, start, action)
        strip.scale, strip.extrapolation = scale, "NOTHING"
    animation.nla_tracks["Yawn"].mute = True
    before = jaw_at(head, (20, 30, 40, 65))
    assert before[:3] == pytest.approx([0, 0.5, 1], abs=0.01) and before[3] == 0
    update(head, replace(captured, settings=replace(captured.settings, topology="game")))
    assert jaw_at(head, (20, 30, 40, 65)) == before
    tracks = head.data.shape_keys.animation_data.nla_tracks
    assert [track.name for track in tracks] == ["Talk", "Yawn"]
    assert [(track.mute, track.strips[0].frame_end) for track in tracks] == [(False, 40), (True, 70)]


def jaw_at(head: bpy.types.Object, frames: tuple[int, ...]) -> list[float]:
    """The value of the head's open jaw at each frame."""
    values = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        values.append(head.data.shape_keys.key_blocks["jawOpen"].value)
    return values


def driven_by(curve: bpy.types.FCurve, source: bpy.types.ID, path: str) -> None:
    """Gives what a curve drives the value of a property."""
    curve.driver.type = "SUM"
    target = curve.driver.variables.new().targets[0]
    if isinstance(source, bpy.types.Key):
        target.id_type = "KEY"
    target.id, target.data_path = source, path


def test_an_update_without_expressions_takes_them_away_with_the_mesh(captured):
    head = build(captured, bpy.context)
    other = replace(captured, settings=replace(captured.settings, topology="game", expressions=False))
    images = pack_images(other, encode_images(other))
    HeadUpdate.prepare(head, other, False, mesh_in(other), images).apply(bpy.context)
    assert head.data.shape_keys is None and len(bpy.data.shape_keys) == 0
    np.testing.assert_allclose(shown(head), mesh_in(other).vertices, atol=1e-6)


def test_a_copy_has_followers_of_its_own(captured):
    head = build(captured, bpy.context)
    for item in head.children_recursive:
        item.select_set(True)
    bpy.ops.object.duplicate()
    copy = bpy.context.view_layer.objects.active
    assert copy != head and has_expressions(copy)
    before = {part.name: shown(part) for item in (head, copy) for part in parts_of_head(item)}
    set_key_values(copy, {"jawOpen": 1.0})
    moved = {
        item: [np.abs(shown(part) - before[part.name]).max() for part in parts_of_head(item)] for item in (head, copy)
    }
    assert max(moved[copy]) > MOVED and max(moved[head]) == 0


def test_an_update_to_expressions_gives_them(captured):
    head = build(without(captured), bpy.context)
    images = pack_images(captured, encode_images(captured))
    HeadUpdate.prepare(head, captured, False, mesh_in(captured), images).apply(bpy.context)
    assert has_expressions(head)
    np.testing.assert_allclose(shown(head), mesh_in(captured).vertices, atol=1e-6)


def test_sliders_and_followers_are_saved(captured, tmp_path):
    head = build(captured, bpy.context)
    set_key_values(head, {"jawOpen": 1.0})
    teeth = shown(part_of(head, "teeth"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    head = next(item for item in bpy.data.objects if item.type == "MESH" and has_expressions(item))
    np.testing.assert_allclose(shown(part_of(head, "teeth")), teeth, atol=1e-6)
    set_key_values(head, {"jawOpen": 0.0})
    assert np.abs(shown(part_of(head, "teeth")) - teeth).max() > MOVED


def test_visemes_and_presets_as_keys(captured):
    head = build(captured, bpy.context)
    show_face(head, VISEMES["viseme_aa"])
    made = shown(head), shown(part_of(head, "teeth"))
    assert add_combinations(head, VISEMES) == 15 and add_combinations(head, VISEMES) == 0
    show_face(head, {"viseme_aa": 1.0})
    np.testing.assert_allclose(shown(head), made[0], atol=1e-5)
    np.testing.assert_allclose(shown(part_of(head, "teeth")), made[1], atol=1e-5)
    assert add_combinations(head, PRESETS) == len(PRESETS)


def test_removed_expressions_leave_the_head_as_it_looks(captured):
    head = build(captured, bpy.context)
    set_key_values(head, {PHOTO: 0.0, "jawOpen": 0.5, "eyeBlinkLeft": 1.0})
    add_combinations(head, VISEMES)
    before = {shape.name: shown(shape) for shape in (head, *parts_of_head(head))}
    remove_expressions(head)
    for shape in (head, *parts_of_head(head)):
        assert shape.data.shape_keys is None
        np.testing.assert_allclose(shown(shape), before[shape.name], atol=2e-6)
    assert not bpy.data.shape_keys and not has_expressions(head)
    assert "expression" not in read_record(head) and "expression" not in read_record(head)["views"][0]
    assert np.allclose(np.array(frame_in_mesh(head)), np.eye(4), atol=1e-5)
    landmark = dict(landmarks_of(head))[30]
    landmark.location.y -= 0.01
    assert follow_landmarks(head)
    reset_landmarks(head)
    np.testing.assert_allclose(shown(head), before[head.name], atol=1e-5)


def test_removed_expressions_leave_other_shape_keys(captured):
    head = build(captured, bpy.context)
    own = head.shape_key_add(name="My Own", from_mix=False)
    own.data[7].co.z += 0.02
    own.value = 1.0
    before = shown(head)
    remove_expressions(head)
    assert [key.name for key in head.data.shape_keys.key_blocks] == ["Basis", "My Own"]
    np.testing.assert_allclose(shown(head), before, atol=2e-6)
    assert "expression" in read_record(head), "it looks as in the photo"


def test_shape_keys_that_a_part_had_before_are_the_artists(captured):
    head = build(without(captured), bpy.context)
    teeth = part_of(head, "teeth")
    for name in ("Basis", "jawOpen"):
        teeth.shape_key_add(name=name, from_mix=False)
    add_expressions(head, mesh_in(captured).expressions)
    remove_expressions(head)
    assert [key.name for key in teeth.data.shape_keys.key_blocks] == ["Basis", "jawOpen"]


def test_an_expression_that_is_gone_stays_gone(captured):
    """What the photo shows is no longer part of the head: neither pins nor an update say that it is."""
    head = build(captured, bpy.context)
    show_face(head, {"jawOpen": 1.0})
    remove_expressions(head)
    PinnedHead(head, captured.pack).set_pins(0, ())
    assert "expression" not in read_record(head)["views"][0]
    same = without(captured)
    HeadUpdate.prepare(head, same, False, mesh_in(same), pack_images(same, encode_images(same))).apply(bpy.context)
    assert head.data.shape_keys is None
    is_kept = np.abs(shown(head) - mesh_in(same).vertices).max() > MOVED
    assert is_kept == ("expression" not in read_record(head)["views"][0])


def test_removed_while_another_photo_is_looked_at(captured, registered, tmp_path):
    fitted, view = captured.fitted, captured.views[0]
    other = replace(view, photo=replace(view.photo, path=shutil.copy(PORTRAIT, tmp_path / "happy.jpg"), sha256="other"))
    both = replace(fitted, known=fitted.known * 2, found=replace(fitted.found, views=fitted.found.views * 2))
    head = build(replace(captured, views=(view, other), fitted=both), bpy.context)
    before = shown(head)
    set_shown_view(head, 1)
    looked_at = shown(head)
    assert bpy.ops.prn.remove_expressions() == {"FINISHED"}
    assert [key.name for key in head.data.shape_keys.key_blocks] == ["Basis", "happy.jpg"]  # not the expression happy
    assert "expression" in read_record(head)["views"][0]
    np.testing.assert_allclose(shown(head), looked_at, atol=2e-6)
    set_shown_view(head, 0)
    np.testing.assert_allclose(shown(head), before, atol=2e-6)


def test_the_test_animation_shows_every_expression_and_goes_again(captured):
    head, scene = build(captured, bpy.context), bpy.context.scene
    add_test(head, scene)
    assert has_test(head)
    highest = dict.fromkeys(NAMES, 0.0)
    for frame in range(scene.frame_preview_start, scene.frame_preview_end + 1):
        scene.frame_set(frame)
        for name in NAMES:
            highest[name] = max(highest[name], head.data.shape_keys.key_blocks[name].value)
    assert min(highest.values()) == pytest.approx(1, abs=0.01)
    remove_test(head, scene)
    assert not has_test(head) and not bpy.data.actions and not scene.use_preview_range
    assert key_values(head)[PHOTO] == 1.0


@pytest.mark.usefixtures("registered")
class TestOperators:
    def test_they_add_show_and_animate(self, captured):
        head = build(without(captured), bpy.context)
        assert bpy.ops.prn.add_expressions() == {"FINISHED"}
        assert not bpy.ops.prn.add_expressions.poll()
        assert bpy.ops.prn.show_face(face="viseme_aa") == {"FINISHED"}
        assert key_values(head)["jawOpen"] == pytest.approx(0.5)
        assert bpy.ops.prn.show_face(face=NEUTRAL) == {"FINISHED"}
        assert not any(key_values(head).values())
        assert bpy.ops.prn.add_combinations(which="PRESETS") == {"FINISHED"}
        assert bpy.ops.prn.show_all_expressions() == {"FINISHED"} and has_test(head)
        assert bpy.ops.prn.show_all_expressions() == {"FINISHED"} and not has_test(head)
        assert bpy.ops.prn.show_all_expressions() == {"FINISHED"}
        assert bpy.ops.prn.remove_expressions() == {"FINISHED"} and not has_expressions(head)
        assert not bpy.ops.prn.remove_expressions.poll() and not bpy.data.actions
        assert bpy.ops.prn.add_expressions() == {"FINISHED"} and has_expressions(head)

    def test_an_animation_of_the_artists_is_left_alone(self, captured):
        head = build(captured, bpy.context)
        head.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
        with pytest.raises(RuntimeError, match="animated already"):
            bpy.ops.prn.show_all_expressions()

    def test_faces_need_expressions(self, captured):
        build(without(captured), bpy.context)
        assert not bpy.ops.prn.show_face.poll()


@pytest.fixture
def two(captured, registered) -> tuple[bpy.types.Object, bpy.types.Object]:
    """The portrait's head as a source, without sliders, and once more in another topology, which is selected."""
    source = build(without(captured), bpy.context)
    game = replace(captured, settings=replace(captured.settings, topology="game"))
    target = build(game, bpy.context)
    show_face(target, {"browInnerUp": 1.0})
    bpy.context.view_layer.objects.active = target
    return source, target


class TestCopying:
    """Of the same person: as the other head looks then is how this one does in its photo."""

    def test_the_photos_expression_is_worn(self, two, captured):
        source, target = two
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        assert {name for name, value in key_values(target).items() if value} == {COPIED}
        off = np.linalg.norm(shown(target) - shown_key(target.data.shape_keys.key_blocks[PHOTO]), axis=1)
        still = shown_key(target.data.shape_keys.key_blocks[NEUTRAL])
        assert np.linalg.norm(shown(target) - still, axis=1).max() > 0.004
        assert off.max() < 0.002 and off.mean() < 0.0003
        worn = {name: shown(part_of(target, name)) for name in ("teeth", "lashes", "eye_left", "cornea_right")}
        assert bpy.ops.prn.show_face(face=PHOTO) == {"FINISHED"}
        for name, points in worn.items():
            assert np.abs(points - shown(part_of(target, name))).max() < 0.002, name
        show_face(target, {})
        np.testing.assert_allclose(shown(target), still, atol=1e-6)

    def test_sliders_are_set_and_faces_come_from_what_they_are_made_of(self, two):
        source, target = two
        assert bpy.ops.prn.copy_expression.poll()
        bpy.context.view_layer.objects.active = source
        assert bpy.ops.prn.add_expressions() == {"FINISHED"}
        add_combinations(source, VISEMES)
        show_face(source, {"jawOpen": 0.25, "viseme_aa": 0.5})
        bpy.context.view_layer.objects.active = target
        bpy.context.scene.prn_expressions.source = source
        assert bpy.ops.prn.copy_expression() == {"FINISHED"}
        values = {name: value for name, value in key_values(target).items() if value}
        half = {name: value / 2 for name, value in VISEMES["viseme_aa"].items()}
        assert values == pytest.approx(half | {"jawOpen": 0.5})
        add_combinations(target, VISEMES)
        assert bpy.ops.prn.copy_expression() == {"FINISHED"}
        assert key_values(target)["viseme_aa"] == 0.5 and key_values(target)["jawOpen"] == 0.25

    def test_half_of_it_and_what_is_itself_copied_is_copied_on(self, two, captured):
        source, target = two
        bpy.context.view_layer.objects.active = source
        assert bpy.ops.prn.add_expressions() == {"FINISHED"}
        set_key_values(source, {PHOTO: 0.5, "jawOpen": 0.25})
        bpy.context.view_layer.objects.active = target
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        assert key_values(target)[COPIED] == 0.5 and key_values(target)["jawOpen"] == 0.25
        first = shown_key(target.data.shape_keys.key_blocks[COPIED])
        third = build(captured, bpy.context)
        assert bpy.ops.prn.copy_expression(source=target.name) == {"FINISHED"}
        assert key_values(third)[COPIED] == 0.5 and key_values(third)[PHOTO] == 0
        bpy.context.view_layer.objects.active = target
        assert bpy.ops.prn.copy_expression(source=third.name) == {"FINISHED"}  # into the key that is there
        np.testing.assert_allclose(shown_key(target.data.shape_keys.key_blocks[COPIED]), first, atol=1e-6)
        set_key_values(target, {PHOTO: 1.0, COPIED: 1.0})
        bpy.context.view_layer.objects.active = third
        assert bpy.ops.prn.copy_expression(source=target.name) == {"FINISHED"}
        keys = third.data.shape_keys.key_blocks
        once, twice = (shown_key(keys[name]) - shown_key(keys[NEUTRAL]) for name in (PHOTO, COPIED))
        assert keys[COPIED].value == 1.0
        assert np.linalg.norm(twice) == pytest.approx(2 * np.linalg.norm(once), rel=0.15)

    def test_what_the_artist_sculpted_stays(self, two):
        source, target = two
        for key in target.data.shape_keys.key_blocks:
            key.data[7].co.x += 0.05
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        keys = target.data.shape_keys.key_blocks
        assert keys[COPIED].data[7].co.x - keys[PHOTO].data[7].co.x == pytest.approx(0, abs=0.002)

    @pytest.mark.parametrize(
        "changed", [{"topology": "standard"}, {"parts": SIMPLE}, {"head_size": "eyes", "eye_mm": 70.0}]
    )
    def test_a_new_mesh_has_it_too(self, two, captured, changed):
        source, target = two
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        set_key_values(target, {COPIED: 0.75, "jawOpen": 0.25})
        settings = replace(captured.settings, **{"topology": "game"} | changed)
        views = in_size(captured.views, settings, None)
        other = replace(captured, settings=settings, views=views, head=head_of(views[0]))
        update(target, other)
        assert {name: value for name, value in key_values(target).items() if value} == {COPIED: 0.75, "jawOpen": 0.25}
        fresh = build(other, bpy.context)
        bpy.context.view_layer.objects.active = fresh
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        set_key_values(fresh, key_values(target))
        for one, same in ((target, fresh), *zip(parts_of_head(target), parts_of_head(fresh), strict=True)):
            off = np.linalg.norm(shown(one) - shown(same), axis=1)
            assert off.max() < 0.0006 and off.mean() < 0.0001  # which is made for what is open
        third = build(captured, bpy.context)
        bpy.context.view_layer.objects.active = third
        assert bpy.ops.prn.copy_expression(source=target.name) == {"FINISHED"}  # it can be copied on
        assert key_values(third)[COPIED] == 0.75

    def test_a_mesh_without_expressions_forgets_it(self, two, captured):
        source, target = two
        assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
        update(target, without(captured))
        update(target, captured)
        assert COPIED not in key_values(target) and key_values(target)[PHOTO] == 1.0

    def test_what_cannot_be_copied_is_told(self, two):
        source, target = two
        with pytest.raises(RuntimeError, match="Choose the other captured head"):
            bpy.ops.prn.copy_expression()
        with pytest.raises(RuntimeError, match="Choose the other captured head"):
            bpy.ops.prn.copy_expression(source=target.name)
        source["prn_capture"]["pack"]["sha256"] = "another"
        with pytest.raises(RuntimeError, match="different model packs"):
            bpy.ops.prn.copy_expression(source=source.name)
        del source["prn_capture"]["views"][0]["expression"]
        with pytest.raises(RuntimeError, match="capture it again"):
            bpy.ops.prn.copy_expression(source=source.name)
        bpy.context.view_layer.objects.active = source
        assert not bpy.ops.prn.copy_expression.poll()  # it has no expressions


def gltf_of(path: Path) -> dict:
    data = path.read_bytes()
    return json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])


def test_gltf_has_every_expression_with_its_name_and_normals(captured, tmp_path):
    head = build(captured, bpy.context)
    set_key_values(head, {"jawOpen": 0.5})
    bpy.context.view_layer.update()
    export_head(bpy.context, head, tmp_path / "head.glb", GLTF)
    meshes = {mesh["name"]: mesh for mesh in gltf_of(tmp_path / "head.glb")["meshes"]}
    skin = meshes[head.data.name]
    assert skin["extras"]["targetNames"] == [PHOTO, *NAMES]
    assert all({"POSITION", "NORMAL"} <= target.keys() for target in skin["primitives"][0]["targets"])
    assert skin["weights"][:2] == [1, 0]
    assert skin["weights"][1 + NAMES.index("jawOpen")] == pytest.approx(0.5)
    teeth = meshes[part_of(head, "teeth").data.name]
    assert teeth["weights"][teeth["extras"]["targetNames"].index("jawOpen")] == pytest.approx(0.5)


def test_one_mesh_has_every_expression_of_the_parts(captured, tmp_path):
    head = build(captured, bpy.context)
    export_head(bpy.context, head, tmp_path / "head.glb", GLTF, joined=True)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    [item] = [item for item in bpy.data.objects if item.type == "MESH" and item.data.shape_keys is not None]
    keys = item.data.shape_keys.key_blocks
    assert [key.name for key in keys][1:] == [PHOTO, *NAMES]
    slots = {slot.material.name.split()[-1]: slot.slot_index for slot in item.material_slots}
    own = {polygon.vertices[0] for polygon in item.data.polygons if polygon.material_index == slots["Teeth"]}
    moved = np.linalg.norm(shown_key(keys["jawOpen"]) - shown_key(keys[0]), axis=1)[sorted(own)]
    assert moved.max() > 0.02 and moved.min() < 0.001, "lower and upper teeth"


def test_fbx_has_every_expression(captured, tmp_path):
    head = build(captured, bpy.context)
    jaw = shown_key(head.data.shape_keys.key_blocks["jawOpen"]) - shown_key(head.data.shape_keys.key_blocks[NEUTRAL])
    name, names = (
        head.name,
        {part.name: [key.name for key in part.data.shape_keys.key_blocks[1:]] for part in parts_of_head(head)},
    )
    export_head(bpy.context, head, tmp_path / "head.fbx", FBX)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(tmp_path / "head.fbx"))
    keys = bpy.data.objects[name].data.shape_keys.key_blocks
    assert [key.name for key in keys][1:] == [PHOTO, *NAMES]
    moved = np.linalg.norm(shown_key(keys["jawOpen"]) - shown_key(keys[0]), axis=1)
    assert moved.max() * bpy.data.objects[name].scale.x == pytest.approx(np.linalg.norm(jaw, axis=1).max(), rel=1e-3)
    for part, expected in names.items():
        assert [key.name for key in bpy.data.objects[part].data.shape_keys.key_blocks][1:] == expected


def test_formats_without_shape_keys_get_the_face_that_is_shown(captured, tmp_path):
    head = build(captured, bpy.context)
    set_key_values(head, {"jawOpen": 1.0})
    report = export_head(bpy.context, head, tmp_path / "head.obj", OBJ)
    assert sum("no shape keys" in text for text in report.warnings) == 1
    low = shown(head)[:, 2].min()
    lines = (tmp_path / "head.obj").read_text().splitlines()
    heights = [float(line.split()[2]) for line in lines if line.startswith("v ")]
    assert min(heights) == pytest.approx(low, abs=1e-4)


@pytest.mark.skipif(shutil.which("assimp") is None, reason="needs assimp (Debian: assimp-utils)")
@pytest.mark.parametrize("kind", [GLTF, FBX], ids=["GLTF", "FBX"])
def test_assimp_reads_the_expressions(captured, tmp_path, kind):
    head = build(captured, bpy.context)
    file = tmp_path / f"head{kind.suffixes[0]}"
    export_head(bpy.context, head, file, kind)
    subprocess.run(["assimp", "export", file, tmp_path / "read.gltf"], check=True, capture_output=True)
    meshes = json.loads((tmp_path / "read.gltf").read_text())["meshes"]
    counts = sorted(len(mesh["primitives"][0].get("targets", ())) for mesh in meshes)
    wanted = [len(shape.data.shape_keys.key_blocks) - 1 for shape in (head, *parts_of_head(head))]
    assert counts == sorted(wanted)


class Layout:
    """What a panel draws into, without a window: the properties, operators and menus that it names must be there."""

    def __init__(self, drawn: list[str]) -> None:
        self.drawn = drawn

    def row(self, **_):
        return self

    column = row

    def prop(self, data, name, text="", **_):
        assert name in data.bl_rna.properties
        self.drawn.append(text or name)

    def operator(self, identifier, **_):
        self.drawn.append(identifier)
        return self._properties(identifier)

    def operator_menu_enum(self, identifier, name, **_):
        assert name in self._properties(identifier).__slots__
        self.drawn.append(identifier)

    def _properties(self, identifier):
        package, _, name = identifier.partition(".")
        known = getattr(getattr(bpy.ops, package), name).get_rna_type().properties.keys()
        return type("Properties", (), {"__slots__": tuple(key for key in known if key != "rna_type")})()


@pytest.mark.usefixtures("registered")
def test_the_panel_has_a_slider_for_every_expression(captured):
    from prn_blender.ui.expressions.panels import PRN_PT_expressions

    build(without(captured), bpy.context)
    drawn: list[str] = []
    PRN_PT_expressions.draw(SimpleNamespace(layout=Layout(drawn)), bpy.context)
    assert drawn == ["prn.add_expressions"]
    bpy.ops.prn.add_expressions()
    for group in ("EYES", "BROWS", "MOUTH"):
        bpy.context.scene.prn_expressions.group = group
        PRN_PT_expressions.draw(SimpleNamespace(layout=Layout(drawn)), bpy.context)
    assert sorted(name for name in drawn if name in NAMES) == sorted(NAMES)
    assert {"prn.remove_expressions", "prn.show_face", "prn.add_combinations", "prn.show_all_expressions"} <= set(drawn)


@pytest.mark.usefixtures("registered")
def test_expressions_are_undone_and_done_again(captured):
    name = build(without(captured), bpy.context).name
    bpy.ops.ed.undo_push(message="Captured")
    before = shown(bpy.data.objects[name])
    bpy.ops.prn.add_expressions()
    bpy.ops.ed.undo_push(message="Added")
    bpy.ops.ed.undo()
    head = bpy.data.objects[name]
    assert head.data.shape_keys is None
    np.testing.assert_array_equal(shown(head), before)
    bpy.ops.ed.redo()
    head = bpy.data.objects[name]
    assert has_expressions(head)
    teeth = shown(part_of(head, "teeth"))
    set_key_values(head, {"jawOpen": 1.0})
    assert np.abs(shown(part_of(head, "teeth")) - teeth).max() > MOVED
