"""Faces by the network of the finder pack: one answer for every cell of several grids."""

from pathlib import Path

import numpy as np

from ..errors import CaptureError
from ..networks.session import kept_warm, open_session, reason_of
from ..packs.finder_pack import load_finder_pack
from ..photo.part import reduce
from .answers import Answers, agreed, alone, decode
from .box import FaceBox

# The network knows faces of 14 to 90 pixels. It sees larger ones in smaller copies of the picture: in one of half its
# size, and in ever smaller ones that lie closer together, since they cost little and several see the same face.
SMALLEST_COPY = 32
CLOSER = 0.5**0.5
LEAST_SIDE = 10.0  # pixels; what is smaller in a copy is no face that was ever learnt
HINT = 0.4  # parts of the least score, from which on an answer counts for the mean over copies
# Where nothing sure is found, a photo may lie on its side or upside down. A face must be sure there, because three more
# pictures are searched.
QUARTERS = (1, 3, 2)
SURE = 0.75
LYING = 0.85  # photos that lie are rare: a face's score there counts so much beside one that stands
# Larger pictures are searched in parts that overlap by more than the faces that only they can show.
PART_SIDE = 1280
PART_OVERLAP = 128


class Finder:
    """The finder pack's network, ready to run on the CPU."""

    def __init__(self, folder: Path | None = None):
        """
        Args:
            folder: of the pack; the one that comes along without it.

        Raises:
            CaptureError: the pack is missing or damaged, or onnxruntime is.
        """
        self._pack = load_finder_pack(folder)
        try:
            self._session = open_session(self._pack.network_file)
            self.answers(np.zeros((64, 64, 3), np.uint8), 0.5)  # warms it up
        except CaptureError:
            raise
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise CaptureError(
                f"The face finder in {self._pack.folder} does not run ({reason_of(error)}): "
                "install the extension again, or give a box around the face."
            ) from error

    def detect(self, pixels: np.ndarray, coarse: bool) -> list[FaceBox]:
        """Faces from about 12 pixels on in (H, W, 3) uint8 sRGB, best first."""
        if coarse:
            best = self._in_copies(pixels).surer_than(self._pack.min_score)
            if best.score.max(initial=0.0) < SURE:
                small = reduce(pixels, 0.5)
                turned = self._turned(small).moved(np.zeros(2), _ratio(pixels, small))
                best = Answers.together([best, turned]).best_of_each()
        else:
            best = self._in_parts(pixels).best_of_each()
        return [FaceBox.of(*answer) for answer in zip(best.boxes, best.score, best.roll, strict=True)]

    def answers(self, pixels: np.ndarray, min_score: float) -> Answers:
        """What the network says of (H, W, 3) uint8 sRGB, several answers for a face."""
        import cv2

        pack = self._pack
        height, width = pixels.shape[:2]
        padded = cv2.copyMakeBorder(
            pixels, 0, -height % pack.multiple, 0, -width % pack.multiple, cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], np.float32) / 255
        grids = self._session.run(list(pack.outputs), batch, pack.input_name)
        found = Answers.together(
            [
                decode(grid[0], stride, pack.unit * stride, min_score)
                for grid, stride in zip(grids, pack.strides, strict=True)
            ]
        )
        return found.taken(found.size.min(1) > LEAST_SIDE)

    def _in_copies(self, pixels: np.ndarray) -> Answers:
        """The faces of any size, best first."""
        copies, factor = [pixels], 0.5
        while factor * max(pixels.shape[:2]) >= SMALLEST_COPY:
            copies.append(reduce(pixels, factor))
            factor *= CLOSER
        scales = [_ratio(pixels, copy) for copy in copies]
        found = [
            self.answers(copy, HINT * self._pack.min_score).moved(np.zeros(2), scale)
            for copy, scale in zip(copies, scales, strict=True)
        ]
        return agreed(found, scales)

    def _in_parts(self, pixels: np.ndarray) -> Answers:
        """The faces that are too small for coarser copies."""
        height, width = pixels.shape[:2]
        found = []
        for top in part_starts(height):
            for left in part_starts(width):
                part = pixels[top : top + PART_SIDE, left : left + PART_SIDE]
                seen = self.answers(part, self._pack.min_score)
                seen = seen.taken(alone(seen.size.mean(1)) * seen.score > self._pack.min_score)
                found.append(seen.moved(np.array([left, top])))
        return Answers.together(found)

    def _turned(self, pixels: np.ndarray) -> Answers:
        """The faces of a photo that lies on its side or upside down."""
        found = []
        for quarter in QUARTERS:
            turned = np.ascontiguousarray(np.rot90(pixels, quarter))
            seen = self._in_copies(turned).surer_than(SURE)
            # rot90 turns counter-clockwise about the middle, so back is clockwise: x' = cx - (y - cy), y' = cy + x - cx
            angle = quarter * np.pi / 2
            rotation = np.round([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            middle, back = np.array(turned.shape[1::-1]) / 2, np.array(pixels.shape[1::-1]) / 2
            found.append(
                Answers(
                    (seen.centre - middle) @ rotation.T + back,
                    seen.size,
                    (seen.roll + angle + np.pi) % (2 * np.pi) - np.pi,
                    LYING * seen.score,
                )
            )
        return Answers.together(found)


def open_finder(folder: Path | None = None) -> Finder:
    """The finder of a pack, created once.

    Raises:
        CaptureError: as of `Finder`.
    """
    return kept_warm(("finder", folder), lambda: Finder(folder))


def part_starts(side: int) -> list[int]:
    """Where the parts of a side begin."""
    if side <= PART_SIDE:
        return [0]
    count = -(-(side - PART_OVERLAP) // (PART_SIDE - PART_OVERLAP))
    return [round(k * (side - PART_SIDE) / (count - 1)) for k in range(count)]


def _ratio(pixels: np.ndarray, copy: np.ndarray) -> float:
    return max(pixels.shape[:2]) / max(copy.shape[:2])
