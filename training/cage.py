"""The coarse quads of a head with edge loops around eyes, mouth and ears: connectivity alone, no positions.

Half a head is a lattice: a band `BAND` quads wide along the mirror plane, from the throat over face, crown and nape to
the neck behind, and the side of the head within it. On the lattice the band's two turns are missing squares whose cut
sides are glued, which makes the two poles of three quads at the skull's sides. Where a rectangle of the lattice is
replaced by rings, its corners become poles of five quads; the rings inside are closed edge loops.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

BAND = 7  # quads across the band
SIDE = 6  # quads from temple to behind the ear
ROWS = 19  # quads from the neck's edge up to the band's turns
CROWN_COLUMN = 3  # of the side's columns, where the layout's cut ends

Point = tuple  # key of a vertex: a place on the lattice, or on the rings of an opening


@dataclass(frozen=True)
class Opening:
    """A rectangle of the lattice that rings replace; the innermost is filled by quads like the rectangle's."""

    columns: tuple[int, int]  # first and last lattice line
    rows: tuple[int, int]
    rings: int  # from the rectangle to the contour
    inner: int  # from the contour to the filling

    @property
    def width(self) -> int:
        return self.columns[1] - self.columns[0]

    @property
    def height(self) -> int:
        return self.rows[1] - self.rows[0]

    @property
    def crosses_middle(self) -> bool:
        """Whether only one half of it lies on this half of the head."""
        return self.columns[0] == 0

    @cached_property
    def border(self) -> list[tuple[int, int]]:
        """Places within the rectangle along its border: from its first corner on away from the middle, then down.

        Closed, without the first place again; where it crosses the middle from the middle to the middle.
        """
        width, height = self.width, self.height
        top = [(i, 0) for i in range(width)]
        away = [(width, j) for j in range(height)]
        bottom = [(i, height) for i in range(width, 0, -1)]
        near = [(0, j) for j in range(height, 0, -1)]
        return top + away + bottom + ([(0, height)] if self.crosses_middle else near)


# Lattice lines: columns count from the middle of the face, rows from the crown.
OPENINGS = {
    "eye": Opening(columns=(2, 6), rows=(BAND + 3, BAND + 7), rings=3, inner=1),
    "nostril": Opening(columns=(1, 3), rows=(BAND + 9, BAND + 11), rings=2, inner=1),
    "mouth": Opening(columns=(0, 4), rows=(BAND + 12, BAND + 14), rings=3, inner=2),
    "ear": Opening(columns=(BAND + 2, BAND + 4), rows=(BAND + 4, BAND + 11), rings=1, inner=2),
}


@dataclass
class HalfCage:
    """Quads of half a head and the names of their vertices."""

    number: dict[Point, int] = field(default_factory=dict)
    quads: list[list[int]] = field(default_factory=list)

    def vertex(self, point: Point) -> int:
        """The number of a vertex, a new one where there was none."""
        return self.number.setdefault(_glued(point), len(self.number))

    def add(self, *corners: Point) -> None:
        """A quad."""
        self.quads.append([self.vertex(corner) for corner in corners])

    def ring(self, name: str, index: int) -> list[int]:
        """Vertices of a ring of an opening, 0 the rectangle's border; open where the opening crosses the middle."""
        opening = OPENINGS[name]
        return [self.vertex(_on_ring(name, opening, index, k)) for k in range(len(opening.border))]

    @property
    def cut_line(self) -> list[int]:
        """Vertices along the layout's cut, from the crown to the nape."""
        over = [(i, 0) for i in range(BAND + CROWN_COLUMN, BAND + SIDE + 1)]
        return [self.vertex(point) for point in over + [(2 * BAND + SIDE, j) for j in range(BAND + 1, BAND + ROWS + 1)]]

    @property
    def neck_line(self) -> list[int]:
        """Vertices along the neck's edge from the throat to the nape."""
        return [self.vertex((i, BAND + ROWS)) for i in range(2 * BAND + SIDE + 1)]

    @property
    def middle(self) -> list[int]:
        """All vertices in the mirror plane."""
        opening = OPENINGS["mouth"]
        ends = [0, len(opening.border) - 1]
        rings = [_on_ring("mouth", opening, ring, k) for ring in range(opening.rings + opening.inner + 1) for k in ends]
        filling = [_in_filling("mouth", opening, (0, j)) for j in range(1, opening.height)]
        front = [(0, j) for j in range(BAND, BAND + ROWS + 1) if not _inside(0.5, j, opening)]
        over = [(i, 0) for i in range(BAND, BAND + CROWN_COLUMN)]
        return sorted({*self.cut_line, *(self.vertex(point) for point in front + over + rings + filling)})


def make_half_cage() -> HalfCage:
    """The quads of one half, counter-clockwise from outside once placed."""
    cage = HalfCage()
    for i in range(2 * BAND + SIDE):
        for j in range(BAND + ROWS):
            in_turn = j < BAND and not BAND <= i < BAND + SIDE
            if not in_turn and not any(_inside(i + 0.5, j + 0.5, opening) for opening in OPENINGS.values()):
                cage.add((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))
    for name, opening in OPENINGS.items():
        _add_rings(cage, name, opening)
    return cage


def _add_rings(cage: HalfCage, name: str, opening: Opening) -> None:
    count = len(opening.border)
    steps = count - 1 if opening.crosses_middle else count
    for ring in range(opening.rings + opening.inner):
        for k in range(steps):
            ahead = (k + 1) % count
            outer, inner = (
                [_on_ring(name, opening, index, place) for place in (k, ahead)] for index in (ring, ring + 1)
            )
            cage.add(outer[0], outer[1], inner[1], inner[0])
    for i in range(opening.width):
        for j in range(opening.height):
            places = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            cage.add(*[_in_filling(name, opening, place) for place in places])


def _on_ring(name: str, opening: Opening, ring: int, k: int) -> Point:
    if ring == 0:
        i, j = opening.border[k]
        return opening.columns[0] + i, opening.rows[0] + j
    return name, ring, k


def _in_filling(name: str, opening: Opening, place: tuple[int, int]) -> Point:
    last = opening.rings + opening.inner
    return (name, last, opening.border.index(place)) if place in opening.border else (name, "filling", *place)


def _inside(i: float, j: float, opening: Opening) -> bool:
    return opening.columns[0] < i < opening.columns[1] and opening.rows[0] < j < opening.rows[1]


def _glued(point: Point) -> Point:
    """The band's sides at a turn are one."""
    if len(point) == 2 and point[1] == BAND:
        if point[0] < BAND:
            return BAND, point[0]
        if point[0] > BAND + SIDE:
            return BAND + SIDE, 2 * BAND + SIDE - point[0]
    return point


def mirrored(quads: np.ndarray, middle: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Both halves: quads (2F, 4), the second half's with the winding reversed, and the mirrored vertex of each (V,).

    Args:
        quads: (F, 4) of the first half, whose vertices are 0..count - 1 and keep their numbers.
        middle: vertices in the mirror plane.
    """
    other = np.full(count, -1)
    other[middle] = middle
    apart = np.flatnonzero(other < 0)
    other[apart] = count + np.arange(len(apart))
    mirror = np.concatenate([other, apart])
    return np.concatenate([quads, other[quads][:, ::-1]]), mirror
