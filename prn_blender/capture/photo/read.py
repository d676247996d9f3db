"""Photo files to upright 8-bit sRGB pixels, with the focal length where EXIF tells it."""

import hashlib
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import CaptureError
from ..types import Photo
from .colour import is_opaque, srgb_pixels, srgb_transform
from .exif import UPRIGHT, focal_px_of, read_exif

# Pillow tells on the console what it skips in a damaged file, hundreds of times for one photo. For good, because
# `warnings.catch_warnings` is not made for threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")


def load_photo(path: Path) -> Photo:
    """Reads a photo file.

    Raises:
        CaptureError: no such file, empty, truncated, no image, or more than 100 megapixels.
    """
    path = Path(path).absolute()  # the record is read elsewhere, too
    _check_file(path)
    with _damage_explained(path), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        image = _open(file, path)
        # Pillow itself turns a TIFF upright as it loads it, and reads 16-bit colour as 8 bits.
        turned_by_pillow = image.format == "TIFF" and image.tag_v2.get(ExifTags.Base.Orientation, 1) in UPRIGHT
        deep = ";16" in str(image.tile)
        moving = image.format == "WEBP" and image.is_animated
        image.load()
    as_stored = not (turned_by_pillow or deep or moving) and image.mode in ("1", "L", "LA", "P", "RGB", "RGBA")

    exif = read_exif(image)
    orientation = exif.get(ExifTags.Base.Orientation)
    if orientation in UPRIGHT and not turned_by_pillow:
        image = image.transpose(UPRIGHT[orientation])
        as_stored = False

    opaque = is_opaque(image)
    transform = srgb_transform(image)
    as_stored = as_stored and opaque and transform is None
    pixels = srgb_pixels(image, opaque, transform)
    return Photo(path, pixels, sha256, focal_px_of(exif, image.width, image.height), as_stored)


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except CaptureError:
        raise
    except PermissionError as error:
        raise CaptureError(f"{path.name} may not be read. Check its permissions.") from error
    except MemoryError as error:
        raise CaptureError(f"There is not enough memory to open {path.name}. Scale the photo down.") from error
    except Exception as error:  # Pillow raises almost anything for a damaged file
        raise CaptureError(f"{path.name} is damaged or incomplete. Copy or export the photo again.") from error


def _check_file(path: Path) -> None:
    """Raises a CaptureError where `path` is not a file with content."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CaptureError(f"There is no file {path}. Choose another photo.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise CaptureError(f"{path.name} cannot be opened ({reason}). Choose another photo.") from error
    if stat.S_ISDIR(status.st_mode):
        raise CaptureError(f"{path} is a folder. Choose a photo in it.")
    if not stat.S_ISREG(status.st_mode):
        raise CaptureError(f"{path} is not a file. Choose another photo.")
    if status.st_size == 0:
        raise CaptureError(f"{path.name} is empty. Copy or export the photo again.")


def _open(file: BinaryIO, path: Path) -> Image.Image:
    """The picture with its header read and its size checked, nothing decoded yet."""
    try:
        image = Image.open(file, formats=FORMATS)
        megapixels = image.width * image.height / 1e6
    except Image.DecompressionBombError:
        megapixels = math.inf
    except UnidentifiedImageError as error:
        raise CaptureError(
            f"{path.name} is not a JPEG, PNG, WebP, TIFF or BMP picture that can be read. "
            "Save the photo as JPEG or PNG."
        ) from error
    if megapixels * 1e6 > MAX_PIXELS:
        size = f"{megapixels:.0f} megapixels" if math.isfinite(megapixels) else "far too many pixels"
        raise CaptureError(f"{path.name} has {size}; {MAX_PIXELS / 1e6:.0f} megapixels are the limit. Scale it down.")
    return image
