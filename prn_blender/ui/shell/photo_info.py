"""What is told and shown of a photo before anything is computed. No bpy, so that it can run in a thread."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...capture.progress import Progress
from ...capture.types import PackedPhoto

# Pixels of the longer side.
THUMBNAIL = 256
PICTURE = 1280


@dataclass(frozen=True)
class PhotoInfo:
    """What the panel tells about a photo."""

    sha256: str
    width: int
    height: int
    focal_mm: float | None  # 35 mm equivalent
    focal_told: str  # where it is from, or why what the photo says is not believed
    thumbnail: np.ndarray  # (h, w, 4) float32, bottom row first as Blender wants it
    picture: np.ndarray  # (h, w, 3) uint8, larger
    as_stored: bool  # Blender shows the file as it is here: upright


def read_photo_info(path: Path, packed: PackedPhoto | None = None) -> Callable[[Progress], PhotoInfo]:
    """Work that opens a photo; `packed` is read where its file is gone. Raises CaptureError."""

    def work(progress: Progress) -> PhotoInfo:
        # Here, because Pillow and OpenCV may be broken, and the extension is registered all the same.
        from ...capture.geometry.camera import focal_pixels
        from ...capture.photo.part import reduce_to
        from ...capture.photo.read import load_photo

        photo = load_photo(path, packed)
        one_mm = focal_pixels(1.0, photo.width, photo.height)
        return PhotoInfo(
            sha256=photo.sha256,
            width=photo.width,
            height=photo.height,
            focal_mm=None if photo.focal_px is None else photo.focal_px / one_mm,
            focal_told=photo.focal_told,
            thumbnail=thumbnail(photo.pixels, THUMBNAIL),
            picture=reduce_to(photo.pixels, PICTURE),
            as_stored=photo.as_stored,
        )

    return work


def thumbnail(pixels: np.ndarray, longer: int) -> np.ndarray:
    """`pixels` (H, W, 3) uint8 as (h, w, 4) float32 0..1, at most `longer` pixels a side, bottom row first."""
    from ...capture.photo.part import reduce_to

    return as_blender_pixels(reduce_to(pixels, longer))


def as_blender_pixels(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 as (H, W, 4) float32 0..1, bottom row first."""
    result = np.ones((*pixels.shape[:2], 4), np.float32)
    result[..., :3] = pixels[::-1] / np.float32(255)
    return result
