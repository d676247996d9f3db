"""A studio's own repository: the real Blender lists, installs and updates the extension from its index."""

import functools
import http.server
import os
import re
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

import build

from .real_blender import Blender

NEWER = "999.0.0"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *arguments) -> None:
        """Says nothing."""


@pytest.fixture
def folder(machine) -> Path:
    """A repository with the zip, indexed by Blender's own tool."""
    folder = machine.share / "repository"
    folder.mkdir()
    shutil.copy(os.environ["PRN_EXTENSION_ZIP"], folder)
    build.index_repository(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def address(folder) -> str:
    """The address of the index on a web server of this machine."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.json"
        server.shutdown()


def release(folder: Path) -> None:
    """Puts a newer version into the repository in place of the old one."""
    (old,) = folder.glob("*.zip")
    with zipfile.ZipFile(old) as archive, zipfile.ZipFile(folder / f"newer-{old.name}", "w") as newer:
        for name in archive.namelist():
            content = archive.read(name)
            if name == "blender_manifest.toml":
                content = re.sub(rb'^version = ".*"$', b'version = "%s"' % NEWER.encode(), content, flags=re.MULTILINE)
            newer.writestr(name, content)
    old.unlink()
    build.index_repository(folder)


def installed_version(blender: Blender) -> str:
    manifest = next(blender.resources.glob("extensions/studio/prn_head_capture/blender_manifest.toml"))
    return re.search(r'^version = "(.*)"$', manifest.read_text(), flags=re.MULTILINE).group(1)


def test_blender_installs_and_updates_from_the_index(machine, folder, address):
    blender = Blender(machine, "studio")
    extension = lambda *arguments: blender.run("--online-mode", "--command", "extension", *arguments)
    extension("repo-add", "--name", "Studio", "--url", address, "studio")
    assert "prn_head_capture" in extension("list", "--sync")
    extension("install", "--sync", "--enable", "studio.prn_head_capture")
    first = installed_version(blender)
    assert first in next(folder.glob("*.zip")).name
    captures = ("--command", "prn_capture", "--help")
    assert "PHOTO_OR_FOLDER" in blender.run(*captures)  # it is enabled, and its libraries load

    release(folder)
    extension("update", "--sync")
    assert installed_version(blender) == NEWER != first
    assert "PHOTO_OR_FOLDER" in blender.run(*captures)


def test_the_zip_is_valid_for_the_real_blender(machine, folder):
    (path,) = folder.glob("*.zip")
    said = Blender(machine, "validating").run("--command", "extension", "validate", machine.inside(path))
    assert "Success parsing" in said and "rror" not in said, said
