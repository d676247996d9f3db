"""The operators and their job, as scripts use them, without a window."""

import importlib.util
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector

import prn_blender
from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.refine import open_refiner
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.progress import silent
from prn_blender.capture.run import Request
from prn_blender.capture.types import Settings
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.build.landmarks import landmarks_of
from prn_blender.scene.build.material import base_colour_image, texture_nodes
from prn_blender.scene.edit.adjust import moved_landmarks
from prn_blender.scene.edit.align import alignment_of
from prn_blender.scene.record import is_captured_head, read_record
from prn_blender.ui.capture.work import capture_heads
from prn_blender.ui.head.view import show_captured
from prn_blender.ui.photos.drawing import PhotoOnScreen, face_at
from prn_blender.ui.shell import session
from prn_blender.ui.shell.found_faces import FoundFaces
from prn_blender.ui.shell.job import Job
from prn_blender.ui.shell.job_operator import FileJobOperator
from prn_blender.ui.shell.photo_info import read_photo_info

from ..cancelling import CancelAt
from .conftest import CHECKOUT, PORTRAIT

pytestmark = pytest.mark.usefixtures("registered")
SMALL = {"texture_size": "512"}


@pytest.fixture(scope="module")
def no_face(tmp_path_factory) -> Path:
    """A photo of noise."""
    return _write_noise(tmp_path_factory.mktemp("photos") / "noise.png")


@pytest.fixture(scope="module")
def group(tmp_path_factory) -> Path:
    """The portrait twice on one photo, large and small."""
    from PIL import Image

    portrait = Image.open(PORTRAIT).convert("RGB")
    width, height = portrait.size
    photo = Image.new("RGB", (width * 8 // 5, height), (150, 150, 150))
    photo.paste(portrait, (0, 0))
    photo.paste(portrait.resize((width * 3 // 5, height * 3 // 5)), (width, height // 5))
    path = tmp_path_factory.mktemp("photos") / "two.png"
    photo.save(path)
    return path


def _write_noise(path: Path, side: int = 160) -> Path:
    import cv2

    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8))
    return path


def capture(**options):
    return bpy.ops.prn.reconstruct_from_image(**{**SMALL, **options})


def heads() -> list[bpy.types.Object]:
    return [candidate for candidate in bpy.data.objects if is_captured_head(candidate)]


def scene_state() -> dict:
    """Everything that a capture changes, as plain values."""
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections", "node_groups", "textures", "texts")
    state = {kind: sorted(datablock.name for datablock in getattr(bpy.data, kind)) for kind in kinds}
    scene, active = bpy.context.scene, bpy.context.view_layer.objects.active
    return state | {
        "camera": scene.camera and scene.camera.name,
        "render": (scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage),
        "active": active and active.name,
        "selected": sorted(candidate.name for candidate in bpy.context.view_layer.objects.selected),
        "children": sorted(child.name for child in scene.collection.children_recursive),
    }


def add_cube():
    """So that there is something that must not change."""
    mesh = bpy.data.meshes.new("Cube")
    cube = bpy.data.objects.new("Cube", mesh)
    bpy.context.scene.collection.objects.link(cube)
    bpy.context.view_layer.objects.active = cube
    cube.select_set(True)
    bpy.context.view_layer.update()


# Registration


def test_register_and_unregister_leave_nothing():
    prn_blender.unregister()
    handlers = list(bpy.app.handlers.load_pre)
    assert not _registered_names()
    for _ in range(5):
        prn_blender.register()
        assert {
            "PRN_OT_reconstruct_from_image",
            "PRN_PT_capture",
            "PRN_FH_photo",
            "cancel",
            "_add_mesh",
        } <= _registered_names()
        prn_blender.unregister()
    assert not _registered_names()
    assert not hasattr(bpy.types.Scene, "prn_capture")
    assert bpy.app.handlers.load_pre == handlers
    prn_blender.register()


def _registered_names() -> set[str]:
    """The add-on's classes, operators and menu entries that Blender knows."""
    entries = getattr(bpy.types.VIEW3D_MT_mesh_add.draw, "_draw_funcs", [])
    return (
        {name for name in dir(bpy.types) if name.startswith("PRN_")}
        | set(dir(bpy.ops.prn))
        | {entry.__name__ for entry in entries if entry.__module__.startswith("prn_blender")}
    )


def test_registration_loads_neither_opencv_nor_onnxruntime():
    code = """
        import sys, prn_blender
        prn_blender.register()
        loaded = [name for name in ("cv2", "onnxruntime") if name in sys.modules]
        prn_blender.unregister()
        print("loaded", loaded)
    """
    assert "loaded []" in _run_python(code)


def test_a_library_that_does_not_load_is_named_and_the_panel_stays():
    code = """
        import sys
        class Broken:
            def find_spec(self, name, path=None, target=None):
                if name == "PIL.Image":
                    raise ImportError("DLL load failed")
        sys.meta_path.insert(0, Broken())
        import bpy, prn_blender
        prn_blender.register()
        from prn_blender.ui.shell import dependencies
        print("problem:", dependencies.problem())
        print("panel:", hasattr(bpy.types, "PRN_PT_capture"))
        prn_blender.unregister()
    """
    output = _run_python(code)
    assert "problem: A part of the extension does not load: DLL load failed." in output
    assert "panel: True" in output


def _run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_the_package_works_under_another_name():
    """As an extension it is called bl_ext.REPOSITORY.ID."""
    prn_blender.unregister()
    package = CHECKOUT / "prn_blender"
    spec = importlib.util.spec_from_file_location(
        "another_name", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    another = sys.modules["another_name"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(another)
    another.register()
    try:
        assert capture(filepath=str(PORTRAIT)) == {"FINISHED"}
        assert sys.modules["another_name.ui.shell.preferences"].PACKAGE == "another_name"
    finally:
        another.unregister()
        for name in [name for name in sys.modules if name.split(".")[0] == "another_name"]:
            del sys.modules[name]
        prn_blender.register()
    assert len(heads()) == 1


# Captures


def test_a_portrait_becomes_a_head_with_landmarks_and_camera():
    assert capture(filepath=str(PORTRAIT)) == {"FINISHED"}
    (head,) = heads()
    assert bpy.context.view_layer.objects.active == head
    assert len([child for child in head.children_recursive if child.type == "EMPTY"]) == 69  # and their parent
    record = read_record(head)
    assert record["settings"]["texture_size"] == 512
    size = record["photo"]["width"], record["photo"]["height"]
    assert tuple(bpy.context.scene.camera.data.background_images[0].image.size) == size
    assert (bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y) == size
    assert not session.current.error


def test_options_reach_the_capture():
    capture(
        filepath=str(PORTRAIT),
        projection="focal",
        focal_mm=85.0,
        passes=1,
        fill=False,
        topology="game",
        polygons="TRIANGLES",
        alignment="PHOTOGRAPHED",
        follow=0.5,
        head_size="eyes",
        eye_mm=61.0,
        provider="CPUExecutionProvider",
    )
    (head,) = heads()
    assert read_record(head)["settings"] == {
        "texture_size": 512,
        "fill": False,
        "passes": 1,
        "projection": "focal",
        "focal_mm": 85.0,
        "provider": "CPUExecutionProvider",
        "topology": "game",
        "parts": "simple",
        "follow": 0.5,
        "head_size": "eyes",
        "eye_mm": 61.0,
        "expressions": False,
    }
    assert {len(polygon.vertices) for polygon in head.data.polygons} == {3}
    assert alignment_of(head) == "PHOTOGRAPHED"


def test_what_is_not_given_is_taken_from_the_panel():
    options = bpy.context.scene.prn_capture
    options.photo = str(PORTRAIT)
    options.texture_size = "1024"
    options.projection = "orthographic"
    assert bpy.ops.prn.reconstruct_from_image() == {"FINISHED"}
    settings = read_record(heads()[0])["settings"]
    assert (settings["texture_size"], settings["projection"]) == (1024, "orthographic")


def test_a_face_box_replaces_detection(no_face):
    capture(filepath=str(no_face), box=(40, 40, 120, 120))
    box = read_record(heads()[0])["face_box"]
    assert (box["left"], box["top"], box["right"], box["bottom"]) == (40, 40, 120, 120)


def test_all_faces_and_one_of_them(group):
    assert bpy.ops.prn.find_faces(filepath=str(group)) == {"FINISHED"}
    faces = session.current.faces_in(group).boxes
    expected = [[face.left, face.top, face.right, face.bottom] for face in faces]
    assert len(expected) == 2

    capture(filepath=str(group), face="ALL")
    assert sorted(_boxes(heads())) == [pytest.approx(box) for box in sorted(expected)]
    first, second = sorted(heads(), key=lambda head: head.location.x)
    assert tuple(first.location) == (0, 0, 0)
    assert first.dimensions.x < second.location.x  # beside one another
    for head in (first, second):  # each with its camera
        head_in_camera = capture_camera(head).matrix_world.inverted() @ head.matrix_world
        assert [value for row in head_in_camera for value in row] == pytest.approx(
            read_record(head)["pose"]["aligned_to_camera"], abs=1e-5
        )

    bpy.ops.wm.read_homefile(use_empty=True)
    capture(filepath=str(group), face="INDEX", face_index=1)
    assert _boxes(heads()) == [pytest.approx(expected[1])]

    bpy.ops.wm.read_homefile(use_empty=True)
    capture(filepath=str(group))
    assert _boxes(heads()) == [pytest.approx(max(expected, key=lambda box: (box[2] - box[0]) * (box[3] - box[1])))]


def _boxes(captured: list[bpy.types.Object]) -> list[list[float]]:
    records = [read_record(head)["face_box"] for head in captured]
    return [[box[side] for side in ("left", "top", "right", "bottom")] for box in records]


# What goes wrong leaves the scene as it was


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "No photo is chosen"),
        ({"filepath": "/nowhere/at/all.jpg"}, "all.jpg"),
        ({"filepath": str(CHECKOUT / "tests" / "__init__.py")}, "__init__.py"),
        ({"filepath": str(PORTRAIT), "face": "INDEX", "face_index": 40}, "40"),
        ({"filepath": str(PORTRAIT), "box": (9000, 9000, 9100, 9100)}, "outside of the photo"),
        ({"filepath": str(PORTRAIT), "face": "BOX"}, "no area"),
    ],
)
def test_an_error_is_one_line_and_changes_nothing(options, message):
    add_cube()
    before = scene_state()
    with pytest.raises(RuntimeError) as raised:
        capture(**options)
    text = str(raised.value).removeprefix("Error: ").strip()
    assert message in text
    assert "\n" not in text
    assert text == session.current.error
    assert scene_state() == before


def test_a_photo_without_a_face_says_how_to_go_on(no_face):
    add_cube()
    before = scene_state()
    with pytest.raises(RuntimeError, match=r"No face found in noise\.png: give a box around the face"):
        capture(filepath=str(no_face))
    assert session.current.no_face
    assert scene_state() == before
    capture(filepath=str(PORTRAIT))
    assert not session.current.error


def test_all_heads_or_none(group, monkeypatch):
    """The second head of a group photo fails while it is built."""
    from prn_blender.scene.build import assemble as module

    really_store, calls = module.store_record, []

    def store_record(head, capture):
        calls.append(head)
        if len(calls) == 2:
            raise CaptureError("the second one fails")
        really_store(head, capture)

    monkeypatch.setattr(module, "store_record", store_record)
    add_cube()
    before = scene_state()
    with pytest.raises(RuntimeError, match="the second one fails"):
        capture(filepath=str(group), face="ALL")
    assert scene_state() == before


# The job


def request(photo: Path) -> Request:
    return Request(photo, "largest", None, Settings(texture_size=512), None, None)


def test_a_job_delivers_what_the_operator_would():
    job = Job(capture_heads(request(PORTRAIT))).start()
    result = job.result()
    assert len(result.captures) == 1
    assert job.progress[0] == 1.0
    assert not job.is_running


def test_a_capture_can_be_cancelled_at_every_step():
    """A report of progress is a point where the job stops, and none is far from the next."""
    steps = []
    capture_heads(request(PORTRAIT))(lambda fraction, text: steps.append((fraction, text)))
    fractions, texts = zip(*steps, strict=True)
    assert list(fractions) == sorted(fractions)
    # Of a step that reports often, the first time and the last.
    first = {text: number for number, text in reversed(list(enumerate(texts)))}
    last = {text: number for number, text in enumerate(texts)}
    assert len(first) >= 6
    before = scene_state()
    for stop_at in {*first.values(), *last.values()}:
        with pytest.raises(Cancelled):
            capture_heads(request(PORTRAIT))(CancelAt(stop_at))
    assert scene_state() == before


def test_a_cancelled_job_has_no_result_even_when_it_was_done():
    reached, go_on = threading.Event(), threading.Event()

    def work(progress):
        progress(0.5, "half")
        reached.set()
        go_on.wait(10)
        progress(0.9, "nearly done")
        pytest.fail("the job went on after it was cancelled")

    job = Job(work).start()
    assert reached.wait(10)
    assert job.progress == (0.5, "half")
    job.cancel()
    go_on.set()
    with pytest.raises(Cancelled):
        job.result()

    done = Job(lambda progress: 42).start()
    assert done.result() == 42
    done.cancel()
    with pytest.raises(Cancelled):
        done.result()


def test_a_job_hands_over_the_error():
    def work(progress):
        raise CaptureError("in one line")

    with pytest.raises(CaptureError, match="in one line"):
        Job(work).start().result()


@pytest.mark.parametrize("end", ["another file", "unregister"])
def test_jobs_end_with_the_file_and_with_the_add_on(end):
    started = threading.Event()

    def work(progress):
        while True:
            progress(0.1, "on and on")
            started.set()

    job = session.current.job = Job(work).start()
    assert started.wait(10)
    assert not bpy.ops.prn.reconstruct_from_image.poll()
    if end == "another file":
        bpy.ops.wm.read_homefile(use_empty=True)
    else:
        prn_blender.unregister()
        prn_blender.register()
    assert not job.is_running
    assert not session.current.is_busy


def test_photo_information(tmp_path):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    exif.get_ifd(0x8769)[0xA405] = 28  # mm, 35 mm equivalent
    Image.new("RGB", (640, 480), (200, 10, 10)).save(tmp_path / "phone.jpg", exif=exif)
    info = read_photo_info(tmp_path / "phone.jpg")(silent)
    assert (info.width, info.height) == (480, 640)
    assert info.focal_mm == pytest.approx(28, rel=1e-3)
    assert info.thumbnail.shape == (256, 192, 4)


# Around the capture


def test_the_alignment_switch_turns_the_head_and_back():
    capture(filepath=str(PORTRAIT))
    head = heads()[0]
    frontal = np.array(head.matrix_world)
    np.testing.assert_allclose(frontal, np.eye(4), atol=1e-6)
    landmark = next(child for child in head.children_recursive if child.name.startswith("nose"))
    bpy.context.view_layer.objects.active = landmark  # the head is found from any part of it
    assert bpy.ops.prn.align(alignment="PHOTOGRAPHED") == {"FINISHED"}
    bpy.context.view_layer.update()
    assert not np.allclose(np.array(head.matrix_world), frontal, atol=1e-3)
    # The camera is level: its x axis is horizontal and it looks along +Y.
    np.testing.assert_allclose(np.array(bpy.context.scene.camera.matrix_world)[:3, 2], (0, -1, 0), atol=1e-5)
    bpy.ops.prn.align(alignment="FRONTAL")
    bpy.context.view_layer.update()
    np.testing.assert_allclose(np.array(head.matrix_world), frontal, atol=1e-6)


@pytest.fixture
def view():
    """The 3D View of the default window, which the bpy module has too, without drawing it."""
    bpy.ops.wm.read_homefile()
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        yield area


def _seen(space: bpy.types.SpaceView3D) -> set[str]:
    return {candidate.name for candidate in bpy.context.view_layer.objects if candidate.visible_get(viewport=space)}


def test_a_head_inside_of_the_default_cube_is_shown_alone(view):
    space = view.spaces.active
    capture(filepath=str(PORTRAIT))
    show_captured(bpy.context, view, heads())
    assert space.local_view
    assert (space.shading.color_type, space.shading.light) == ("TEXTURE", "FLAT")
    bpy.ops.prn.shade(textured=False)
    assert (space.shading.color_type, space.shading.light) == ("MATERIAL", "STUDIO")  # flat light shows no shape
    shown = _seen(space)
    assert {"astronaut", "astronaut Camera"} <= shown
    assert "jaw_08" not in shown  # until it is asked for
    assert not {"Cube", "Light", "Camera"} & shown
    assert bpy.ops.prn.show_alone() == {"FINISHED"}  # the button switches back and forth
    assert not space.local_view
    assert bpy.ops.prn.show_alone() == {"FINISHED"}
    assert _seen(space) == shown

    capture(filepath=str(PORTRAIT), new_head=True, placement="ORIGIN")  # another head in the same place
    newest = bpy.context.view_layer.objects.active
    show_captured(bpy.context, view, [newest])
    assert newest.name in _seen(space)
    assert "astronaut" not in _seen(space)


def test_a_head_with_room_around_it_is_shown_with_everything(view):
    bpy.data.objects["Cube"].location.x = 5
    capture(filepath=str(PORTRAIT))
    show_captured(bpy.context, view, heads())
    assert not view.spaces.active.local_view


def test_the_camera_button_takes_the_camera_of_the_active_head(view, group):
    capture(filepath=str(group))
    first, own, space = bpy.context.view_layer.objects.active, bpy.context.scene.camera, view.spaces.active
    capture(filepath=str(PORTRAIT))
    bpy.context.view_layer.objects.active = first
    assert bpy.ops.prn.view_photo() == {"FINISHED"}
    assert space.region_3d.view_perspective == "CAMERA" and space.camera == capture_camera(first)
    assert bpy.context.scene.camera == own  # the scene keeps its camera and its size
    assert (bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y) == (1920, 1080)
    bpy.ops.prn.view_photo()
    assert space.region_3d.view_perspective != "CAMERA" and not space.use_local_camera

    assert bpy.ops.prn.set_scene_camera() == {"FINISHED"}
    photo, render = read_record(first)["photo"], bpy.context.scene.render
    assert bpy.context.scene.camera == capture_camera(first)
    assert (render.resolution_x, render.resolution_y) == (photo["width"], photo["height"])


@pytest.mark.parametrize(
    ("choice", "has_own", "is_set"),
    [("AUTO", True, False), ("AUTO", False, True), ("ALWAYS", True, True), ("NEVER", False, False)],
)
def test_the_scene_camera_is_a_choice(choice, has_own, is_set):
    scene = bpy.context.scene
    if has_own:
        own = bpy.data.objects.new("Own", bpy.data.cameras.new("Own"))
        scene.collection.objects.link(own)
        scene.timeline_markers.new("Shot", frame=1).camera = own  # not even the scene's camera yet
    capture(filepath=str(PORTRAIT), scene_camera=choice)
    assert (scene.camera == capture_camera(heads()[0])) == is_set
    assert ((scene.render.resolution_x, scene.render.resolution_y) == (512, 512)) == is_set


@pytest.mark.parametrize(
    ("placement", "places"), [("BESIDE", (0.0, 0.4)), ("ORIGIN", (0.0, 0.0)), ("CURSOR", (2.0, 2.0))]
)
def test_where_new_heads_stand(placement, places):
    bpy.context.scene.cursor.location = 2, 3, 4
    for _ in places:
        capture(filepath=str(PORTRAIT), new_head=True, placement=placement)
    assert sorted(head.location.x for head in heads()) == pytest.approx(places)
    for head in heads():
        head_in_camera = capture_camera(head).matrix_world.inverted() @ head.matrix_world
        assert [value for row in head_in_camera for value in row] == pytest.approx(
            read_record(head)["pose"]["aligned_to_camera"], abs=1e-5
        )


# Another capture of the same face


def datablocks() -> dict[str, int]:
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}


def test_a_selected_head_is_updated():
    capture(filepath=str(PORTRAIT), topology="standard")
    (head,) = heads()
    head.name, head.location = "Mine", (1, 2, 3)
    head.modifiers.new("Smooth", "SUBSURF")
    before, vertices = datablocks(), len(head.data.vertices)
    capture(filepath=str(PORTRAIT), topology="game", texture_size="1024")
    assert heads() == [head] and datablocks() == before
    assert (head.name, tuple(head.location), head.modifiers.keys()) == ("Mine", (1, 2, 3), ["Smooth"])
    assert read_record(head)["settings"]["topology"] == "game"
    assert tuple(base_colour_image(head).size) == (1024, 1024)
    assert len(head.vertex_groups) > 2 and len(head.data.vertices) < vertices
    head_in_camera = capture_camera(head).matrix_world.inverted() @ head.matrix_world
    assert [value for row in head_in_camera for value in row] == pytest.approx(
        read_record(head)["pose"]["aligned_to_camera"], abs=1e-5
    )


def test_an_update_keeps_moved_landmarks_and_what_the_artist_did_to_mesh_and_material():
    capture(filepath=str(PORTRAIT), topology="standard")
    (head,) = heads()
    landmarks = dict(landmarks_of(head))
    landmarks[8].location.z -= 0.01
    bpy.context.view_layer.update()
    head.shape_key_add(name="Basis")
    material = head.active_material
    material.node_tree.nodes.new("ShaderNodeTexNoise")
    capture(filepath=str(PORTRAIT), topology="standard", texture_size="1024")  # the same mesh
    assert head.data.shape_keys and moved_landmarks(head) == [8]
    assert head.active_material == material and tuple(base_colour_image(head).size) == (1024, 1024)
    capture(filepath=str(PORTRAIT), topology="game")
    assert not head.data.shape_keys and moved_landmarks(head) == [8]
    assert head.active_material == material
    chin = np.array(landmarks[8].location)
    vertices = np.array([vertex.co[:] for vertex in head.data.vertices])
    assert np.linalg.norm(vertices - chin, axis=1).min() < 0.006


def test_a_new_head_another_face_and_a_head_that_is_not_selected_are_no_update(group):
    capture(filepath=str(PORTRAIT))
    capture(filepath=str(PORTRAIT), new_head=True)
    assert len(heads()) == 2
    for head in heads():
        head.select_set(False)
    capture(filepath=str(PORTRAIT))
    assert len(heads()) == 3
    capture(filepath=str(group), face="INDEX", face_index=0)
    capture(filepath=str(group), face="INDEX", face_index=1)
    assert len(heads()) == 5
    capture(filepath=str(group), face="INDEX", face_index=1)
    assert len(heads()) == 5


def test_an_update_that_fails_changes_nothing(monkeypatch):
    from prn_blender.scene.build import update

    def fail(*_arguments):
        raise CaptureError("it fails")

    capture(filepath=str(PORTRAIT), topology="standard")
    before = scene_state()
    monkeypatch.setattr(update, "create_material", fail)
    with pytest.raises(RuntimeError, match="it fails"):
        capture(filepath=str(PORTRAIT), topology="game")
    assert scene_state() == before
    assert read_record(heads()[0])["settings"]["topology"] == "standard"


def test_parts_come_and_go_with_an_update():
    capture(filepath=str(PORTRAIT))
    (head,) = heads()
    before = datablocks()
    capture(filepath=str(PORTRAIT), parts="whole")
    parts = [child for child in head.children if child.type == "MESH"]
    assert len(parts) >= 6
    capture(filepath=str(PORTRAIT), parts="whole", texture_size="1024")
    assert {child for child in head.children if child.type == "MESH"} == set(parts)
    capture(filepath=str(PORTRAIT))
    assert not [child for child in head.children if child.type == "MESH"]
    assert datablocks()["objects"] == before["objects"]


def names() -> dict[str, set[str]]:
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections")
    return {kind: set(getattr(bpy.data, kind).keys()) for kind in kinds}


def test_an_update_leaves_every_name_and_nothing_else():
    capture(filepath=str(PORTRAIT), parts="whole", topology="standard")
    before = names()
    capture(filepath=str(PORTRAIT), parts="whole", topology="game")
    assert names() == before
    capture(filepath=str(PORTRAIT), parts="whole", topology="game", texture_size="1024")  # the same mesh
    assert names() == before


def test_an_update_leaves_the_artists_own_background():
    capture(filepath=str(PORTRAIT))
    (head,) = heads()
    own = bpy.data.images.new("Own", 8, 8)
    backgrounds = capture_camera(head).data.background_images
    backgrounds.new().image = own
    photo = backgrounds[0].image
    capture(filepath=str(PORTRAIT), texture_size="1024")
    assert [shown.image for shown in backgrounds] == [photo, own]


def texture_of(head: bpy.types.Object) -> np.ndarray:
    """(512, 512, 3), the top row first."""
    return np.array(base_colour_image(head).pixels[:]).reshape(512, 512, 4)[::-1, :, :3]


@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_an_update_fits_a_mesh_to_which_transforms_were_applied(unit):
    bpy.context.scene.unit_settings.scale_length = unit
    capture(filepath=str(PORTRAIT), parts="whole", topology="standard")
    (head,) = heads()
    landmarks = dict(landmarks_of(head))
    landmarks[8].location.z -= 0.01
    head.location, head.scale = np.array((0.3, 0.2, 0.1)) / unit, (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)
    bpy.context.view_layer.update()
    before = world_boxes(head)
    capture(filepath=str(PORTRAIT), parts="whole", topology="game")
    after = world_boxes(head)
    assert before.keys() == after.keys() and len(after) > 6
    for name, box in after.items():
        assert box * unit == pytest.approx(before[name] * unit, abs=0.004)
    assert moved_landmarks(head) == [8]
    chin = np.array(landmarks[8].matrix_world.translation)
    vertices = np.array([head.matrix_world @ vertex.co for vertex in head.data.vertices])
    assert np.linalg.norm(vertices - chin, axis=1).min() * unit < 0.012
    assert bpy.ops.prn.project_texture() == {"FINISHED"}


def world_boxes(head: bpy.types.Object) -> dict[str, np.ndarray]:
    """By name without Blender's number the boxes (2, 3) of a head and its parts."""
    boxes = {}
    for shape in (head, *(child for child in head.children if child.type == "MESH")):
        corners = np.array([shape.matrix_world @ vertex.co for vertex in shape.data.vertices])
        boxes[shape.name.partition(".")[0]] = np.array([corners.min(axis=0), corners.max(axis=0)])
    return boxes


def test_the_texture_is_projected_again_after_a_change_of_shape():
    capture(filepath=str(PORTRAIT))
    (head,) = heads()
    before, blocks = texture_of(head), datablocks()
    assert bpy.ops.prn.project_texture() == {"FINISHED"}
    difference = np.abs(texture_of(head) - before)
    assert np.median(difference) < 0.01 and difference.mean() < 0.03  # most at the rim of what the photo shows
    assert datablocks() == blocks
    before = texture_of(head)
    for index in (48, 54):
        dict(landmarks_of(head))[index].location.z += 0.012
    bpy.context.view_layer.update()
    assert bpy.ops.prn.project_texture() == {"FINISHED"}
    changed = np.abs(texture_of(head) - before).mean(axis=2)
    assert changed.max() > 0.1 and (changed > 0.02).mean() < 0.2  # around the mouth only


def test_the_texture_is_projected_from_the_photo_in_the_file_whatever_lies_at_its_path(tmp_path):
    path = tmp_path / PORTRAIT.name
    path.write_bytes(PORTRAIT.read_bytes())
    capture(filepath=str(path))
    (head,) = heads()
    before = texture_of(head)
    path.write_bytes(b"something else")
    assert bpy.ops.prn.project_texture() == {"FINISHED"}
    assert np.abs(texture_of(head) - before).mean() < 0.03


def test_a_material_without_a_place_for_the_texture_is_told():
    capture(filepath=str(PORTRAIT))
    (head,) = heads()
    texture_nodes(head.active_material)["Base Color"].label = ""
    before = names()
    with pytest.raises(RuntimeError, match="no image texture with the label Base Color"):
        bpy.ops.prn.project_texture()
    assert names() == before


# The view after a capture


def test_the_view_turns_to_the_front_of_a_new_head(view):
    space = view.spaces.active
    capture(filepath=str(PORTRAIT), alignment="PHOTOGRAPHED")
    before = space.region_3d.view_rotation.copy()
    show_captured(bpy.context, view, heads(), from_front=False)
    assert space.region_3d.view_rotation == before
    show_captured(bpy.context, view, heads())
    towards = space.region_3d.view_rotation @ Vector((0, 0, 1))
    front = heads()[0].matrix_world.to_3x3() @ Vector((0, -1, 0))
    assert towards.dot(front) == pytest.approx(1, abs=1e-4)


def test_operators_on_a_head_need_a_head():
    for operator in (
        *(bpy.ops.prn.align, bpy.ops.prn.export_head, bpy.ops.prn.check_head),
        *(bpy.ops.prn.view_photo, bpy.ops.prn.show_alone),
    ):
        assert not operator.poll()


@pytest.mark.parametrize(
    ("kind", "suffix", "begin"),
    [
        ("GLTF", ".glb", b"glTF"),
        ("FBX", ".fbx", b"Kaydara FBX"),
        ("OBJ", ".obj", b"# Blender"),
        ("USD", ".usdc", b"PXR-USDC"),
    ],
)
def test_export(tmp_path, kind, suffix, begin):
    capture(filepath=str(PORTRAIT))
    assert bpy.ops.prn.export_head(filepath=str(tmp_path / "head"), format=kind) == {"FINISHED"}
    assert (tmp_path / f"head{suffix}").read_bytes().startswith(begin)
    assert bpy.ops.prn.export_head(filepath=str(tmp_path / "v1.2.glb"), format=kind) == {"FINISHED"}
    written = {path.name for path in tmp_path.iterdir() if path.suffix == suffix}
    assert written == {f"head{suffix}", f"v1.2{suffix}"}


def test_export_with_another_texture_format(tmp_path):
    capture(filepath=str(PORTRAIT))
    for texture, quality in (("PNG", 90), ("JPEG", 90), ("JPEG", 30), ("WEBP", 90)):
        path = tmp_path / f"{texture}{quality}.glb"
        bpy.ops.prn.export_head(filepath=str(path), texture_format=texture, texture_quality=quality)
    sizes = {path.stem: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["JPEG30"] < sizes["JPEG90"] < 0.8 * sizes["PNG90"]
    assert sizes["WEBP90"] < sizes["JPEG90"]


@pytest.mark.parametrize("name", ["export_head", "save_measured", "swap_face"])
def test_blender_asks_before_a_file_is_replaced(name):
    """By its file browser, for operators with this property; scripts replace as with Blender's own exporters."""
    ours, theirs = (
        operator.get_rna_type().properties["check_existing"]
        for operator in (getattr(bpy.ops.prn, name), bpy.ops.wm.obj_export)
    )
    assert ours.default and theirs.default
    assert ours.type == theirs.type == "BOOLEAN" and ours.is_hidden == theirs.is_hidden


def test_an_export_with_an_error_writes_nothing(tmp_path):
    capture(filepath=str(PORTRAIT))
    heads()[0].data.clear_geometry()
    with pytest.raises(RuntimeError, match="has no faces"):
        bpy.ops.prn.export_head(filepath=str(tmp_path / "head.glb"))
    assert not list(tmp_path.iterdir())
    assert bpy.ops.prn.check_head() == {"CANCELLED"}


def test_check_head_changes_nothing():
    capture(filepath=str(PORTRAIT))
    before = scene_state()
    for kind in ("GLTF", "FBX", "OBJ", "USD"):
        assert bpy.ops.prn.check_head(format=kind) == {"FINISHED"}
    assert scene_state() == before


@pytest.mark.parametrize("mode", ["EDIT", "SCULPT", "TEXTURE_PAINT"])
def test_what_changes_heads_asks_for_object_mode(mode):
    """In another mode an undo step would hold only what that mode edits."""
    capture(filepath=str(PORTRAIT))
    bpy.ops.object.mode_set(mode=mode)
    for change in (lambda: bpy.ops.prn.align(alignment="PHOTOGRAPHED"), bpy.ops.prn.reset_landmarks):
        with pytest.raises(RuntimeError, match="Switch to Object Mode"):
            change()
    assert alignment_of(heads()[0]) == "FRONTAL"
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.ed.undo_push(message="Before")
    bpy.ops.prn.align("EXEC_DEFAULT", True, alignment="PHOTOGRAPHED")
    assert alignment_of(heads()[0]) == "PHOTOGRAPHED"
    bpy.ops.ed.undo()
    assert alignment_of(heads()[0]) == "FRONTAL"
    assert np.allclose(heads()[0].matrix_world, np.eye(4))


def test_choosing_a_face_and_a_box(group):
    options = bpy.context.scene.prn_capture
    assert bpy.ops.prn.choose_photo(filepath=str(group)) == {"FINISHED"}
    assert Path(options.photo) == group
    bpy.ops.prn.choose_face(index=1)
    assert (options.face, options.face_index) == ("INDEX", 1)
    bpy.ops.prn.choose_photo(filepath=str(PORTRAIT))
    assert options.face == "LARGEST"  # the face of the other photo means nothing here
    options.face, options.box = "BOX", (10, 10, 90, 90)
    options.photo = str(group)  # as the panel's file field does
    assert options.face == "LARGEST"


def test_a_box_drawn_over_the_shown_photo_is_in_its_pixels():
    screen = PhotoOnScreen.fitted(4000, 2000, (100, 50, 1100, 750), margin=0)  # as wide as there is room: 1000 pixels
    assert screen.to_region(0, 0) == (100, 650)
    assert screen.to_region(4000, 2000) == (1100, 150)
    assert screen.to_photo(*screen.to_region(123, 456)) == pytest.approx((123, 456))
    # Upwards and to the left, and beyond the photo's edge.
    assert screen.box((600, 400), (350, 9000)) == pytest.approx((1000, 0, 2000, 1000))


def test_a_click_picks_the_smallest_face_around_it():
    faces = FoundFaces((FaceBox(0, 0, 100, 100), FaceBox(20, 20, 60, 60), FaceBox(200, 0, 300, 100)), ())
    assert [face_at(faces, point) for point in ((90, 90), (30, 30), (250, 50), (150, 50))] == [0, 1, 2, None]
    assert face_at(None, (0, 0)) is None


def test_one_undo_step_removes_the_whole_capture():
    add_cube()
    bpy.ops.ed.undo_push(message="Before")
    before = scene_state()
    bpy.ops.prn.reconstruct_from_image("EXEC_DEFAULT", True, filepath=str(PORTRAIT), **SMALL)
    assert len(heads()) == 1
    bpy.ops.ed.undo()
    assert scene_state() == before
    bpy.ops.ed.redo()
    assert len(heads()) == 1


def test_memory_of_the_model_is_released():
    capture(filepath=str(PORTRAIT))
    network = weakref.ref(open_network(load_pack()))
    assert open_network(load_pack()) is network()  # it is kept, not opened for each capture
    second = weakref.ref(open_refiner(load_pack(), network().provider))
    assert open_refiner(load_pack(), network().provider) is second()
    assert bpy.ops.prn.release_memory() == {"FINISHED"}
    assert network() is None and second() is None


def test_a_file_name_that_cannot_be_is_told_by_the_job(tmp_path):
    """In a window, where existing files are looked for before; Blender's Python module executes, whatever is asked."""

    class Writes(FileJobOperator):
        filepath, check_existing = str(tmp_path / ("x" * 300)), True

        def to_write(self):
            return [Path(self.filepath)]

        def prepare(self, context):
            raise CaptureError("The name is too long.")

        def report(self, levels, message):
            assert message == "The name is too long."

    assert Writes().invoke(bpy.context, None) == {"CANCELLED"}
    session.current.forget_error()
