"""The manifest obeys Blender's rules, and the zip holds what it should and nothing else."""

import hashlib
import json
import re
import shutil
import subprocess
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


@pytest.mark.parametrize(
    ("origin", "website"),
    [
        ("https://example.org/heads/capture.git", "https://example.org/heads/capture"),
        ("https://name:secret@example.org:8443/heads/capture/", "https://example.org:8443/heads/capture"),
        ("git@example.org:heads/capture.git", None),
        ("/srv/heads/capture", None),
        (None, None),
    ],
)
def test_the_zip_tells_where_it_comes_from(tmp_path, monkeypatch, origin, website):
    """By the address that the checkout was cloned from, where that is one that anybody can open."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    if origin:
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", origin], check=True)
    shutil.copyfile(CHECKOUT / "blender_manifest.toml", tmp_path / "blender_manifest.toml")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    inside = tomllib.loads(build.manifest_in_zip("linux-x64", "cpu", ["a.whl"]))
    assert inside.get("website") == website
    assert inside["wheels"] == ["./wheels/a.whl"]


def test_zip_holds_the_extension_and_nothing_else(built):
    names = set(built.namelist())
    sources = {
        path.relative_to(CHECKOUT / "prn_blender").as_posix()
        for path in (CHECKOUT / "prn_blender").rglob("*.py")
        if path.name != "__main__.py"
    }
    models = {path.relative_to(CHECKOUT).as_posix() for path in (CHECKOUT / "models").rglob("*") if path.is_file()}
    assert {name for name in names if name.endswith(".py")} == sources
    assert "capture/packs/resfcn256.onnx" in names
    assert {name for name in names if name.startswith("models/")} == models
    assert {f"models/{pack}/{file}" for pack in ("head", "finder") for file in ("pack.toml", "network.onnx")} <= names
    rest = names - sources - models - {"blender_manifest.toml", "LICENSE", "capture/packs/resfcn256.onnx"}
    assert all(name.startswith(("wheels/", "licenses/")) for name in rest), rest
    assert built.getinfo("LICENSE").file_size > 30000


def test_every_python_gets_its_wheels_and_blender_keeps_its_numpy(built):
    inside = tomllib.loads(built.read("blender_manifest.toml").decode())
    wheels = sorted(name for name in built.namelist() if name.startswith("wheels/"))
    assert sorted(inside["wheels"]) == [f"./{name}" for name in wheels]
    packages = {Path(name).name.split("-")[0] for name in wheels}
    assert packages == {"onnxruntime", "opencv_python_headless", "pillow", "pi_heif"}
    for python in build.PLATFORMS[build.this_platform()].pythons:
        tag = f"-cp{python.replace('.', '')}-"
        fitting = {Path(name).name.split("-")[0] for name in wheels if tag in name or "-abi3-" in name}
        assert fitting == packages, python


def test_every_bundled_part_brings_its_licence(built):
    names = built.namelist()
    for package in ("onnxruntime", "opencv_python_headless", "pillow", "pi_heif"):
        files = [name for name in names if name.startswith(f"licenses/{package}/")]
        assert any("LICENSE" in name for name in files), package
    assert "licenses/onnxruntime/ThirdPartyNotices.txt" in names
    assert "LGPLv3" in built.read("licenses/pi_heif/LICENSES_bundled.txt").decode()  # libheif and libde265
    assert "licenses/opencv_python_headless/LICENSE-3RD-PARTY.txt" in names
    assert "models/NOTICE.md" in names


def test_nothing_of_the_workshop_is_in_the_zip(built):
    kinds = {Path(name).suffix for name in built.namelist()}
    assert kinds <= {".py", ".toml", ".md", ".onnx", ".npz", ".whl", ".txt", ""}, kinds
    unwanted = ("test", "training", "benchmark", "docs", "examples", "__pycache__", "ready.json")
    own = [name for name in built.namelist() if not name.startswith(("wheels/", "licenses/"))]
    assert not [name for name in own if any(word in name for word in unwanted)]


def test_the_index_lists_the_zip_as_it_is(built, tmp_path):
    """A repository for a server of one's own, written by Blender's own tool."""
    path = Path(built.filename)
    shutil.copyfile(path, tmp_path / path.name)
    build.index_repository(tmp_path)
    (listed,) = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))["data"]
    assert listed["id"] == "prn_head_capture"
    assert listed["archive_url"] == f"./{path.name}"
    assert listed["archive_size"] == path.stat().st_size
    assert listed["archive_hash"] == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    assert listed["platforms"] == [build.this_platform()]
    assert path.name in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("platform", "minimum"), [("linux-x64", "4.2.0"), ("windows-x64", "5.1.0")])
def test_the_cuda_variant_takes_the_place_of_the_other(manifest, platform, minimum):
    """The same extension under a name that tells them apart, with every library pinned and none of numpy."""
    inside = tomllib.loads(build.manifest_in_zip(platform, "cuda", ["a.whl", "b.whl"]))
    assert inside["id"] == manifest["id"] and inside["version"] == manifest["version"]
    assert inside["name"] == f"{manifest['name']} (CUDA)"
    assert inside["blender_version_min"] == minimum
    assert inside["platforms"] == [platform] and inside["wheels"] == ["./wheels/a.whl", "./wheels/b.whl"]
    assert inside["permissions"] == manifest["permissions"]
    target = build.VARIANTS["cuda"][platform]
    for python in target.pythons:
        pins = dict(requirement.split("==") for requirement in target.requirements(python))
        assert "numpy" not in pins and "onnxruntime" not in pins
        assert {"onnxruntime-gpu", "nvidia-cublas", "nvidia-cudnn-cu13", "nvidia-cuda-runtime"} <= set(pins)
