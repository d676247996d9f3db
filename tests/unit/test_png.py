"""PNG files as other programs read them."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from prn_blender.scene.build.png import BAND, png_bytes


@pytest.mark.parametrize("shape", [(1, 1), (7, 5, 3), (900, 1300), (700, 901, 3)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_opencv_reads_what_was_written(shape, kind):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
    read = cv2.imdecode(np.frombuffer(png_bytes(pixels), np.uint8), cv2.IMREAD_UNCHANGED)
    assert read.dtype == kind
    assert np.array_equal(read if read.ndim == 2 else read[..., ::-1], pixels)


def test_pillow_reads_all_bands_and_finds_the_checksums_right():
    across = np.linspace(0, 255, 1500)
    pixels = np.stack(np.broadcast_arrays(across, across[:, None], 90), axis=2).astype(np.uint8)
    assert pixels.nbytes > 5 * BAND
    with Image.open(io.BytesIO(png_bytes(pixels))) as image:
        image.verify()
    with Image.open(io.BytesIO(png_bytes(pixels))) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_a_part_of_a_picture_is_written_as_it_is_seen():
    pixels = np.arange(60 * 40 * 3, dtype=np.uint16).astype(np.uint8).reshape(60, 40, 3)
    part = pixels[10:50:3, ::-2]
    read = cv2.imdecode(np.frombuffer(png_bytes(part), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1], part)
