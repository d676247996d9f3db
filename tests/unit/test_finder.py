"""The built-in face finder: what its answers mean, its pack, its searches."""

import shutil
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.answers import Answers, agreed, decode
from prn_blender.capture.faces.box import overlap
from prn_blender.capture.faces.find import find_faces
from prn_blender.capture.faces.finder import PART_OVERLAP, PART_SIDE, Finder, part_starts
from prn_blender.capture.packs.finder_pack import load_finder_pack
from prn_blender.capture.packs.pack import default_pack_folder
from prn_blender.capture.photo.read import load_photo

from .conftest import photo_of

PORTRAIT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
# The box of the 68 landmarks of the bundled portrait, measured by eye, as parts of its width and height.
PORTRAIT_BOX = np.array([0.352, 0.186, 0.516, 0.338])


@pytest.fixture(scope="module")
def portrait() -> tuple[np.ndarray, np.ndarray]:
    """The bundled portrait (H, W, 3) and the box of its face (4,)."""
    pixels = load_photo(PORTRAIT).pixels
    return pixels, PORTRAIT_BOX * np.tile(pixels.shape[1::-1], 2)


@pytest.fixture
def copied_pack(tmp_path) -> Path:
    return shutil.copytree(default_pack_folder("finder"), tmp_path / "pack with spaces é")


def test_answers_of_known_cells():
    grid = np.full((17, 4, 6), -20.0, np.float32)
    points = np.arange(10) / 10
    # logit, centre, log sides, points, cosine and sine of a roll of 30 degrees, at twice the length
    grid[:, 2, 3] = [2, 0.5, -0.25, np.log(3), 0, *points, 2 * np.cos(np.pi / 6), 2 * np.sin(np.pi / 6)]
    grid[0, 0, 0] = -0.1
    found = decode(grid, stride=8, unit=32, min_score=0.5)
    assert len(found.score) == 1
    assert found.score[0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert found.centre[0] == pytest.approx([3.5 * 8 + 16, 2.5 * 8 - 8])
    assert found.size[0] == pytest.approx([96, 32])
    assert np.degrees(found.roll[0]) == pytest.approx(30)
    assert len(decode(grid, 8, 32, 0.47).score) == 2
    assert found.boxes[0] == pytest.approx([44 - 48, 12 - 16, 44 + 48, 12 + 16])


def test_one_answer_is_kept_for_each_face():
    grid = np.full((17, 4, 4), -20.0, np.float32)
    grid[1:, :, :] = 0
    grid[0, 0, 0], grid[0, 0, 1], grid[0, 3, 3] = 1, 2, 0.5
    best = decode(grid, stride=8, unit=32, min_score=0.5).best_of_each()
    assert best.centre == pytest.approx(np.array([[12, 4], [28, 28]]))


def answers(*rows: tuple[float, float, float, float]) -> Answers:
    """Square faces of (x, y, side, score)."""
    x, y, side, score = np.reshape(rows, (-1, 4)).T
    centre = np.stack([x, y], axis=1)
    return Answers(centre, np.stack([side, side], axis=1), 0.1 * score, score)


def test_copies_must_agree():
    # 60 pixels: seen in the first copy and the second (30), not in the third (15); 21 pixels: in the first copy alone
    fine = answers((100, 100, 60, 0.8), (300, 300, 60, 0.8), (400, 50, 21, 0.6))
    found = agreed([fine, answers((104, 100, 60, 0.4)), answers()], [1.0, 2.0, 4.0])
    assert found.score == pytest.approx([0.6, 0.4, 0.39])
    by_place = np.argsort(found.centre[:, 0])
    assert found.centre[by_place] == pytest.approx(np.array([[100 + 4 / 3, 100], [300, 300], [400, 50]]))
    assert found.score[by_place] == pytest.approx([0.6, 0.4, 0.39])
    assert len(agreed([answers(), answers()], [1.0, 2.0]).score) == 0


def test_a_crowd_does_not_silence_the_coarser_copies():
    places = [(100 * k, 100 * row) for row in range(4) for k in range(5)]
    fine = answers(*((x + shift, y, 60, 0.9 - 0.01 * shift) for x, y in places for shift in range(15)))
    coarse = answers(*((x, y, 60, 0.5) for x, y in places))
    found = agreed([fine, coarse], [1.0, 2.0])
    assert found.score == pytest.approx(np.full(20, 0.7))


@pytest.mark.parametrize("side", [1, PART_SIDE, PART_SIDE + 1, 2 * PART_SIDE - PART_OVERLAP, 5120])
def test_parts_cover_a_side_and_overlap(side):
    starts = part_starts(side)
    assert starts[0] == 0
    assert starts[-1] + PART_SIDE >= side
    assert all(second - first <= PART_SIDE - PART_OVERLAP for first, second in pairwise(starts))


def test_the_bundled_portrait_has_one_face(portrait):
    pixels, truth = portrait
    faces = find_faces(photo_of(pixels))
    assert len(faces) == 1
    assert overlap(faces[0].corners.ravel(), truth) > 0.75
    assert abs(np.degrees(faces[0].roll)) < 8


@pytest.mark.parametrize("quarter", [1, 2])
def test_the_portrait_on_its_side(portrait, quarter):
    pixels, truth = portrait
    turned = np.rot90(pixels, quarter)
    corners = truth.reshape(2, 2) - np.array(pixels.shape[1::-1]) / 2
    for _ in range(quarter):  # counter-clockwise, y down
        corners = np.stack([corners[:, 1], -corners[:, 0]], axis=-1)
    corners = corners + np.array(turned.shape[1::-1]) / 2
    face = find_faces(photo_of(turned))[0]
    middle, half = face.corners.mean(0), np.ptp(face.corners, axis=0) / 2
    half = half[::-1] if quarter % 2 else half
    assert overlap(np.concatenate([middle - half, middle + half]), np.sort(corners, axis=0).ravel()) > 0.6
    error = np.degrees(face.roll) + 90 * quarter
    assert abs((error + 180) % 360 - 180) < 10


@pytest.mark.parametrize("side", [24, 30, 60, 300])
def test_faces_of_many_sizes(portrait, side):
    pixels, truth = portrait
    scale, middle = side / (truth[2] - truth[0]), (truth[:2] + truth[2:]) / 2
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    patch = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=method)
    to_the_middle = np.float32(np.column_stack([np.eye(2), 320 - scale * middle]))
    canvas = cv2.warpAffine(patch, to_the_middle, (640, 640), borderValue=(120, 120, 120))
    boxes = np.array([face.corners.ravel() for face in find_faces(photo_of(canvas))])
    expected = 320 + scale * (truth - np.tile(middle, 2))
    assert overlap(boxes, expected).max() > 0.5


def test_missing_and_damaged_packs(copied_pack):
    with pytest.raises(CaptureError, match="cannot be read .* install the extension again") as caught:
        load_finder_pack(copied_pack / "nowhere")
    assert "\n" not in str(caught.value)
    network = copied_pack / "network.onnx"
    network.write_bytes(network.read_bytes()[:-9] + b"different")
    with pytest.raises(CaptureError, match=r"network.onnx is damaged \(wrong checksum\)"):
        load_finder_pack(copied_pack)
    network.unlink()
    with pytest.raises(CaptureError, match="cannot be read"):
        load_finder_pack(copied_pack)
    (copied_pack / "pack.toml").write_text("not toml")
    with pytest.raises(CaptureError, match="cannot be read"):
        load_finder_pack(copied_pack)


def test_pack_of_another_kind(copied_pack):
    manifest = copied_pack / "pack.toml"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"centre", ', ""), encoding="utf-8")
    with pytest.raises(CaptureError, match="answers of an unknown kind: update this add-on"):
        load_finder_pack(copied_pack)


def test_a_file_that_is_no_network(copied_pack):
    import hashlib

    manifest, network = copied_pack / "pack.toml", copied_pack / "network.onnx"
    before = hashlib.sha256(network.read_bytes()).hexdigest()
    network.write_bytes(b"no network")
    after = hashlib.sha256(b"no network").hexdigest()
    manifest.write_text(manifest.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    with pytest.raises(CaptureError, match="The face finder in .* does not run"):
        Finder(copied_pack)
