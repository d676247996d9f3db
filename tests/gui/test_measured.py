"""What is written by jobs that ask for a file or a folder: the file browser starts them."""

import shutil

import numpy as np
import pytest

from ..prnet_copy import prnet_folder, random_checkpoint
from .conftest import CHECKOUT, MODULE, SESSION, choose, make_head
from .real_blender import wait_for

PACKS = f"__import__('sys').modules[{MODULE!r} + '.scene.packs']"


@pytest.fixture
def folder(machine):
    folder = machine.share / "written"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def test_points_are_saved(window, photo, folder, screenshot):
    choose(window, photo)
    head = make_head(window)
    window.wait(f"not {SESSION}.is_busy")
    window.python("bpy.ops.prn.save_measured('INVOKE_DEFAULT', format='NPZ')")
    window.browse_to(window.machine.inside(folder))
    screenshot("save_points")
    window.confirm_file_browser()
    path = folder / f"{head}_points.npz"
    wait_for(path.is_file, 60, f"{path.name} to be written")
    with np.load(path) as written:
        assert len(written["vertex_photo"]) == window.python(f"return len(bpy.data.objects[{head!r}].data.vertices)")


def test_tables_are_replaced_only_when_asked(window, photo, folder, screenshot):
    """They are not named as the file browser knows, which cannot ask therefore."""
    choose(window, photo)
    head = make_head(window)
    window.wait(f"not {SESSION}.is_busy")
    tables = [folder / f"{head}_points_{kind}.csv" for kind in ("vertices", "landmarks")]
    for table in tables:
        table.write_text("mine")

    def save(kind: str) -> None:
        window.python(f"bpy.ops.prn.save_measured('INVOKE_DEFAULT', format={kind!r})")
        window.browse_to(window.machine.inside(folder))
        window.confirm_file_browser()

    window.python("bpy.ops.prn.save_measured('INVOKE_DEFAULT', format='CSV')")
    window.show_other("File View")
    window.desktop.move(*window.region("FILE_BROWSER", "WINDOW")[:2])
    window.desktop.key("Escape")
    window.wait("len(context.window_manager.windows) == 1")

    save("CSV")
    screenshot("replace_tables")
    window.desktop.key("Escape")
    window.desktop.wait_until_still()
    save("NPZ")  # a later job: by its end that of the tables would be over
    wait_for((folder / f"{head}_points.npz").is_file, 60, "the points to be written")
    assert [table.read_text() for table in tables] == ["mine", "mine"]
    window.wait(f"not {SESSION}.is_busy")

    save("CSV")
    window.desktop.wait_until_still()
    window.desktop.key("Return")
    wait_for(lambda: not any(table.read_text() == "mine" for table in tables), 60, "the tables to be replaced")
    assert not window.python(f"return {SESSION}.error")


def test_prnet_is_imported(window, machine, folder):
    uv_data = CHECKOUT.parent / "shared" / "data" / "prnet"
    if not uv_data.is_dir():
        pytest.skip(f"needs PRNet's UV data in {uv_data}")
    random_checkpoint(folder)
    prnet_folder(folder / "PRNet", uv_data, folder)
    window.python("bpy.ops.prn.import_prnet('INVOKE_DEFAULT')")
    window.browse_to(machine.inside(folder / "PRNet"))
    window.confirm_file_browser()
    window.wait(f"not {SESSION}.is_busy and len({PACKS}.installed_packs()) == 2")
    try:
        window.python("context.scene.prn_capture.pack = 'prnet'")
        assert window.python("return context.scene.prn_capture.topology") == "standard"  # the only one
    finally:
        window.python(f"import shutil; shutil.rmtree({PACKS}.user_packs_folder() / 'prnet')")
        window.python(f"{PACKS}.forget_installed_packs()")
