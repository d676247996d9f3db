"""From a request to captures, on rendered people, whose landmarks are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prn_blender.capture.doubtful_faces import without_nobody
from prn_blender.capture.errors import Cancelled, CaptureError, NoFaceError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.run import Request, capture_face, faces_in, find, run
from prn_blender.capture.types import Settings

from ..cancelling import CancelAt
from .conftest import PEOPLE, landmarks_of, photo_of

SMALL = Settings(texture_size=512)
PORTRAIT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"


def error_of(capture, truth: np.ndarray) -> float:
    """Mean distance of the landmarks from where they are (68, 2), in parts of their box's side."""
    distance = np.linalg.norm(capture.views[0].landmarks[:, :2] - truth, axis=1)
    return distance.mean() / np.sqrt(np.ptp(truth, axis=0).prod())


@pytest.fixture(scope="module")
def two_people(tmp_path_factory):
    """The file of a picture of two of the group, and their landmarks, the left one's first."""
    left, top, right, bottom = 200, 200, 660, 560
    path = tmp_path_factory.mktemp("photos") / "two.png"
    with Image.open(PEOPLE / "group.jpg") as group:
        group.crop((left, top, right, bottom)).save(path)
    corner, size = (left, top), (right - left, bottom - top)
    inside = [points - corner for points in landmarks_of("group.jpg")]
    people = [points for points in inside if (points > 0).all() and (points < size).all()]
    assert len(people) == 2
    return path, sorted(people, key=lambda points: points[0, 0])


@pytest.mark.parametrize(
    ("name", "most"),
    [("frontal", 0.04), ("half_left", 0.05), ("half_right", 0.05), ("profile", 0.075), ("tilted", 0.05)],
)
def test_a_head_is_captured_where_it_is(name, most):
    (truth,) = landmarks_of(f"{name}.jpg")
    captured = run(Request(PEOPLE / f"{name}.jpg", settings=SMALL))
    (capture,) = captured.captures
    assert error_of(capture, truth) < most
    assert captured.found.wanted == captured.found.faces()
    assert capture.views[0].face_box == captured.found.wanted[0]


def test_every_wanted_face_becomes_a_capture_and_says_which(two_people):
    path, people = two_people
    said = []
    captured = run(Request(path, face="all", settings=SMALL), lambda fraction, text: said.append((fraction, text)))
    assert len(captured.captures) == 2
    for capture in captured.captures:
        assert min(error_of(capture, truth) for truth in people) < 0.06
    boxes = [capture.views[0].face_box for capture in captured.captures]
    assert tuple(boxes) == captured.found.wanted and boxes[0] != boxes[1]
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] <= 1
    assert {text.partition(":")[0] for _, text in said if text.startswith("Face ")} == {"Face 1 of 2", "Face 2 of 2"}


def test_the_seconds_of_finding_and_of_capturing_are_both_told():
    found = find(Request(PEOPLE / "frontal.jpg", settings=SMALL))
    assert set(found.timings) == {"pack", "photo and faces"}
    capture = capture_face(found, 0)
    assert set(found.timings) < set(capture.timings)
    assert all(seconds >= 0 for seconds in capture.timings.values())


def test_the_face_that_is_asked_for():
    faces = find(Request(PEOPLE / "group.jpg")).faces()
    assert len(faces) == 7
    (largest,) = find(Request(PEOPLE / "group.jpg")).wanted
    assert largest.area == pytest.approx(max(face.area for face in faces))
    assert find(Request(PEOPLE / "group.jpg", face=3)).wanted == (faces[3],)
    assert find(Request(PEOPLE / "group.jpg", face="all")).wanted == faces
    with pytest.raises(CaptureError, match="7 faces"):
        find(Request(PEOPLE / "group.jpg", face=7))


def test_faces_are_found_in_a_draft_where_they_are_in_the_photo(tmp_path, pack):
    with Image.open(PEOPLE / "group.jpg") as group:
        group.resize((3 * group.width, 3 * group.height), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg")
    found = find(Request(tmp_path / "large.jpg"))
    faces = faces_in(found.photo, pack, Settings())
    assert len(faces) == 7 and len(found.faces()) == 7
    for face in faces:
        offsets = [np.abs(other.corners - face.corners).max() for other in found.faces()]
        assert min(offsets) < 0.01 * (face.right - face.left)


def test_a_box_replaces_the_search():
    (truth,) = landmarks_of("frontal.jpg")
    box = (*truth.min(axis=0), *truth.max(axis=0))
    captured = run(Request(PEOPLE / "frontal.jpg", box=box, settings=SMALL))
    assert captured.found.faces() is None
    assert captured.found.wanted == (FaceBox(*box),)
    assert error_of(captured.captures[0], truth) < 0.04


def test_what_cannot_be_captured_is_refused_in_one_line(pack, tmp_path):
    Image.linear_gradient("L").save(tmp_path / "nobody.png")
    with pytest.raises(NoFaceError, match=r"No face found in nobody\.png: give a box") as caught:
        run(Request(tmp_path / "nobody.png"))
    assert "\n" not in str(caught.value)
    with pytest.raises(NoFaceError):
        faces_in(photo_of(np.zeros((300, 400, 3), np.uint8)), pack, Settings())
    (tmp_path / "text.jpg").write_text("no photo")
    for wrong in (
        Request(tmp_path / "missing.jpg"),
        Request(tmp_path / "text.jpg"),
        Request(PEOPLE / "frontal.jpg", pack=tmp_path),
        Request(PEOPLE / "frontal.jpg", yunet=tmp_path / "missing.onnx"),
        Request(PEOPLE / "frontal.jpg", box=(9000, 9000, 9100, 9100)),
    ):
        with pytest.raises(CaptureError) as caught:
            run(wrong)
        assert "\n" not in str(caught.value)


def test_every_step_of_finding_can_be_cancelled():
    steps = []
    find(Request(PEOPLE / "frontal.jpg"), lambda _, text: steps.append(text))
    assert len(steps) == 3
    for last in range(len(steps)):
        stop = CancelAt(last)
        with pytest.raises(Cancelled):
            run(Request(PEOPLE / "frontal.jpg"), stop)
        assert stop.texts == steps[: last + 1]


def test_doubtful_faces_are_looked_at_again(pack):
    """A box on the background goes, one on the face stays; what the finder is sure of is not asked about."""
    photo = load_photo(PORTRAIT)
    (face,) = faces_in(photo, pack, Settings())
    doubtful = replace(face, score=0.6)
    elsewhere = FaceBox(20, 330, 150, 480, score=0.6)
    sure = replace(elsewhere, score=0.95)
    assert without_nobody(photo, (doubtful, elsewhere), pack, Settings()) == (doubtful,)
    assert without_nobody(photo, (face, sure), pack, Settings()) == (face, sure)
    first_only = replace(pack, second_pass=None, sha256="first only")
    assert without_nobody(photo, (elsewhere,), first_only, Settings()) == (elsewhere,)


def test_doubtful_boxes_beside_a_sure_face_are_looked_at_where_all_faces_are_asked_for(tmp_path):
    with Image.open(PORTRAIT) as portrait:
        portrait.resize((1024, 1024), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    found = find(Request(tmp_path / "large.png"))
    assert len(found.boxes) == 2 and not found.looked_at
    with pytest.raises(Cancelled):
        found.faces(CancelAt(0))
    assert found.faces() == found.wanted == (found.boxes[0],)
    everybody = find(Request(tmp_path / "large.png", face="all"))
    assert everybody.looked_at and everybody.wanted == everybody.faces() == found.faces()
