"""The colours of a picture as 8-bit sRGB, whatever its file holds."""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageCms

# What shows through transparent parts. Middle grey, because soft edges then err equally little for light and dark hair.
NEUTRAL = (128, 128, 128)

# A strip this small stays in the processor's cache.
STRIP_PIXELS = 1 << 18

# A profile that changes no colour by more than this many levels is taken for sRGB.
SAME_COLOUR = 2

WIDE_GREY = ("I", "F")  # 32 bits per pixel
DEEP_GREY = ("I;16", "I;16L", "I;16B", "I;16N")


def srgb_pixels(image: Image.Image, opaque: bool, transform: ImageCms.ImageCmsTransform | None) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, converted strip by strip."""
    to_grey = _grey_conversion(image)

    def convert(strip: Image.Image) -> Image.Image:
        if to_grey is not None:
            strip = Image.fromarray(to_grey(np.asarray(strip)))
        alpha = None if opaque else strip.convert("RGBA").getchannel("A")
        if transform is not None:
            managed = ImageCms.applyTransform(strip.convert(transform.input_mode), transform)
            assert managed is not None  # it is only where a picture is changed in place
            strip = managed
        strip = strip if strip.mode == "RGB" else strip.convert("RGB")  # which would copy it
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


def is_opaque(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return True
    return image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema()[0] == 255


def srgb_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
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
