"""PNG files."""

import cv2
import numpy as np
import pytest

from prn_blender.scene.build.png import STRIP, png_bytes


@pytest.mark.parametrize("height", [1, STRIP, STRIP + 1, 3 * STRIP - 5])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_other_readers_see_the_same_picture(height, dtype, channels):
    pixels = np.random.default_rng(height).integers(0, np.iinfo(dtype).max + 1, (height, 33, *channels), dtype)
    pixels[: height // 2] = 7
    read = cv2.imdecode(np.frombuffer(png_bytes(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read.dtype == dtype
    assert np.array_equal(read if pixels.ndim == 2 else read[..., ::-1], pixels)


def test_parts_of_pictures_are_written_too():
    pixels = np.arange(60 * 80 * 3, dtype=np.uint8).reshape(60, 80, 3)[::2, 10:50]
    read = cv2.imdecode(np.frombuffer(png_bytes(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1], pixels)
