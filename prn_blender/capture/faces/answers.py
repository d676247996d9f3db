"""What the finder's network answers: one answer for every cell of several grids, for several copies of a picture."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .box import best_of_each, overlap

MAX_OVERLAP = 0.3
# In copies where a face has so many pixels the network should see it.
SEEN_SIDES = (18.0, 72.0)
# Answers whose boxes overlap more speak of the same face.
SAME_FACE = 0.45
MOST = 500  # of a copy, the surest: a crowd's faces have up to eighty each, and all are compared with one another
# A face that only one copy shows is told from clutter by less, the less the smaller it is: its score counts so much
# (second row) at so many pixels (first row).
ALONE = ((18.0, 30.0), (0.6, 0.8))


@dataclass(frozen=True)
class Answers:
    """What the network says of N faces, in pixels and radians."""

    centre: np.ndarray  # (N, 2)
    size: np.ndarray  # (N, 2) along axes turned by `roll`
    roll: np.ndarray  # (N,)
    score: np.ndarray  # (N,)

    @classmethod
    def together(cls, parts: "list[Answers]") -> "Answers":
        """All of them."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def taken(self, index: np.ndarray) -> "Answers":
        """Those of `index`, or of a mask."""
        return Answers(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def moved(self, offset: np.ndarray, scale: float = 1.0) -> "Answers":
        """In a picture that is larger by `scale` and begins at -`offset` (2,)."""
        return Answers(self.centre * scale + offset, self.size * scale, self.roll, self.score)

    @property
    def boxes(self) -> np.ndarray:
        """(N, 4)"""
        return np.concatenate([self.centre - self.size / 2, self.centre + self.size / 2], axis=1)

    def best_of_each(self) -> "Answers":
        """Best first, one for each face."""
        return self.taken(best_of_each(self.boxes, self.score, MAX_OVERLAP))

    def surer_than(self, score: float) -> "Answers":
        """Those of a higher score."""
        return self.taken(self.score > score)


def decode(grid: np.ndarray, stride: int, unit: float, min_score: float) -> Answers:
    """The faces in a grid (17, rows, columns).

    By cell: logit of the score, centre, log sides, five points (not needed here), cosine and sine of the roll.

    Args:
        stride: pixels of a cell.
        unit: pixels in which a cell tells lengths.
    """
    row, column = np.nonzero(grid[0] >= np.log(min_score / (1 - min_score)))
    values = grid[:, row, column].T.astype(np.float64)
    cell = (np.stack([column, row], axis=1) + 0.5) * stride
    return Answers(
        centre=cell + values[:, 1:3] * unit,
        size=np.exp(values[:, 3:5].clip(-6, 6)) * unit,
        roll=np.arctan2(values[:, 16], values[:, 15]),
        score=1 / (1 + np.exp(-values[:, 0])),
    )


def alone(side: np.ndarray) -> np.ndarray:
    """(N,) what the scores of faces count that only one copy shows, by their sides (N,) in pixels of it."""
    return np.interp(side, *ALONE)


def agreed(copies: list[Answers], scales: list[float]) -> Answers:
    """One answer for each face from the answers for several copies of a picture, best first.

    The score is the mean over the copies in which the network should see the face: what looks like a face in only one
    of them loses. Place and roll are means of all answers that agree, by their scores.

    Args:
        copies: in pixels of the picture.
        scales: pixels of the picture for each pixel of a copy.
    """
    copies = [answers.taken(np.argsort(-answers.score, kind="stable")[:MOST]) for answers in copies]
    found = Answers.together(copies)
    ends = np.cumsum([0, *(len(answers.score) for answers in copies)])
    boxes = found.boxes.astype(np.float32)
    agreeing = np.where(overlap(boxes[:, None], boxes) > SAME_FACE, found.score, 0.0)
    best = np.stack([agreeing[:, start:end].max(1, initial=0.0) for start, end in pairwise(ends)], axis=1)
    side = found.size.mean(1)[:, None] / scales
    seen = (side > SEEN_SIDES[0]) & (side < SEEN_SIDES[1])
    score = np.where(seen.any(1), (best * seen).sum(1) / seen.sum(1).clip(1), best.max(1, initial=0.0))
    score = np.where(side[:, 0] < 2 * SEEN_SIDES[0], alone(side[:, 0]) * score, score)
    kept = best_of_each(found.boxes, score, MAX_OVERLAP)
    share = agreeing[kept] / agreeing[kept].sum(1, keepdims=True)
    return Answers(
        centre=share @ found.centre,
        size=share @ found.size,
        roll=np.arctan2(share @ np.sin(found.roll), share @ np.cos(found.roll)),
        score=score[kept],
    )
