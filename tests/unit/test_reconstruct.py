"""The whole way from pixels to a capture, where it must refuse."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.camera import ESTIMATED_MM, focal_pixels
from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.faces import FaceBox
from prn_blender.capture.pack import load_pack
from prn_blender.capture.photo import Photo
from prn_blender.capture.reconstruct import Settings, reconstruct
from prn_blender.capture.record import capture_record

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
    assert capture.focal_from == capture_record(capture)["camera"]["focal_from"] == focal_from
    assert capture.camera.is_perspective == bool(focal_from)
    if focal_from == "exif":
        assert capture.camera.focal_px == exif_focal
    if focal_from == "settings":
        assert capture.camera.focal_px == pytest.approx(focal_pixels(80.0, PHOTO.width, PHOTO.height))
    if focal_from == "face":
        least, most = (focal_pixels(mm, PHOTO.width, PHOTO.height) for mm in ESTIMATED_MM)
        assert least <= capture.camera.focal_px <= most
    vertices = capture.pack.topology.vertices(capture.position_map)
    back = capture.camera.project(capture.pose.apply(capture.head.vertices.astype(np.float64)))
    assert np.abs(back - vertices[:, :2]).max() < 0.1


def test_a_pack_without_distance_gives_parallel_rays(shared_data):
    seed = load_pack(shared_data.parent / "models/seed_head")
    capture = reconstruct(PHOTO, BOX, seed, Settings(texture_size=256))
    assert capture.focal_from == "" and not capture.camera.is_perspective
