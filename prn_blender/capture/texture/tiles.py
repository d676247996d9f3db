"""A texture made tile by tile, which skips what a tile does not need."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from ..progress import Progress
from ..types import BASE_COLOR, MASK
from .complete import Fill
from .guide import GUIDE_SIZE

TILE = 32  # texels of the guide


@dataclass(frozen=True)
class Tile:
    """A square of a texture: TILE x TILE texels of the guide, enlarged by `scale`."""

    row: int  # first texel of the guide
    column: int
    scale: int

    @property
    def area(self) -> tuple[slice, slice]:
        """The tile's rows and columns in the texture."""
        rows, columns = (slice(first * self.scale, (first + TILE) * self.scale) for first in (self.row, self.column))
        return rows, columns

    @property
    def mirrored(self) -> "Tile":
        """The tile on the other side of the head."""
        return Tile(self.row, GUIDE_SIZE - TILE - self.column, self.scale)

    def enlarge(self, image: np.ndarray) -> np.ndarray:
        """The tile's part of a guide image (G, G, …), enlarged, bilinear, border repeated."""
        import cv2

        # One texel more on each side, for what is interpolated at the tile's edge; the image's edge OpenCV repeats.
        top, left = max(self.row - 1, 0), max(self.column - 1, 0)
        part = image[top : self.row + TILE + 1, left : self.column + TILE + 1]
        large = cv2.resize(part, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_LINEAR)
        rows, columns = self.area
        return large[
            rows.start - top * self.scale : rows.stop - top * self.scale,
            columns.start - left * self.scale : columns.stop - left * self.scale,
        ]


def tiles_of_one_side(scale: int) -> list[Tile]:
    """A texture's on the left; mirrored they are those on the right."""
    rows, columns = range(0, GUIDE_SIZE, TILE), range(0, GUIDE_SIZE // 2, TILE)
    return [Tile(row, column, scale) for row in rows for column in columns]


class Samples(Protocol):
    """A head's colours by UV."""

    def sample(self, tile: Tile) -> np.ndarray:
        """(h, w, 3) uint8."""
        ...


Sample = Callable[[Tile], np.ndarray]  # as of `Samples`


def make_textures(
    samples: Samples, trust: np.ndarray, completion: Fill | None, size: int, progress: Progress
) -> dict[str, np.ndarray]:
    """The textures by name, tile by tile, each with the one on the other side of the head, whose colours it may need.

    Args:
        trust: (G, G) 0..1 how far the samples are believed.
        completion: of what is not; None leaves it black.
    """
    colour = np.empty((size, size, 3), np.uint8)
    mask = np.empty((size, size), np.uint8)

    def compose(one: Tile) -> None:
        sample = cache(samples.sample)
        for tile in (one, one.mirrored):
            weight = tile.enlarge(trust)
            mask[tile.area] = np.rint(weight * 255)
            colour[tile.area] = (
                show_photo(tile, sample, mask[tile.area])
                if completion is None
                else complete(tile, sample, completion, weight)
            )

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        jobs = [threads.submit(compose, tile) for tile in tiles_of_one_side(size // GUIDE_SIZE)]
        try:
            for number, job in enumerate(jobs):
                progress(number / len(jobs), "Projecting the texture")
                job.result()
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return {BASE_COLOR: colour, MASK: mask}


def show_photo(tile: Tile, sample: Sample, mask: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: the photo's colours, black where `mask` (h, w) is 0."""
    return sample(tile) * (mask > 0)[..., None] if mask.any() else np.zeros((*mask.shape, 3), np.uint8)


def complete(tile: Tile, sample: Sample, fill: Fill, weight: np.ndarray) -> np.ndarray:
    """(h, w, 3) uint8: the photo's colours where believed, then the other side's, then what continues them.

    Args:
        weight: (h, w) float32: how far the photo is believed.
    """
    import cv2

    if weight.min() >= 1:
        return sample(tile)
    share = tile.enlarge(fill.mirrored)
    if share.min() >= 1:
        rest = mirror_photo(tile, sample, fill)
    else:
        rest = continue_colours(tile, fill)
        if share.max() > 0:
            rest = cv2.blendLinear(mirror_photo(tile, sample, fill), rest, share, 1 - share)
    if weight.max() > 0:
        rest = cv2.blendLinear(sample(tile), rest, np.ascontiguousarray(weight), 1 - weight)
    return rest


def mirror_photo(tile: Tile, sample: Sample, fill: Fill) -> np.ndarray:
    """(h, w, 3) uint8: the other side of the head in the light of this one."""
    import cv2

    return cv2.multiply(cv2.flip(sample(tile.mirrored), 1), tile.enlarge(fill.gain), dtype=cv2.CV_8U)


def continue_colours(tile: Tile, fill: Fill) -> np.ndarray:
    """(h, w, 3) uint8: smoothly continued colours, with strands in the hair."""
    import cv2

    colour = tile.enlarge(fill.colour)
    grain = tile.enlarge(fill.grain)
    if not grain.any():
        return cv2.convertScaleAbs(colour)
    place = tile.enlarge(fill.strand_place) * len(fill.strands) - np.float32(0.5)
    strewn = cv2.remap(fill.strands, place, None, cv2.INTER_LINEAR) * grain
    return cv2.add(colour, cv2.cvtColor(strewn, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_8U)
