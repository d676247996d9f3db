"""The whole way from pixels to a capture, where it must refuse."""

import numpy as np
import pytest

from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.faces import FaceBox
from prn_blender.capture.photo import Photo
from prn_blender.capture.reconstruct import Settings, reconstruct

PHOTO = Photo(None, np.full((400, 300, 3), 120, np.uint8), "", None, True)


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
    reconstruct(PHOTO, FaceBox(60, 80, 240, 300), pack, Settings(texture_size=256), lambda _, text: steps.append(text))
    assert len(set(steps)) == 5 and len(steps) > 20  # the texture, which may be large, can be cancelled within
    for last in (0, 1, 2, 3, 20, len(steps) - 1):
        seen = []

        def stop(_, text, last=last, seen=seen):
            seen.append(text)
            if len(seen) > last:
                raise Cancelled

        with pytest.raises(Cancelled):
            reconstruct(PHOTO, FaceBox(60, 80, 240, 300), pack, Settings(texture_size=256), stop)
        assert seen == steps[: last + 1]
