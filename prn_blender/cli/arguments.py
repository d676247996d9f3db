"""What can be asked for on the command line."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..capture.packs.pack import describe_pack
from ..capture.run import OtherPhoto, Request
from ..capture.texture.regions import REGIONS
from ..capture.types import EYE_MM, FOCAL_MM, PASSES, PROVIDER_LABELS, SIMPLE, TEXTURE_SIZES, WHOLE, Settings
from ..scene.files.extras import KINDS


def parser_of(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        program,
        description="One head for each photo: head.blend, head.glb, its textures, preview.png and capture.json.",
    )
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="where the files go, for several photos each into a folder of its own there; "
        "default: a folder named after the photo",
    )
    parser.add_argument(
        "--skip-existing",
        action="store_true",
        help="leave out photos that were captured there before and have not changed since: goes on where a run stopped",
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
        action="append",
        metavar="L,T,R,B",
        help="the face from brows to chin, in pixels, instead of detection; --box=-9,… if the first is negative. "
        "With --together once for each photo, in their order, 'find' where the face is to be found",
    )
    parser.add_argument(
        "--together",
        action="store_true",
        help="the photos show one person: one head of all of them, with the expression of the first",
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
        "--eye-distance",
        type=_eye_distance,
        metavar="MM",
        help="from pupil to pupil, for the head's true size (default: the head is as large as heads are on average)",
    )
    parser.add_argument(
        "--follow",
        type=_percent,
        default=Settings.follow,
        metavar="0-100",
        help="percent of what the photo shows beyond what heads are like that goes into the shape (default: 100)",
    )
    parser.add_argument(
        "--texture-size",
        type=int,
        choices=TEXTURE_SIZES,
        default=Settings.texture_size,
        help="pixels per side (default: %(default)s)",
    )
    parser.add_argument("--no-fill", action="store_true", help="leave hidden parts of the texture empty")
    parser.add_argument("--yunet", type=Path, metavar="ONNX", help="a YuNet file instead of the built-in face detector")
    parser.add_argument(
        "--passes",
        type=int,
        choices=PASSES,
        default=Settings.passes,
        help="network passes for each face (default: %(default)s)",
    )
    parser.add_argument(
        "--provider",
        choices=("auto", *PROVIDER_LABELS),
        default=Settings.provider,
        help="what the network runs on (default: %(default)s, the fastest there is)",
    )
    parser.add_argument(
        "--pack", type=Path, metavar="NAME|FOLDER", help="an installed model pack, or the folder of one"
    )
    parser.add_argument(
        "--topology",
        default=Settings.topology,
        metavar="NAME",
        help=f"{'; '.join(f'{choice.name}: {choice.quads} quads' for choice in describe_pack().topologies)}; "
        "all but standard with edge loops around eyes and mouth (default: %(default)s)",
    )
    parser.add_argument(
        "--parts",
        choices=(SIMPLE, WHOLE),
        default=Settings.parts,
        help="whole: with eyes, lashes, teeth and the mouth's inside; simple: eyes and mouth closed by patches "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--expressions",
        action="store_true",
        help="with ARKit's 52 as shape keys, in head.blend and head.glb",
    )
    parser.add_argument("--triangles", action="store_true", help="triangles instead of quads")
    _add_extras(parser)
    return parser


def _add_extras(parser: argparse.ArgumentParser) -> None:
    """What is written besides the usual files."""
    written = "; ".join(f"{name}: {files}" for name, files in KINDS.items())
    parser.add_argument(
        "--also", type=_names(KINDS), default=(), metavar="NAME,…", help=f"all, or what is wanted besides: {written}"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--other-photo", type=Path, metavar="PHOTO", help="another person, for --take and --swap")
    other.add_argument(
        "--other-texture", type=Path, metavar="IMAGE", help="the same, from a head_basecolor.png of the same model pack"
    )
    parser.add_argument(
        "--take",
        type=_names(REGIONS),
        default=(),
        metavar="REGION,…",
        help=f"parts of the texture that come from the other: {', '.join(REGIONS)}",
    )
    parser.add_argument("--swap", action="store_true", help="swapped.png: the other's face in the photo")


def _names(known: Iterable[str]) -> Callable[[str], tuple[str, ...]]:
    """Reads names with commas between; `all` are all that are known."""

    def read(text: str) -> tuple[str, ...]:
        names = tuple(known) if text == "all" else tuple(text.split(","))
        if not set(names) <= set(known):
            raise argparse.ArgumentTypeError(f"all, or of these with commas: {', '.join(known)}")
        return names

    return read


def _face(text: str) -> str | int:
    if text in ("largest", "all"):
        return text
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError("largest, all, or a number from 0 on")


def _box(text: str) -> tuple[float, float, float, float] | None:
    if text == "find":
        return None
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError("four numbers with commas: left,top,right,bottom") from None
    return left, top, right, bottom


def _focal(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not FOCAL_MM[0] <= value <= FOCAL_MM[1]:
        raise argparse.ArgumentTypeError(f"a focal length from {FOCAL_MM[0]:.0f} to {FOCAL_MM[1]:.0f} mm")
    return value


def _eye_distance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not EYE_MM[0] <= value <= EYE_MM[1]:
        raise argparse.ArgumentTypeError(f"a distance from {EYE_MM[0]:.0f} to {EYE_MM[1]:.0f} mm")
    return value


def _percent(text: str) -> float:
    try:
        value = float(text) / 100
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("a number from 0 to 100")
    return value


def request_for(photo: Path, asked: argparse.Namespace, others: Sequence[Path] = ()) -> Request:
    """What is asked for, for one photo, or for one and others of the same person."""
    boxes = asked.box or [None] * (1 + len(others))
    together = tuple(OtherPhoto(other, box=box) for other, box in zip(others, boxes[1:], strict=True))
    return Request(photo, asked.face, boxes[0], settings_of(asked), asked.pack, asked.yunet, together=together)


def settings_of(asked: argparse.Namespace) -> Settings:
    """What is asked for in every photo."""
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
        follow=asked.follow,
        head_size="eyes" if asked.eye_distance else Settings.head_size,
        eye_mm=asked.eye_distance or Settings.eye_mm,
        parts=asked.parts,
        expressions=asked.expressions,
        **lens,
    )
