"""A real Blender in which the extension was installed from its zip with mouse and keyboard, and its window."""

import os
import shutil
from pathlib import Path

import pytest

from .real_blender import Blender, Desktop, Machine, NoRealBlender, Window, real_blender, wait_for

CHECKOUT = Path(__file__).parents[2]
PICTURES = CHECKOUT / "dist" / "gui"
MODULE = "bl_ext.user_default.prn_head_capture"
SESSION = f"__import__('sys').modules[{MODULE!r} + '.ui.shell.session'].current"
HEADS = "[block.name for block in bpy.data.objects if block.type == 'MESH' and 'prn_capture' in block]"


@pytest.fixture(scope="session")
def machine():
    try:
        with real_blender() as found:
            yield found
    except NoRealBlender as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no real Blender: {reason}")
        pytest.skip(f"no real Blender: {reason}")


@pytest.fixture(scope="session")
def desktop(machine):
    with Desktop(machine) as running:
        yield running


@pytest.fixture(scope="session")
def extension_zip(machine) -> str:
    """The built zip in a folder of its own, by its path in Blender."""
    named = os.environ.get("PRN_EXTENSION_ZIP")
    assert named, "run these tests with: python3 build.py test gui"
    folder = machine.share / "downloads"
    folder.mkdir()
    return machine.inside(Path(shutil.copy(named, folder)))


@pytest.fixture(scope="session")
def blender(machine, desktop, extension_zip) -> Blender:
    """Blender with the extension installed and enabled, through its preferences, by mouse and keyboard."""
    blender = Blender(machine, "user")
    blender.dismiss_splash()
    with Window(blender, desktop) as window:
        install_from_disk(window, extension_zip)
        window.quit()
        window.assert_console_clean()
    return blender


def install_from_disk(window: Window, extension_zip: str) -> None:
    """Edit > Preferences > Get Extensions > Install from Disk, then the file in the file browser."""
    window.press_in_viewport("ctrl+comma")
    window.show_other("Preferences")
    left, top, width, height = window.region(
        "PREFERENCES", "NAVIGATION_BAR", "UI"
    )  # before Blender 5, and from then on
    for y in range(top + 20, top + height, 12):  # Blender does not tell where its tabs are
        window.desktop.click(left + width // 2, y)
        if window.python("return context.preferences.active_section == 'EXTENSIONS'"):
            break
    left, top, width, height = window.region("PREFERENCES", "WINDOW")
    menu = left + width - 19, top + 19  # in the corner
    window.desktop.move(*menu)
    window.desktop.wait_until_still()
    closed = window.desktop.pixels()
    window.desktop.click(*menu)
    wait_for(lambda: window.desktop.pixels() != closed, 20, "the menu to open")  # Blender does not tell of menus
    window.desktop.wait_until_still()
    window.desktop.screenshot(PICTURES / "install_from_disk.png")
    window.desktop.key("f")  # underlined in "Install from Disk…"
    window.choose_in_file_browser(extension_zip)
    window.wait(f"{MODULE!r} in context.preferences.addons.keys()", seconds=300)
    window.close_other_windows()


@pytest.fixture(scope="session")
def running_window(blender, desktop):
    """One Blender for all tests that do not ask for another; where it quits, its console must be clean too."""
    with Window(blender, desktop) as window:
        yield window
        if window.is_open:
            window.quit()
            window.assert_console_clean()


@pytest.fixture
def window(running_window):
    """A window with the default scene and the sidebar open at the extension's tab."""
    running_window.close_other_windows()
    running_window.python("bpy.ops.wm.read_homefile()")
    running_window.open_tab(running_window.python("return bpy.types.PRN_PT_capture.bl_category"))
    yield running_window
    running_window.assert_console_clean()


@pytest.fixture(scope="session")
def photo(machine: Machine) -> str:
    """The bundled portrait, by its path in Blender."""
    folder = machine.share / "photos"
    folder.mkdir()
    return machine.inside(Path(shutil.copy(CHECKOUT / "examples" / "astronaut.jpg", folder)))


@pytest.fixture
def screenshot(desktop):
    """screenshot(name): keeps a picture of the whole screen in dist/gui."""

    def take(name: str) -> None:
        desktop.wait_until_still()
        desktop.screenshot(PICTURES / f"{name}.png")

    return take


def choose(window: Window, photo: str) -> None:
    """Chooses a photo, and waits until the panel shows it."""
    window.python(f"context.scene.prn_capture.photo = {photo!r}; view.tag_redraw()")
    window.wait(f"{SESSION}.info is not None")


def click(window: Window, operator: str, argument: str = "") -> None:
    window.desktop.click(*window.find_button(operator, argument))


def make_head(window: Window) -> str:
    """Captures the chosen photo with a click; the name of the head object."""
    before = len(window.python(f"return {HEADS}"))
    click(window, "prn.reconstruct_from_image")
    return window.wait(f"len({HEADS}) > {before} and {HEADS}[-1]", seconds=180)
