"""Pins: the head follows them through its fit in every mesh, and they are kept."""

from dataclasses import replace

import bpy
import cv2
import numpy as np
import pytest

from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import head_of, in_size
from prn_blender.capture.run import OtherPhoto, Request, run
from prn_blender.capture.shape.evidence import Outline
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.types import WHOLE, Capture, Settings
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera, set_scene_camera
from prn_blender.scene.build.landmarks import landmarks_of
from prn_blender.scene.build.parts import parts_of_head
from prn_blender.scene.build.views import set_shown_view
from prn_blender.scene.edit.adjust import captured_landmarks, follow_landmarks, landmark_places, moved_landmarks
from prn_blender.scene.edit.align import PHOTOGRAPHED
from prn_blender.scene.edit.photo_points import landmarks_in_photo
from prn_blender.scene.edit.pins import PinnedHead, Rules, count_pins, is_pinnable, pins_of
from prn_blender.scene.fitted import fitted_of, size_of, store_fitted
from prn_blender.scene.record import read_record

from .conftest import PORTRAIT, coordinates
from .test_camera import on_render
from .test_views import shown_vertices

NOSE, CHIN = 30, 8


@pytest.fixture(scope="module")
def captured(tmp_path_factory) -> dict[str, Capture]:
    """The portrait as one photo, with a whole head, and together with a part of it."""
    part = tmp_path_factory.mktemp("photos") / "part.png"
    part.write_bytes(cv2.imencode(".png", cv2.imread(str(PORTRAIT))[20:400, 60:420])[1].tobytes())
    plain = Settings(texture_size=512)
    requests = {
        "simple": Request(PORTRAIT, settings=plain),
        "whole": Request(PORTRAIT, settings=replace(plain, parts=WHOLE, topology="low")),
        "two photos": Request(PORTRAIT, settings=plain, together=(OtherPhoto(part),)),
    }
    return {name: run(request).captures[0] for name, request in requests.items()}


@pytest.fixture(params=["simple", "whole", "two photos"])
def head(request, captured) -> bpy.types.Object:
    return build(captured[request.param], bpy.context)


@pytest.fixture
def simple(captured) -> bpy.types.Object:
    return build(captured["simple"], bpy.context)


def landmark_pin(pinned: PinnedHead, view: int, index: int, by: tuple[float, float]) -> Pin:
    """A landmark moved by pixels."""
    pin = pinned.landmark_pin(view, index)
    return pin.moved((pin.place[0] + by[0], pin.place[1] + by[1]))


def coordinates_of(key: bpy.types.ShapeKey) -> np.ndarray:
    """(V, 3)"""
    return np.array([point.co for point in key.data])


def seen_vertices(head: bpy.types.Object, view: int) -> np.ndarray:
    """(V, 2) pixels of one of its photos."""
    photo, camera = read_record(head)["views"][view]["photo"], capture_camera(head, view)
    set_scene_camera(bpy.context.scene, camera, photo["width"], photo["height"])
    set_shown_view(head, view)
    return on_render(bpy.context.scene, camera, shown_vertices(head))


def test_what_was_fitted_is_kept_on_the_head(head, captured):
    assert is_pinnable(head) and count_pins(head) == 0
    fitted = fitted_of(head)
    capture = next(one for one in captured.values() if len(one.views) == len(fitted.known))
    assert np.array_equal(fitted.found.identity, capture.fitted.found.identity)
    for one, other in zip(fitted.known, capture.fitted.known, strict=True):
        assert one.focal_px == other.focal_px and one.distance == other.distance
        assert np.allclose(one.evidence.places, other.evidence.places, atol=1e-3)
        for name in ("mean", "deviation"):
            likeness = getattr(one.evidence.likeness, name), getattr(other.evidence.likeness, name)
            assert np.allclose(*likeness, rtol=1e-5, atol=1e-6)
        assert np.array_equal(one.evidence.common_errors, other.evidence.common_errors)
    before = coordinates(head.data)
    PinnedHead(head, load_pack()).set_pins(0, (), rounds=0)
    assert np.abs(coordinates(head.data) - before).max() < 1e-6  # nothing is pinned: nothing moves
    pinned = PinnedHead(head, load_pack())
    pinned.set_pins(0, (landmark_pin(pinned, 0, NOSE, (0, 0)),))
    assert np.linalg.norm(coordinates(head.data) - before, axis=1).max() < 0.004  # a pin where it lies anyway


def test_a_seen_outline_is_kept_on_the_head(simple, captured):
    seen = Outline(np.array([[0.4, 0.7], [0.6, 0.7]]), np.array([[200.0, 170], [260, 172]]), np.eye(2), np.full(2, 1.5))
    fitted = captured["simple"].fitted
    (view,) = fitted.known
    store_fitted(simple, replace(fitted, known=(replace(view, evidence=replace(view.evidence, outline=seen)),)))
    kept = fitted_of(simple).known[0].evidence.outline
    for name in ("uv", "places", "outwards", "deviation"):
        assert np.allclose(getattr(kept, name), getattr(seen, name), rtol=1e-6)


@pytest.mark.parametrize("alignment", ["FRONTAL", PHOTOGRAPHED])
def test_the_head_lies_on_a_pin_in_every_mesh(captured, alignment):
    for name, capture in captured.items():
        head = build(capture, bpy.context, alignment=alignment)
        for view in range(len(capture.views)):
            pinned = PinnedHead(head, load_pack())
            start = seen_vertices(head, view)
            pin = landmark_pin(pinned, view, NOSE, (9, -4))
            nearest = np.linalg.norm(start - (pin.place[0] - 9, pin.place[1] + 4), axis=1).argmin()
            pinned.set_pins(view, [pin])
            assert pinned.place_of(view, pin.uv) == pytest.approx(pin.place, abs=0.02)
            assert landmarks_in_photo(head, view)[NOSE] == pytest.approx(pin.place, abs=0.05), name
            moved = (seen_vertices(head, view) - start)[nearest]
            assert moved == pytest.approx((9, -4), abs=1.5)
            assert pins_of(head, view) == (pin,)


def test_pins_hold_while_others_are_dragged(simple):
    pinned = PinnedHead(simple, load_pack())
    pins = [landmark_pin(pinned, 0, index, (0, 0)) for index in (36, 45, 48, 54)]
    pinned.set_pins(0, pins)
    chin = landmark_pin(pinned, 0, CHIN, (0, 0))
    for step in range(1, 6):
        pinned.set_pins(0, [*pins, chin.moved((chin.place[0], chin.place[1] + 4 * step))], rounds=1, rests=False)
        places = landmarks_in_photo(simple)
        assert all(places[pin.landmark] == pytest.approx(pin.place, abs=0.05) for pin in pins)
        assert places[CHIN][1] == pytest.approx(chin.place[1] + 4 * step, abs=0.05)


@pytest.mark.parametrize("name", ["simple", "whole", "two photos"])
@pytest.mark.parametrize("expressions", [False, True])
def test_many_steps_leave_the_head_as_one_does(captured, name, expressions):
    """What a step leaves out, it or the end of the drag catches up on."""
    capture = captured[name]
    capture = replace(capture, settings=replace(capture.settings, expressions=expressions))
    dragged, still = build(capture, bpy.context), build(capture, bpy.context)
    view, pinned = len(capture.views) - 1, PinnedHead(dragged, load_pack())
    pins = [landmark_pin(pinned, view, index, (0, 0)) for index in (36, 45, 54)]
    chin = landmark_pin(pinned, view, CHIN, (0, 0))
    for step in range(1, 9):
        moved = chin.moved((chin.place[0] + 2 * step, chin.place[1] + step))
        pinned.set_pins(view, [*pins, moved], rounds=1, rests=False)
    pinned.set_pins(view, [*pins, moved])
    PinnedHead(still, load_pack()).go_back(pinned.fitted)
    bpy.context.view_layer.update()
    for one, same in zip((dragged, *parts_of_head(dragged)), (still, *parts_of_head(still)), strict=True):
        np.testing.assert_allclose(coordinates(one.data), coordinates(same.data), atol=2e-6)
        keys = (one.data.shape_keys, same.data.shape_keys)
        for key, other in zip(*(block.key_blocks if block else () for block in keys), strict=True):
            np.testing.assert_allclose(coordinates_of(key), coordinates_of(other), atol=2e-6, err_msg=key.name)
    np.testing.assert_allclose(landmark_places(dragged), landmark_places(still), atol=2e-6)
    for number in range(len(capture.views)):
        cameras = capture_camera(dragged, number), capture_camera(still, number)
        np.testing.assert_allclose(*(np.array(camera.matrix_world) for camera in cameras), atol=1e-5)
        assert cameras[0].data.lens == pytest.approx(cameras[1].data.lens, rel=1e-5)
        np.testing.assert_allclose(*(landmarks_in_photo(head, number) for head in (dragged, still)), atol=1e-3)


def test_what_is_locked_stays(simple):
    pinned = PinnedHead(simple, load_pack())
    before = pinned.fitted.found
    pin = landmark_pin(pinned, 0, CHIN, (0, 15))
    pinned.set_pins(0, [pin], Rules(lock_identity=True))
    assert np.array_equal(fitted_of(simple).found.identity, before.identity)
    pinned.set_pins(0, [pin], Rules(lock_identity=True, lock_expression=True))
    assert landmarks_in_photo(simple)[CHIN] == pytest.approx(pin.place, abs=0.05)


def test_a_pin_is_turned_off_and_removed(simple):
    pinned = PinnedHead(simple, load_pack())
    before = landmarks_in_photo(simple)
    pin = landmark_pin(pinned, 0, NOSE, (12, 0))
    pinned.set_pins(0, [pin])
    there = landmarks_in_photo(simple)
    pinned.set_pins(0, [replace(pin, is_on=False)])
    assert count_pins(simple) == 1
    assert np.abs(landmarks_in_photo(simple) - before).max() < 1.5
    pinned.set_pins(0, [pin])
    assert np.abs(landmarks_in_photo(simple) - there).max() < 1.0
    pinned.set_pins(0, [])
    assert count_pins(simple) == 0 and np.abs(landmarks_in_photo(simple) - before).max() < 1.5


def test_the_surface_under_the_mouse_is_found(head):
    pinned = PinnedHead(head, load_pack())
    for view in range(len(pinned.fitted.known)):
        for index in (NOSE, 31, 19):
            place = pinned.landmark_pin(view, index).place
            found = pinned.pin_at(view, place, 5.0)
            assert found.place == pytest.approx(place, abs=1.5) and not found.slides
        assert pinned.pin_at(view, (2, 2), 5.0) is None


def test_a_pin_on_the_outline_slides_along_the_surface(simple):
    pinned = PinnedHead(simple, load_pack())
    vertices = seen_vertices(simple, 0)
    right = vertices[vertices[:, 0].argmax()]  # an ear
    assert pinned.pin_at(0, right + (30, 0), 5.0) is None
    pin = pinned.pin_at(0, right + (3, 0), 5.0)
    assert pin.slides and pin.place == pytest.approx(right, abs=3)
    for step in range(1, 7):
        pinned.set_pins(0, [pin.moved((pin.place[0] + 2 * step, pin.place[1]))], rounds=1, rests=False)
    pinned.set_pins(0, pinned.fitted.known[0].pins)
    (there,) = pins_of(simple, 0)
    assert pinned.place_of(0, there.uv) == pytest.approx(there.place, abs=0.05)
    vertices = seen_vertices(simple, 0)
    beside = vertices[np.abs(vertices[:, 1] - there.place[1]) < 4]
    assert beside[:, 0].max() == pytest.approx(there.place[0], abs=2.5)  # the outline is there, wherever on the skin


def test_what_the_artist_changed_stays_on_top(simple):
    mesh = simple.data
    vertex = int(np.linalg.norm(coordinates(mesh) - captured_landmarks(simple)[NOSE], axis=1).argmin())
    mesh.vertices[vertex].co.y -= 0.02
    simple.shape_key_add(name="Basis")
    key = simple.shape_key_add(name="mine", from_mix=False)
    key.data[0].co.x += 0.03
    beak = dict(landmarks_of(simple))[19]
    beak.location.z += 0.006
    follow_landmarks(simple)
    before, offset = coordinates(mesh), landmark_places(simple)[19] - captured_landmarks(simple)[19]
    PinnedHead(simple, load_pack()).set_pins(0, [Pin((0.5, 0.76), (250.0, 230.0))])
    moved = coordinates(mesh) - before
    near = np.argsort(np.linalg.norm(before - before[vertex], axis=1))[1:5]
    assert np.abs(moved[vertex] - moved[near].mean(axis=0)).max() < 0.003
    assert np.abs(moved).max() > 0.001
    base, mine = (coordinates_of(mesh.shape_keys.key_blocks[name]) for name in ("Basis", "mine"))
    assert mine[0] - base[0] == pytest.approx((0.03, 0, 0), abs=1e-5)
    assert moved_landmarks(simple) == [19]
    assert landmark_places(simple)[19] - captured_landmarks(simple)[19] == pytest.approx(offset, abs=1e-6)
    assert tuple(beak.location) == pytest.approx(landmark_places(simple)[19], abs=1e-6)
    follow_landmarks(simple)
    assert np.abs(coordinates(mesh) - before - moved).max() < 1e-5  # nothing else was to follow


def test_eyes_and_teeth_follow(captured):
    head = build(captured["whole"], bpy.context)
    parts = {part.name: part for part in parts_of_head(head)}
    before = {name: (part.location.copy(), coordinates(part.data)) for name, part in parts.items()}
    pinned = PinnedHead(head, load_pack())
    pinned.set_pins(0, [landmark_pin(pinned, 0, index, (0, -15)) for index in (36, 39, 42, 45)])
    for name, part in parts.items():
        moved = np.array(part.location - before[name][0]) + np.abs(coordinates(part.data) - before[name][1]).max()
        assert np.abs(moved).max() > 1e-4, name


def test_pins_keep_the_size_that_the_irises_told(captured):
    capture, size = captured["simple"], 0.9
    settings = replace(capture.settings, head_size="irises")
    views = in_size(capture.views, settings, size)
    found = replace(capture, settings=settings, views=views, head=head_of(views[0]), irises=size)
    head = build(found, bpy.context)
    assert read_record(head)["irises"] == size == pytest.approx(size_of(head))
    before = coordinates(head.data)
    pinned = PinnedHead(head, load_pack())
    pinned.set_pins(0, (), rounds=0)
    assert np.abs(coordinates(head.data) - before).max() < 1e-6
    pinned.set_pins(0, [landmark_pin(pinned, 0, NOSE, (9, -4))])
    assert size_of(head) == pytest.approx(size)
    assert landmarks_in_photo(head)[NOSE] == pytest.approx(pins_of(head, 0)[0].place, abs=0.05)


def test_pins_survive_saving_and_undo(simple, tmp_path):
    pinned = PinnedHead(simple, load_pack())
    pin = landmark_pin(pinned, 0, NOSE, (7, 3))
    pinned.set_pins(0, [pin])
    shape, identity, name = coordinates(simple.data), fitted_of(simple).found.identity, simple.name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "pinned.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "pinned.blend"))
    head = bpy.data.objects[name]
    assert pins_of(head, 0) == (pin,)
    assert np.array_equal(fitted_of(head).found.identity, identity)
    before = coordinates(head.data)
    assert np.array_equal(before, shape)
    PinnedHead(head, load_pack()).set_pins(0, [pin], rounds=0)
    assert np.abs(coordinates(head.data) - before).max() < 1e-6


def test_follow_photo_changes_only_what_the_model_does_not_know(simple):
    pinned = PinnedHead(simple, load_pack())
    before = coordinates(simple.data)
    pinned.set_follow(0.0)
    off = np.linalg.norm(coordinates(simple.data) - before, axis=1)
    assert 1e-4 < off.max() < 0.02
    assert read_record(simple)["settings"]["follow"] == 0.0
    pinned.set_follow(1.0)
    assert np.abs(coordinates(simple.data) - before).max() < 1e-6


def pin_nose(head: bpy.types.Object, by: tuple[float, float] = (9, -4)) -> Pin:
    pinned = PinnedHead(head, load_pack())
    pin = landmark_pin(pinned, 0, NOSE, by)
    pinned.set_pins(0, [pin])
    return pin


@pytest.fixture
def chosen(registered) -> bpy.types.Object:
    """A head captured with the operator, and selected."""
    assert bpy.ops.prn.reconstruct_from_image(filepath=str(PORTRAIT), texture_size="512") == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def test_pins_survive_another_topology(chosen):
    pin = pin_nose(chosen)
    count, capture = len(chosen.data.vertices), {"filepath": str(PORTRAIT), "texture_size": "512"}
    assert bpy.ops.prn.reconstruct_from_image(**capture, topology="low") == {"FINISHED"}
    assert len(chosen.data.vertices) < count
    assert pins_of(chosen, 0) == (pin,)
    assert landmarks_in_photo(chosen)[NOSE] == pytest.approx(pin.place, abs=0.05)
    chosen.select_set(False)
    assert bpy.ops.prn.reconstruct_from_image(**capture) == {"FINISHED"}
    other = bpy.context.view_layer.objects.active
    assert other != chosen and not count_pins(other)


def test_another_face_of_the_photo_has_none_of_the_pins(chosen):
    pin_nose(chosen)
    box = (300.0, 300.0, 420.0, 440.0)
    assert bpy.ops.prn.reconstruct_from_image(filepath=str(PORTRAIT), texture_size="512", box=box) == {"FINISHED"}
    other = bpy.context.view_layer.objects.active
    assert other != chosen and not count_pins(other)


def test_the_network_looks_again_and_pins_stay(chosen):
    pin, before = pin_nose(chosen, (14, -6)), read_record(chosen)["crop"]
    chosen.location.x = 0.2
    assert bpy.ops.prn.align_face() == {"FINISHED"}
    assert read_record(chosen)["crop"] != before and chosen.location.x == pytest.approx(0.2)
    assert pins_of(chosen, 0) == (pin,)
    assert landmarks_in_photo(chosen)[NOSE] == pytest.approx(pin.place, abs=0.05)


def test_all_pins_are_turned_off_and_removed(chosen):
    before = landmarks_in_photo(chosen)
    assert not bpy.ops.prn.remove_pins.poll()
    pin = pin_nose(chosen)
    assert bpy.ops.prn.switch_pins(on=False) == {"FINISHED"}
    assert pins_of(chosen, 0) == (replace(pin, is_on=False),)
    assert np.abs(landmarks_in_photo(chosen) - before).max() < 1.5
    assert bpy.ops.prn.switch_pins(on=True) == {"FINISHED"}
    assert landmarks_in_photo(chosen)[NOSE] == pytest.approx(pin.place, abs=0.05)
    assert bpy.ops.prn.remove_pins() == {"FINISHED"}
    assert not count_pins(chosen)


def test_the_panel_changes_how_the_head_follows(chosen):
    pin = pin_nose(chosen)
    options = bpy.context.scene.prn_pins
    before = coordinates(chosen.data)
    options.stiffness = 0.0
    assert pins_of(chosen, 0) == (replace(pin, stiffness=0.0),)
    assert landmarks_in_photo(chosen)[NOSE] == pytest.approx(pin.place, abs=0.05)
    assert np.abs(coordinates(chosen.data) - before).max() > 1e-4
    options.follow = 0.25
    assert options.follow == pytest.approx(0.25)
    assert read_record(chosen)["settings"]["follow"] == pytest.approx(0.25)
    assert landmarks_in_photo(chosen)[NOSE] == pytest.approx(pin.place, abs=0.05)
    chosen.data["prn_landmarks"]["vertex_count"] = 3  # as after an edit: it cannot follow any more
    options.follow = 1.0
    assert options.follow == pytest.approx(0.25)


def test_photos_that_are_added_and_removed_leave_the_pins(chosen, captured):
    pin = pin_nose(chosen)
    part = captured["two photos"].views[1].photo.path
    assert bpy.ops.prn.add_photos(directory=str(part.parent), files=[{"name": part.name}]) == {"FINISHED"}
    assert pins_of(chosen, 0) == (pin,) and pins_of(chosen, 1) == ()
    pinned = PinnedHead(chosen, load_pack())
    other = landmark_pin(pinned, 1, CHIN, (3, 6))
    pinned.set_pins(1, [other])
    assert bpy.ops.prn.remove_photo(view=0) == {"FINISHED"}
    assert pins_of(chosen, 0) == (other,)
    assert landmarks_in_photo(chosen)[CHIN] == pytest.approx(other.place, abs=0.05)


@pytest.fixture(scope="module")
def expressive(tmp_path_factory, captured) -> dict[str, Capture]:
    """Heads with expressions: a whole one of one photo, and of two."""
    plain = Settings(texture_size=512, expressions=True)
    part = OtherPhoto(captured["two photos"].views[1].photo.path)
    requests = {
        "whole": Request(PORTRAIT, settings=replace(plain, parts=WHOLE)),
        "two photos": Request(PORTRAIT, settings=plain, together=(part,)),
    }
    return {name: run(request).captures[0] for name, request in requests.items()}


def test_heads_with_expressions_follow_pins_and_are_neutral_without(expressive):
    for name, capture in expressive.items():
        head = build(capture, bpy.context)
        keys = head.data.shape_keys.key_blocks
        for view in range(len(capture.views)):
            pinned = PinnedHead(head, load_pack())
            start, before = seen_vertices(head, view), coordinates_of(keys["jawOpen"]) - coordinates_of(keys[0])
            pin = landmark_pin(pinned, view, CHIN, (2, 9))
            nearest = np.linalg.norm(start - (pin.place[0] - 2, pin.place[1] - 9), axis=1).argmin()
            pinned.set_pins(view, [pin], Rules(lock_identity=True))
            assert (seen_vertices(head, view) - start)[nearest] == pytest.approx((2, 9), abs=1.5), name
            opened = coordinates_of(keys["jawOpen"]) - coordinates_of(keys[0])
            assert np.abs(opened - before).max() < 1e-6  # expressions add the same to the neutral head
            set_shown_view(head, 0)
            assert keys["Photo"].value == 1.0
        told = read_record(head)["views"][0]["expression"]
        assert told == pytest.approx(fitted_of(head).found.views[0].expression.tolist())


def test_shape_keys_that_do_not_show_follow_where_a_drag_rests(expressive):
    head = build(expressive["whole"], bpy.context)
    keys = head.data.shape_keys.key_blocks
    keys["mouthSmileLeft"].value = 0.5
    added = lambda name: coordinates_of(keys[name]) - coordinates_of(keys[0])
    before = {name: added(name) for name in ("mouthSmileLeft", "jawOpen", "eyeBlinkRight")}
    pinned = PinnedHead(head, load_pack())
    pin = landmark_pin(pinned, 0, CHIN, (0, 0))
    start = coordinates_of(keys[0])
    for step in range(1, 4):
        pinned.set_pins(0, [pin.moved((pin.place[0], pin.place[1] + 3 * step))], rounds=1, rests=False)
        assert np.abs(added("mouthSmileLeft") - before["mouthSmileLeft"]).max() < 1e-6
    pinned.set_pins(0, pinned.fitted.known[0].pins)
    assert np.abs(coordinates_of(keys[0]) - start).max() > 1e-3
    assert all(np.abs(added(name) - was).max() < 1e-6 for name, was in before.items())


def test_an_expression_that_pins_make_is_the_photos(expressive):
    """With the identity locked a pulled chin opens the mouth; without expression the head stays as it was."""
    head = build(expressive["whole"], bpy.context)
    keys = head.data.shape_keys.key_blocks
    pinned = PinnedHead(head, load_pack())
    neutral, photo = coordinates_of(keys[0]), coordinates_of(keys["Photo"])
    pinned.set_pins(0, [landmark_pin(pinned, 0, CHIN, (0, 8))], Rules(lock_identity=True))
    jaw = np.argsort(np.linalg.norm(photo - captured_landmarks(head)[CHIN], axis=1))[:40]
    moved_neutral = np.linalg.norm(coordinates_of(keys[0]) - neutral, axis=1)[jaw].mean()
    moved_photo = np.linalg.norm(coordinates_of(keys["Photo"]) - photo, axis=1)[jaw].mean()
    assert moved_neutral < 0.8 * moved_photo


def test_expressions_are_added_to_a_head_of_several_photos(captured, registered):
    capture = captured["two photos"]
    head = build(capture, bpy.context)
    before = [seen_vertices(head, view) for view in (0, 1)]
    assert bpy.ops.prn.add_expressions() == {"FINISHED"}
    assert not bpy.ops.prn.add_expressions.poll()
    for view in (0, 1):
        assert np.abs(seen_vertices(head, view) - before[view]).max() < 0.05
    assert "jawOpen" in head.data.shape_keys.key_blocks


def test_faces_are_shown_and_copied_whichever_photo_is_looked_at(expressive, registered):
    source, target = (build(expressive["two photos"], bpy.context) for _ in range(2))
    bpy.context.view_layer.objects.active = target
    set_shown_view(source, 1)
    assert bpy.ops.prn.copy_expression(source=source.name) == {"FINISHED"}
    copied, second = shown_vertices(target), shown_vertices(source)
    set_shown_view(target, 1)
    assert bpy.ops.prn.show_face(face="Neutral") == {"FINISHED"}
    neutral = shown_vertices(target)
    assert neutral == pytest.approx(coordinates_of(target.data.shape_keys.key_blocks[0]), abs=1e-6)
    assert np.linalg.norm(copied - second, axis=1).mean() < 0.3 * np.linalg.norm(neutral - second, axis=1).mean()
