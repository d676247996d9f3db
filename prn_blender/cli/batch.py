"""Heads from photos without a window: `python -m prn_blender`, or `blender --command prn_capture`."""

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..capture.errors import CaptureError, NoFaceError
from ..capture.faces.detail import expected_detail
from ..capture.packs.pack import load_pack
from ..capture.photo.read import load_photo
from ..capture.record import views_in
from ..capture.run import Found, Request, capture_face, find, not_of_this_person, run
from ..capture.texture.regions import region_mask
from ..capture.texture.take import take
from ..capture.types import BASE_COLOR, PHOTO_TYPES, PROVIDER_LABELS, Capture
from ..scene.files.extras import Extras
from ..scene.files.write import DESCRIPTION, write_capture
from ..scene.packs import installed_packs
from .arguments import parser_of, request_for, settings_of

# What a checkout captures when no photo is named; the extension has none.
PORTRAIT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
NO_FACE = "No face found: give its place with --box LEFT,TOP,RIGHT,BOTTOM in photo pixels."
PORTRAIT_FOLDER = PORTRAIT.parents[1] / "captures" / PORTRAIT.stem


@dataclass(frozen=True)
class Outcome:
    """A line of the summary."""

    photo: str
    result: str  # the folder, or what went wrong
    failed: bool = False
    skipped: bool = False  # it was there already
    pose: str = ""
    seen: str = ""
    seconds: str = ""
    network: str = ""  # what it really ran on


def main(arguments: list[str], program: str) -> int:
    """Captures; returns the exit code.

    0, 1 if a photo failed, 2 for a command that makes no sense, 130 if stopped, 141 if nobody reads the output any more
    (as when it goes to `head`), which stops it too.
    """
    sys.stdout.reconfigure(errors="replace")  # a file name that the terminal cannot show is no reason to stop
    try:
        code = _main(arguments, program)
        sys.stdout.flush()
    except BrokenPipeError:
        with open(os.devnull, "wb") as nowhere:  # for what Python still wants to write as it ends
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return 141
    return code


def _main(arguments: list[str], program: str) -> int:
    try:
        parser = parser_of(program)
        asked = parser.parse_args(arguments)
        if not asked.photos:
            if not PORTRAIT.is_file():
                parser.error("name a photo, or a folder of photos")
            asked.photos, asked.output = [PORTRAIT], asked.output or PORTRAIT_FOLDER
        photos = _photos(asked.photos)
        if asked.box and len(asked.box) != (len(photos) if asked.together else 1):
            parser.error("give --box once for each photo, in their order, or 'find' instead of numbers")
        if asked.box and len(photos) > 1 and not asked.together:
            parser.error("--box belongs to one photo: give only that one")
        if bool(asked.take or asked.swap) != bool(asked.other_photo or asked.other_texture):
            parser.error("--take and --swap go with --other-photo or --other-texture")
        asked.pack = _pack_folder(asked.pack)
        if asked.together and asked.face == "all":
            parser.error("--together makes one head: choose one face of each photo, not all")
        load_pack(asked.pack).choose_topology(asked.topology)
        asked.other = _other_texture(asked)
    except CaptureError as error:
        print(f"{program}: {error}", flush=True)
        return 2
    except SystemExit as stop:
        return int(stop.code or 0)

    groups = [photos] if asked.together else [[photo] for photo in photos]
    folders = folders_of([group[0] for group in groups], asked.output)
    outcomes, stopped = [], False
    try:
        for number, ((photo, *others), folder) in enumerate(zip(groups, folders, strict=True), start=1):
            print(f"[{number}/{len(groups)}] {', '.join(map(str, (photo, *others)))}", end="", flush=True)
            outcomes += _capture_photo(photo, folder, asked, others)
            print(flush=True)
    except KeyboardInterrupt:
        stopped = True
        print(" | stopped; the same command with --skip-existing goes on from here", flush=True)
    print(_table(outcomes), flush=True)
    return 130 if stopped else int(any(outcome.failed for outcome in outcomes))


def _photos(given: list[Path]) -> list[Path]:
    """The photos themselves, and those in the folders."""
    photos = []
    for path in given:
        if os.path.isdir(path):  # unlike `Path.is_dir` it takes any name
            try:
                inside = sorted(file for file in path.iterdir() if _is_photo(file))
            except OSError as error:
                raise CaptureError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
            if not inside:
                raise CaptureError(f"No photos in {path}: it holds no file ending in {', '.join(PHOTO_TYPES)}.")
            photos += inside
        else:
            photos.append(path)
    return photos


def _is_photo(path: Path) -> bool:
    """Whether something in a folder is meant as a photo. Names with a point in front are hidden files, or what macOS
    puts beside a photo on other systems' disks."""
    return path.suffix.lower() in PHOTO_TYPES and not path.name.startswith(".") and not path.is_dir()


def folders_of(photos: list[Path], output: Path | None) -> list[Path]:
    """Where each photo's files go: photos of the same name, or without a suffix, get folders of different names."""
    if output is not None and len(photos) == 1:
        return [output]
    folders = []
    for photo in photos:
        folder = wanted = (output or Path()) / photo.stem
        count = 1
        while folder in folders or os.path.isfile(folder):
            count += 1
            folder = wanted.with_name(f"{wanted.name}_{count}")
        folders.append(folder)
    return folders


def _capture_photo(path: Path, folder: Path, asked: argparse.Namespace, others: list[Path]) -> list[Outcome]:
    """The outcomes for the chosen faces of one photo, together with others; an error becomes an outcome too."""
    captured = _photos_captured_in(folder) if asked.skip_existing else None
    if captured is not None and captured == [_checksum(photo) for photo in (path, *others)]:
        return [_skipped(path.name, folder)]
    try:
        found = find(request_for(path, asked, others), _progress)
    except NoFaceError as error:
        return [_failure(path.name, error if others else NoFaceError(NO_FACE))]
    except Exception as error:  # noqa: BLE001 - whatever it is, the other photos are still to be done
        return [_failure(path.name, error)]
    if len(found.wanted) == 1:
        return [_capture_face(found, 0, path.name, folder, asked)]
    outcomes = []
    for index in range(len(found.wanted)):
        label = f"{path.name} face {index}"
        print(f"\n    {label}", end="", flush=True)
        outcomes.append(_capture_face(found, index, label, folder / f"face_{index}", asked))
    return outcomes


def _capture_face(found: Found, index: int, label: str, folder: Path, asked: argparse.Namespace) -> Outcome:
    started = time.perf_counter()
    checksums = [found.photo.sha256, *(other.photo.sha256 for other in found.others)]
    if asked.skip_existing and _photos_captured_in(folder) == checksums:
        return _skipped(label, folder)
    try:
        capture = capture_face(found, index, _progress)
        capture = _with_regions(capture, asked)
        extras = Extras(frozenset(asked.also), asked.other if asked.swap else None)
        described = write_capture(capture, folder, asked.triangles, _progress, extras)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other photos are still to be done
        return _failure(label, error)
    for view in capture.views:
        if not view.belongs:
            print(f" | {not_of_this_person(view)}", end="", flush=True)
    pose = described["pose"]
    if detail := expected_detail(found.wanted[index]):
        print(f" | {detail}", end="", flush=True)
    return Outcome(
        photo=label,
        result=str(folder),
        pose=f"{pose['yaw']:+.0f} {pose['pitch']:+.0f} {pose['roll']:+.0f}",
        seen=f"{described['visible_share']:.0%}",
        seconds=f"{time.perf_counter() - started:.1f}",
        network=PROVIDER_LABELS[capture.provider]
        + (f" ({capture.provider_fallback})" if capture.provider_fallback else ""),
    )


def _photos_captured_in(folder: Path) -> list[str] | None:
    """The checksums of the photos of which a folder has all files of a capture; None where it has not."""
    try:
        described = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        is_whole = all((folder / name).is_file() for name in described["files"])
        return [view["photo"]["sha256"] for view in views_in(described["record"])] if is_whole else None
    except (OSError, ValueError, KeyError, TypeError):  # no capture, or an older version's
        return None


def _checksum(photo: Path) -> str:
    """Of a photo's file; empty where it cannot be read, which the capture tells."""
    try:
        with photo.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def _skipped(label: str, folder: Path) -> Outcome:
    print(" | there already", end="", flush=True)
    return Outcome(label, f"{folder} (there already)", skipped=True)


def _pack_folder(given: Path | None) -> Path | None:
    """The folder of a pack that is given by its name or its folder."""
    if given is None or os.path.isdir(given):
        return given
    return next((pack.folder for pack in installed_packs() if pack.answers_to(str(given))), given)


def _other_texture(asked: argparse.Namespace) -> np.ndarray | None:
    """(T, T, 3) uint8 of the other person, if there is one.

    Raises:
        CaptureError: the photo or texture cannot be used.
    """
    if asked.other_texture:
        return load_photo(asked.other_texture).pixels
    if not asked.other_photo:
        return None
    request = Request(asked.other_photo, settings=settings_of(asked), pack=asked.pack, yunet=asked.yunet)
    return run(request).captures[0].textures[BASE_COLOR]


def _with_regions(capture: Capture, asked: argparse.Namespace) -> Capture:
    """The capture with the regions of its texture that are to come from the other."""
    texture = capture.textures[BASE_COLOR]
    for name in asked.take:
        texture = take(texture, asked.other, region_mask(capture.pack.topology, name))
    return replace(capture, textures={**capture.textures, BASE_COLOR: texture})


def _failure(label: str, error: Exception) -> Outcome:
    known = isinstance(error, CaptureError | OSError | RuntimeError)  # the last: what Blender's operators report
    text = str(error) if known else f"unexpected {type(error).__name__}: {error}"
    line = " ".join(text.split())
    print(f" | failed: {line}", end="", flush=True)
    return Outcome(label, line, failed=True)


class StepPrinter:
    """A `Progress` that prints the name of each step once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, fraction: float, text: str) -> None:
        if text != self._last:
            print(f" | {text}", end="", flush=True)
        self._last = text


_progress = StepPrinter()


def _table(outcomes: list[Outcome]) -> str:
    rows = [("photo", "yaw pitch roll", "seen", "seconds", "result")]
    for outcome in outcomes:
        result = f"FAILED: {outcome.result}" if outcome.failed else outcome.result
        rows.append((outcome.photo, outcome.pose, outcome.seen, outcome.seconds, result))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    networks = sorted({outcome.network for outcome in outcomes} - {""})
    ran = f"; the network ran on {', '.join(networks)}" if networks else ""
    there = f", {skipped} there already" if skipped else ""
    return "\n".join(["", *lines, "", f"{len(outcomes) - failed - skipped} captured, {failed} failed{there}{ran}"])
