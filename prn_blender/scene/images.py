"""Packed image datablocks."""

import bpy
import numpy as np

from ..capture.photo import Photo


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3) uint8 RGB as a PNG file, quick rather than small."""
    import cv2

    ordered = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    return cv2.imencode(".png", ordered, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def photo_bytes(photo: Photo) -> bytes:
    """The photo as Blender shall see it: the original file where Blender reads it upright, else an upright copy."""
    import cv2

    if photo.as_stored:
        return photo.path.read_bytes()
    upright = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def packed_image(name: str, data: bytes, color_space: str = "sRGB") -> bpy.types.Image:
    """An image whose file `data` lies in the .blend.

    Packing an encoded file is many times faster than `Image.pixels` followed by `Image.pack`.
    """
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    try:
        image.colorspace_settings.name = color_space
    except TypeError:  # a studio's own OCIO configuration may not know the name
        pass
    return image
