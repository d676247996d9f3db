"""Parts of pictures: cut out, reduced, resampled."""

import numpy as np
import pytest

from prn_blender.capture.photo.part import cut, reduce_to, resample

WIDTH, HEIGHT = 420, 525


@pytest.mark.parametrize("size", [1.0, 2.5])  # photo pixels per window pixel
def test_window_of_a_panorama_wider_than_opencv_can_warp(size):
    pixels = np.zeros((1400, 40000, 3), np.uint8)
    pixels[..., 0] = np.arange(40000) // 4 % 256
    pixels[..., 1] = (np.arange(1400) // 8)[:, None]
    neutral = (205, 206, 210)

    def window(left: float, top: float) -> np.ndarray:
        return resample(pixels, np.array([left, top]), size * np.eye(2), (WIDTH, HEIGHT), 1 / size, beyond=neutral)

    left, top = 38000.0, 25.0
    found = window(left, top).astype(float)
    columns, rows = ((np.arange(count) + 0.5) * size for count in (WIDTH, HEIGHT))
    red, green = ((left + columns) / 4 - 0.5) % 256, (top + rows) / 8 - 0.5
    smooth = (red > 5) & (red < 250)
    assert np.abs(found[..., 0] - red)[:, smooth].max() < 1.5
    assert np.abs(found[..., 1] - green[:, None]).max() < 1.5
    assert (window(45000.0, -900.0) == neutral).all()


def test_a_part_has_at_least_a_pixel_and_tells_its_corner():
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    part, corner = cut(pixels, (1.2, 1.0), (2.9, 2.1))
    assert corner.tolist() == [1, 1] and np.array_equal(part, pixels[1:3, 1:3])
    part, corner = cut(pixels, (1.2, 1.0), (2.9, 2.1), margin=1)
    assert corner.tolist() == [0, 0] and np.array_equal(part, pixels[:4, :4])
    part, corner = cut(pixels, (90, 90), (95, 95))
    assert corner.tolist() == [4, 3] and part.shape == (1, 1, 3)


def test_reduced_to_a_longest_side():
    pixels = np.zeros((30, 40, 3), np.uint8)
    assert reduce_to(pixels, 20).shape == (15, 20, 3)
    assert reduce_to(pixels, 50) is pixels
