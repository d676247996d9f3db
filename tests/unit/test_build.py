"""build.py finds the Pythons and Blenders that it needs, or says what helps."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import build

CHECKOUT = Path(__file__).parents[2]
OTHER = "3.13" if build.RUNNING_PYTHON == "3.11" else "3.11"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs are scripts of the shell here")


@pytest.fixture
def bare(tmp_path, monkeypatch) -> Path:
    """A machine without any Python but the running one; the folder on its PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path))
    return programs


def program(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def python_of_another_version(path: Path) -> Path:
    """Answers as a Python with venv does that is asked for its version."""
    return program(path, f"echo {OTHER}")


def test_the_running_python_is_found(bare):
    assert build.find_python(build.RUNNING_PYTHON) == sys.executable
    assert build.find_python(OTHER) is None


def test_pythons_that_uv_has_are_found_and_others_installed(bare, tmp_path):
    installed = tmp_path / "uv" / "bin" / "python"
    asked = tmp_path / "asked"
    program(
        bare / "uv",
        f'echo "$@" >> {asked}',
        f'if [ "$2" = find ]; then [ -e {installed} ] && echo {installed} || exit 2; fi',
        f'if [ "$2" = install ]; then /bin/mkdir -p {installed.parent}; /bin/cp {tmp_path}/ready {installed}; fi',
    )
    python_of_another_version(tmp_path / "ready")
    assert build.find_python(OTHER) is None
    assert build.get_python(OTHER) == str(installed)
    assert f"python install {OTHER}" in asked.read_text()
    assert build.find_python(OTHER) == str(installed)


def test_the_python_of_an_installed_blender_is_found(bare, tmp_path):
    blender = program(tmp_path / "blender-5.2" / "blender", "exit 1")
    (bare / "blender").symlink_to(blender)
    bundled = python_of_another_version(blender.parent / "5.2" / "python" / "bin" / f"python{OTHER}")
    assert build.find_python(OTHER) == str(bundled)


def test_on_another_python_one_line_says_what_helps(bare, tmp_path):
    """As on Ubuntu 24.04, which has 3.12 alone."""
    code = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); import build; build.RUNNING_PYTHON = '3.12'\n"
    code += "try: build.rerun_with_supported_python()\nexcept build.BuildError as error: print(error)"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ)
    (line,) = answer.stdout.splitlines()
    assert "Python 3.12" in line and "3.11 or 3.13" in line and "install uv" in line


def test_a_blend_for_a_blender_is_written_by_that_blender(monkeypatch):
    calls = []
    monkeypatch.setattr(build.Environment, "set_up", lambda self: str(self.folder))
    monkeypatch.setattr(build.subprocess, "call", lambda command, env: calls.append((command, env)) or 0)
    assert build.capture(["a.jpg", "--blend-for", "4.2", "--texture-size", "512"]) == 0
    assert build.capture(["a.jpg", "--box=1,2,3,4"]) == 0
    (for_blender, environment), (plain, _) = calls
    assert for_blender == [
        str(CHECKOUT / ".venv-lanes" / "bpy-4.2.23"), "-m", "prn_blender", "a.jpg", "--texture-size", "512",
    ]  # fmt: skip
    assert plain == [str(CHECKOUT / ".venv"), "-m", "prn_blender", "a.jpg", "--box=1,2,3,4"]
    assert environment["PYTHONPATH"] == str(CHECKOUT)
    with pytest.raises(SystemExit):
        build.capture(["--blend-for", "2.79"])


def test_the_installed_command_has_the_same_pins():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(project["dependencies"]) == sorted(
        [
            *(f"bpy=={bpy}; python_version == '{python}'" for python, bpy in build.MAIN_BPY.items()),
            *(f"numpy=={build.NUMPY[python]}; python_version == '{python}'" for python in build.MAIN_BPY),
            f"onnxruntime=={build.ONNXRUNTIME}",
            f"opencv-python-headless=={build.OPENCV}",
            f"pillow=={build.PILLOW}",
            f"pi-heif=={build.PI_HEIF}",
        ]
    )


def test_every_supported_blender_can_write():
    assert list(build.BLENDS) == [bpy.rpartition(".")[0] for bpy in build.LANES]
    assert build.BLENDS["4.2"]().requirements[0] == "bpy==4.2.23"
