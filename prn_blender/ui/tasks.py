"""What the jobs compute: photo information, faces, captures. No bpy, so that it can run in a thread.

The capture modules load Pillow, OpenCV and onnxruntime; they are imported where they are used, so that Blender can
register the extension quickly, and also where one of them is broken.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..capture.errors import CaptureError, NoFaceError
from ..capture.progress import Progress

if TYPE_CHECKING:
    from ..capture.faces import FaceBox
    from ..capture.photo import Photo
    from ..capture.reconstruct import Capture, Settings
    from ..scene.encoded import EncodedImages

# Pixels of the longer side.
THUMBNAIL = 256
FACE_THUMBNAIL = 128
PICTURE = 1280


@dataclass(frozen=True)
class PhotoInfo:
    """What the panel tells about a photo before anything was computed."""

    width: int
    height: int
    focal_mm: float | None  # 35 mm equivalent
    thumbnail: np.ndarray  # (h, w, 4) float32, bottom row first as Blender wants it
    picture: np.ndarray  # (h, w, 3) uint8, larger
    as_stored: bool  # Blender shows the file as it is here: upright


@dataclass(frozen=True)
class FoundFaces:
    """The faces of a photo, best first."""

    boxes: tuple["FaceBox", ...]
    thumbnails: tuple[np.ndarray, ...]  # (h, w, 4) float32 each, bottom row first


@dataclass(frozen=True)
class Request:
    """Everything that a capture needs from the panel, the preferences or a script."""

    photo: Path
    face: str | int  # "largest", "all" or an index into the faces, best first
    box: tuple[float, float, float, float] | None  # left, top, right, bottom in photo pixels; replaces detection
    settings: "Settings"
    pack: Path | None  # None: the default pack
    yunet: str | None


@dataclass(frozen=True)
class Captured:
    """What a capture job delivers."""

    captures: tuple["Capture", ...]
    images: tuple["EncodedImages", ...]  # of each capture
    faces: FoundFaces | None  # None where a box was given
    seconds: float


def read_photo_info(path: Path) -> Callable[[Progress], PhotoInfo]:
    """Work that opens a photo. Raises CaptureError."""

    def work(progress: Progress) -> PhotoInfo:
        from ..capture.camera import focal_pixels
        from ..capture.photo import load_photo

        photo = load_photo(path)
        one_mm = focal_pixels(1.0, photo.width, photo.height)
        return PhotoInfo(
            photo.width,
            photo.height,
            None if photo.focal_px is None else photo.focal_px / one_mm,
            thumbnail(photo.pixels, THUMBNAIL),
            _at_most(photo.pixels, PICTURE),
            photo.as_stored,
        )

    return work


def search_faces(path: Path, yunet: str | None) -> Callable[[Progress], FoundFaces]:
    """Work that finds the faces of a photo. Raises CaptureError."""

    def work(progress: Progress) -> FoundFaces:
        from ..capture.photo import load_photo

        progress(0.1, "Reading the photo")
        photo = load_photo(path)
        progress(0.3, "Looking for faces")
        return found_faces(photo, yunet)

    return work


def found_faces(photo: "Photo", yunet: str | None) -> FoundFaces:
    """The faces of a photo with their pictures.

    Raises:
        NoFaceError: there is none.
    """
    from ..capture.faces import find_faces

    boxes = tuple(find_faces(photo, yunet))
    if not boxes:
        raise NoFaceError(f"No face found in {photo.path.name}: give a box around the face.")
    return FoundFaces(boxes, tuple(thumbnail(_cut(photo, box), FACE_THUMBNAIL) for box in boxes))


def capture_heads(request: Request) -> Callable[[Progress], Captured]:
    """Work that makes one capture for each wanted face. Raises CaptureError."""

    def work(progress: Progress) -> Captured:
        from ..capture.faces import FaceBox, choose_faces
        from ..capture.pack import load_pack
        from ..capture.photo import load_photo
        from ..capture.reconstruct import Stopwatch, reconstruct
        from ..scene.encoded import encode_images

        started = time.perf_counter()
        clock = Stopwatch()
        progress(0.0, "Reading the photo")
        photo = load_photo(request.photo)
        clock.lap("photo")
        progress(0.1, "Reading the model pack")
        pack = load_pack(request.pack)
        clock.lap("pack")
        if request.box is not None:
            faces, wanted = None, [FaceBox(*request.box)]
        else:
            progress(0.15, "Looking for faces")
            faces = found_faces(photo, request.yunet)
            wanted = choose_faces(list(faces.boxes), request.face)
        clock.lap("faces")
        captures, images = [], []
        for index, box in enumerate(wanted):
            step = _part_of(progress, 0.25, 1.0, index, len(wanted))
            capture = reconstruct(photo, box, pack, request.settings, step)
            step(1.0, "Encoding the images")
            clock.started = time.perf_counter()
            images.append(encode_images(capture))
            clock.lap("encode images")
            captures.append(replace(capture, timings={**clock.seconds, **capture.timings}))
        progress(1.0, "Building the head")
        return Captured(tuple(captures), tuple(images), faces, time.perf_counter() - started)

    return work


def one_line(error: Exception) -> str:
    """An error in words for the artist."""
    if isinstance(error, CaptureError):
        return str(error)
    if isinstance(error, ImportError):
        return f"A part of the extension does not load ({error}): install the extension again."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, MemoryError):
        return "Not enough memory: choose a smaller texture size or photo."
    return f"Unexpected error ({type(error).__name__}: {error}): the system console shows the details."


def thumbnail(pixels: np.ndarray, longer: int) -> np.ndarray:
    """`pixels` (H, W, 3) uint8 as (h, w, 4) float32 0..1, at most `longer` pixels a side, bottom row first."""
    return as_blender_pixels(_at_most(pixels, longer))


def as_blender_pixels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 as (H, W, 4) float32 0..1, bottom row first."""
    result = np.ones((*pixels.shape[:2], 4), np.float32)
    result[..., :3] = pixels[::-1] / np.float32(255)
    return result


def _at_most(pixels: np.ndarray, longer: int) -> np.ndarray:
    """`pixels`, reduced to at most `longer` a side; themselves where they are small enough."""
    from ..capture.photo import reduced

    return reduced(pixels, longer / max(pixels.shape[:2]))


def _cut(photo: "Photo", box: "FaceBox") -> np.ndarray:
    """The face with some of its surroundings, square where the photo has room."""
    half = 0.75 * max(box.right - box.left, box.bottom - box.top)
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    left, right = (int(np.clip(value, 0, photo.width - 1)) for value in (x - half, x + half))
    top, bottom = (int(np.clip(value, 0, photo.height - 1)) for value in (y - half, y + half))
    return photo.pixels[top : bottom + 1, left : right + 1]


def _part_of(progress: Progress, start: float, end: float, index: int, count: int) -> Progress:
    """The progress of one of `count` equal parts of start..end."""
    label = f"Face {index + 1} of {count}: " if count > 1 else ""

    def part(fraction: float, text: str) -> None:
        progress(start + (end - start) * (index + fraction) / count, label + text)

    return part
