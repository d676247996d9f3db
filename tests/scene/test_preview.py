"""The preview shows the head where the photo does."""

import bpy
import numpy as np
import pytest

from prn_blender.scene.build import build
from prn_blender.scene.preview import PANEL_HEIGHT, PANEL_WIDTH, _cut, render_preview

from .conftest import SHOTS
from .test_build import everything


@pytest.mark.parametrize("name", ["portrait", "orthographic"])
def test_fit_panel_covers_the_head_in_the_photo(make_capture, topology, name):
    shot = SHOTS[name]
    head = build(make_capture(shot), bpy.context)
    before, camera = everything(), bpy.context.scene.camera
    preview = render_preview(make_capture(shot), head)
    assert everything() == before and bpy.context.scene.camera == camera
    assert preview.dtype == np.uint8 and preview.shape[0] == PANEL_HEIGHT
    gap = (preview.shape[1] - 5 * PANEL_WIDTH) // 4
    photo = preview[:, :PANEL_WIDTH].astype(int)
    fit = preview[:, PANEL_WIDTH + gap : 2 * PANEL_WIDTH + gap].astype(int)
    rows, columns = np.nonzero(np.abs(fit - photo).max(axis=2) > 3)
    covered = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])

    on_photo = shot.pixels(topology.canonical)
    size = np.ptp(on_photo, axis=0)
    # The panel's middle is the head's middle, and the head fills it up to the margin.
    middle = (covered[:2] + covered[2:]) / 2
    assert np.allclose(middle, (PANEL_WIDTH / 2, PANEL_HEIGHT / 2), atol=2)
    scale = min(PANEL_WIDTH / size[0], PANEL_HEIGHT / size[1]) / 1.3
    assert np.allclose(covered[2:] - covered[:2], size * scale, atol=3)


@pytest.mark.parametrize("size", [1.0, 2.5])  # photo pixels per panel pixel
def test_window_of_a_panorama_wider_than_opencv_can_warp(size):
    pixels = np.zeros((1400, 40000, 3), np.uint8)
    pixels[..., 0] = np.arange(40000) // 4 % 256
    pixels[..., 1] = (np.arange(1400) // 8)[:, None]
    left, top = 38000.0, 25.0
    panel = _cut(pixels, (left, top, left + PANEL_WIDTH * size, top + PANEL_HEIGHT * size)).astype(float)
    columns, rows = ((np.arange(count) + 0.5) * size for count in (PANEL_WIDTH, PANEL_HEIGHT))
    red, green = ((left + columns) / 4 - 0.5) % 256, (top + rows) / 8 - 0.5
    smooth = (red > 5) & (red < 250)
    assert np.abs(panel[..., 0] - red)[:, smooth].max() < 1.5
    assert np.abs(panel[..., 1] - green[:, None]).max() < 1.5
    outside = _cut(pixels, (45000.0, -900.0, 45000.0 + PANEL_WIDTH * size, -900.0 + PANEL_HEIGHT * size))
    assert outside.min() == outside[0, 0].min() > 200  # neutral
