#!/usr/bin/env python3
"""The entry point of a checkout. It needs nothing but Python 3.11 or 3.13 with venv.

    python3 build.py capture [PHOTO...] [-o FOLDER] [...]    a head for each photo; without PHOTO of a bundled portrait
                     [--blend-for 4.2]                       and with a head.blend that this Blender opens
    python3 build.py import-prnet FOLDER                     your copy of PRNet as a model pack, into packs/
    python3 build.py test [style] [unit] [scene] [gui]       the tests, all of them without a name
    python3 build.py zip [--platform NAME|all] [--variant cuda]
                                                             the extension for Blender, into dist/
    python3 build.py index [--variant cuda]                  a repository of all of them for a server of your own

Whatever a command needs is set up by its first call, in `.venv`, `.venv-lanes`, `.venv-style` and `dist`, and kept.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import xml.etree.ElementTree
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent
DIST = ROOT / "dist"
PACKS = ROOT / "packs"  # of the user's own, which come into no zip

# --- What is pinned -------------------------------------------------------------------------------------------------

# Works with the numpy 1 of Blender 4.2 to 5.0 and with the numpy 2 of the later ones; newer opencvs want numpy 2.
OPENCV = "4.11.0.86"
ONNXRUNTIME = "1.31.1"
PILLOW = "13.0.0"
# Reads HEIC: pillow-heif with the decoders alone, libheif and libde265 under the LGPL.
PI_HEIF = "1.4.0"
PYTEST = "9.2.0"
STYLE = ("ruff==0.17.6", "mypy==2.4.1")
# For the benchmarks, which export a network to compare with, and the tests of the training's geometry.
MEASURING = ("onnx==1.19.0", "ml_dtypes==0.5.4", "scipy==1.17.1")
NUMPY = {"3.11": "1.26.4", "3.13": "2.5.5"}
MAIN_BPY = {"3.13": "5.2.3", "3.11": "4.5.15"}
# Every Blender that is supported, oldest first: its bpy and the Python of that.
LANES = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.2.3": "3.13"}


@dataclass(frozen=True)
class Platform:
    """Whom a zip is for."""

    wheel_tags: tuple[str, ...]
    pythons: tuple[str, ...]  # 3.11: Blender 4.2 to 5.0, 3.13: from 5.1, 3.14: Debian's own builds
    onnxruntime: dict[str, str]  # by Python
    blender_version_min: str = "4.2.0"
    with_cuda: bool = False

    def requirements(self, python: str) -> list[str]:
        """The wheels in the zip. Never numpy: it would replace Blender's own for every add-on."""
        package = "onnxruntime-gpu" if self.with_cuda else "onnxruntime"
        return [
            f"{package}=={self.onnxruntime.get(python, ONNXRUNTIME)}",
            *(NVIDIA if self.with_cuda else ()),
            f"opencv-python-headless=={OPENCV}",
            f"pillow=={PILLOW}",
            f"pi-heif=={PI_HEIF}",
        ]


# What onnxruntime-gpu loads, and what these need: one CUDA release (13.0), because a cuDNN or cuBLAS of another one can
# fail to load on Windows, upon which onnxruntime silently takes the processor.
NVIDIA = (
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cublas==13.1.0.3",
    "nvidia-cufft==12.0.0.61",
    "nvidia-curand==10.4.0.35",
    "nvidia-nvjitlink==13.0.88",
    "nvidia-cudnn-cu13==9.24.0.43",
)

LINUX = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64", "manylinux2010_x86_64")
PLATFORMS = {
    "linux-x64": Platform(LINUX, ("3.11", "3.13", "3.14"), {}),
    # Later onnxruntimes need a newer C++ runtime than the one that Blender 4.2 to 5.0 brings along on Windows.
    "windows-x64": Platform(("win_amd64",), ("3.11", "3.13"), {"3.11": "1.18.1"}),
    "macos-arm64": Platform(("macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_11_0_arm64"), ("3.11", "3.13"), {}),
}
VARIANTS = {
    "cpu": PLATFORMS,
    "cuda": {
        "linux-x64": Platform(LINUX, ("3.11", "3.13", "3.14"), {}, with_cuda=True),
        # For the same reason nothing older: an onnxruntime-gpu from before that needs a CUDA that is no more.
        "windows-x64": Platform(("win_amd64",), ("3.13",), {}, blender_version_min="5.1.0", with_cuda=True),
    },
}

# What bpy and opencv load from the system, by the names of Debian and Ubuntu.
SYSTEM_LIBRARIES = (
    *("libxrender1", "libxxf86vm1", "libxfixes3", "libxi6", "libxkbcommon0", "libsm6"),
    *("libgl1", "libegl1", "libgomp1", "libglib2.0-0"),
)


RUNNING_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


HOW_TO_GET_PYTHON = "install uv (https://docs.astral.sh/uv), which gets it, and run the same command again"


class BuildError(Exception):
    """What is wrong and what to do, for the terminal."""


# --- Showing what goes on -------------------------------------------------------------------------------------------


def say(text: str) -> None:
    print(text, flush=True)


def run_step(label: str, command: list[str], environment: dict[str, str] | None = None) -> str:
    """Runs a command that may take long, with a line that shows how far it is; returns its output.

    Raises:
        BuildError: the command failed; with the end of its output.
    """
    started = time.monotonic()
    live = sys.stdout.isatty()
    if not live:
        say(f"{label} …")
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if live:
            status = f"{label} … {time.monotonic() - started:.0f} s  {line.strip()}"
            print("\r\033[K" + status[: shutil.get_terminal_size().columns - 1], end="", flush=True)
    code = process.wait()
    seconds = time.monotonic() - started
    if live:
        print("\r\033[K", end="")
    if code:
        raise BuildError("\n".join([f"{label}: failed after {seconds:.0f} s.", *lines[-20:]]))
    say(f"{label}: done in {seconds:.0f} s")
    return "\n".join(lines)


# --- Pythons and environments ---------------------------------------------------------------------------------------


def find_python(version: str) -> str | None:
    """A Python of this version that can make an environment: the running, the PATH's, pyenv's, uv's or a Blender's."""
    name = f"python{version}"
    folders = os.environ.get("PATH", "").split(os.pathsep)
    candidates = [sys.executable] if version == RUNNING_PYTHON else []
    candidates += filter(None, (shutil.which(name, path=folder) for folder in folders))
    candidates += sorted(glob.glob(os.path.expanduser(f"~/.pyenv/versions/{version}.*/bin/{name}")), reverse=True)
    candidates += pythons_of_uv(version)
    candidates += pythons_of_blenders()
    question = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    for candidate in dict.fromkeys(candidates):
        # A file of that name is no proof: pyenv's shims exist for Pythons that are not chosen.
        answer = subprocess.run([candidate, "-c", question], check=False, capture_output=True, text=True)
        if answer.stdout.strip() == version:
            return candidate
    return None


def pythons_of_uv(version: str) -> list[str]:
    """What uv knows on this machine, without a download."""
    uv = shutil.which("uv")
    if uv is None:
        return []
    command = [uv, "python", "find", "--no-python-downloads", "--no-project", version]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    return answer.stdout.split("\n")[:1] if answer.returncode == 0 else []


def pythons_of_blenders() -> list[str]:
    """The Pythons that come along with installed Blenders."""
    on_path = shutil.which("blender")
    places = [os.path.dirname(os.path.realpath(on_path))] if on_path else []
    places += glob.glob("/Applications/Blender*.app/Contents/Resources")
    places += glob.glob(os.path.join(os.environ.get("PROGRAMFILES", "/opt"), "Blender Foundation", "*"))
    places += [*glob.glob("/opt/blender*"), *glob.glob(os.path.expanduser("~/blender*")), "/snap/blender/current"]
    return sorted(
        (found for place in places for found in glob.glob(f"{glob.escape(place)}/[0-9]*/python/bin/python*[0-9e]")),
        reverse=True,
    )


def get_python(version: str) -> str | None:
    """As `find_python`, else one that uv installs for this user; None where there is no uv."""
    python, uv = find_python(version), shutil.which("uv")
    if python is not None or uv is None:
        return python
    run_step(f"Python {version} by uv", [uv, "python", "install", version])
    return find_python(version)


@dataclass(frozen=True)
class Environment:
    """A virtual environment with exactly these packages."""

    folder: Path
    python: str
    requirements: tuple[str, ...]
    loads_blender: bool = True

    @property
    def executable(self) -> str:
        return str(self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))

    @property
    def _recipe(self) -> str:
        return json.dumps([self.python, *self.requirements])

    @property
    def _stamp(self) -> Path:
        return self.folder / "ready.json"  # written last, so an interrupted set-up starts again

    @property
    def is_ready(self) -> bool:
        return self._stamp.is_file() and self._stamp.read_text() == self._recipe and Path(self.executable).exists()

    def set_up(self) -> str:
        """Makes the environment where it is not there yet; its Python.

        Raises:
            BuildError: no such Python, or a package cannot be installed or loaded.
        """
        if self.is_ready:
            return self.executable
        python = get_python(self.python)
        if python is None:
            raise BuildError(f"Python {self.python} with venv is not found: {HOW_TO_GET_PYTHON}.")
        name = self.folder.relative_to(ROOT)
        run_step(f"{name}: new environment with Python {self.python}", [python, "-m", "venv", "--clear", self.folder])
        # One command for all: the resolver must see every pin, or a later package replaces numpy and breaks bpy.
        packages = ", ".join(requirement.replace("==", " ") for requirement in self.requirements)
        run_step(
            f"{name}: installing {packages}" + (" (about 1 GB)" if self.loads_blender else ""),
            [self.executable, "-m", "pip", "install", "--progress-bar", "off", *self.requirements],
        )
        # The environment's Python finds the checkout from everywhere.
        command = [self.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        site = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
        (site / "checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
        if self.loads_blender:
            ensure_system_libraries(self.executable)
        self._stamp.write_text(self._recipe)
        return self.executable


def ensure_system_libraries(python: str) -> None:
    """bpy and opencv must load; on Debian and Ubuntu what they miss of the system is installed, as root.

    Raises:
        BuildError: they do not load; with the command that helps, where it is known.
    """
    probe = "import bpy, cv2"
    if sys.platform.startswith("linux"):
        probe += ", ctypes; ctypes.CDLL('libEGL.so.1')"  # what Blender's engines load only when they render

    def load() -> str:
        return subprocess.run([python, "-c", probe], check=False, capture_output=True, text=True).stderr.strip()

    problem = load()
    if "cannot open shared object file" in problem and shutil.which("apt-get"):
        install = ["apt-get", "install", "-y", "--no-install-recommends", *SYSTEM_LIBRARIES]
        if os.geteuid() != 0:
            raise BuildError(f"Libraries of the system are missing. Run: sudo {' '.join(install)}")
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run_step("system libraries: reading apt's lists", ["apt-get", "update"], quiet)
        run_step(f"system libraries: installing {' '.join(SYSTEM_LIBRARIES)}", install, quiet)
        problem = load()
    if "Error" in problem:
        raise BuildError(f"Blender's Python module does not load: {problem.splitlines()[-1]}")


def main_environment() -> Environment:
    """`.venv`: what a capture, the unit tests and the tools need. One that is ready is taken as it is."""
    machine = platform.machine().lower()
    has_gpu_wheel = platform.system() in ("Linux", "Windows") and machine in ("x86_64", "amd64")
    environments = [
        Environment(
            ROOT / ".venv",
            python,
            (
                f"bpy=={bpy}",
                f"{'onnxruntime-gpu' if has_gpu_wheel else 'onnxruntime'}=={ONNXRUNTIME}",
                f"numpy=={NUMPY[python]}",
                f"opencv-python=={OPENCV}",
                f"pillow=={PILLOW}",
                f"pi-heif=={PI_HEIF}",
                f"pytest=={PYTEST}",
                *MEASURING,
            ),
        )
        for python, bpy in MAIN_BPY.items()
    ]
    environments.sort(key=lambda environment: (environment.is_ready, environment.python == RUNNING_PYTHON))
    return environments[-1]


def lane_environment(bpy: str, python: str) -> Environment:
    """The packages as they are inside Blender, with one of the supported bpy modules."""
    return Environment(
        ROOT / ".venv-lanes" / f"bpy-{bpy}",
        python,
        (
            f"bpy=={bpy}",
            f"onnxruntime=={ONNXRUNTIME}",
            f"numpy=={NUMPY[python]}",
            f"opencv-python-headless=={OPENCV}",
            f"pillow=={PILLOW}",
            f"pi-heif=={PI_HEIF}",
            f"pytest=={PYTEST}",
        ),
    )


# --- capture --------------------------------------------------------------------------------------------------------


def capture(arguments: list[str]) -> int:
    """Hands the command line on to `python -m prn_blender`, in the Blender whose files are asked for."""
    parser = argparse.ArgumentParser("build.py capture", add_help=False, allow_abbrev=False)
    parser.add_argument("--blend-for", choices=BLENDS)
    asked, others = parser.parse_known_args(arguments)
    environment = BLENDS[asked.blend_for]() if asked.blend_for else main_environment()
    python = environment.set_up()
    # Matrices are small here: further threads of numpy would only wait for more, and take the processor from the rest.
    own = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.call([python, "-m", "prn_blender", *others], env={**os.environ, **own})


def writers_of_blends() -> dict[str, Callable[[], Environment]]:
    """By the oldest Blender that opens what it writes: a Blender opens the files of its own and of older versions."""
    return {bpy.rpartition(".")[0]: partial(lane_environment, bpy, python) for bpy, python in LANES.items()}


BLENDS = writers_of_blends()


# --- import-prnet ---------------------------------------------------------------------------------------------------

IMPORT_PRNET = """
import sys
from prn_blender.capture.errors import CaptureError
from prn_blender.capture.packs.prnet import import_prnet
try:
    print(import_prnet(*sys.argv[1:]))
except CaptureError as error:
    sys.exit(str(error))
"""


def import_prnet(folder: Path) -> int:
    """Makes a model pack of a copy of PRNet.

    Raises:
        BuildError: a file of it is missing or damaged.
    """
    command = [main_environment().set_up(), "-c", IMPORT_PRNET, str(folder.resolve()), str(PACKS)]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(done.stderr.strip())
    pack = os.path.relpath(done.stdout.strip())
    say(f"{pack}: PRNet as a model pack; for a head of it: python3 build.py capture PHOTO --pack {pack}")
    return 0


# --- test -----------------------------------------------------------------------------------------------------------


@dataclass
class Count:
    """How many tests came out how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other: Count) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run_pytest(title: str, python: str, folder: str, beside_others: bool = False, **environment: str) -> Count:
    """Runs the tests of a folder with an environment's Python; beside others what it says is shown at its end."""
    if not beside_others:
        say(f"\n=== {title} ===")
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        done = subprocess.run(
            [python, "-m", "pytest", folder, "--junitxml", str(report), "-o", f"cache_dir={scratch}/cache"],
            check=False,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE if beside_others else None,
            stderr=subprocess.STDOUT if beside_others else None,
            text=True,
        )
        if beside_others:
            say(f"\n=== {title} ===\n{done.stdout}")
        suites = xml.etree.ElementTree.parse(report).getroot().iter("testsuite") if report.is_file() else ()
        count = Count()
        for suite in suites:
            tests, errors, failures, skipped = (
                int(suite.get(name)) for name in ("tests", "errors", "failures", "skipped")
            )
            count.add(Count(tests - errors - failures - skipped, errors + failures, skipped))
    if done.returncode and not count.failed:
        count.failed = 1  # pytest crashed, found no test, or was interrupted
    return count


def test_style() -> Count:
    """Ruff's rules, its format, and mypy on the part that needs no Blender."""
    main = main_environment()
    python, style = main.set_up(), Environment(ROOT / ".venv-style", main.python, STYLE, loads_blender=False).set_up()
    say("\n=== style ===")
    sources = ["prn_blender", "tests", "benchmarks", "training", "build.py"]
    count = Count()
    for command in (
        ["ruff", "check", *sources],
        ["ruff", "format", "--check", *sources],
        ["mypy", "--python-executable", python],
    ):
        code = subprocess.call([style, "-m", *command], cwd=ROOT)
        count.add(Count(passed=int(code == 0), failed=int(code != 0)))
    return count


def test_unit() -> Count:
    return run_pytest("unit", main_environment().set_up(), "tests/unit")


def test_scene() -> Count:
    """In every supported Blender whose Python is there; in CI in the oldest and the newest, which must be there."""
    in_ci = os.environ.get("CI") == "true"
    lanes = list(LANES.items())
    count, ready = Count(), []
    for bpy, python in [lanes[0], lanes[-1]] if in_ci else lanes:
        environment = lane_environment(bpy, python)
        if not in_ci and not environment.is_ready and find_python(python) is None:
            say(f"\n=== scene, bpy {bpy}: skipped, there is no Python {python} with venv here ===")
            count.skipped += 1
            continue
        ready.append((f"scene, bpy {bpy}", environment.set_up(), "tests/scene", True))
    say(f"\n=== {len(ready)} lanes of scene tests, two at a time ===")
    with ThreadPoolExecutor(max_workers=2) as pool:
        for one in pool.map(lambda lane: run_pytest(*lane), ready):
            count.add(one)
    return count


def test_gui() -> Count:
    """In a real Blender with a window, with the extension installed from its zip."""
    environment = main_environment()
    python = environment.set_up()
    extension = build_zip(this_platform(), DIST)
    say("\n=== a real Blender ===")
    subprocess.call([python, str(ROOT / "tests" / "gui" / "real_blender.py")])  # what is wrong the tests tell too
    return run_pytest("gui", python, "tests/gui", PRN_EXTENSION_ZIP=str(extension))


TESTS = {"style": test_style, "unit": test_unit, "scene": test_scene, "gui": test_gui}


def test(parts: list[str]) -> int:
    count = Count()
    for name in parts or TESTS:
        try:
            count.add(TESTS[name]())
        except BuildError as error:
            say(f"\n{name} tests: {error}")
            count.failed += 1
    say(f"\n{count}")
    return int(count.failed > 0 or count.passed == 0)


# --- zip ------------------------------------------------------------------------------------------------------------


def this_platform() -> str:
    """Raises BuildError where there is no zip for this machine."""
    system = {"Linux": "linux", "Windows": "windows", "Darwin": "macos"}.get(platform.system(), "unknown")
    machine = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64"}.get(platform.machine().lower(), "unknown")
    name = f"{system}-{machine}"
    if name not in PLATFORMS:
        raise BuildError(f"There is no zip for this machine: choose one with --platform {'|'.join(PLATFORMS)}.")
    return name


def of_variant(name: str, variant: str) -> str:
    """The name of a folder or file that each variant has its own of."""
    return name if variant == "cpu" else f"{name}-{variant}"


def download_wheels(name: str, variant: str = "cpu") -> Path:
    """The folder with a platform's wheels, downloaded where the pins have changed."""
    target = VARIANTS[variant][name]
    folder = DIST / "wheels" / of_variant(name, variant)
    stamp = folder / "ready.json"
    recipe = json.dumps([(python, target.requirements(python), target.wheel_tags) for python in target.pythons])
    if stamp.is_file() and stamp.read_text() == recipe:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    tags = [argument for tag in target.wheel_tags for argument in ("--platform", tag)]
    for python in target.pythons:
        command = [main_environment().set_up(), "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--progress-bar", "off", "--implementation", "cp", "--python-version", python, *tags]
        run_step(f"{name}: wheels for Python {python}", [*command, "--dest", str(folder), *target.requirements(python)])
    stamp.write_text(recipe)
    return folder


def stage_extension(name: str, folder: Path, variant: str = "cpu") -> None:
    """Lays out the extension as it is in the zip: the package's modules at the root, beside the manifest."""
    shutil.copytree(ROOT / "prn_blender", folder, ignore=shutil.ignore_patterns("__pycache__", "__main__.py"))
    shutil.copytree(ROOT / "models", folder / "models")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    shutil.copytree(download_wheels(name, variant), folder / "wheels", ignore=shutil.ignore_patterns("*.json"))
    wheels = sorted((folder / "wheels").iterdir())
    for wheel in wheels:
        copy_licences(wheel, folder / "licenses" / wheel.name.split("-")[0])
    manifest = manifest_in_zip(name, variant, [wheel.name for wheel in wheels])
    (folder / "blender_manifest.toml").write_text(manifest, encoding="utf-8")


def manifest_in_zip(name: str, variant: str, wheels: list[str]) -> str:
    """The manifest with what differs between the zips: the platform, its wheels, the variant, where they come from.

    Variants have one id, so that one takes the place of the other: both at once would register the same operators.
    """
    text = (ROOT / "blender_manifest.toml").read_text(encoding="utf-8")
    minimum = VARIANTS[variant][name].blender_version_min
    text = re.sub(r'^blender_version_min = ".*"$', f'blender_version_min = "{minimum}"', text, flags=re.MULTILINE)
    if variant != "cpu":
        text = re.sub(r'^name = "(.*)"$', rf'name = "\1 ({variant.upper()})"', text, flags=re.MULTILINE)
    listed = "".join(f'  "./wheels/{wheel}",\n' for wheel in wheels)
    top, table, tables = text.partition("\n[permissions]")
    address = website_of(ROOT)
    website = f'website = "{address}"\n' if address else ""
    return f'{top}\n{website}platforms = ["{name}"]\nwheels = [\n{listed}]\n{table}{tables}'


def website_of(checkout: Path) -> str:
    """The https address that a checkout was cloned from, which a browser opens too; empty where there is none."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(checkout), "config", "--get", "remote.origin.url"]
    origin = subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    found = urllib.parse.urlsplit(origin)
    if found.scheme != "https" or not found.hostname:
        return ""
    host = found.hostname if found.port is None else f"{found.hostname}:{found.port}"  # without name and password
    return f"https://{host}{found.path.removesuffix('/').removesuffix('.git')}"


def copy_licences(wheel: Path, folder: Path) -> None:
    """The licence files of a wheel, where they can be read without unpacking it."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            name = member.rsplit("/", 1)[-1]
            if name.upper().startswith(("LICENSE", "LICENCE", "THIRDPARTYNOTICES")) and not name.endswith(".py"):
                (folder / name).write_bytes(archive.read(member))


def blender_extension_tool() -> Path:
    """The script of Blender that builds and validates extensions, from the bpy module."""
    site = Path(main_environment().set_up()).parents[1]
    found = sorted(site.glob("**/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise BuildError(f"{site} holds no Blender module: delete it and run the command again.")
    return found[-1]


def build_zip(name: str, output: Path, variant: str = "cpu") -> Path:
    """Builds and validates the zip of a platform.

    Raises:
        BuildError: a wheel cannot be had, or Blender's validation objects.
    """
    import tomllib

    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    python, tool = main_environment().set_up(), str(blender_extension_tool())
    title = f"{manifest['id']}-{manifest['version']}-{name.replace('-', '_')}"
    result = output / f"{of_variant(title, variant)}.zip"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as scratch:
        staged, built = Path(scratch) / "extension", Path(scratch) / result.name
        stage_extension(name, staged, variant)
        wheels = sum(wheel.stat().st_size for wheel in (staged / "wheels").iterdir())
        run_step(
            f"{name}: packing", [python, tool, "build", "--source-dir", str(staged), "--output-filepath", str(built)]
        )
        run_step(f"{name}: validating", [python, tool, "validate", str(built)])
        os.replace(built, result)
    say(f"{name}: {result} ({result.stat().st_size / 1e6:.0f} MB, {wheels / 1e6:.0f} MB of them libraries)")
    return result


def make_zips(platform_name: str | None, variant: str) -> int:
    known = VARIANTS[variant]
    names = list(known) if platform_name == "all" else [platform_name or this_platform()]
    for name in names:
        if name not in known:
            raise BuildError(f"There is no {variant} variant for {name}: choose {' or '.join(known)}.")
        build_zip(name, DIST, variant)
    return 0


def make_index(variant: str) -> int:
    """A folder with the zips of all platforms and the index that Blender asks for updates: put it on a web server."""
    folder = DIST / of_variant("repository", variant)
    shutil.rmtree(folder, ignore_errors=True)
    for name in VARIANTS[variant]:
        build_zip(name, folder, variant)
    index_repository(folder)
    return 0


def index_repository(folder: Path) -> None:
    """Writes index.json, and index.html for people, beside the zips of a folder."""
    python, tool = main_environment().set_up(), str(blender_extension_tool())
    run_step("index", [python, tool, "server-generate", "--repo-dir", str(folder), "--html"])
    say(f"{folder}: put it on a web server, and give Blender the address of its index.json")


# --- The command line -----------------------------------------------------------------------------------------------


def rerun_with_supported_python() -> int:
    for find in (find_python, get_python):  # a download only where there is none of either version
        for version in MAIN_BPY:
            python = find(version)
            if python:
                return subprocess.call([python, *sys.argv])
    raise BuildError(
        f"This is Python {RUNNING_PYTHON}, and Blender's module needs 3.11 or 3.13 with venv: {HOW_TO_GET_PYTHON}."
    )


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["capture"]:  # its options are not read here
        return capture(arguments[1:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("capture", help="a head from a photo", add_help=False)
    prnet = commands.add_parser("import-prnet", help="a model pack of your copy of PRNet")
    prnet.add_argument("folder", type=Path, help="PRNet's, or the Data folder in it")
    tests = commands.add_parser("test", help="sets up and runs the tests")
    tests.add_argument("parts", nargs="*", metavar="|".join(TESTS), help="only these")
    zips = commands.add_parser("zip", help="builds the extension zip for this platform")
    zips.add_argument("--platform", choices=[*PLATFORMS, "all"], help="another platform's")
    index = commands.add_parser("index", help="builds a repository of the zips of all platforms")
    for command in (zips, index):
        command.add_argument("--variant", choices=list(VARIANTS), default="cpu", help="cuda: for NVIDIA's cards")
    asked = parser.parse_args(arguments)
    if asked.command == "import-prnet":
        return import_prnet(asked.folder)
    if asked.command == "test" and not set(asked.parts) <= set(TESTS):
        tests.error(f"the parts are {', '.join(TESTS)}")
    if asked.command == "test":
        return test(asked.parts)
    return make_index(asked.variant) if asked.command == "index" else make_zips(asked.platform, asked.variant)


if __name__ == "__main__":
    try:
        if RUNNING_PYTHON not in MAIN_BPY:
            sys.exit(rerun_with_supported_python())
        sys.exit(main(sys.argv[1:]))
    except BuildError as error:
        sys.exit(f"build.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
