"""An output folder is all or nothing."""

import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.scene.files.replace import filled_folder


def write(folder, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        (folder / name).write_text(text)


def test_new_files_take_the_place_of_old_ones_and_others_stay(tmp_path):
    write(tmp_path, {"head.glb": "old", "notes.txt": "mine"})
    with filled_folder(tmp_path) as folder:
        write(folder, {"head.glb": "new", "capture.json": "new"})
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        "head.glb": "new",
        "capture.json": "new",
        "notes.txt": "mine",
    }


def test_with_a_folder_in_the_way_every_old_file_stays(tmp_path):
    old = {"capture.json": "old", "head.glb": "old", "zz.png": "old"}
    write(tmp_path, old)
    (tmp_path / "preview.png").mkdir()
    with pytest.raises(CaptureError, match="preview.png is a folder"), filled_folder(tmp_path) as folder:
        write(folder, dict.fromkeys((*old, "preview.png", "head.blend"), "new"))
    assert {file.name: file.read_text() for file in tmp_path.iterdir() if file.is_file()} == old
    assert (tmp_path / "preview.png").is_dir() and len(list(tmp_path.iterdir())) == 4


def test_after_an_error_a_folder_that_was_not_there_is_not_there(tmp_path):
    with pytest.raises(ZeroDivisionError), filled_folder(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_folder_that_gets_in_the_way_meanwhile(tmp_path):
    out = tmp_path / "new" / "out"
    with pytest.raises(CaptureError, match="choose another folder"), filled_folder(out) as folder:
        (out / "head.blend" / "in the way").mkdir(parents=True)
        write(folder, {"head.blend": "new", "capture.json": "new"})
    assert [file.name for file in out.iterdir()] == ["head.blend"]
