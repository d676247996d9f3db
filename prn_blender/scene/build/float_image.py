"""Image datablocks of numbers that no 8-bit file holds."""

from pathlib import Path

import bpy
import numpy as np

from ..files.replace import replacing


def create_float_image(name: str, values: np.ndarray) -> bpy.types.Image:
    """A packed image that shows `values` (H, W) float32 as they are, the same in each colour."""
    height, width = values.shape
    image = bpy.data.images.new(name, width, height, float_buffer=True, is_data=True)
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = values[::-1, :, None]  # Blender begins with the bottom row
    image.pixels.foreach_set(pixels.ravel())
    image.file_format = "OPEN_EXR"
    image.pack()
    return image


def write_exr(values: np.ndarray, path: Path) -> None:
    """`values` (H, W) float32 as an OpenEXR file of full precision.

    Raises:
        CaptureError: it cannot be written.
    """
    image = create_float_image(path.stem, values)
    try:
        with replacing(path) as temporary:
            image.save(filepath=str(temporary))
    finally:
        bpy.data.images.remove(image)
