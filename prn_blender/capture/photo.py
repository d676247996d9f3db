"""Photo files to upright 8-bit sRGB pixels, with the focal length where EXIF tells it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Photo:
    """An upright photo."""

    path: Path
    pixels: np.ndarray  # (H, W, 3) uint8 sRGB, EXIF orientation applied
    sha256: str  # of the file
    focal_px: float | None  # focal length in pixels of `pixels`, None where EXIF does not tell
    as_stored: bool  # the file shows exactly these pixels to a program that ignores orientation and profiles

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]


def load_photo(path: Path) -> Photo:
    """Reads a photo file.

    Raises:
        CaptureError: no such file, empty, truncated, no image, or more than 100 megapixels.
    """
    raise NotImplementedError
