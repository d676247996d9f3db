"""What a camera wrote into a photo: which way is up, and its focal length."""

import math

from PIL import ExifTags, Image

from ..geometry.camera import focal_pixels
from ..types import FOCAL_MM

UPRIGHT = {  # EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}  # EXIF FocalPlaneResolutionUnit


def read_exif(image: Image.Image) -> dict[int, object]:
    """EXIF values by tag, of the picture and of the exposure together."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # noqa: BLE001 - damaged EXIF of any kind is no reason to refuse a photo
        return {}


def focal_px_of(exif: dict[int, object], width: int, height: int) -> float | None:
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
    if not FOCAL_MM[0] <= equivalent <= FOCAL_MM[1]:
        return None
    return focal_pixels(equivalent, width, height)


def _positive(value: object) -> float | None:
    """An EXIF value as a number; None where it is missing, no number, or not positive."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
