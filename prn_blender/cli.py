"""Heads from photos without a window: `python -m prn_blender`, or `blender --command prn_capture`."""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from .capture.errors import CaptureError, NoFaceError
from .capture.faces import FaceBox, choose_faces, find_faces
from .capture.network import PROVIDER_LABELS
from .capture.pack import PREFERRED_TOPOLOGY, ModelPack, load_pack
from .capture.photo import Photo, load_photo
from .capture.reconstruct import SIMPLE, WHOLE, Settings, reconstruct
from .scene.files import write_capture

COMMAND = "prn_capture"

PHOTO_TYPES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
TEXTURE_SIZES = (512, 1024, 2048, 4096, 8192)


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
    parser = _parser(program)
    try:
        asked = parser.parse_args(arguments)
        photos = _photos(asked.photos)
        if asked.box and len(photos) > 1:
            parser.error("--box belongs to one photo: give only that one")
        pack = load_pack(asked.pack)
        pack.choose_topology(asked.topology)
    except CaptureError as error:
        print(f"{program}: {error}", flush=True)
        return 2
    except SystemExit as stop:
        return int(stop.code or 0)

    folders = _folders(photos, asked.output)
    outcomes, stopped = [], False
    try:
        for number, (photo, folder) in enumerate(zip(photos, folders, strict=True), start=1):
            print(f"[{number}/{len(photos)}] {photo}", end="", flush=True)
            outcomes += _capture_photo(photo, folder, pack, asked)
            print(flush=True)
    except KeyboardInterrupt:
        stopped = True
        print(" | stopped", flush=True)
    print(_table(outcomes), flush=True)
    return 130 if stopped else int(any(outcome.failed for outcome in outcomes))


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        program,
        description="One head for each photo: head.blend, head.glb, its texture and mask, preview.png and capture.json.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where the files go, for several photos each into a folder of its own there; "
        "default: a folder named after the photo",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--face",
        type=_face,
        default="largest",
        metavar="largest|all|N",
        help="which face of a photo; N counts from 0, the most certain one (default: %(default)s)",
    )
    which.add_argument(
        "--box",
        type=_box,
        metavar="L,T,R,B",
        help="the face from brows to chin, in pixels, instead of detection; --box=-9,… if the first is negative",
    )
    lens = parser.add_mutually_exclusive_group()
    lens.add_argument(
        "--focal",
        type=_focal,
        metavar="MM",
        help="35 mm equivalent focal length (default: the photo's EXIF data, else estimated from the face)",
    )
    lens.add_argument("--orthographic", action="store_true", help="a camera without perspective")
    parser.add_argument(
        "--texture-size", type=int, choices=TEXTURE_SIZES, default=2048, help="pixels per side (default: %(default)s)"
    )
    parser.add_argument("--no-fill", action="store_true", help="leave hidden parts of the texture empty")
    parser.add_argument("--yunet", type=Path, metavar="ONNX", help="a YuNet file instead of the built-in face detector")
    parser.add_argument(
        "--passes", type=int, choices=(1, 2, 3), default=2, help="network passes for each face (default: %(default)s)"
    )
    parser.add_argument(
        "--provider",
        choices=("auto", *PROVIDER_LABELS),
        default="auto",
        help="what the network runs on (default: %(default)s, the fastest there is)",
    )
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="a model pack instead of the built-in one")
    parser.add_argument(
        "--topology",
        default=PREFERRED_TOPOLOGY,
        metavar="NAME",
        help="standard: a grid of 16k quads; with edge loops around eyes and mouth: low (1k), game (5k), "
        "detailed (20k), sculpt (79k quads) (default: %(default)s)",
    )
    parser.add_argument(
        "--parts",
        choices=(WHOLE, SIMPLE),
        default=SIMPLE,
        help="whole: with eyes, lashes, teeth and the mouth's inside; simple: eyes and mouth closed by patches "
        "(default: %(default)s)",
    )
    parser.add_argument("--triangles", action="store_true", help="triangles instead of quads")
    return parser


def _face(text: str) -> str | int:
    if text in ("largest", "all"):
        return text
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError("largest, all, or a number from 0 on")


def _box(text: str) -> FaceBox:
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers with commas: left,top,right,bottom") from None
    return FaceBox(left, top, right, bottom)


def _focal(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 5 <= value <= 2000:
        raise argparse.ArgumentTypeError("a focal length from 5 to 2000 mm")
    return value


def _settings(asked: argparse.Namespace) -> Settings:
    lens = {}
    if asked.orthographic:
        lens = {"projection": "orthographic"}
    elif asked.focal:
        lens = {"projection": "focal", "focal_mm": asked.focal}
    return Settings(
        texture_size=asked.texture_size,
        fill=not asked.no_fill,
        passes=asked.passes,
        provider=asked.provider,
        topology=asked.topology,
        parts=asked.parts,
        **lens,
    )


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


def _folders(photos: list[Path], output: Path | None) -> list[Path]:
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


def _capture_photo(path: Path, folder: Path, pack: ModelPack, asked: argparse.Namespace) -> list[Outcome]:
    """The outcomes for the chosen faces of one photo; an error becomes an outcome too."""
    try:
        _progress(0.0, "Reading the photo")
        photo = load_photo(path)
        boxes = [asked.box] if asked.box else _chosen_faces(photo, asked.face, asked.yunet)
    except (CaptureError, OSError) as error:
        return [_failure(path.name, error)]
    several = len(boxes) > 1
    return [
        _capture_face(
            photo,
            box,
            f"{path.name} face {number}" if several else path.name,
            folder / f"face_{number}" if several else folder,
            pack,
            asked,
        )
        for number, box in enumerate(boxes)
    ]


def _chosen_faces(photo: Photo, choice: str | int, yunet: Path | None) -> list[FaceBox]:
    _progress(0.1, "Finding faces")
    faces = find_faces(photo, yunet)
    if not faces:
        raise NoFaceError("No face found: give its place with --box LEFT,TOP,RIGHT,BOTTOM in photo pixels.")
    return choose_faces(faces, choice)


def _capture_face(
    photo: Photo, box: FaceBox, label: str, folder: Path, pack: ModelPack, asked: argparse.Namespace
) -> Outcome:
    started = time.perf_counter()
    if label != photo.path.name:
        print(f"\n    {label}", end="", flush=True)
    try:
        capture = reconstruct(photo, box, pack, _settings(asked), _progress)
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


_registered = []


def register() -> None:
    """Makes `blender --command prn_capture` known."""
    _registered.append(
        bpy.utils.register_cli_command(COMMAND, lambda arguments: main(arguments, f"blender --command {COMMAND}"))
    )


def unregister() -> None:
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
