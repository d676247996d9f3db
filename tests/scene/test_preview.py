"""The preview shows the head where the photo does."""

import bpy
import numpy as np
import pytest

from prn_blender.scene.build.assemble import build
from prn_blender.scene.files.preview import PANEL_HEIGHT, PANEL_WIDTH, render_preview

from .conftest import SHOTS, mesh_in
from .test_build import everything


@pytest.fixture
def coarse_previews():
    """Not here."""


@pytest.mark.parametrize("name", ["portrait", "orthographic"])
def test_fit_panel_covers_the_head_in_the_photo(make_capture, topology, name):
    shot = SHOTS[name]
    capture = make_capture(shot)
    head = build(capture, bpy.context)
    before, camera = everything(), bpy.context.scene.camera
    preview = render_preview(capture, mesh_in(capture), head)
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
