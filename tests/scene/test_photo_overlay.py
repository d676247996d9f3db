"""What is drawn over the photo, the Image Editor, menus, and heads that were tampered with."""

import hashlib

import bpy
import numpy as np
import pytest

import prn_blender
from prn_blender import ui
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.faces.find import choose_faces
from prn_blender.capture.progress import silent
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera, heads_of_camera
from prn_blender.scene.build.landmarks import landmark_positions, landmarks_of
from prn_blender.scene.build.photo_images import file_of_image, photo_in
from prn_blender.scene.edit.align import set_alignment
from prn_blender.scene.edit.photo_points import heads_of_photo, landmarks_in_photo, location_at
from prn_blender.scene.record import is_captured_head, photo_of_head
from prn_blender.ui import menus
from prn_blender.ui.head.operators import captured_head
from prn_blender.ui.landmarks import handlers as landmark_handlers
from prn_blender.ui.landmarks import overlay
from prn_blender.ui.landmarks.overlay import feature_lines
from prn_blender.ui.photos.drawing import PhotoOnScreen, nearest_point
from prn_blender.ui.photos.image_editor import editor_of_photo, photo_image, shows_photo
from prn_blender.ui.shell import session
from prn_blender.ui.shell.found_faces import FoundFaces
from prn_blender.ui.shell.photo_info import read_photo_info

from .conftest import PORTRAIT, SHOTS

CHIN = 8

pytestmark = pytest.mark.usefixtures("registered")


# Landmarks over the photo


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS)
@pytest.mark.parametrize("alignment", ["FRONTAL", "PHOTOGRAPHED"])
def test_landmarks_are_drawn_where_the_photo_shows_them(make_capture, shot, alignment):
    head = build(make_capture(shot), bpy.context)
    set_alignment(head, alignment)
    expected = shot.pixels(landmark_positions(head))
    np.testing.assert_allclose(landmarks_in_photo(head), expected, atol=0.01)


@pytest.mark.parametrize("shot", SHOTS.values(), ids=SHOTS)
def test_a_landmark_dragged_over_the_photo_gets_under_the_mouse(make_capture, shot):
    head = build(make_capture(shot), bpy.context)
    start = landmark_positions(head)[CHIN]
    place = landmarks_in_photo(head)[CHIN] + (12.5, -7.25)
    moved = location_at(head, start, place)
    np.testing.assert_allclose(shot.pixels(moved[None])[0], place, atol=0.01)
    depth = (np.stack([start, moved]) @ shot.rotation.T)[:, 2]
    assert depth[0] == pytest.approx(depth[1], abs=1e-6)  # neither nearer to the camera nor farther


def test_features_join_all_landmarks():
    points = np.arange(136, dtype=float).reshape(68, 2)
    lines = feature_lines(points)
    assert sorted({point for line, _ in lines for point in line}) == [tuple(point) for point in points.tolist()]
    closed = [line for line, _ in lines if line[0] == line[-1]]
    assert [len(line) - 1 for line in closed] == [6, 6, 12, 8]  # eyes, lips


def test_a_deleted_landmark_leaves_a_gap():
    points = np.arange(136, dtype=float).reshape(68, 2)
    points[CHIN] = np.nan
    jaw = [line for line, _ in feature_lines(points) if line[0][0] < 34]
    assert [len(line) for line in jaw] == [8, 8]


def test_the_nearest_landmark_under_the_mouse():
    points = np.array([[0.0, 0.0], [10.0, 0.0], [np.nan, np.nan]])
    assert nearest_point(points, (8, 1), 5) == 1
    assert nearest_point(points, (5.1, 20), 5) is None
    assert nearest_point(np.empty((0, 2)), (0, 0), 5) is None
    assert nearest_point(points[2:], (0, 0), 5) is None


# The Image Editor


@pytest.fixture
def editor():
    """The Image Editor of the default window, which the bpy module has too, without drawing it."""
    bpy.ops.wm.read_homefile()
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    area.ui_type = "IMAGE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        yield area


def choose_portrait() -> None:
    bpy.context.scene.prn_capture.photo = str(PORTRAIT)
    session.current.info = read_photo_info(PORTRAIT)(silent)


def test_the_photo_opens_in_the_image_editor(editor):
    choose_portrait()
    assert bpy.ops.prn.open_in_image_editor() == {"FINISHED"}
    image = editor.spaces.active.image
    assert file_of_image(image) == PORTRAIT
    assert tuple(image.size) == (512, 512)
    assert editor_of_photo(bpy.context.window, PORTRAIT, session.current.info) == editor
    assert photo_image(PORTRAIT, session.current.info) == image  # no second one


def test_the_photo_of_a_head_opens_even_if_it_is_not_chosen_and_its_file_is_gone(editor, capture):
    head = build(capture, bpy.context)
    choose_portrait()
    capture.views[0].photo.path.unlink()
    assert not bpy.ops.prn.pin_head.poll()
    assert bpy.ops.prn.open_photo_of_head() == {"FINISHED"}
    image = editor.spaces.active.image
    assert photo_in(image) == photo_of_head(head)
    assert tuple(image.size) == (capture.views[0].photo.width, capture.views[0].photo.height)
    assert bpy.ops.prn.pin_head.poll()
    bpy.data.images.remove(image)
    assert not bpy.ops.prn.open_photo_of_head.poll()


def test_a_photo_on_its_side_is_opened_upright(editor, tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "phone.jpg"
    Image.new("RGB", (640, 480), (200, 10, 10)).save(path, exif=exif)
    info = read_photo_info(path)(silent)
    editor.spaces.active.image = bpy.data.images.load(str(path))  # as Blender opens it: on its side
    assert not shows_photo(editor, path, info)
    image = photo_image(path, info)
    assert tuple(image.size) == (480, 640)
    editor.spaces.active.image = image
    assert shows_photo(editor, path, info)


def test_an_image_of_the_image_editor_becomes_a_head(editor):
    assert not bpy.ops.prn.use_image.poll()  # there is none
    editor.spaces.active.image = bpy.data.images.new("painted", 8, 8)
    assert not bpy.ops.prn.use_image.poll()  # it is in no file
    editor.spaces.active.image = bpy.data.images.load(str(PORTRAIT))
    bpy.context.scene.prn_capture.texture_size = "512"
    assert bpy.ops.prn.use_image(reconstruct=False) == {"FINISHED"}
    assert bpy.context.scene.prn_capture.photo_path == PORTRAIT
    assert bpy.ops.prn.reconstruct_from_image() == {"FINISHED"}
    (head,) = heads_of_photo(bpy.context.scene, hashlib.sha256(PORTRAIT.read_bytes()).hexdigest())
    assert bpy.ops.prn.pin_head.poll()
    head.hide_set(True)
    assert not bpy.ops.prn.pin_head.poll()


def test_boxes_in_the_image_editor_are_in_photo_pixels():
    class Zoomed:
        """A view that shows a photo of 200 x 100 pixels three times as large, and moved."""

        def view_to_region(self, x, y, clip):
            return 40 + 600 * x, -30 + 300 * y

    screen = PhotoOnScreen.in_image_editor(Zoomed(), 200, 100)
    assert screen.zoom == 3
    assert screen.to_region(0, 100) == (40, -30)
    assert screen.to_photo(640, 270) == pytest.approx((200, 0))
    np.testing.assert_allclose(screen.points_to_region([[0, 100], [200, 0]]), [[40, -30], [640, 270]])


# Register and unregister

# What may move a landmark, and the menus that have our entries.
EVENTS = ("depsgraph_update_post", "undo_post", "redo_post", "load_post")
MENUS_WITH_ENTRIES = (
    "VIEW3D_MT_mesh_add",
    "TOPBAR_MT_file_import",
    "VIEW3D_MT_object",
    "VIEW3D_MT_object_context_menu",
    "OUTLINER_MT_object",
    "IMAGE_MT_image",
)


def handlers() -> list[int]:
    """How many functions of the extension follow each of the events."""
    called = [getattr(bpy.app.handlers, event) for event in EVENTS]
    return [sum(function.__module__ == landmark_handlers.__name__ for function in functions) for functions in called]


def test_handlers_and_menus_come_and_go():
    def entries() -> list[int]:
        shown = [getattr(bpy.types, menu)._dyn_ui_initialize() for menu in MENUS_WITH_ENTRIES]
        return [sum(entry.__module__ == menus.__name__ for entry in menu) for menu in shown]

    for _ in range(2):
        assert handlers() == [1] * len(EVENTS)
        assert entries() == [1] * len(MENUS_WITH_ENTRIES)
        assert len(overlay.handles) == 2
        prn_blender.unregister()
        assert not any([*handlers(), *entries(), *overlay.handles])
        prn_blender.register()


def test_handlers_outlive_another_file():
    bpy.ops.wm.read_homefile(use_empty=True)
    assert handlers() == [1] * len(EVENTS)


def test_everything_says_what_it_does():
    undescribed = []
    for cls in ui.CLASSES:
        if not issubclass(cls, bpy.types.Operator | bpy.types.PropertyGroup | bpy.types.AddonPreferences):
            continue
        rna = cls.bl_rna
        if issubclass(cls, bpy.types.Operator):
            rna = getattr(bpy.ops.prn, cls.bl_idname.removeprefix("prn.")).get_rna_type()
            if not rna.description:
                undescribed.append(cls.__name__)
        inherited = {name for base in cls.__mro__ for name in getattr(base, "__annotations__", {})}
        shown = [each for each in rna.properties if each.identifier in inherited and not each.is_hidden]
        assert shown or not inherited
        undescribed += [f"{cls.__name__}.{each.identifier}" for each in shown if not each.description]
    assert not undescribed


def test_the_toggle_is_saved_and_undone(tmp_path):
    assert not bpy.context.scene.prn_capture.show_landmarks
    bpy.ops.ed.undo_push(message="Before")
    bpy.context.scene.prn_capture.show_landmarks = True
    bpy.ops.ed.undo_push(message="Hidden")
    bpy.ops.ed.undo()
    assert not bpy.context.scene.prn_capture.show_landmarks
    bpy.context.scene.prn_capture.show_landmarks = True
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert bpy.context.scene.prn_capture.show_landmarks


# Heads that were tampered with


@pytest.fixture
def head(capture) -> bpy.types.Object:
    return build(capture, bpy.context)


def test_a_head_is_found_by_its_parts(head):
    bpy.context.view_layer.objects.active = None
    assert captured_head(bpy.context) == head  # by the scene's camera
    bpy.context.scene.camera = None
    assert captured_head(bpy.context) is None
    for part in (capture_camera(head), next(landmarks_of(head))[1], head):
        bpy.context.view_layer.objects.active = part
        assert captured_head(bpy.context) == head


def test_a_renamed_collection_changes_nothing(head):
    for collection in bpy.data.collections:
        collection.name = "Mine"
    bpy.context.view_layer.objects.active = None
    assert captured_head(bpy.context) == head
    assert heads_of_camera(bpy.context.scene.camera) == [head]


def test_what_is_left_of_a_deleted_head_is_no_head(head):
    camera, landmark = capture_camera(head), next(landmarks_of(head))[1]
    photo = photo_of_head(head)
    bpy.data.objects.remove(head)
    for part in (camera, landmark):
        bpy.context.view_layer.objects.active = part
        assert captured_head(bpy.context) is None
        assert not bpy.ops.prn.reset_landmarks.poll()
    assert heads_of_photo(bpy.context.scene, photo) == []
    landmark.location.x += 0.01
    bpy.context.view_layer.update()


def test_a_property_of_that_name_makes_no_head(head):
    head["prn_capture"] = 5
    assert not is_captured_head(head)
    assert captured_head(bpy.context) is None


def test_a_parented_head_keeps_its_landmarks(head):
    parent = bpy.data.objects.new("Rig", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = 1, 2, 3
    head.parent = parent
    bpy.context.view_layer.objects.active = next(landmarks_of(head))[1]
    assert captured_head(bpy.context) == head
    before = landmarks_in_photo(head)
    bpy.ops.prn.align(alignment="PHOTOGRAPHED")
    np.testing.assert_allclose(landmarks_in_photo(head), before)


def test_a_linked_head_can_be_looked_at_but_not_changed(head, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(path, link=True) as (available, wanted):
        wanted.collections = [next(name for name in available.collections if not name.endswith("Landmarks"))]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    bpy.context.view_layer.objects.active = bpy.data.objects["landscape"]
    assert captured_head(bpy.context) is not None
    for operator in (bpy.ops.prn.align, bpy.ops.prn.reset_landmarks):
        assert not operator.poll()
    before = set(bpy.data.objects)
    assert bpy.ops.prn.export_head(filepath=str(tmp_path / "head.glb")) == {"FINISHED"}
    assert (tmp_path / "head.glb").stat().st_size > 100_000
    assert set(bpy.data.objects) == before


@pytest.mark.parametrize("face, marked", [("LARGEST", {1}), ("ALL", {0, 1, 2}), ("INDEX", {2})])
def test_marked_faces_are_those_that_become_heads(face, marked):
    boxes = (FaceBox(0, 0, 10, 10, 0.9), FaceBox(20, 0, 60, 50, 0.85), FaceBox(80, 0, 200, 200, 0.6))
    assert choose_faces(list(boxes), "largest") == [boxes[1]]
    options = bpy.context.scene.prn_capture
    options.face, options.face_index = face, 2
    assert overlay.chosen_faces(options, FoundFaces(boxes, ())) == marked


@pytest.mark.parametrize("face", ["LARGEST", "ALL"])
def test_nothing_is_marked_in_a_photo_without_a_face(face):
    options = bpy.context.scene.prn_capture
    options.face = face
    assert overlay.chosen_faces(options, FoundFaces((), ())) == set()
