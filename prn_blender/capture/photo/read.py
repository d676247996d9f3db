"""Photo files to upright 8-bit sRGB pixels, with the focal length where EXIF tells it."""

import hashlib
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

from ..errors import CaptureError
from ..types import PackedPhoto, Photo
from .colour import is_opaque, srgb_pixels, srgb_transform
from .exif import UPRIGHT, focal_length_of, read_exif
from .named_space import named_in_avif, named_in_png, profile_of

# Pillow tells on the console what it skips in a damaged file, hundreds of times for one photo. For good, because
# `warnings.catch_warnings` is not made for threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

# Pillow's own reader gets planes of 16 bits wrong that libtiff gets right.
TiffImagePlugin.READ_LIBTIFF = True

MAX_PIXELS = 100_000_000
BLENDERS_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")  # which it shows as they are meant
FORMATS = (*BLENDERS_FORMATS, "AVIF", "JPEG2000", "GIF")
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")


def load_photo(path: Path, packed: PackedPhoto | None = None) -> Photo:
    """Reads a photo file.

    Args:
        packed: what is read where the file is gone.

    Raises:
        CaptureError: no such file, empty, truncated, no image, or more than 100 megapixels.
    """
    path = Path(path).absolute()  # the record is read elsewhere, too
    if packed is not None and not os.path.exists(path):
        return _from_packed(path, packed)
    _check_file(path)
    with _damage_explained(path), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        return _read(file, _open(file, path), path, sha256)


def load_draft(path: Path, longer: int) -> np.ndarray | None:
    """A large JPEG's pixels (H, W, 3) as of `Photo`, reduced while they are decoded, which is several times as fast.

    Args:
        longer: the least pixels of their longer side.

    Returns:
        None where it is another kind of file, or not so large, or `load_photo` will say what is wrong with it.
    """
    path = Path(path)
    try:
        _check_file(path)
        with _damage_explained(path), path.open("rb") as file:
            image = _open(file, path)
            factor = max(image.size) // longer
            if image.format != "JPEG" or factor < 2:
                return None
            image.draft("", (image.width // factor, image.height // factor))
            return _read(file, image, path, "").pixels
    except CaptureError:
        return None


def _from_packed(path: Path, packed: PackedPhoto) -> Photo:
    file = io.BytesIO(packed.content)
    with _damage_explained(path):
        photo = _read(file, _open(file, path), path, packed.sha256)
    return replace(photo, focal_px=packed.focal_px, focal_told=packed.focal_told, content=packed.content)


def _read(file: BinaryIO, image: Any, path: Path, sha256: str) -> Photo:
    """The photo in an open file; `path` is where it comes from.

    Args:
        image: as of `_open`; Pillow's classes of formats have attributes of their own.
    """
    # Pillow itself turns a TIFF upright as it loads it, and reads 16-bit colour as 8 bits.
    turned_by_pillow = image.format == "TIFF" and image.tag_v2.get(ExifTags.Base.Orientation, 1) in UPRIGHT
    deep = ";16" in str(image.tile)
    moving = image.format == "WEBP" and image.is_animated
    foreign = image.format not in (*BLENDERS_FORMATS, "MPO")  # several JPEGs in one file
    image.load()
    profile = _named_profile(file, image)
    if profile is not None:
        image.info["icc_profile"] = profile
    as_stored = not (turned_by_pillow or deep or moving or foreign)
    as_stored = as_stored and image.mode in ("1", "L", "LA", "P", "RGB", "RGBA")

    exif = read_exif(image)
    orientation = exif.get(ExifTags.Base.Orientation)
    if orientation in UPRIGHT and not turned_by_pillow:
        image = image.transpose(UPRIGHT[orientation])
        as_stored = False

    opaque = is_opaque(image)
    transform = srgb_transform(image)
    as_stored = as_stored and opaque and transform is None
    pixels = srgb_pixels(image, opaque, transform)
    focal = focal_length_of(exif, image.width, image.height)
    return Photo(path, pixels, sha256, focal.px, as_stored, focal.told)


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


def _open(file: BinaryIO, path: Path) -> Any:
    """The picture with its header read and its size checked, nothing decoded yet."""
    try:
        image = Image.open(file, formats=_formats(file, path))
        megapixels = image.width * image.height / 1e6
    except Image.DecompressionBombError:
        megapixels = math.inf
    except UnidentifiedImageError as error:
        raise CaptureError(
            f"{path.name} is not a JPEG, PNG, HEIC, WebP, AVIF, TIFF or other picture that can be read. "
            "Save the photo as JPEG or PNG."
        ) from error
    if megapixels * 1e6 > MAX_PIXELS:
        size = f"{megapixels:.0f} megapixels" if math.isfinite(megapixels) else "far too many pixels"
        raise CaptureError(f"{path.name} has {size}; {MAX_PIXELS / 1e6:.0f} megapixels are the limit. Scale it down.")
    return image


def _formats(file: BinaryIO, path: Path) -> tuple[str, ...]:
    """The formats that a file may have.

    Raises:
        CaptureError: it is HEIC, and the library for that is not there.
    """
    begin = file.read(12)
    file.seek(0)
    if begin[4:8] == b"ftyp" and begin[8:12] in HEIF_BRANDS:
        try:
            import pi_heif
        except ImportError as error:
            raise CaptureError(f"{path.name}: HEIC cannot be read here. Save the photo as JPEG or PNG.") from error
        pi_heif.register_heif_opener(thumbnails=False)
        return (*FORMATS, "HEIF")
    # Targa files have no mark of their own at the beginning: any file could be one.
    return (*FORMATS, "TGA") if path.suffix.lower() == ".tga" else FORMATS


def _named_profile(file: BinaryIO, image: Image.Image) -> bytes | None:
    """The profile of the colour space that the file names by numbers; None where it does not, or has a profile."""
    named = None
    if image.format == "PNG":  # there the numbers count before a profile
        named = named_in_png(file)
    elif "icc_profile" not in image.info and image.format == "AVIF":
        named = named_in_avif(file)
    elif "icc_profile" not in image.info and image.format == "HEIF" and "nclx_profile" in image.info:
        numbers = image.info["nclx_profile"]
        named = numbers["color_primaries"], numbers["transfer_characteristics"]
    return None if named is None else profile_of(*named)
