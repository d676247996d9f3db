"""Heads from photos without a window: `python -m prn_blender`, or `blender --command prn_capture`."""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ..capture.errors import CaptureError, NoFaceError
from ..capture.packs.pack import load_pack
from ..capture.run import Found, capture_face, find
from ..capture.types import PHOTO_TYPES, PROVIDER_LABELS
from ..scene.files.write import write_capture
from .arguments import parser_of, request_for

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
    pose: str = ""
    seen: str = ""
    seconds: str = ""
    network: str = ""  # what it really ran on


def main(arguments: list[str], program: str) -> int:
    """Captures; returns the exit code: 0, 1 if a photo failed, 2 for a command that makes no sense, 130 if stopped."""
    sys.stdout.reconfigure(errors="replace")  # a file name that the terminal cannot show is no reason to stop
    parser = parser_of(program)
    try:
        asked = parser.parse_args(arguments)
        if not asked.photos:
            if not PORTRAIT.is_file():
                parser.error("name a photo, or a folder of photos")
            asked.photos, asked.output = [PORTRAIT], asked.output or PORTRAIT_FOLDER
        photos = _photos(asked.photos)
        if asked.box and len(photos) > 1:
            parser.error("--box belongs to one photo: give only that one")
        load_pack(asked.pack).choose_topology(asked.topology)
    except CaptureError as error:
        print(f"{program}: {error}", flush=True)
        return 2
    except SystemExit as stop:
        return int(stop.code or 0)

    folders = folders_of(photos, asked.output)
    outcomes, stopped = [], False
    try:
        for number, (photo, folder) in enumerate(zip(photos, folders, strict=True), start=1):
            print(f"[{number}/{len(photos)}] {photo}", end="", flush=True)
            outcomes += _capture_photo(photo, folder, asked)
            print(flush=True)
    except KeyboardInterrupt:
        stopped = True
        print(" | stopped", flush=True)
    print(_table(outcomes), flush=True)
    return 130 if stopped else int(any(outcome.failed for outcome in outcomes))


def _photos(given: list[Path]) -> list[Path]:
    """The photos themselves, and those in the folders."""
    photos = []
    for path in given:
        if os.path.isdir(path):  # unlike `Path.is_dir` it takes any name
            try:
                inside = sorted(file for file in path.iterdir() if file.suffix.lower() in PHOTO_TYPES)
            except OSError as error:
                raise CaptureError(f"{path} cannot be read ({error.strerror}): check its permissions.") from error
            if not inside:
                raise CaptureError(f"No photos in {path}: it holds no file ending in {', '.join(PHOTO_TYPES)}.")
            photos += inside
        else:
            photos.append(path)
    return photos


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


def _capture_photo(path: Path, folder: Path, asked: argparse.Namespace) -> list[Outcome]:
    """The outcomes for the chosen faces of one photo; an error becomes an outcome too."""
    try:
        found = find(request_for(path, asked), _progress)
    except NoFaceError:
        return [_failure(path.name, NoFaceError(NO_FACE))]
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
    try:
        capture = capture_face(found, index, _progress)
        described = write_capture(capture, folder, asked.triangles, _progress)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other photos are still to be done
        return _failure(label, error)
    pose = described["pose"]
    return Outcome(
        photo=label,
        result=str(folder),
        pose=f"{pose['yaw']:+.0f} {pose['pitch']:+.0f} {pose['roll']:+.0f}",
        seen=f"{described['visible_share']:.0%}",
        seconds=f"{time.perf_counter() - started:.1f}",
        network=PROVIDER_LABELS[capture.provider]
        + (f" ({capture.provider_fallback})" if capture.provider_fallback else ""),
    )


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
    networks = sorted({outcome.network for outcome in outcomes} - {""})
    ran = f"; the network ran on {', '.join(networks)}" if networks else ""
    return "\n".join(["", *lines, "", f"{len(outcomes) - failed} captured, {failed} failed{ran}"])
