"""Finding and choosing faces, in rendered people everywhere and in photos where the measurement data is."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.detection import hits_and_alarms, straight
from prn_blender.capture.errors import CaptureError, NoFaceError
from prn_blender.capture.faces.box import FaceBox, best_of_each, overlap
from prn_blender.capture.faces.detail import expected_detail
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.photo.read import load_photo

from .conftest import PEOPLE, landmarks_of, photo_of


@pytest.fixture(params=["built-in", "yunet"])
def yunet(request) -> str | None:
    """Each backend in turn, as `find_faces` is told."""
    if request.param == "built-in":
        return None
    return str(request.getfixturevalue("shared_data") / "detectors/yunet_n_dynamic.onnx")


@pytest.fixture(params=["rendered", "photo"])
def face(request):
    """A frontal face (450, 450, 3) and its true box (4,)."""
    if request.param == "rendered":
        pixels = load_photo(PEOPLE / "frontal.jpg").pixels
        (points,) = landmarks_of("frontal.jpg")
    else:
        folder = request.getfixturevalue("shared_data") / "photos/aflw2000_dev"
        with np.load(folder / "landmarks.npz") as data:
            index = int(np.argmin(np.abs(data["pitch_yaw_roll"]).max(axis=1)))
            pixels, points = load_photo(folder / f"{data['names'][index]}.jpg").pixels, data["points"][index, :, :2]
    return pixels, np.concatenate([points.min(0), points.max(0)])


@dataclass(frozen=True)
class Annotated:
    """Pictures of several people with their landmarks, and how well they must be found."""

    folder: Path
    people: int
    alarms: dict[bool, int]  # most boxes on no face, of the built-in finder and of YuNet


@pytest.fixture(params=["rendered", "photos"])
def annotated(request) -> Annotated:
    if request.param == "rendered":
        return Annotated(PEOPLE, 19, {False: 1, True: 1})
    return Annotated(request.getfixturevalue("shared_data") / "photos/dlib68", 43, {False: 10, True: 6})


def overlap_of_best(faces, truth):
    assert faces, "nothing found"
    return overlap(straight(faces[0]), np.asarray(truth, float))


def test_overlap_of_known_boxes():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6], [0, 0, 2, 1]], float)
    assert overlap(boxes, boxes[0]) == pytest.approx([1, 1 / 3, 0, 1 / 2])
    assert best_of_each(boxes, np.array([0.5, 0.9, 0.1, 0.8]), 0.3).tolist() == [1, 3, 2]
    assert best_of_each(boxes, np.array([0.5, 0.9, 0.1, 0.8]), 0.4).tolist() == [1, 3, 2]
    assert best_of_each(boxes, np.array([0.5, 0.9, 0.1, 0.8]), 0.6).tolist() == [1, 3, 0, 2]


def test_several_faces_of_annotated_pictures(annotated, yunet):
    hits = faces_there = alarms = 0
    for name, people in json.loads((annotated.folder / "faces.json").read_text()).items():
        found = find_faces(load_photo(annotated.folder / name), yunet)
        assert all(0 < face.score <= 1 for face in found)
        assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)
        right, wrong = hits_and_alarms(found, people)
        hits, faces_there, alarms = hits + right, faces_there + len(people), alarms + wrong
    assert hits == faces_there == annotated.people
    assert alarms <= annotated.alarms[yunet is not None]


def test_sizes_from_small_to_filling_the_photo(face, yunet):
    pixels, truth = face
    cut = truth + np.ptp(truth.reshape(2, 2), axis=0).repeat(2)[[0, 2, 0, 2]] * (-0.3, -0.5, 0.3, 0.15)
    left, top, right, bottom = cut.clip(0, 450).astype(int)
    assert overlap_of_best(find_faces(photo_of(pixels[top:bottom, left:right]), yunet), truth - [left, top] * 2) > 0.4
    for width in (40, 120, 900):
        scale = width / (truth[2] - truth[0])
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        patch = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=method)
        large = np.full((3000, 4000, 3), 90, np.uint8)
        large[500 : 500 + len(patch), 1500 : 1500 + patch.shape[1]] = patch
        assert overlap_of_best(find_faces(photo_of(large), yunet), truth * scale + [1500, 500] * 2) > 0.4, width


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_photo_that_lies_on_its_side(face, quarter):
    pixels, (left, top, right, bottom) = face
    height, width = pixels.shape[:2]
    # np.rot90 turns counter-clockwise, so the face's x axis points up after one turn
    truth = {
        0: (left, top, right, bottom),
        1: (top, width - right, bottom, width - left),
        2: (width - right, height - bottom, width - left, height - top),
        3: (height - bottom, left, height - top, right),
    }[quarter]
    faces = find_faces(photo_of(np.rot90(pixels, quarter)))
    assert overlap_of_best(faces, truth) > 0.4
    error = np.degrees(faces[0].roll) + 90 * quarter
    assert abs((error + 180) % 360 - 180) < 25


@pytest.mark.parametrize("tilt", [-35, 35])
def test_tilt_is_told(face, yunet, tilt):
    pixels, truth = face
    centre = (truth[:2] + truth[2:]) / 2
    turn = cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), -tilt, 1)  # OpenCV's angle is anticlockwise
    faces = find_faces(photo_of(cv2.warpAffine(pixels, turn, (450, 450), borderMode=cv2.BORDER_REPLICATE)), yunet)
    assert overlap_of_best(faces, truth) > 0.4
    # the built-in finder's rolls are right in sign, and too small
    assert np.sign(faces[0].roll) == np.sign(tilt)
    assert np.degrees(faces[0].roll) == pytest.approx(tilt, abs=20 if yunet else 32)


def test_nothing_in_nothing(yunet):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for pixels in (np.zeros((300, 400, 3), np.uint8), np.zeros((1, 1, 3), np.uint8), np.zeros((2, 3000, 3), np.uint8)):
        assert find_faces(photo_of(pixels), yunet) == []
    assert len(find_faces(photo_of(noise), yunet)) <= 1


@pytest.mark.parametrize("level", [0, 26, 128, 164, 255])
@pytest.mark.parametrize("size", [(1280, 128), (992, 124), (1216, 152), (640, 640), (200, 1600)])
def test_no_face_in_a_picture_without_structure(size, level):
    plain = np.full((size[1], size[0], 3), level, np.uint8)
    assert find_faces(photo_of(plain)) == []
    slope = np.linspace(level / 2, level, size[0]).astype(np.uint8)
    assert find_faces(photo_of(np.repeat(np.tile(slope, (size[1], 1))[..., None], 3, axis=2))) == []


class Says:
    """A detector that finds these faces in every picture."""

    def __init__(self, *faces: FaceBox):
        self.faces = faces

    def detect(self, pixels, coarse):
        return sorted(self.faces, key=lambda face: -face.score)


FACE = FaceBox(100, 100, 200, 200, 0.8)


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (FaceBox(180, 90, 300, 210, 0.64), 1),  # hair: a sixth of it lies on the face
        (FaceBox(90, 90, 110, 115, 0.5), 1),  # an ear at the box's edge
        (FaceBox(203, 120, 218, 140, 0.55), 1),  # an ear beside it
        (FaceBox(20, 20, 380, 380, 0.6), 1),  # all around it
        (FaceBox(185, 100, 290, 200, 0.79), 2),  # cheek to cheek
        (FaceBox(205, 90, 320, 210, 0.5), 2),  # beside it, less sure
        (FaceBox(203, 120, 218, 140, 0.75), 2),  # small, behind the first one's shoulder, and sure
    ],
)
def test_one_face_is_one_person(monkeypatch, other, count):
    monkeypatch.setattr("prn_blender.capture.faces.finder.open_finder", lambda: Says(FACE, other))
    pixels = np.random.default_rng(0).integers(0, 256, (25, 25, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    faces = find_faces(photo_of(pixels))
    assert faces[0] == FACE and len(faces) == count


@pytest.mark.parametrize("name", ["image00719", "image02038", "image00035", "image03055"])
def test_hair_hands_and_ears_are_no_second_person(shared_data, name):
    assert len(find_faces(load_photo(shared_data / f"photos/aflw2000_dev/{name}.jpg"))) == 1


def test_detail_to_expect():
    assert expected_detail(FaceBox(10, 10, 28, 34)) == (
        "A face of 24 pixels: expect a rough likeness and a blurred texture"
    )
    assert "right shape" in expected_detail(FaceBox(0, 0, 60, 50))
    assert "soft texture" in expected_detail(FaceBox(0, 0, 240, 200))
    assert expected_detail(FaceBox(0, 0, 260, 200)) == ""


FACES = [FaceBox(0, 0, 10, 10, 0.9), FaceBox(20, 0, 60, 50, 0.85), FaceBox(80, 0, 90, 11, 0.7)]


def test_choice_of_a_face():
    assert choose_faces(FACES, "largest") == [FACES[1]]
    assert choose_faces([*FACES, FaceBox(0, 0, 500, 500, 0.6)], "largest") == [FACES[1]]  # large, but hardly a face
    assert choose_faces(FACES, "all") == FACES
    assert choose_faces(FACES, 2) == [FACES[2]]
    for wrong in (3, -1):
        with pytest.raises(CaptureError, match="3 faces"):
            choose_faces(FACES, wrong)
    with pytest.raises(CaptureError, match="1 face:"):
        choose_faces(FACES[:1], 1)
    for choice in ("largest", "all", 0):
        with pytest.raises(NoFaceError, match="box"):
            choose_faces([], choice)


class Seen:
    """A detector that finds the same faces, given in parts of the picture, in every copy, and counts the copies."""

    def __init__(self, *faces: tuple[float, float]):
        self.faces, self.copies = faces, 0

    def detect(self, pixels, coarse):
        self.copies += 1
        width = pixels.shape[1]
        return [
            FaceBox(0.1 * width + k * 0.4 * width, 0.0, (0.1 + 0.4 * k + side) * width, side * width, score=score)
            for k, (side, score) in enumerate(self.faces)
        ]


@pytest.mark.parametrize(
    ("faces", "copies"),
    [
        ([(0.2, 0.9)], 1),
        ([(0.2, 0.9), (0.02, 0.6)], 1),  # small but doubtful beside the other: no reason to look closer
        ([(0.2, 0.9), (0.02, 0.85)], 3),
        ([(0.02, 0.6)], 3),
        ([], 3),
    ],
)
def test_finer_copies_are_searched_for_small_faces_only(monkeypatch, faces, copies):
    seen = Seen(*faces)
    monkeypatch.setattr("prn_blender.capture.faces.finder.open_finder", lambda: seen)
    pixels = np.random.default_rng(0).integers(0, 256, (50, 250, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    assert len(find_faces(photo_of(pixels))) == len(faces)
    assert seen.copies == copies
