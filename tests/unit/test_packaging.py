"""The manifest obeys Blender's rules, and the zip holds what it should and nothing else."""

import re
import tomllib
import zipfile
from pathlib import Path

import pytest

import build
from prn_blender.capture.record import addon_version

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def manifest() -> dict:
    return tomllib.loads((CHECKOUT / "blender_manifest.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> zipfile.ZipFile:
    """This platform's zip, built anew from the wheels in dist/."""
    with zipfile.ZipFile(build.build_zip(build.this_platform(), tmp_path_factory.mktemp("dist"))) as archive:
        yield archive


def test_manifest_obeys_the_rules(manifest):
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", manifest["id"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert "blender" not in manifest["name"].lower()
    for text in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(text) <= 64
        assert text[-1].isalnum() or text[-1] in ")]}"
    assert set(manifest["permissions"]) <= {"files", "network", "clipboard", "camera", "microphone"}
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert manifest["blender_version_min"] == "4.2.0"
    assert not {"wheels", "platforms", "build"} & set(manifest)  # build.py writes them into the zip's copy


def test_package_and_zip_have_the_manifests_version(manifest, built):
    assert addon_version() == manifest["version"]
    inside = tomllib.loads(built.read("blender_manifest.toml").decode())
    assert {name: inside[name] for name in manifest} == manifest
    assert inside["platforms"] == [build.this_platform()]


def test_zip_holds_the_extension_and_nothing_else(built):
    names = set(built.namelist())
    sources = {
        path.relative_to(CHECKOUT / "prn_blender").as_posix()
        for path in (CHECKOUT / "prn_blender").rglob("*.py")
        if path.name != "__main__.py"
    }
    models = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "models").rglob("*") if path.is_file()}
    assert {name for name in names if name.endswith(".py")} == sources
    assert {name for name in names if name.startswith("models/")} == models
    rest = names - sources - models - {"blender_manifest.toml", "LICENSE"}
    assert all(name.startswith(("wheels/", "licenses/")) for name in rest), rest
    assert built.getinfo("LICENSE").file_size > 30000


def test_every_python_gets_its_wheels_and_blender_keeps_its_numpy(built):
    inside = tomllib.loads(built.read("blender_manifest.toml").decode())
    wheels = sorted(name for name in built.namelist() if name.startswith("wheels/"))
    assert sorted(inside["wheels"]) == [f"./{name}" for name in wheels]
    packages = {Path(name).name.split("-")[0] for name in wheels}
    assert packages == {"onnxruntime", "opencv_python_headless", "pillow"}
    for python in build.PLATFORMS[build.this_platform()].pythons:
        tag = f"-cp{python.replace('.', '')}-"
        fitting = {Path(name).name.split("-")[0] for name in wheels if tag in name or "-abi3-" in name}
        assert fitting == packages, python


def test_every_bundled_part_brings_its_licence(built):
    names = built.namelist()
    for package in ("onnxruntime", "opencv_python_headless", "pillow"):
        files = [name for name in names if name.startswith(f"licenses/{package}/")]
        assert any("LICENSE" in name for name in files), package
    assert "licenses/onnxruntime/ThirdPartyNotices.txt" in names
    assert "licenses/opencv_python_headless/LICENSE-3RD-PARTY.txt" in names
    assert "models/NOTICE.md" in names


@pytest.mark.parametrize(
    ("arguments", "names_one"),
    [
        ([], False),
        (["-o", "folder"], False),
        (["--orthographic", "--face", "1", "--output=folder"], False),
        (["photo.jpg"], True),
        (["-o", "folder", "photo.jpg"], True),
        (["--no-fill", "photo.jpg", "--texture-size", "1024"], True),
    ],
)
def test_capture_without_a_photo_is_noticed(arguments, names_one):
    assert build.names_a_photo(arguments) is names_one
