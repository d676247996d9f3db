"""What a camera wrote into a photo: which way is up, and its focal length."""

import math
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from ..geometry.camera import FULL_FRAME_DIAGONAL_MM, focal_pixels
from .sensors import sensor_of

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
PORTRAIT_MM = (10.0, 500.0)  # 35 mm equivalent: what a photo of a face can have, cropped ones too
SENSOR_DIAGONALS = (4.0, 70.0)  # mm, from small phones to medium format
# Diagonals of what a photo can show, in parts of the sensor's.
LEAST_PART = 0.1
NEARLY_ALL = 0.7


@dataclass(frozen=True)
class FocalLength:
    """A photo's focal length, and where it is from."""

    px: float | None  # pixels of the photo; None where it is not known
    told: str  # in the artist's words: where it is from, or why it is not believed; empty where nothing is told


NOT_TOLD = FocalLength(None, "")


def read_exif(image: Image.Image) -> dict[int, object]:
    """EXIF values by tag, of the picture and of the exposure together."""
    try:
        exif = image.getexif()
        return {**exif, **exif.get_ifd(ExifTags.IFD.Exif)}
    except Exception:  # noqa: BLE001 - damaged EXIF of any kind is no reason to refuse a photo
        return {}


def focal_length_of(exif: dict[int, object], width: int, height: int) -> FocalLength:
    """Focal length of a photo of this size, from the tags that agree with one another.

    What matters is the angle that the photo shows. Programs that crop and scale photos leave some tags as the camera
    wrote them and rewrite others, so that each is believed only where it fits the sensor:

    1. the lens in mm, times the sensor's pixels per mm, times how much the photo was scaled since: true for cropped
       photos too, where the size before the scaling is told;
    2. the 35 mm equivalent of the whole frame;
    3. the lens in mm over the size of the camera's sensor.

    2 and 3 take a photo of another shape than the frame for the largest part of it that has this shape.
    """
    tag = ExifTags.Base
    equivalent = _positive(exif.get(tag.FocalLengthIn35mmFilm))
    lens = _positive(exif.get(tag.FocalLength))
    if equivalent is None and lens is None:
        return NOT_TOLD
    sensor = sensor_of(exif.get(tag.Make), exif.get(tag.Model))
    before = _size_before(exif, width, height)
    diagonal = math.hypot(*sensor) if sensor else None
    if equivalent is not None and lens is not None:
        diagonal = FULL_FRAME_DIAGONAL_MM * lens / equivalent

    pixels_per_mm = _pixels_per_mm(exif)
    if lens is not None and pixels_per_mm is not None:
        whole = before or (width, height)
        if _fits(math.hypot(*whole) / pixels_per_mm, diagonal, is_size_told=before is not None):
            scale = _scale(whole, width, height)
            return _checked(lens * pixels_per_mm * scale, width, height, f"{lens:.0f} mm lens and part of the sensor")
    if equivalent is not None:
        frame = sensor or before or (width, height)
        px = focal_pixels(equivalent, *frame) * _scale(frame, width, height)
        return _checked(px, width, height, "35 mm equivalent in the photo")
    if sensor is not None and lens is not None:
        px = lens * _scale(sensor, width, height)
        return _checked(px, width, height, f"{lens:.0f} mm lens and sensor of the {_name(exif)}")
    return NOT_TOLD


def _size_before(exif: dict[int, object], width: int, height: int) -> tuple[float, float] | None:
    """The size of the picture before it was scaled to this one; None where no tag tells a larger one."""
    tag = ExifTags.Base
    sizes = []
    for names in ((tag.ExifImageWidth, tag.ExifImageHeight), (tag.ImageWidth, tag.ImageLength)):
        across, down = (_positive(exif.get(name)) for name in names)
        if across is None or down is None:
            continue
        if max(across, down) > max(width, height) and min(across, down) >= min(width, height):
            sizes.append((across, down))
    return max(sizes, key=math.prod, default=None)


def _pixels_per_mm(exif: dict[int, object]) -> float | None:
    """Of the sensor, as the camera wrote it."""
    resolution = _positive(exif.get(ExifTags.Base.FocalPlaneXResolution))
    unit = MM_PER_UNIT.get(exif.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))  # type: ignore[call-overload]
    return None if resolution is None or unit is None else resolution / unit


def _fits(used: float, diagonal: float | None, is_size_told: bool) -> bool:
    """Whether a photo can show so much of a sensor; both diagonals in mm, the sensor's None where nothing tells it.

    Where no size before a scaling is told, the photo must be nearly all of the sensor: its size was written by whoever
    scaled it, and a tenth of the sensor is a scaled photo rather than a tiny part of one.
    """
    if diagonal is None:
        return SENSOR_DIAGONALS[0] <= used <= SENSOR_DIAGONALS[1]
    if not SENSOR_DIAGONALS[0] <= diagonal <= SENSOR_DIAGONALS[1]:  # lens and 35 mm equivalent contradict each other
        return False
    least = LEAST_PART if is_size_told else NEARLY_ALL
    return least * diagonal <= used <= 1.05 * diagonal


def _scale(frame: tuple[float, float], width: int, height: int) -> float:
    """Pixels of the photo for each unit of the frame that it is the largest part of; either may lie on its side."""
    return max(max(width, height) / max(frame), min(width, height) / min(frame))


def _checked(px: float, width: int, height: int, told: str) -> FocalLength:
    """The focal length if it can be a portrait's."""
    mm = px / focal_pixels(1.0, width, height)
    if not PORTRAIT_MM[0] <= mm <= PORTRAIT_MM[1]:
        return FocalLength(None, f"the photo says {mm:.0f} mm, which is no lens for portraits")
    return FocalLength(px, told)


def _name(exif: dict[int, object]) -> str:
    return str(exif[ExifTags.Base.Model]).replace("\0", "").strip()


def _positive(value: Any) -> float | None:
    """An EXIF value as a number; None where it is missing, no number, or not positive."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
