"""Several photos of one person: one head, a camera for each photo, and the head on each of them."""

import json
from dataclasses import replace
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.shape.expressions import PHOTO
from prn_blender.capture.types import Capture
from prn_blender.cli import batch as cli
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import cameras_of, capture_camera, heads_of_camera, set_scene_camera, view_of_camera
from prn_blender.scene.build.expressions import key_values, set_key_values
from prn_blender.scene.build.landmarks import landmark_positions, landmarks_of
from prn_blender.scene.build.material import base_colour_image
from prn_blender.scene.build.photo_images import photo_in
from prn_blender.scene.build.views import landmark_offsets, set_shown_view, shown_view
from prn_blender.scene.edit.adjust import captured_landmarks, follow_landmarks, moved_landmarks
from prn_blender.scene.edit.align import FRONTAL, PHOTOGRAPHED, set_alignment
from prn_blender.scene.edit.photo_points import heads_of_photo, landmarks_in_photo
from prn_blender.scene.files.write import write_capture
from prn_blender.scene.record import read_record, view_of_photo, views_of_head

from .conftest import PORTRAIT, SHOTS, canonical_surface, coordinates
from .test_camera import assert_on_photo, on_render

NAMES = ("landscape", "portrait", "orthographic")


def smiling(surface: np.ndarray) -> np.ndarray:
    """The canonical head with a lower face that is up to 8 mm higher."""
    near = np.exp(-(((surface[..., 2] + 0.07) / 0.03) ** 2))
    return (surface + 0.008 * near[..., None] * (0, 0, 1)).astype(np.float32)


@pytest.fixture
def together(make_capture, pack) -> Capture:
    """Three photos of the canonical head, which smiles in the second."""
    captures = [make_capture(SHOTS[name]) for name in NAMES]
    first, second, third = (capture.views[0] for capture in captures)
    still = canonical_surface(pack)
    surface = smiling(still)
    second = replace(second, position_map=PositionMap(SHOTS["portrait"].photograph(surface).astype(np.float32)))
    head = replace(captures[0].head, landmarks=pack.topology.landmarks(PositionMap(still)))
    return replace(captures[0], views=(first, second, third), head=head)


def shown_vertices(head: bpy.types.Object) -> np.ndarray:
    """(V, 3) in world space, with the shape keys as they are."""
    bpy.context.view_layer.update()
    evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(head.matrix_world)
    return coordinates(evaluated.data) @ matrix[:3, :3].T + matrix[:3, 3]


@pytest.mark.parametrize("alignment", [FRONTAL, PHOTOGRAPHED])
def test_the_head_lies_on_every_photo(together, pack, alignment):
    head = build(together, bpy.context)
    set_alignment(head, alignment)
    for number, view in enumerate(together.views):
        camera = capture_camera(head, number)
        set_scene_camera(bpy.context.scene, camera, view.camera.width, view.camera.height)
        set_shown_view(head, number)
        found = on_render(bpy.context.scene, camera, shown_vertices(head))
        assert_on_photo(found, pack.topology.vertices(view.position_map)[:, :2])
        assert shown_view(head) == number


def test_without_a_photos_expression_the_head_is_beside_it(together, pack):
    """The truth that the shape keys are for."""
    head = build(together, bpy.context)
    view = together.views[1]
    set_scene_camera(bpy.context.scene, capture_camera(head, 1), view.camera.width, view.camera.height)
    found = on_render(bpy.context.scene, capture_camera(head, 1), shown_vertices(head))
    assert np.linalg.norm(found - pack.topology.vertices(view.position_map)[:, :2], axis=1).max() > 3


def test_each_photo_has_a_camera_with_its_background_in_the_captures_collection(together):
    head = build(together, bpy.context)
    cameras = cameras_of(head)
    assert [camera.name for camera in cameras.values()] == [f"{name} Camera" for name in NAMES]
    for number, camera in cameras.items():
        assert camera.users_collection == head.users_collection and view_of_camera(camera) == number
        assert photo_in(camera.data.background_images[0].image) == together.views[number].photo.sha256
        assert heads_of_camera(camera) == [head]
    assert [key.name for key in head.data.shape_keys.key_blocks] == ["Basis", *NAMES[1:]]


def test_a_copy_of_head_and_cameras_belongs_together(together):
    head = build(together, bpy.context)
    for selected in bpy.context.scene.objects:
        selected.select_set(True)
    bpy.ops.object.duplicate()
    copy = next(other for other in bpy.context.scene.objects if other.type == "MESH" and other != head)
    cameras, copied = cameras_of(head), cameras_of(copy)
    assert len(copied) == 3 and not set(cameras.values()) & set(copied.values())


def test_the_record_knows_every_photo(together):
    head = build(together, bpy.context)
    record = read_record(head)
    assert [view["photo"]["sha256"] for view in record["views"]] == [view.photo.sha256 for view in together.views]
    assert record["photo"] == record["views"][0]["photo"] and record["camera"] == record["views"][0]["camera"]
    for number, view in enumerate(together.views):
        assert view_of_photo(head, view.photo.sha256) == number
        assert heads_of_photo(bpy.context.scene, view.photo.sha256) == [head]
    assert view_of_photo(head, "another") is None
    del head["prn_capture"]["views"]  # as a record of an older version
    assert len(views_of_head(head)) == 1 and view_of_photo(head, together.views[0].photo.sha256) == 0


def test_landmarks_lie_on_every_photo(together, pack):
    head = build(together, bpy.context)
    for number, name in enumerate(NAMES):
        expected = pack.topology.landmarks(together.views[number].position_map)[:, :2]
        assert np.abs(landmarks_in_photo(head, number) - expected).max() < 0.5, name


def test_a_capture_of_one_photo_has_no_shape_keys(make_capture):
    head = build(make_capture(SHOTS["landscape"]), bpy.context)
    assert head.data.shape_keys is None and list(cameras_of(head)) == [0]


def test_the_files_tell_of_every_photo(together, tmp_path):
    described = write_capture(together, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "capture.json").read_text(encoding="utf-8")) == described
    assert [view["camera"]["width"] for view in described["views"]] == [SHOTS[name].width for name in NAMES]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three pictures of one person: the portrait, a part of it, and the portrait mirrored."""
    folder = tmp_path_factory.mktemp("photos é")
    portrait = cv2.imread(str(PORTRAIT))
    pictures = {"a.png": portrait, "b.png": portrait[20:400, 60:420], "c.png": portrait[:, ::-1]}
    for name, picture in pictures.items():
        (folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return folder


def files_of(*names: str) -> list[dict]:
    return [{"name": name} for name in names]


def test_photos_are_chosen_together_added_and_removed(photos, registered):
    options = {"directory": str(photos), "texture_size": "512"}
    assert bpy.ops.prn.reconstruct_from_image(files=files_of("a.png", "b.png"), **options) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    assert [Path(view["photo"]["path"]).name for view in views_of_head(head)] == ["a.png", "b.png"]
    head.name, head.location.x = "Eileen", 0.3
    hat = bpy.data.objects.new("hat", None)
    bpy.context.scene.collection.objects.link(hat)
    hat.parent = head

    assert bpy.ops.prn.add_photos(directory=str(photos), files=files_of("c.png")) == {"FINISHED"}
    (head,) = [one for one in bpy.context.scene.objects if one.type == "MESH"]
    assert head.name == "Eileen" and head.location.x == pytest.approx(0.3) and hat.parent == head
    assert [Path(view["photo"]["path"]).name for view in views_of_head(head)] == ["a.png", "b.png", "c.png"]
    assert read_record(head)["settings"]["texture_size"] == 512
    assert len([one for one in bpy.context.scene.objects if one.type == "CAMERA"]) == 3
    bpy.context.view_layer.update()
    for number, view in enumerate(views_of_head(head)):
        set_scene_camera(
            bpy.context.scene, capture_camera(head, number), view["photo"]["width"], view["photo"]["height"]
        )
        on_photo = on_render(bpy.context.scene, capture_camera(head, number), landmarks_in_world(head, number))
        assert np.abs(on_photo - landmarks_in_photo(head, number)).max() < 0.5

    bpy.context.scene.camera = capture_camera(head)
    beak = dict(landmarks_of(head))[30]
    beak.location.y -= 0.01
    follow_landmarks(head)
    assert bpy.ops.prn.remove_photo(view=0) == {"FINISHED"}
    (head,) = [one for one in bpy.context.scene.objects if one.type == "MESH"]
    assert [Path(view["photo"]["path"]).name for view in views_of_head(head)] == ["b.png", "c.png"]
    assert bpy.context.scene.camera == capture_camera(head) and len(cameras_of(head)) == 2
    assert not [one for one in bpy.data.cameras if not one.users]
    assert moved_landmarks(head) == [30]
    beak = dict(landmarks_of(head))[30]
    assert beak.location.y == pytest.approx(captured_landmarks(head)[30, 1] - 0.01, abs=1e-5)


def test_expressions_added_later_stay_when_photos_come_and_go(photos, registered):
    options = {"filepath": str(photos / "a.png"), "texture_size": "512"}
    assert bpy.ops.prn.reconstruct_from_image(**options) == {"FINISHED"}
    assert bpy.ops.prn.add_expressions() == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    set_key_values(head, {PHOTO: 0.25, "jawOpen": 0.5})
    assert bpy.ops.prn.add_photos(directory=str(photos), files=files_of("b.png")) == {"FINISHED"}
    assert {name: value for name, value in key_values(head).items() if value} == {PHOTO: 0.25, "jawOpen": 0.5}
    set_shown_view(head, 1)
    assert bpy.ops.prn.remove_photo(view=1) == {"FINISHED"}  # whose expression it has
    assert {name: value for name, value in key_values(head).items() if value} == {PHOTO: 1.0}
    assert bpy.ops.prn.remove_expressions() == {"FINISHED"}
    assert bpy.ops.prn.add_photos(directory=str(photos), files=files_of("c.png")) == {"FINISHED"}
    assert not key_values(head)


def test_an_update_keeps_all_photos_of_the_head(photos, registered):
    options = {"directory": str(photos), "texture_size": "512"}
    assert bpy.ops.prn.reconstruct_from_image(files=files_of("a.png", "b.png"), **options) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active
    before = coordinates(head.data)
    photo = str(photos / "a.png")
    assert bpy.ops.prn.reconstruct_from_image(filepath=photo, texture_size="512", follow=0.0) == {"FINISHED"}
    assert [one for one in bpy.context.scene.objects if one.type == "MESH"] == [head]
    assert [Path(view["photo"]["path"]).name for view in views_of_head(head)] == ["a.png", "b.png"]
    assert [key.name for key in head.data.shape_keys.key_blocks] == ["Basis", "b"]
    assert np.abs(coordinates(head.data) - before).max() > 1e-4  # the surface no longer follows the photo


def test_the_texture_is_projected_again_from_all_photos(photos, registered):
    options = {"directory": str(photos), "texture_size": "512"}
    assert bpy.ops.prn.reconstruct_from_image(files=files_of("a.png", "c.png"), **options) == {"FINISHED"}
    head = bpy.context.view_layer.objects.active

    def texture() -> np.ndarray:
        image = base_colour_image(head)
        values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
        image.pixels.foreach_get(values)
        return values

    before = texture()
    assert bpy.ops.prn.project_texture() == {"FINISHED"}
    from_mesh = np.median(np.abs(texture() - before))  # where hair ends is cut out anew, which a mean would be full of
    assert from_mesh < 0.012  # of 1: from the mesh and not from the map
    for key in head.data.shape_keys.key_blocks:
        for point in key.data:
            point.co.x += 0.01
    assert bpy.ops.prn.project_texture() == {"FINISHED"}
    assert np.median(np.abs(texture() - before)) > 2 * from_mesh


def test_a_photo_is_not_given_twice(photos, registered):
    with pytest.raises(RuntimeError, match=r"a\.png is the same photo as a\.png: give it once"):
        bpy.ops.prn.reconstruct_from_image(files=files_of("a.png", "a.png"), directory=str(photos))


def landmarks_in_world(head: bpy.types.Object, number: int) -> np.ndarray:
    matrix = np.array(head.matrix_world)
    places = landmark_positions(head) + landmark_offsets(head, number)
    return places @ matrix[:3, :3].T + matrix[:3, 3]


def test_a_failed_addition_changes_nothing(photos, registered, tmp_path):
    assert bpy.ops.prn.reconstruct_from_image(filepath=str(photos / "a.png"), texture_size="512") == {"FINISHED"}
    before = {one.name for one in bpy.data.objects}
    (tmp_path / "grey.png").write_bytes(cv2.imencode(".png", np.full((200, 200, 3), 120, np.uint8))[1].tobytes())
    with pytest.raises(RuntimeError, match=r"No face found in grey\.png"):
        bpy.ops.prn.add_photos(directory=str(tmp_path), files=files_of("grey.png"))
    with pytest.raises(RuntimeError, match="only one of several"):
        bpy.ops.prn.remove_photo(view=0)
    assert {one.name for one in bpy.data.objects} == before


def test_the_command_line_puts_photos_together(photos, tmp_path, capsys):
    arguments = ["--texture-size", "512", "--together", "-o", str(tmp_path / "out")]
    assert cli.main([str(photos / "a.png"), str(photos / "b.png"), *arguments], "prn") == 0
    described = json.loads((tmp_path / "out" / "capture.json").read_text(encoding="utf-8"))
    assert [Path(view["photo"]).name for view in described["views"]] == ["a.png", "b.png"]
    assert "1 captured, 0 failed" in capsys.readouterr().out
    box = ["--box", "find"]
    assert cli.main([str(photos / "a.png"), str(photos / "b.png"), *arguments, *box], "prn") == 2
    assert cli.main([str(photos / "a.png"), str(photos / "b.png"), *arguments, "--face", "all"], "prn") == 2
    assert "once for each photo" in (told := capsys.readouterr().err) and "not all" in told
