"""Photos and heads in .blend files that are saved, opened and linked somewhere else than where they were made."""

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from prn_blender.capture.progress import silent
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.build.encode import encode_images
from prn_blender.scene.build.images import pack_images
from prn_blender.scene.build.photo_images import file_of_image, packed_photo_at, photo_in
from prn_blender.scene.posed import photos_of
from prn_blender.scene.record import is_captured_head, photo_of_head, read_record
from prn_blender.ui.head.operators import captured_head
from prn_blender.ui.photos.saved_elsewhere import remapped
from prn_blender.ui.shell import session
from prn_blender.ui.shell.photo_info import read_photo_info

from .conftest import PORTRAIT, SHOTS
from .test_operators import group, heads  # noqa: F401 - a fixture

pytestmark = pytest.mark.usefixtures("registered")


def photos_in_file() -> list[bpy.types.Image]:
    return [image for image in bpy.data.images if photo_in(image)]


def shown(head: bpy.types.Object) -> bpy.types.Image:
    return capture_camera(head).data.background_images[0].image


# One image a photo ------------------------------------------------------------------------------------------------


def test_all_faces_of_a_photo_share_its_image(group):  # noqa: F811
    bpy.ops.prn.reconstruct_from_image(filepath=str(group), face="ALL", texture_size="512")
    assert len(heads()) == 2
    (image,) = photos_in_file()
    assert [shown(head) for head in heads()] == [image, image]
    bpy.ops.prn.reconstruct_from_image(filepath=str(group), texture_size="512")
    assert photos_in_file() == [image] and bytes(image.packed_file.data) == group.read_bytes()


def test_a_capture_that_fails_leaves_the_photo_of_another(capture):
    head = build(capture, bpy.context)
    packed = pack_images(capture, encode_images(capture))
    assert packed.photo == shown(head) and not packed.is_photo_new
    packed.remove()
    assert shown(head).packed_file and len(photos_in_file()) == 1
    assert [image.name for image in bpy.data.images if image.name.endswith(".001")] == []


def test_a_photo_that_was_painted_on_is_not_shared(capture):
    head = build(capture, bpy.context)
    shown(head).pixels[0] = 0.123
    other = build(capture, bpy.context)
    assert shown(other) != shown(head) and not shown(other).is_dirty


# The photo's file is gone -----------------------------------------------------------------------------------------


@pytest.fixture
def without_file(tmp_path) -> Path:
    """The path of a photo that only the open .blend holds, captured once with a focal length from its EXIF."""
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = 85
    photo = tmp_path / "there" / "face.jpg"
    photo.parent.mkdir()
    Image.open(PORTRAIT).convert("RGB").save(photo, quality=95, exif=exif)
    bpy.ops.prn.reconstruct_from_image(filepath=str(photo), texture_size="512")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "heads.blend"))
    shutil.rmtree(photo.parent)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "heads.blend"))
    return photo


def test_reconstruct_from_the_packed_photo(without_file):
    first = read_record(heads()[0])
    bpy.ops.prn.reconstruct_from_image(filepath=first["photo"]["path"], texture_size="512", new_head=True)
    second = read_record(next(head for head in heads() if head.name.endswith(".001")))
    for part in ("photo", "face_box", "crop", "camera", "pose"):
        assert second[part] == first[part], part
    assert second["camera"]["focal_from"] == "exif"
    assert len(photos_in_file()) == 1


def test_photos_of_a_head_whose_image_is_that_of_a_copy(tmp_path):
    first, second = tmp_path / "first.jpg", tmp_path / "second.jpg"
    for path in (first, second):
        shutil.copy(PORTRAIT, path)
        bpy.ops.prn.reconstruct_from_image(filepath=str(path), texture_size="512")
        path.unlink()
    assert len(photos_in_file()) == 1
    (head,) = heads()  # captured again
    (photo,) = photos_of(head)
    assert photo.photo == second and photo.packed.sha256 == photo_of_head(head)
    assert photo.packed.content == PORTRAIT.read_bytes()


def test_faces_and_boxes_of_the_packed_photo(without_file, tmp_path):
    """Under a path of this computer too, whose folders have other names."""
    elsewhere = tmp_path / "here" / "face.jpg"
    bpy.context.scene.prn_capture.photo = str(elsewhere)
    info = read_photo_info(elsewhere, packed_photo_at(elsewhere))(silent)
    assert info.focal_mm == pytest.approx(85, abs=0.01) and info.focal_told.startswith("35 mm equivalent")
    assert info.sha256 == photo_of_head(heads()[0])
    assert bpy.ops.prn.find_faces() == {"FINISHED"}
    assert len(session.current.faces_in(elsewhere).boxes) == 1
    box = session.current.faces_in(elsewhere).boxes[0]
    sides = box.left, box.top, box.right, box.bottom
    bpy.ops.prn.reconstruct_from_image(face="BOX", box=sides, texture_size="512", new_head=True)
    assert len(heads()) == 2 and len(photos_in_file()) == 1


def test_a_turned_photo_is_the_same_photo_when_its_file_is_gone(make_capture):
    """The .blend holds an upright copy of it, which has another checksum."""
    capture = make_capture(SHOTS["landscape"], as_stored=False)
    build(capture, bpy.context)
    photo = capture.views[0].photo
    photo.path.unlink()
    packed = packed_photo_at(photo.path)
    assert (packed.sha256, packed.focal_px) == (photo.sha256, photo.focal_px)
    info = read_photo_info(photo.path, packed)(silent)
    assert (info.width, info.height, info.sha256) == (photo.width, photo.height, photo.sha256)


def test_two_photos_of_one_name_are_not_mixed_up(make_capture, tmp_path):
    first = make_capture(SHOTS["landscape"])
    build(first, bpy.context)
    image = photos_in_file()[0]
    other = image.copy()
    other["prn_photo"], other["prn_photo_file"] = "another", r"C:\photos\landscape.png"
    assert packed_photo_at(tmp_path / "elsewhere" / "landscape.png") is None
    assert packed_photo_at(first.views[0].photo.path) is None  # its file is there
    first.views[0].photo.path.unlink()
    assert packed_photo_at(first.views[0].photo.path).sha256 == photo_in(image)
    bpy.data.images.remove(image)
    assert packed_photo_at(tmp_path / "landscape.png").sha256 == "another"


# Save As ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "new", "right"),
    [
        ("//photos/face.jpg", "/work/b/c/y.blend", "//../../a/photos/face.jpg"),
        ("//../face.jpg", "/work/a/deeper/y.blend", "//../../face.jpg"),
        ("//photos/face.jpg", "/work/a/photos/y.blend", "//face.jpg"),
    ],
)
def test_remapping(path, new, right):
    assert remapped(path, "/work/a/x.blend", new) == right


def test_save_as_elsewhere_keeps_the_photo(tmp_path):
    photo = tmp_path / "a" / "photos" / "face.jpg"
    photo.parent.mkdir(parents=True)
    (tmp_path / "b" / "c").mkdir(parents=True)
    shutil.copyfile(PORTRAIT, photo)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a" / "x.blend"))
    options = bpy.context.scene.prn_capture
    options.photo = "//photos/face.jpg"
    options.face, options.face_index = "INDEX", 3
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b" / "copy.blend"), copy=True)
    assert options.photo == "//photos/face.jpg" and options.photo_path == photo  # the open file stays where it is
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "b" / "c" / "y.blend"))
    assert options.photo == "//../../a/photos/face.jpg" and options.photo_path.resolve() == photo
    assert (options.face, options.face_index) == ("INDEX", 3)
    for name in ("copy.blend", "c/y.blend"):
        bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "b" / name))
        assert bpy.context.scene.prn_capture.photo.startswith("//")
        assert bpy.context.scene.prn_capture.photo_path.resolve() == photo


# Linked -----------------------------------------------------------------------------------------------------------


def test_a_linked_collection_placed_as_an_instance(capture, tmp_path):
    build(capture, bpy.context)
    name = heads()[0].users_collection[0].name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = [name]
    empty = bpy.data.objects.new("placed", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", bpy.data.collections[name]
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    head = captured_head(bpy.context)
    assert is_captured_head(head) and head.library is not None
    with pytest.raises(RuntimeError, match="linked and placed as an instance: use Object, Library Override, Make"):
        bpy.ops.prn.align(alignment="PHOTOGRAPHED")
    assert photo_in(shown(head)) == photo_of_head(head)
    assert Path(file_of_image(shown(head))).name == "landscape.png"


def test_an_instance_of_a_collection_in_this_file(capture):
    head = build(capture, bpy.context)
    collection = head.users_collection[0]
    empty = bpy.data.objects.new("placed", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", collection
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    assert captured_head(bpy.context) == head
    assert bpy.ops.prn.align(alignment="PHOTOGRAPHED") == {"FINISHED"}  # the head itself is in the scene
    bpy.context.scene.collection.children.unlink(collection)
    bpy.context.view_layer.update()
    with pytest.raises(RuntimeError, match="Make Instances Real"):
        bpy.ops.prn.align(alignment="FRONTAL")
    assert np.isfinite(head.matrix_world).all()
