"""Faces by YuNet, from an ONNX file that the user brings."""

import itertools
from pathlib import Path

import numpy as np

from ..errors import CaptureError
from ..networks.session import open_session
from .box import FaceBox, best_of_each

STRIDES = (8, 16, 32)
# Values for each cell: score of the class, score of there being an object, box, five points.
VALUES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
OUTPUTS = tuple(f"{kind}_{stride}" for kind, stride in itertools.product(VALUES, STRIDES))
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3

# YuNet's box reaches from the hairline to the chin. The 68 landmarks' box in units of YuNet's width and height:
# medians over 400 annotated photos of AFLW2000-3D; either half alone agrees within 0.015.
CENTRE_DOWN = 0.117
WIDTH = 1.04
HEIGHT = 0.75


class YuNet:
    """Faces by a YuNet network with one output per kind (cls, obj, bbox, kps) and stride.

    Source: W. Wu et al., YuNet: a tiny millisecond-level face detector, Machine Intelligence Research 20, 2023.
    """

    def __init__(self, path: Path):
        """
        Raises:
            CaptureError: no such file, or no YuNet.
        """
        if not path.is_file():
            raise CaptureError(f"There is no file {path}. Choose the YuNet ONNX file in the preferences.")
        try:
            self._session = open_session(path)
        except CaptureError:
            raise
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise CaptureError(f"{path.name} is damaged or no ONNX file. Choose another YuNet file.") from error
        try:
            self._input, self._sides = next((name, shape[2:]) for name, shape in self._session.inputs.items())
            self._run(np.zeros((64, 64, 3), np.uint8))
        except Exception as error:  # other inputs, other outputs, or a network that fails
            raise CaptureError(f"{path.name} is not a YuNet face detector. Choose another YuNet file.") from error

    def detect(self, pixels: np.ndarray, coarse: bool) -> list[FaceBox]:
        """Faces from about 10 pixels on in (H, W, 3) uint8 sRGB, best first."""
        outputs, width, scale = self._run(pixels)
        found = []
        for stride in STRIDES:
            score = np.sqrt((outputs[f"cls_{stride}"] * outputs[f"obj_{stride}"])[0, :, 0].clip(0))
            cells = np.flatnonzero(score >= MIN_SCORE)
            corner = np.stack(np.divmod(cells, width // stride)[::-1], axis=-1)
            box, eyes = outputs[f"bbox_{stride}"][0, cells], outputs[f"kps_{stride}"][0, cells, :4]
            centre, size = (corner + box[:, :2]) * stride, np.exp(box[:, 2:]) * stride
            found.append(np.column_stack([centre, size, eyes[:, 2:] - eyes[:, :2], score[cells]]))
        found = np.concatenate(found).astype(np.float64)
        boxes, rolls = _landmark_boxes(found[:, :2] / scale, found[:, 2:4] / scale, found[:, 4:6])
        kept = best_of_each(boxes, found[:, 6], MAX_OVERLAP)
        return [FaceBox.of(boxes[i], found[i, 6], rolls[i]) for i in kept]

    def _run(self, pixels: np.ndarray) -> tuple[dict[str, np.ndarray], int, float]:
        """The network's outputs by name, the width of its input, and how many of its pixels a photo pixel has.

        Raises:
            ValueError: the outputs have other shapes than YuNet's.
        """
        import cv2

        height, width = pixels.shape[:2]
        scale = 1.0
        if all(isinstance(side, int) for side in self._sides):  # some YuNet files take one size only
            scale = min(self._sides[0] / height, self._sides[1] / width)
            size = [max(1, round(side * scale)) for side in (width, height)]
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            padding = (self._sides[0] - pixels.shape[0], self._sides[1] - pixels.shape[1])
        else:
            padding = (-height % STRIDES[-1], -width % STRIDES[-1])
        blue_first = cv2.copyMakeBorder(pixels[..., ::-1], 0, padding[0], 0, padding[1], cv2.BORDER_CONSTANT)
        batch = np.ascontiguousarray(blue_first.transpose(2, 0, 1)[None], np.float32)
        outputs = dict(zip(OUTPUTS, self._session.run(list(OUTPUTS), batch, self._input), strict=True))
        cells = {stride: (batch.shape[2] // stride) * (batch.shape[3] // stride) for stride in STRIDES}
        for (kind, stride), values in zip(itertools.product(VALUES, STRIDES), outputs.values(), strict=True):
            if values.shape != (1, cells[stride], VALUES[kind]):
                raise ValueError(f"{kind}_{stride} has the shape {values.shape}")
        return outputs, batch.shape[3], scale


def _landmark_boxes(centre: np.ndarray, size: np.ndarray, across_eyes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) of the landmarks, and rolls (N,), of YuNet's boxes and its vectors from eye to eye, all (N, 2)."""
    roll = np.arctan2(across_eyes[:, 1], across_eyes[:, 0])
    cos, sin = np.cos(roll), np.sin(roll)
    centre = centre + CENTRE_DOWN * size * np.stack([-sin, cos], axis=-1)
    width = WIDTH * (size[:, 0] * cos**2 + size[:, 1] * sin**2)
    height = HEIGHT * (size[:, 1] * cos**2 + size[:, 0] * sin**2)
    half = np.stack([width, height], axis=-1) / 2
    return np.concatenate([centre - half, centre + half], axis=1), roll
