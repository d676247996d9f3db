"""Heads of the scene as they lie in their photos: pictures, tables, OBJ, faces and textures of others."""

import json
from math import radians

import bpy
import numpy as np
import pytest

from prn_blender.capture.pictures.depth import depth_image
from prn_blender.capture.pictures.pncc import pncc_image
from prn_blender.capture.pictures.posed import posed
from prn_blender.capture.types import BASE_COLOR
from prn_blender.cli import batch
from prn_blender.scene import packs as places
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.material import base_colour_image
from prn_blender.scene.edit.align import PHOTOGRAPHED
from prn_blender.scene.posed import picture_of, posed_head

from .conftest import FILE_NAMES, PORTRAIT, SHOTS, both_packs, mesh_in

pytestmark = pytest.mark.usefixtures("registered", "installed")


@pytest.fixture
def installed(pack, monkeypatch):
    """The pack that captures are made with is among the user's own."""
    monkeypatch.setattr(places, "user_packs_folder", lambda: pack.folder.parent)


def image_values(name: str) -> np.ndarray:
    """(H, W, 4) float32, top row first."""
    image = bpy.data.images[name]
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(image.size[1], image.size[0], 4)[::-1]


@both_packs
@pytest.mark.parametrize("name", ["portrait", "orthographic"])
@pytest.mark.parametrize("triangles", [False, True])
def test_a_head_in_the_scene_lies_in_its_photo_as_captured(make_capture, name, triangles):
    capture = make_capture(SHOTS[name])
    expected = posed(capture, mesh_in(capture))
    found = posed_head(build(capture, bpy.context, alignment=PHOTOGRAPHED, triangles=triangles))
    np.testing.assert_allclose(found.in_photo, expected.in_photo, atol=0.01)
    np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=1e-6)
    np.testing.assert_array_equal(found.visibility, expected.visibility)
    assert len(found.triangles) == len(expected.triangles)
    if triangles:  # of quads Blender may split some along the other diagonal
        np.testing.assert_array_equal(found.triangles, expected.triangles)
        np.testing.assert_allclose(found.triangle_uv, expected.triangle_uv, atol=1e-6)


def test_applied_transforms_do_not_move_the_head_in_its_photo(capture):
    head = build(capture, bpy.context)
    expected = posed_head(head).in_photo
    head.rotation_euler = (0, 0, radians(40))
    bpy.context.view_layer.update()
    bpy.ops.object.transform_apply(location=False, rotation=True, scale=False)
    np.testing.assert_allclose(posed_head(head).in_photo, expected, atol=0.01)


@both_packs
def test_pictures_are_images_of_the_photos_size(capture):
    head = build(capture, bpy.context)
    expected = posed(capture, mesh_in(capture))
    width, height = capture.views[0].photo.width, capture.views[0].photo.height
    for kind in ("LANDMARKS", "POINTS", "DEPTH", "PNCC"):
        for _ in range(2):  # the second time takes the first's place
            assert bpy.ops.prn.draw_picture(kind=kind) == {"FINISHED"}
    made = sorted(image.name for image in bpy.data.images if image.name.startswith(f"{head.name} "))
    kinds = ("Depth", "Depth Shades", "Landmarks", "PNCC", "Points")
    assert {f"landscape {kind}" for kind in kinds} <= set(made)
    assert not any(name.endswith(".001") for name in made)
    assert tuple(bpy.data.images["landscape Points"].size) == (width, height)
    depth = image_values("landscape Depth")[..., 0]
    assert bpy.data.images["landscape Depth"].is_float
    # The scene's triangles may cut quads the other way.
    expected_depth = depth_image(expected)
    close = np.abs(depth - expected_depth.metres) < 0.002
    assert close.mean() > 0.99 and (depth > 0).mean() > 0.05
    shades = image_values("landscape Depth Shades")[..., 0]
    assert np.abs(shades * 65535 - expected_depth.levels())[close].max() < 2000
    assert shades.max() == 1 and (shades[depth == 0] == 0).all()
    code = image_values("landscape PNCC")[..., :3]
    close = np.abs(code * 255 - pncc_image(expected, capture.pack.topology)).max(axis=2) < 4
    assert close.mean() > 0.98


@both_packs
def test_measured_files_are_written(capture, tmp_path):
    import cv2

    build(capture, bpy.context)
    expected = depth_image(posed(capture, mesh_in(capture)))
    for file_format in ("CSV", "NPZ", "JSON", "DEPTH_PNG", "DEPTH_EXR", "PNCC", "OBJ", "OBJ_COLOURS"):
        path = str(tmp_path / file_format / "a head")
        assert bpy.ops.prn.save_measured(format=file_format, filepath=path) == {"FINISHED"}
    written = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.parent != tmp_path)
    assert written == [
        "CSV/a head_landmarks.csv",
        "CSV/a head_vertices.csv",
        "DEPTH_EXR/a head.exr",
        "DEPTH_PNG/a head.png",
        "JSON/a head.json",
        "NPZ/a head.npz",
        "OBJ/a head.obj",
        "OBJ/a_head.mtl",
        "OBJ/a_head.png",
        "OBJ_COLOURS/a head.obj",
        "PNCC/a head.png",
    ]
    levels = cv2.imread(str(tmp_path / "DEPTH_PNG" / "a head.png"), cv2.IMREAD_UNCHANGED)
    assert levels.dtype == np.uint16 and (np.abs(levels.astype(int) - expected.levels()) < 1500).mean() > 0.98
    bpy.data.images.load(str(tmp_path / "DEPTH_EXR" / "a head.exr")).name = "EXR"
    bpy.data.images["EXR"].colorspace_settings.name = "Non-Color"
    assert (np.abs(image_values("EXR")[..., 0] - expected.metres) < 0.002).mean() > 0.99


@both_packs
def test_blender_reads_the_obj_with_its_texture_and_its_colours(capture, tmp_path):
    build(capture, bpy.context)
    expected = posed(capture, mesh_in(capture))
    texture = capture.textures[BASE_COLOR]
    for file_format, name in (("OBJ", "textured"), ("OBJ_COLOURS", "coloured")):
        bpy.ops.prn.save_measured(format=file_format, filepath=str(tmp_path / name))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.obj_import(filepath=str(tmp_path / "textured.obj"))
    head = bpy.context.view_layer.objects.active
    bpy.context.view_layer.update()
    read = np.array([head.matrix_world @ vertex.co for vertex in head.data.vertices])
    np.testing.assert_allclose(read, expected.vertices, atol=2e-6)
    np.testing.assert_array_equal(picture_of(base_colour_image(head))(), texture)
    assert len(head.data.polygons) == len(expected.triangles)
    bpy.ops.wm.obj_import(filepath=str(tmp_path / "coloured.obj"))
    colours = bpy.context.view_layer.objects.active.data.color_attributes[0]
    found = np.array([item.color_srgb[:3] for item in colours.data]) * 255
    size = len(texture)
    columns, rows = np.clip(expected.uv * size, 0, size - 1).astype(int).T
    assert np.median(np.abs(found - texture[rows, columns])) < 3


def test_a_missing_pack_is_told(capture, monkeypatch):
    head = build(capture, bpy.context)
    record = head["prn_capture"].to_dict()
    record["pack"]["version"] = "0.0.1"
    head["prn_capture"] = record
    with pytest.raises(RuntimeError, match="is not installed: install it, or capture the photo again"):
        bpy.ops.prn.draw_picture(kind="PNCC")
    assert bpy.ops.prn.draw_picture(kind="DEPTH") == {"FINISHED"}


@pytest.fixture
def two_heads(make_capture):
    """The head that becomes active, and another one whose texture is blue."""
    other = make_capture(SHOTS["portrait"])
    other.textures[BASE_COLOR][:] = (20, 40, 220)
    other = build(other, bpy.context)
    head = build(make_capture(SHOTS["landscape"]), bpy.context)
    bpy.context.scene.prn_textures.head = other
    return head, other


@both_packs
def test_a_region_of_another_head_is_taken(two_heads):
    head, _ = two_heads
    before = base_colour_image(head)
    texture = picture_of(before)()
    chosen = bpy.context.scene.prn_textures
    chosen.region, chosen.match = "mouth", False
    assert bpy.ops.prn.take_region() == {"FINISHED"}
    after = picture_of(base_colour_image(head))()
    assert base_colour_image(head) != before and before.use_fake_user
    is_blue = (np.abs(after.astype(int) - (20, 40, 220)) < 3).all(axis=2)
    assert 4 < is_blue.sum() < is_blue.size / 10
    assert (after == texture).all(axis=2).mean() > 0.8


def test_a_painted_mask_and_an_image_serve_as_well(two_heads):
    head, _ = two_heads
    mask = bpy.data.images.new("mask", 64, 64)  # black
    pixels = np.zeros((64, 64, 4), np.float32)
    pixels[..., 3] = 1
    pixels[48:, :16] = 1  # Blender's rows go upwards: the texture's upper left
    mask.pixels.foreach_set(pixels.ravel())
    green = bpy.data.images.new("green", 32, 32)
    green.pixels.foreach_set(np.tile(np.float32([0, 1, 0, 1]), 32 * 32))
    chosen = bpy.context.scene.prn_textures
    chosen.source, chosen.image, chosen.region, chosen.mask, chosen.match = "IMAGE", green, "MASK", mask, False
    assert bpy.ops.prn.take_region() == {"FINISHED"}
    after = picture_of(base_colour_image(head))()
    assert (after[1:14, 1:14] == (0, 255, 0)).all() and not (after[20:, 20:] == (0, 255, 0)).all(axis=2).any()
    chosen.mask = None
    with pytest.raises(RuntimeError, match="No mask is chosen"):
        bpy.ops.prn.take_region()


@both_packs
def test_a_face_is_swapped_into_the_photo(two_heads, tmp_path):
    import cv2

    head, _ = two_heads
    photo = picture_of(bpy.data.images["landscape.png"])()
    assert bpy.ops.prn.swap_face(filepath=str(tmp_path / "swapped.png")) == {"FINISHED"}
    swapped = cv2.imread(str(tmp_path / "swapped.png"))[..., ::-1]
    np.testing.assert_array_equal(picture_of(bpy.data.images[f"{head.name} Swapped"])(), swapped)
    assert swapped.shape == photo.shape
    changed = (swapped != photo).any(axis=2)
    inside = depth_image(posed_head(head)).metres > 0
    assert not changed[~inside].any() and changed[inside].mean() > 0.05


def test_heads_of_different_packs_do_not_share_textures(two_heads):
    _, other = two_heads
    record = other["prn_capture"].to_dict()
    record["pack"]["name"] = "another"
    other["prn_capture"] = record
    for operator in (bpy.ops.prn.take_region, bpy.ops.prn.swap_face):
        with pytest.raises(RuntimeError, match="different model packs"):
            operator()


def test_the_command_line_writes_everything_that_is_asked_for(tmp_path):
    import cv2

    out = tmp_path / "out"
    options = ["--texture-size", "512", "--also", "all", "--other-photo", str(PORTRAIT), "--take", "eyes", "--swap"]
    assert batch.main([str(PORTRAIT), "-o", str(out), *options], "prn") == 0
    extras = (
        "depth.exr depth.png head.mtl head.obj head.png head_colours.obj overlay.png overlay_points.png pncc.png "
        "points.json points.npz points_landmarks.csv points_vertices.csv swapped.png"
    )
    assert sorted(file.name for file in out.iterdir()) == sorted([*FILE_NAMES, *extras.split()])
    photo, swapped = cv2.imread(str(PORTRAIT)), cv2.imread(str(out / "swapped.png"))
    assert swapped.shape == photo.shape and (swapped != photo).any()
    # Its own face: hardly anything changes.
    assert np.abs(swapped.astype(int) - photo).mean() < 2
    described = json.loads((out / "capture.json").read_text())
    levels = cv2.imread(str(out / "depth.png"), cv2.IMREAD_UNCHANGED)
    assert levels.dtype == np.uint16 and levels.shape == photo.shape[:2]
    assert 0 < described["depth"]["near"] < described["depth"]["far"]
    matrix = np.array(described["pose"]["aligned_to_photo"])
    for mark in described["landmarks"]:
        x, y, w = matrix @ [*mark["metres"], 1]
        np.testing.assert_allclose([x / w, y / w], mark["photo"], atol=0.05)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--take", "eyes"],
        ["--swap"],
        ["--other-photo", str(PORTRAIT)],
        ["--take", "ears", "--other-photo", str(PORTRAIT)],
        ["--also", "everything"],
        ["--swap", "--other-photo", "/nowhere.jpg"],
    ],
)
def test_extras_that_make_no_sense_end_with_2(arguments, capsys):
    assert batch.main([str(PORTRAIT), *arguments], "prn") == 2
    said = capsys.readouterr()
    assert (said.out + said.err).strip().splitlines()[-1].startswith("prn: ")
