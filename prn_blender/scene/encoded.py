"""The image files of a capture. Encoding takes most of the time of a build and needs no Blender: do it in a thread."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..capture.photo import Photo
from ..capture.reconstruct import Capture


@dataclass(frozen=True)
class EncodedImages:
    """Complete image files."""

    colour: bytes  # PNG
    mask: bytes  # PNG
    photo: bytes  # as Blender shall see it: upright


def encode_images(capture: Capture) -> EncodedImages:
    """May raise OSError where the photo's file is gone."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        colour = threads.submit(png_bytes, capture.texture.colour)
        mask = threads.submit(png_bytes, capture.texture.mask)
        return EncodedImages(colour.result(), mask.result(), photo_bytes(capture.photo))


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3) uint8 RGB as a PNG file."""
    import cv2

    ordered = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    # Without parameters OpenCV takes its quick ones; any compression level given makes it slower.
    return cv2.imencode(".png", ordered)[1].tobytes()


def photo_bytes(photo: Photo) -> bytes:
    """The original file where Blender reads it upright, else an upright copy."""
    import cv2

    if photo.as_stored:
        return photo.path.read_bytes()
    upright = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
