"""Photo files to upright 8-bit sRGB pixels, with the focal length where EXIF tells it."""

import hashlib
import io
import math
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from .camera import focal_pixels
from .errors import CaptureError

# Pillow tells on the console what it skips in a damaged file, hundreds of times for one photo. For good, because
# `warnings.catch_warnings` is not made for threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")

# What shows through transparent parts. Middle grey, because soft edges then err equally little for light and dark hair.
NEUTRAL = (128, 128, 128)

# A strip this small stays in the processor's cache and below the size for which memory comes page by page.
STRIP_PIXELS = 1 << 15

# A profile that changes no colour by more than this many levels is taken for sRGB.
SAME_COLOUR = 2

WIDE_GREY = ("I", "F")  # 32 bits per pixel
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N")

UPRIGHT = {  # EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

EQUIVALENT_MM = (5.0, 3000.0)  # 35 mm equivalent, from fisheye to telescope; anything else is a broken tag
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # EXIF FocalPlaneResolutionUnit


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
    path = Path(path)
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

    exif = _exif(image)
    orientation = exif.get(ExifTags.Base.Orientation)
    if orientation in UPRIGHT and not turned_by_pillow:
        image = image.transpose(UPRIGHT[orientation])
        as_stored = False

    opaque = _is_opaque(image)
    transform = _srgb_transform(image)
    as_stored = as_stored and opaque and transform is None
    pixels = _pixels(image, opaque, transform)
    return Photo(path, pixels, sha256, _focal_px(exif, image.width, image.height), as_stored)


def reduced(pixels: np.ndarray, factor: float) -> np.ndarray:
    """(H, W, 3) uint8 with its sides times `factor`, averaged; unchanged where that would enlarge it."""
    import cv2

    if factor >= 1.0:
        return pixels
    size = [max(1, round(side * factor)) for side in pixels.shape[1::-1]]
    return cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)


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


def _pixels(image: Image.Image, opaque: bool, transform: ImageCms.ImageCmsTransform | None) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, converted strip by strip."""
    to_grey = _grey_conversion(image)

    def convert(strip: Image.Image) -> Image.Image:
        if to_grey is not None:
            strip = Image.fromarray(to_grey(np.asarray(strip)))
        alpha = None if opaque else strip.convert("RGBA").getchannel("A")
        if transform is not None:
            strip = ImageCms.applyTransform(strip.convert(transform.input_mode), transform)
        strip = strip.convert("RGB")
        if alpha is None:
            return strip
        flat = Image.new("RGB", strip.size, NEUTRAL)
        flat.paste(strip, mask=alpha)
        return flat

    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, STRIP_PIXELS // image.width)

    def fill(top: int) -> None:
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = np.asarray(convert(image.crop((0, top, image.width, bottom))))

    tops = range(0, image.height, rows)
    if transform is None:
        for top in tops:
            fill(top)
    else:  # slow enough, and free of Python's lock, so that threads pay
        with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
            list(threads.map(fill, tops))
    return pixels


def _grey_conversion(image: Image.Image) -> Callable[[np.ndarray], np.ndarray] | None:
    """How more than 8 bits of grey become 8; None where the picture has no more."""
    if image.mode in DEEP_GREY:
        return lambda values: (values >> 8).astype(np.uint8)
    if image.mode not in WIDE_GREY:
        return None
    # Nothing says which value is white, so it is the first usual one that no pixel exceeds.
    number = np.uint32 if image.mode == "I" else np.float32  # Pillow holds unsigned numbers as signed
    values = np.asarray(image).view(number)
    top = float(np.max(values, where=np.isfinite(values), initial=0))
    usual = (255, 2**16 - 1, 2**31 - 1, 2**32 - 1) if number is np.uint32 else (1, 255, 2**16 - 1, top)
    white = next(white for white in usual if top <= white)
    return lambda values: (np.nan_to_num(values.view(number)).clip(0, white) * (255 / white) + 0.5).astype(np.uint8)


def _is_opaque(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return True
    return image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema()[0] == 255


def _srgb_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """The colour transform to sRGB that the picture's profile asks for; None where it changes nothing.

    A broken profile, or one for another kind of picture, is ignored.
    """
    srgb = ImageCms.createProfile("sRGB")
    if image.mode == "LAB":
        return ImageCms.buildTransform(ImageCms.createProfile("LAB"), srgb, "LAB", "RGB")
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    grey = image.mode in ("1", "L", "LA", *DEEP_GREY, *WIDE_GREY)
    kind = "CMYK" if image.mode == "CMYK" else "RGB"
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}.get(profile.profile.xcolor_space)
        if mode != kind and not (grey and mode == "L"):
            return None
        flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
        if mode == "L":
            flags |= ImageCms.Flags.NOOPTIMIZE  # the optimised grey curve is coarse near black
        transform = ImageCms.buildTransform(profile, srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if _changes_nothing(transform) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    if transform.input_mode == "L":
        colours = np.arange(256, dtype=np.uint8)[None]
    elif transform.input_mode == "RGB":
        colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    else:
        return False
    before = Image.fromarray(colours)
    after = ImageCms.applyTransform(before, transform)
    difference = np.asarray(after).astype(int) - np.asarray(before.convert("RGB"))
    return bool(np.abs(difference).max() <= SAME_COLOUR)


def _exif(image: Image.Image) -> dict[int, object]:
    """EXIF values by tag, of the picture and of the exposure together."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # noqa: BLE001 - damaged EXIF of any kind is no reason to refuse a photo
        return {}


def _focal_px(exif: dict[int, object], width: int, height: int) -> float | None:
    """Focal length in pixels of a photo of this size, None where EXIF does not tell it or tells nonsense."""
    tag = ExifTags.Base
    equivalent = _positive(exif.get(tag.FocalLengthIn35mmFilm))
    if equivalent is None:
        focal_mm = _positive(exif.get(tag.FocalLength))
        resolution = _positive(exif.get(tag.FocalPlaneXResolution))
        unit = MM_PER_UNIT.get(exif.get(tag.FocalPlaneResolutionUnit, 2))
        if focal_mm is None or resolution is None or unit is None:
            return None
        # The resolution counts pixels as the camera wrote them; the photo may have been scaled since.
        sizes = [_positive(exif.get(name)) for name in (tag.ExifImageWidth, tag.ExifImageHeight)]
        scaled = max(width, height) / max(sizes) if None not in sizes else 1.0
        equivalent = focal_mm * resolution / unit * scaled / focal_pixels(1.0, width, height)
    if not EQUIVALENT_MM[0] <= equivalent <= EQUIVALENT_MM[1]:
        return None
    return focal_pixels(equivalent, width, height)


def _positive(value: object) -> float | None:
    """An EXIF value as a number; None where it is missing, no number, or not positive."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
