"""The crop's similarity transform, and what its pixels show."""

import numpy as np
import pytest

from prn_blender.capture.geometry.crop import Crop, CropRule, crop_around, crop_in_box

RULE = CropRule(scale=1.6, shift_y=-0.03)


def gradient(width: int, height: int) -> np.ndarray:
    """A photo whose red tells x and whose green tells y of a pixel's centre, both from 0 to 250."""
    x = (np.arange(width) + 0.5) / width * 250
    y = (np.arange(height) + 0.5) / height * 250
    red, green = np.meshgrid(x, y)
    return np.stack([red, green, 0 * red], axis=-1).round().astype(np.uint8)


@pytest.mark.parametrize("side", [60.0, 200.0, 900.0])  # finer than the photo, coarser, much coarser
@pytest.mark.parametrize("roll", [0.0, 0.6, -2.0])
def test_pixels_show_what_the_transform_says(side, roll):
    width, height, size = 2000, 1500, 64
    crop = Crop(1000.0, 720.0, side, roll)
    centres = (np.arange(size) + 0.5) / size
    where = crop.to_photo(np.stack(np.meshgrid(centres, centres), axis=-1))
    expected = where / (width, height) * 250
    assert (
        np.abs(crop.resample(gradient(width, height), size)[..., :2] - expected).max() < 1.01
    )  # 8 bits, rounded twice


def test_transform_goes_back_and_turns_clockwise():
    crop = Crop(300.0, 200.0, 100.0, np.pi / 2)
    points = np.random.default_rng(0).uniform(-1, 2, (20, 2))
    assert np.allclose(crop.from_photo(crop.to_photo(points)), points)
    # The crop's x axis, turned by a right angle towards the photo's y axis, points down.
    assert np.allclose(crop.to_photo(np.array([[0.5, 0.5], [1.0, 0.5]])), [[300, 200], [300, 250]])


def test_crop_beyond_the_photo_repeats_its_edge():
    pixels = np.zeros((50, 40, 3), np.uint8)
    pixels[:, -1] = 200
    crop = Crop(60.0, 25.0, 30.0)
    assert (crop.resample(pixels, 16) == 200).all()


def test_fine_stripes_become_grey():
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    grey = Crop(512.0, 512.0, 1000.0).resample(stripes, 64)
    assert np.abs(grey.astype(int) - 127).max() <= 4


def test_photo_wider_than_opencv_can_warp():
    pixels = np.zeros((40, 40000, 3), np.uint8)
    pixels[:, 39000:] = 90
    assert (Crop(39500.0, 20.0, 30.0).resample(pixels, 32) == 90).all()


def test_crop_follows_box_and_roll():
    box = np.array([[100.0, 200.0], [180.0, 320.0]])
    crop = crop_around(box, RULE)
    assert np.isclose(crop.side, 160) and np.isclose(crop.centre_x, 140) and np.isclose(crop.centre_y, 260 - 0.03 * 160)
    turned = crop_in_box(box, RULE, np.pi / 2)
    # Up in the crop is now right in the photo.
    assert np.allclose([turned.centre_x, turned.centre_y], [140 + 0.03 * 160, 260])
    assert turned.side == crop.side


def test_rolled_points_get_the_same_crop_turned():
    points = np.random.default_rng(3).uniform(0, 100, (68, 2))
    upright = crop_around(points, RULE)
    c, s = np.cos(0.7), np.sin(0.7)
    turned = crop_around(points @ np.array([[c, s], [-s, c]]), RULE, roll=0.7)
    assert np.isclose(turned.side, upright.side)
    assert np.allclose(turned.from_photo(points @ np.array([[c, s], [-s, c]])), upright.from_photo(points))
