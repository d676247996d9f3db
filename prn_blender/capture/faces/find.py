"""Where the faces of a photo are."""

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from ..errors import CaptureError, NoFaceError
from ..photo.part import cut, reduce, reduce_to
from ..types import Photo
from .box import FaceBox, best_of_each

# Longer sides of the copies that are searched, the next finer one only where those before leave a doubt. In photos of
# more than 5120 pixels the smallest faces are missed: a search there would take a minute for faces of no use.
COPY_SIDES = (640, 1280, 2560, 5120)
# On a copy where a face is no larger than this many pixels there may be others too small for it.
NEARLY_TOO_SMALL = 40
MAX_OVERLAP = 0.25
# Faces can be side by side, and one before the other; a doubtful one on a sure one is an ear, a hand or a lock of hair.
# It is one where it shares more than so much of the smaller box, and has less than so much of the better's score,
ON_A_FACE, AS_SURE = 0.15, 0.95
# or where its middle is no farther from the better box than so much of its sides, and its score is so much less.
BESIDE_A_FACE, LESS_SURE = 0.25, 0.8
# Grey levels by which a face differs from a smooth slope, in a copy of so many pixels; the flattest of 400 does by 13.
LEAST_STRUCTURE, STRUCTURE_SIDE = 3.0, 16
# Parts of the best score; what scores less is not taken for the largest face, nor searched for others of its size.
SURE_ENOUGH = 0.9


class FaceDetector(Protocol):
    """A way to find faces."""

    def detect(self, pixels: np.ndarray, coarse: bool) -> list[FaceBox]:
        """The faces in (H, W, 3) uint8 sRGB, in pixels of it, best first; scores from 0 to 1.

        Args:
            coarse: the photo at its smallest, where a face may fill it; a finer copy is searched for small faces only.
        """


def first_look(pixels: np.ndarray, yunet: str | Path | None = None) -> list[FaceBox]:
    """The faces in the smallest copy of a photo, in pixels of the copy; `find_faces` looks closer.

    Args:
        pixels: (H, W, 3) uint8, the photo or a draft of it.
        yunet: as of `find_faces`.

    Raises:
        CaptureError: as of `find_faces`.
    """
    return _detector(yunet).detect(reduce_to(pixels, COPY_SIDES[0]), True)


def find_faces(photo: Photo, yunet: str | Path | None = None, at_first: list[FaceBox] | None = None) -> list[FaceBox]:
    """The faces of a photo, best first; empty where there is none.

    Args:
        yunet: a YuNet ONNX file to use in place of the built-in detector.
        at_first: as of `first_look`, where that was done before.

    Raises:
        CaptureError: the file is no YuNet, or the built-in detector is missing or damaged.
    """
    longer = max(photo.width, photo.height)
    found: list[FaceBox] = []
    for side in COPY_SIDES:
        scale = min(1.0, side / longer)
        if side > COPY_SIDES[0]:
            in_copy = _detector(yunet).detect(reduce(photo.pixels, scale), False)
        else:
            in_copy = first_look(photo.pixels, yunet) if at_first is None else at_first
        seen = [face for face in (_scaled(face, 1 / scale) for face in in_copy) if _has_structure(photo.pixels, face)]
        found = _without_doubles(found + seen)
        smallest = min((face.right - face.left for face in _sure(found)), default=0.0) * scale
        if scale == 1.0 or smallest > NEARLY_TOO_SMALL:
            break
    return found


def choose_faces(faces: list[FaceBox], choice: str | int) -> list[FaceBox]:
    """The wanted ones of a photo's faces.

    Args:
        choice: "largest" of those that are nearly as sure as the best, "all", or an index into `faces`, best first.

    Raises:
        NoFaceError: there is none.
        CaptureError: there is no face of that index.
    """
    if not faces:
        raise NoFaceError("No face found. Give a box around the face: left, top, right, bottom in photo pixels.")
    if choice == "all":
        return list(faces)
    if choice == "largest":
        return [max(_sure(faces), key=lambda face: face.area)]
    index = int(choice)
    if not 0 <= index < len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise CaptureError(f"The photo shows {count}: choose one from 0 to {len(faces) - 1}, not {index}.")
    return [faces[index]]


def _sure(faces: list[FaceBox]) -> list[FaceBox]:
    """Those that are nearly as sure as the best."""
    least = SURE_ENOUGH * max((face.score for face in faces), default=0.0)
    return [face for face in faces if face.score >= least]


def _detector(yunet: str | Path | None) -> FaceDetector:
    if yunet:
        path = Path(yunet)
        return _yunet(path, path.stat().st_mtime_ns if path.is_file() else 0)
    from .finder import open_finder

    return open_finder()


@lru_cache(maxsize=1)
def _yunet(path: Path, _changed: int) -> FaceDetector:
    from .yunet import YuNet

    return YuNet(path)


def _scaled(face: FaceBox, factor: float) -> FaceBox:
    left, top, right, bottom = (side * factor for side in (face.left, face.top, face.right, face.bottom))
    return FaceBox(left, top, right, bottom, face.score, face.roll)


def _without_doubles(faces: list[FaceBox]) -> list[FaceBox]:
    """Best first, the better one of any two that overlap, or of which one is only a part of the other's head."""
    boxes = np.array([(face.left, face.top, face.right, face.bottom) for face in faces]).reshape(-1, 4)
    kept: list[FaceBox] = []
    for index in best_of_each(boxes, np.array([face.score for face in faces]), MAX_OVERLAP):
        if not any(_is_part_of(faces[index], better) for better in kept):
            kept.append(faces[index])
    return kept


def _is_part_of(face: FaceBox, better: FaceBox) -> bool:
    """Whether a less sure face is rather a part of a surer one's head, or a larger part of the picture around it."""
    shared = np.minimum(face.corners[1], better.corners[1]) - np.maximum(face.corners[0], better.corners[0])
    if shared.clip(0).prod() > ON_A_FACE * min(face.area, better.area) and face.score < AS_SURE * better.score:
        return True
    sides = np.ptp(better.corners, axis=0)
    offset = np.abs(face.corners.mean(axis=0) - better.corners.mean(axis=0))
    return bool((offset < (0.5 + BESIDE_A_FACE) * sides).all()) and face.score < LESS_SURE * better.score


def _has_structure(pixels: np.ndarray, face: FaceBox) -> bool:
    """Whether (H, W, 3) uint8 shows anything at the face's place that a wall or a sky does not."""
    small = reduce_to(cut(pixels, *face.corners)[0], STRUCTURE_SIDE).mean(axis=2)
    rows, columns = np.indices(small.shape)
    slope = np.column_stack([rows.ravel(), columns.ravel(), np.ones(small.size)])
    rest = small.ravel() - slope @ np.linalg.lstsq(slope, small.ravel(), rcond=None)[0]
    return float(rest.std()) > LEAST_STRUCTURE
