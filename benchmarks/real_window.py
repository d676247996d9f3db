"""A real Blender's window with the extension and a photo, to be measured in."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gui.real_blender import SCREEN, Blender, Desktop, NoRealBlender, Window, real_blender

DIST = Path(__file__).parents[1] / "dist"


@contextmanager
def window_for(photo: Path, size: tuple[int, int] = SCREEN) -> Iterator[tuple[Window, str]]:
    """A window of a size in pixels, and where Blender finds the photo. The extension is that of the zip in dist/; the
    script ends where there is none, or no Blender."""
    zips = sorted(DIST.glob("*linux_x64.zip"))
    if not zips:
        sys.exit("No zip in dist/: build it with `python3 build.py zip`.")
    try:
        with real_blender() as machine, Desktop(machine, size) as desktop:
            blender = Blender(machine, "user")
            blender.install(zips[-1])
            shared = machine.share / photo.name
            shutil.copyfile(photo, shared)
            with Window(blender, desktop) as window:
                yield window, machine.inside(shared)
    except NoRealBlender as reason:
        sys.exit(f"no real Blender: {reason}")
