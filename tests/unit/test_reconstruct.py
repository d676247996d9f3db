"""The whole way from pixels to a capture, where it must refuse."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.camera import ESTIMATED_MM, focal_pixels
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.record import capture_record
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.types import Photo, Settings

from ..cancelling import CancelAt

PHOTO = Photo(None, np.full((400, 300, 3), 120, np.uint8), "", None, True)
BOX = FaceBox(60, 80, 240, 300)


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (FaceBox(50, 60, 50, 200), "no area"),
        (FaceBox(float("nan"), 60, 150, 200), "no area|outside"),
        (FaceBox(310, 60, 400, 200), "outside"),
        (FaceBox(-900, -900, 2, 2), "hardly anything"),
    ],
)
def test_impossible_boxes_are_refused_in_one_line(pack, box, words):
    with pytest.raises(CaptureError, match=words) as caught:
        reconstruct(PHOTO, box, pack, Settings(texture_size=256))
    assert "\n" not in str(caught.value)


def test_every_step_can_be_cancelled(pack):
    steps = []
    reconstruct(PHOTO, BOX, pack, Settings(texture_size=256), lambda _, text: steps.append(text))
    assert len(set(steps)) == 5 and len(steps) > 20  # the texture, which may be large, can be cancelled within
    for last in (0, 1, 2, 3, 20, len(steps) - 1):
        stop = CancelAt(last)
        with pytest.raises(Cancelled):
            reconstruct(PHOTO, BOX, pack, Settings(texture_size=256), stop)
        assert stop.texts == steps[: last + 1]


@pytest.mark.parametrize(
    ("exif_focal", "settings", "focal_from"),
    [
        (900.0, Settings(texture_size=256), "exif"),
        (None, Settings(texture_size=256), "face"),
        (900.0, Settings(texture_size=256, projection="focal", focal_mm=80.0), "settings"),
        (900.0, Settings(texture_size=256, projection="orthographic"), ""),
    ],
)
def test_where_the_focal_length_is_from(pack, exif_focal, settings, focal_from):
    capture = reconstruct(replace(PHOTO, focal_px=exif_focal), BOX, pack, settings)
    view = capture.views[0]
    assert view.focal_from == capture_record(capture)["camera"]["focal_from"] == focal_from
    assert view.camera.is_perspective == bool(focal_from)
    if focal_from == "exif":
        assert view.camera.focal_px == exif_focal
    if focal_from == "settings":
        assert view.camera.focal_px == pytest.approx(focal_pixels(80.0, PHOTO.width, PHOTO.height))
    if focal_from == "face":
        least, most = (focal_pixels(mm, PHOTO.width, PHOTO.height) for mm in ESTIMATED_MM)
        assert least <= view.camera.focal_px <= most
    vertices = capture.pack.topology.vertices(view.position_map)
    back = view.project(mesh_of(capture, capture.pack.topology).vertices.astype(np.float64))
    assert np.abs(back - vertices[:, :2]).max() < 0.1


def test_a_pack_without_distance_gives_parallel_rays(copied):
    manifest = copied / "pack.toml"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if not line.startswith("distance")), encoding="utf-8")
    view = reconstruct(PHOTO, BOX, load_pack(copied), Settings(texture_size=256)).views[0]
    assert view.focal_from == "" and not view.camera.is_perspective


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"passes": 0}, "passes"),
        ({"provider": "cuda"}, "provider"),
        ({"projection": "Focal"}, "projection"),
        ({"projection": "focal", "focal_mm": 0.0}, "focal length"),
        ({"focal_mm": float("nan")}, "focal length"),
    ],
)
def test_settings_that_are_none_are_refused_in_one_line(wrong, words):
    with pytest.raises(CaptureError, match=words) as caught:
        Settings(**wrong)
    assert "\n" not in str(caught.value)
