"""A real Blender with the extension installed from its zip, as a user installs it."""

import os
import shutil
import time
from pathlib import Path

import pytest

from .real_blender import Blender, Desktop, Machine, NoRealBlender, Window, real_blender

CHECKOUT = Path(__file__).parents[2]


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
def blender(machine) -> Blender:
    """Blender with the extension installed and enabled."""
    named = os.environ.get("PRN_EXTENSION_ZIP")
    assert named, "run these tests with: python3 build.py test gui"
    blender = Blender(machine, "user")
    blender.install(Path(named))
    return blender


@pytest.fixture
def window(blender, desktop):
    """A new window with the default scene and the sidebar open at the PRN tab; its console must stay clean."""
    with Window(blender, desktop) as running:
        running.open_tab("PRN")
        yield running
        running.quit()
        complaints = [line for line in running.log.splitlines() if "Traceback" in line or "Error" in line]
        assert not complaints, running.log


@pytest.fixture(scope="session")
def photo(machine: Machine) -> str:
    """The bundled portrait, by its path in Blender."""
    there = machine.share / "astronaut.jpg"
    shutil.copyfile(CHECKOUT / "examples" / "astronaut.jpg", there)
    return machine.inside(there)


@pytest.fixture
def screenshot(desktop):
    """screenshot(name): keeps a picture of the whole screen in dist/gui."""

    def take(name: str) -> None:
        time.sleep(1)  # panels glide to their new places
        desktop.screenshot(CHECKOUT / "dist" / "gui" / f"{name}.png")

    return take
