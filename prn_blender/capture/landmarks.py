"""The 68 landmarks: Multi-PIE's points in iBUG's order, 0-based; left and right are the subject's.

Source: C. Sagonas et al., 300 faces in-the-wild challenge, Image and Vision Computing 47, 2016.
"""

from dataclasses import dataclass

import numpy as np

COUNT = 68


@dataclass(frozen=True)
class Part:
    """A facial feature that consecutive landmarks draw as one line."""

    name: str
    first: int
    last: int
    is_closed: bool = False  # the line returns to its first landmark

    @property
    def line(self) -> tuple[int, ...]:
        """The landmarks in the order in which the line passes them."""
        around = tuple(range(self.first, self.last + 1))
        return (*around, self.first) if self.is_closed else around


PARTS = (
    Part("jaw", 0, 16),
    Part("brow_right", 17, 21),
    Part("brow_left", 22, 26),
    Part("nose_bridge", 27, 30),
    Part("nose_base", 31, 35),
    Part("eye_right", 36, 41, is_closed=True),
    Part("eye_left", 42, 47, is_closed=True),
    Part("lips_outer", 48, 59, is_closed=True),
    Part("lips_inner", 60, 67, is_closed=True),
)

NAMES = tuple(f"{part.name}_{index:02}" for part in PARTS for index in range(part.first, part.last + 1))

# Of each landmark the one on the other side of the face.
MIRROR = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *(27, 28, 29, 30),
        *(35, 34, 33, 32, 31),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60, 67, 66, 65),
    ]
)
