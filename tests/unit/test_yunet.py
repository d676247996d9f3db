"""YuNet's answers, from a network with YuNet's inputs and outputs that takes red for faces."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.find import find_faces
from prn_blender.capture.faces.yunet import YuNet
from prn_blender.capture.packs.pack import default_pack_folder

from .conftest import photo_of

VALUES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
STRIDES = (8, 16, 32)
UPRIGHT = (1.0, 0.0)  # from the right eye to the left, in cells


def write_yunet(
    path: Path,
    seeing: tuple[int, ...] = (16,),
    box: tuple[float, float, float, float] = (0.5, 0.25, 3.0, 4.0),
    eyes: tuple[float, float] = UPRIGHT,
    sides: tuple[int, int] | None = None,
) -> Path:
    """A YuNet whose score in a cell is how red the cell is, without its green and blue.

    Args:
        seeing: the strides whose cells see.
        box: of every face its centre in the cell, its width and height, in cells.
        sides: height and width, where the network takes pictures of one size only.
    """
    nodes, weights, outputs = [], [], []
    for stride in STRIDES:
        nodes.append(
            helper.make_node(
                "AveragePool", ["input"], [f"cells_{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2
            )
        )
        redness = np.array([-1, -1, 1]) / 255 if stride in seeing else np.zeros(3)  # YuNet's pictures are blue first
        answers = {
            "cls": (redness[None], [0]),
            "obj": (redness[None], [0]),
            "bbox": (np.zeros((4, 3)), [*box[:2], *np.log(box[2:])]),
            "kps": (np.zeros((10, 3)), [0, 0, *eyes, *[0] * 6]),
        }
        for kind, (matrix, bias) in answers.items():
            name = f"{kind}_{stride}"
            for part, values in {"w": matrix[:, :, None, None], "b": np.array(bias)}.items():
                weights.append(onnx.numpy_helper.from_array(values.astype(np.float32), f"{name}_{part}"))
            shape = np.array([1, VALUES[kind], -1])
            weights.append(onnx.numpy_helper.from_array(shape.astype(np.int64), f"{name}_shape"))
            nodes += [
                helper.make_node("Conv", [f"cells_{stride}", f"{name}_w", f"{name}_b"], [f"{name}_grid"]),
                helper.make_node("Reshape", [f"{name}_grid", f"{name}_shape"], [f"{name}_row"]),
                helper.make_node("Transpose", [f"{name}_row"], [f"{name}_column"], perm=[0, 2, 1]),
                helper.make_node("Relu" if kind in ("cls", "obj") else "Identity", [f"{name}_column"], [name]),
            ]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, VALUES[kind]]))
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, *(sides or ("h", "w"))])
    model = helper.make_model(helper.make_graph(nodes, "yunet", [picture], outputs, weights), ir_version=8)
    model.opset_import[0].version = 13
    onnx.save(model, path)
    return path


@pytest.fixture
def yunet(tmp_path) -> Path:
    return write_yunet(tmp_path / "yunet.onnx")


def dotted(height: int, width: int, *dots: tuple[int, int], size: int = 16, colour=(255, 0, 0)) -> np.ndarray:
    """(H, W, 3) grey with squares of a colour at their left and top."""
    pixels = np.full((height, width, 3), 60, np.uint8)
    for left, top in dots:
        pixels[top : top + size, left : left + size] = colour
    return pixels


def sides_of(face) -> list[float]:
    return [face.left, face.top, face.right, face.bottom]


def test_a_cells_answer_becomes_the_box_of_the_landmarks(yunet):
    (face,) = find_faces(photo_of(dotted(96, 160, (48, 32))), yunet)
    # The cell (3, 2) answers with a box of 48 x 64 pixels around (56, 36); the landmarks' is lower, and less high.
    assert sides_of(face) == pytest.approx([56 - 24.96, 43.488 - 24, 56 + 24.96, 43.488 + 24], abs=1e-3)
    assert face.score == pytest.approx(1)
    assert face.roll == pytest.approx(0)


def test_the_score_is_the_mean_of_both(yunet):
    faint = dotted(96, 160, (48, 32), colour=(180, 0, 0))
    (face,) = YuNet(yunet).detect(faint, coarse=True)
    assert face.score == pytest.approx(180 / 255)
    assert YuNet(yunet).detect(dotted(96, 160, (48, 32), colour=(120, 0, 0)), coarse=True) == []


def test_red_is_no_blue(yunet):
    assert find_faces(photo_of(dotted(96, 160, (48, 32), colour=(0, 0, 255))), yunet) == []


def test_the_roll_is_that_of_the_eyes(tmp_path):
    turned = write_yunet(tmp_path / "turned.onnx", eyes=(0.0, 2.0))
    (face,) = find_faces(photo_of(dotted(96, 160, (48, 32))), turned)
    assert np.degrees(face.roll) == pytest.approx(90)
    # Turned to the right the chin is at the left, and the width goes down the picture.
    assert sides_of(face) == pytest.approx([50.384 - 33.28, 36 - 18, 50.384 + 33.28, 36 + 18], abs=1e-3)


def test_every_stride_answers_in_its_own_cells(tmp_path):
    for stride in STRIDES:
        coarse = write_yunet(tmp_path / f"{stride}.onnx", seeing=(stride,), box=(0.5, 0.5, 2.0, 2.0))
        (face,) = find_faces(photo_of(dotted(96, 160, (64, 32), size=stride)), coarse)
        assert (face.left + face.right) / 2 == pytest.approx(64 + stride / 2)
        assert face.right - face.left == pytest.approx(2 * 1.04 * stride)


def test_several_answers_for_one_face_are_one(yunet):
    # Each dot fills four cells, which all answer with a box of 48 x 64 pixels.
    faces = find_faces(photo_of(dotted(96, 320, (32, 32), (240, 32), size=32)), yunet)
    assert len(faces) == 2
    assert abs(faces[0].left - faces[1].left) == pytest.approx(208, abs=16)


@pytest.mark.parametrize("size", [(70, 100), (33, 47), (96, 96)])
def test_pictures_that_are_no_multiple_of_a_cell_are_padded(yunet, size):
    height, width = size
    left, top = (width // 16 - 1) * 16, (height // 16 - 1) * 16
    (face,) = find_faces(photo_of(dotted(height, width, (left, top))), yunet)
    assert (face.left + face.right) / 2 == pytest.approx(left + 8)


def test_a_file_that_takes_one_size_only(tmp_path):
    fixed = write_yunet(tmp_path / "fixed.onnx", sides=(64, 96))
    for height, width, scale in ((64, 96, 1), (128, 192, 2), (128, 128, 2), (128, 96, 2)):
        pixels = dotted(height, width, (32 * scale, 16 * scale), size=16 * scale)
        (face,) = find_faces(photo_of(pixels), fixed)
        expected = np.array([40 - 24.96, 20 + 7.488 - 24, 40 + 24.96, 20 + 7.488 + 24]) * scale
        assert sides_of(face) == pytest.approx(expected, abs=0.01)


def test_large_photos_are_searched_in_a_smaller_copy(tmp_path):
    coarse = write_yunet(tmp_path / "coarse.onnx", seeing=(32,), box=(0.5, 0.5, 10.0, 10.0))
    picture = dotted(960, 1280, (320, 320), size=64)
    picture[..., 2] = np.arange(1280) // 5  # what is plain is no face
    (face,) = find_faces(photo_of(picture), coarse)
    # half of 1280 pixels: the dot is one cell of 32, the face 320 pixels, twice that in the photo
    assert (face.left + face.right) / 2 == pytest.approx(352)
    assert face.right - face.left == pytest.approx(640 * 1.04)


def test_nothing_in_pictures_of_any_size(yunet):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    for pixels in (noise, np.zeros((1, 1, 3), np.uint8), np.zeros((2, 3000, 3), np.uint8)):
        assert find_faces(photo_of(pixels), yunet) == []


def test_file_that_is_no_yunet(tmp_path, yunet):
    photo = photo_of(np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(CaptureError, match="There is no file"):
        find_faces(photo, tmp_path / "missing.onnx")
    content = yunet.read_bytes()
    for name, data in {"text.onnx": b"no network", "cut.onnx": content[: len(content) // 2]}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CaptureError, match=f"{name} is damaged or no ONNX file"):
            find_faces(photo, tmp_path / name)
    with pytest.raises(CaptureError, match="is not a YuNet face detector"):
        find_faces(photo, default_pack_folder() / "network.onnx")


def test_network_with_the_names_of_yunet_and_other_shapes_is_refused(tmp_path):
    names = [f"{kind}_{stride}" for kind in VALUES for stride in STRIDES]
    nodes = [helper.make_node("Identity", ["input"], [name]) for name in names]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"])
    graph = helper.make_graph(nodes, "yunet", [value("input")], [value(name) for name in names])
    onnx.save(helper.make_model(graph, ir_version=8), tmp_path / "other.onnx")
    with pytest.raises(CaptureError, match="other.onnx is not a YuNet face detector"):
        find_faces(photo_of(np.zeros((64, 64, 3), np.uint8)), tmp_path / "other.onnx")
