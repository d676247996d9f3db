"""The command line on real photos, in a process of its own as users run it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import bpy
import cv2
import numpy as np
import pytest

from prn_blender.capture.packs.pack import load_pack
from prn_blender.cli import batch as cli
from prn_blender.cli.arguments import parser_of, settings_of
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.record import read_record

from .conftest import CHECKOUT, FILE_NAMES, PORTRAIT, coordinates
from .test_camera import assert_on_photo, on_render, world_vertices

SHARED_PHOTOS = CHECKOUT.parent / "shared" / "data" / "photos"


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "prn_blender", *map(str, arguments)],
        check=False,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def portrait_run(tmp_path_factory):
    """The folder of the bundled portrait's capture, and the finished process."""
    folder = tmp_path_factory.mktemp("portrait") / "out"
    return folder, run(PORTRAIT, "-o", folder, "--texture-size", 512)


def test_portrait_gives_all_files_and_a_summary(portrait_run):
    folder, process = portrait_run
    assert process.returncode == 0, process.stdout + process.stderr
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILE_NAMES)
    assert "1 captured, 0 failed; the network ran on " in process.stdout
    assert "Fra:" not in process.stdout  # Blender's own chatter
    assert cv2.imread(str(folder / "head_basecolor.png")).shape == (512, 512, 3)
    assert cv2.imread(str(folder / "head_mask.png"), cv2.IMREAD_UNCHANGED).shape == (512, 512)


def test_json_landmarks_lie_on_the_face(portrait_run):
    folder, _ = portrait_run
    described = json.loads((folder / "capture.json").read_text())
    places = {mark["name"]: np.array(mark["photo"]) for mark in described["landmarks"]}
    assert len(places) == 68
    box = described["record"]["face_box"]
    centre = np.mean(list(places.values()), axis=0)
    assert box["left"] < centre[0] < box["right"] and box["top"] < centre[1] < box["bottom"]
    assert places["eye_right_36"][0] < places["nose_bridge_30"][0] < places["eye_left_45"][0]
    assert places["brow_left_24"][1] < places["lips_outer_57"][1] < places["jaw_08"][1]
    assert all(abs(described["pose"][angle]) < 30 for angle in ("yaw", "pitch", "roll"))
    metres = {mark["name"]: np.array(mark["metres"]) for mark in described["landmarks"]}
    assert 0.08 < np.linalg.norm(metres["eye_right_36"] - metres["eye_left_45"]) < 0.11


def test_blend_holds_the_camera_contract_on_a_real_photo(portrait_run):
    """The pixels that the JSON gives for landmarks, and the head's own record, in the file that users open."""
    folder, _ = portrait_run
    described = json.loads((folder / "capture.json").read_text())
    bpy.ops.wm.open_mainfile(filepath=str(folder / "head.blend"))
    head = bpy.data.objects["astronaut"]
    assert read_record(head) == described["record"]
    assert len(head.data.vertices) == len(load_pack().choose_topology("game").canonical)
    empties = [bpy.data.objects[mark["name"]].matrix_world.translation for mark in described["landmarks"]]
    found = on_render(bpy.context.scene, capture_camera(head), np.array(empties))
    assert_on_photo(found, np.array([mark["photo"] for mark in described["landmarks"]]))
    image = capture_camera(head).data.background_images[0].image
    assert (image.size[0], image.size[1]) == cv2.imread(str(PORTRAIT)).shape[1::-1]


def test_the_record_repeats_the_capture(portrait_run):
    """From capture.json alone, to the bit."""
    from prn_blender.capture.faces.box import FaceBox
    from prn_blender.capture.photo.read import load_photo
    from prn_blender.capture.reconstruct import reconstruct
    from prn_blender.capture.shape.mesh import mesh_of
    from prn_blender.capture.types import BASE_COLOR, Settings

    folder, _ = portrait_run
    record = json.loads((folder / "capture.json").read_text())["record"]
    photo, pack = load_photo(record["photo"]["path"]), load_pack()
    assert (photo.sha256, pack.sha256) == (record["photo"]["sha256"], record["pack"]["sha256"])
    again = reconstruct(photo, FaceBox(**record["face_box"]), pack, Settings(**record["settings"]))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "head.blend"))
    mesh = mesh_of(again, pack.choose_topology(record["settings"]["topology"]))
    assert np.array_equal(coordinates(bpy.data.objects["astronaut"].data), mesh.vertices)
    assert np.array_equal(cv2.imread(str(folder / "head_basecolor.png"))[..., ::-1], again.textures[BASE_COLOR])


@pytest.mark.parametrize("lens", [(), ("--orthographic",), ("--focal", "35")])
def test_every_vertex_lies_on_its_pixel_of_a_real_photo(lens):
    """The position map itself against Blender's camera."""
    from prn_blender.capture.faces.find import choose_faces, find_faces
    from prn_blender.capture.photo.read import load_photo
    from prn_blender.capture.reconstruct import reconstruct
    from prn_blender.scene.build.assemble import build

    settings = settings_of(parser_of("prn").parse_args([str(PORTRAIT), "--texture-size", "512", *lens]))
    photo = load_photo(PORTRAIT)
    capture = reconstruct(photo, choose_faces(find_faces(photo), "largest")[0], load_pack(), settings)
    head = build(capture, bpy.context)
    found = on_render(bpy.context.scene, capture_camera(head), world_vertices(head))
    topology = capture.pack.choose_topology(capture.settings.topology)
    assert_on_photo(found, topology.vertices(capture.views[0].position_map)[:, :2])


def test_one_bad_photo_does_not_stop_the_others(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "broken.jpg").write_bytes(b"no picture")
    (photos / "portrait.jpg").write_bytes(PORTRAIT.read_bytes())
    (photos / "notes.txt").write_text("not a photo")
    process = run(photos, "--texture-size", 512, "--triangles", "--no-fill", "-o", tmp_path / "out")
    assert process.returncode == 1
    assert "1 captured, 1 failed" in process.stdout and "Traceback" not in process.stdout + process.stderr
    assert [folder.name for folder in (tmp_path / "out").iterdir()] == ["portrait"]
    assert sorted(file.name for file in (tmp_path / "out" / "portrait").iterdir()) == sorted(FILE_NAMES)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_tells_what_was_done(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, where tests run in the background
    process = subprocess.Popen(
        [sys.executable, "-m", "prn_blender", broken, PORTRAIT, "-o", tmp_path / "out"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    with process:
        said = process.stdout.readline()
        while "[2/2]" not in said:
            assert process.poll() is None, said
            said += process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
    assert process.returncode == 130
    assert "0 captured, 1 failed" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe ends otherwise there")
@pytest.mark.parametrize("arguments", [("missing.jpg", "missing_too.jpg"), ("--help",)])
def test_nobody_reads_any_more(tmp_path, arguments):
    """As with `| head`, where the reader leaves before the end."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "prn_blender", *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.close()
    with process:
        assert process.stderr.read() == ""
    assert process.returncode in (0, 141)


def test_it_runs_from_everywhere(tmp_path):
    """As with the environment that build.py makes, whose Python finds the checkout."""
    process = subprocess.run(
        [sys.executable, "-m", "prn_blender", "missing.jpg"],
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1 and "There is no file" in process.stdout and not process.stderr


def test_only_photos_in_a_folder_count(tmp_path):
    (tmp_path / "face.HEIC").touch()
    (tmp_path / "portrait.jpg").touch()
    (tmp_path / "._portrait.jpg").touch()  # what macOS leaves on other systems' disks
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "old.jpg").mkdir()
    (tmp_path / "old.jpg" / "inside.jpg").touch()
    assert cli._photos([tmp_path]) == [tmp_path / "face.HEIC", tmp_path / "portrait.jpg"]
    assert cli._photos([tmp_path / "old.jpg"]) == [tmp_path / "old.jpg" / "inside.jpg"]
    assert cli._photos([tmp_path / ".hidden.png"]) == [tmp_path / ".hidden.png"]  # who names it means it


def test_what_is_there_is_skipped_until_the_photo_changes(tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    photo = photos / "portrait.jpg"
    photo.write_bytes(PORTRAIT.read_bytes())
    (photos / "second.jpg").write_bytes(b"no picture")
    command = [str(photos), "-o", str(out), "--texture-size", "512", "--skip-existing"]

    def again() -> str:
        assert cli.main(command, "prn") == 1  # the second photo is no picture
        return capsys.readouterr().out.splitlines()[-1]

    assert "1 captured, 1 failed;" in again()
    made = (out / "portrait" / "head.glb").stat().st_mtime_ns
    assert "0 captured, 1 failed, 1 there already" in again()
    assert (out / "portrait" / "head.glb").stat().st_mtime_ns == made
    (out / "portrait" / "head.glb").unlink()  # half of a capture is none
    assert "1 captured, 1 failed;" in again()
    photo.write_bytes(PORTRAIT.read_bytes() + b"\0")
    assert "1 captured, 1 failed;" in again()
    command.remove("--skip-existing")
    assert "1 captured, 1 failed;" in again()


def test_a_small_face_says_how_much_detail_to_expect(tmp_path, capsys):
    small = tmp_path / "small.png"
    picture = cv2.imread(str(PORTRAIT))
    cv2.imwrite(str(small), cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    assert cli.main([str(small), "-o", str(tmp_path / "out"), "--texture-size", "512"], "prn") == 0
    assert re.search(r"A face of \d+ pixels: expect the right shape and a blurred texture", capsys.readouterr().out)


def test_a_photo_without_a_face_says_how_to_give_a_box(tmp_path, capsys):
    empty = tmp_path / "wall.png"
    cv2.imwrite(str(empty), np.full((400, 400, 3), 128, np.uint8))
    assert cli.main([str(empty), "-o", str(tmp_path / "out")], "prn") == 1
    assert "--box" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.jpg", "--box", "1,2,3"],
        ["a.jpg", "b.jpg", "--box", "1,2,3,4"],
        ["a.jpg", "--face", "some"],
        ["a.jpg", "--focal", "35", "--orthographic"],
        ["a.jpg", "--focal", "nan"],
        ["a.jpg", "--pack", "/nowhere"],
        ["a.jpg", "--pack", "a" * 300],
    ],
)
def test_commands_that_make_no_sense_end_with_2(arguments, capsys):
    assert cli.main(arguments, "prn") == 2
    said = capsys.readouterr()
    assert (said.out + said.err).strip().splitlines()[-1].startswith("prn: ")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["a" * 300 + ".jpg"], "Choose another photo."),
        ([str(PORTRAIT), "-o", str(PORTRAIT)], "choose another folder."),
        ([str(PORTRAIT), "-o", str(PORTRAIT / "sub")], "choose another folder."),
        ([str(PORTRAIT), "--box", "0,0,inf,inf"], "in photo pixels."),
        ([str(PORTRAIT), "--box", "9000,0,9100,100"], " pixels."),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(arguments, advice, capsys):
    assert cli.main([*arguments, "--texture-size", "512"], "prn") == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "FAILED: " in line)
    assert line.endswith(advice) and "Errno" not in line and "unexpected" not in line


def test_without_a_photo_a_checkout_takes_its_portrait_and_the_extension_asks_for_one(tmp_path, monkeypatch, capsys):
    assert cli.PORTRAIT == PORTRAIT
    assert cli.main(["-o", str(tmp_path / "out"), "--texture-size", "512"], "prn") == 0
    assert (tmp_path / "out" / "head.glb").is_file()
    monkeypatch.setattr(cli, "PORTRAIT", tmp_path / "missing.jpg")
    assert cli.main([], "prn") == 2
    assert "name a photo" in capsys.readouterr().err


def test_a_photo_without_a_suffix_is_not_its_own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "portrait").write_bytes(PORTRAIT.read_bytes())
    assert not cli.folders_of([Path("portrait")], None)[0].exists()


def test_photos_of_the_same_name_get_folders_of_their_own(tmp_path):
    photos = [tmp_path / "a" / "me.jpg", tmp_path / "b" / "me.png", tmp_path / "me_2.jpg"]
    folders = cli.folders_of(photos, tmp_path)
    assert len(set(folders)) == 3 and all(folder.parent == tmp_path for folder in folders)


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        (CHECKOUT / "tests" / "data" / "people", ("half_left.jpg", "profile.jpg")),
        (SHARED_PHOTOS / "portraits", ("congress_H000601.jpg", "codait_cc0_luciano.png")),
    ],
    ids=["rendered", "photos"],
)
def test_several_photos(folder, names, tmp_path, capsys):
    if not folder.is_dir():
        pytest.skip(f"needs the photos in {folder}, which are no part of the project")
    photos = [folder / name for name in names]
    code = cli.main([*map(str, photos), "--texture-size", "512", "-o", str(tmp_path)], "prn")
    assert code == 0, capsys.readouterr()
    for photo in photos:
        assert sorted(file.name for file in (tmp_path / photo.stem).iterdir()) == sorted(FILE_NAMES)
