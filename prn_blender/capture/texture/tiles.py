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
from .complete import NO_STRAND, STRAND, Fill
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
        """The tile's part of an image over UV, at the texture's size, bilinear, border repeated.

        Args:
            image: a guide image (G, G, …), or one whose sides are a multiple of it.
        """
        import cv2

        # One texel of the guide more on each side, for what is interpolated at the tile's edge; the image's edge OpenCV
        # repeats.
        top, left = max(self.row - 1, 0), max(self.column - 1, 0)
        fine = len(image) // GUIDE_SIZE
        part = image[top * fine : (self.row + TILE + 1) * fine, left * fine : (self.column + TILE + 1) * fine]
        factor = self.scale / fine
        method = cv2.INTER_LINEAR if factor >= 1 else cv2.INTER_AREA
        large = cv2.resize(part, None, fx=factor, fy=factor, interpolation=method)
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
    import cv2

    colour = np.empty((size, size, 3), np.uint8)
    mask = np.empty((size, size), np.uint8)

    def compose(one: Tile) -> None:
        sample = cache(samples.sample)
        for tile in (one, one.mirrored):
            weight = tile.enlarge(trust)
            mask[tile.area] = cv2.convertScaleAbs(weight, alpha=255)
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

    strands, strength = cv2.cvtColor(tile.enlarge(fill.strands), cv2.COLOR_GRAY2RGB), fill.grain / STRAND
    return cv2.addWeighted(tile.enlarge(fill.colour), 1, strands, strength, -NO_STRAND * strength, dtype=cv2.CV_8U)
