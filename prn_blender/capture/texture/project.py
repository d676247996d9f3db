"""The photo projected into UV space."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np

from ..errors import CaptureError
from ..packs.topology import Topology
from ..photo.part import cut
from ..progress import Progress, silent
from ..types import BASE_COLOR, MASK, View
from .complete import Fill, make_fill
from .guide import GUIDE_SIZE, make_guide
from .trust import judge, without_rims

TILE = 32  # texels of the guide; textures are made in tiles, which skips what a tile does not need


def project_texture(
    view: View,
    topology: Topology,
    size: int,
    fill: bool,
    progress: Progress = silent,
    rims_move: bool = False,
) -> dict[str, np.ndarray]:
    """A view's textures by name: `BASE_COLOR`, and `MASK` of where the photo shows it.

    Args:
        topology: the standard one.
        size: texture pixels per side, a multiple of 256.
        fill: continue the texture where the photo does not show the head; otherwise such texels stay black.
        rims_move: lids will close and lips meet: their rims are continued, for the photo shows eyes and teeth there.

    Raises:
        CaptureError: the size is no multiple of 256.
        Cancelled: from `progress`.
    """
    require_texture_size(size)
    photo = view.photo
    guide = make_guide(view.position_map, topology, view.visibility)
    vertices = topology.vertices(view.position_map)
    trusted = judge(guide, photo.pixels, vertices, topology.triangles)
    if rims_move:
        trusted = without_rims(trusted, topology)
    pyramid = PhotoPyramid.around(photo.pixels, vertices)
    place = pyramid.place(guide.position)
    completion = None
    if fill:
        seen = pyramid.sample(place, pyramid.level(guide.footprint))
        completion = make_fill(guide, seen.astype(np.float32), trusted)

    projection = Projection(
        pyramid,
        place=place,
        level=useful_levels(pyramid.level(guide.footprint * guide.size / size), trusted.texels),
    )
    return make_textures(projection, trusted.texels, completion, size, progress)


def require_texture_size(size: int) -> None:
    """Raises CaptureError where a texture's side is no multiple of the guide's."""
    if size < GUIDE_SIZE or size % GUIDE_SIZE:
        raise CaptureError(f"The texture size {size} is no multiple of {GUIDE_SIZE}: choose 512, 1024, 2048 or more.")


def make_textures(
    projection: "Samples", trust: np.ndarray, completion: Fill | None, size: int, progress: Progress
) -> dict[str, np.ndarray]:
    """The textures by name, tile by tile, each with the one on the other side of the head, whose colours it may need.

    Args:
        trust: (G, G) 0..1 how far the projection is believed.
        completion: of what is not; None leaves it black.
    """
    colour = np.empty((size, size, 3), np.uint8)
    mask = np.empty((size, size), np.uint8)

    def compose(one: Tile) -> None:
        sample = cache(projection.sample)
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


def useful_levels(level: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """`level` (G, G) without the extremes of texels that hardly show: every level costs time."""
    import cv2

    shown = cv2.dilate(np.maximum(trust, trust[:, ::-1]), np.ones((3, 3), np.uint8)) > 0.2
    if not shown.any():
        return np.zeros_like(level)
    return np.where(shown, np.minimum(level, np.quantile(level[shown], 0.98)), 0)


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

        # One texel more on each side, for what is interpolated at the tile's edge.
        rows, columns = (np.clip(np.arange(k - 1, k + TILE + 1), 0, GUIDE_SIZE - 1) for k in (self.row, self.column))
        part = image[rows[:, None], columns]
        large = cv2.resize(part, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_LINEAR)
        return large[self.scale : -self.scale, self.scale : -self.scale]


def tiles_of_one_side(scale: int) -> list[Tile]:
    """A texture's on the left; mirrored they are those on the right."""
    rows, columns = range(0, GUIDE_SIZE, TILE), range(0, GUIDE_SIZE // 2, TILE)
    return [Tile(row, column, scale) for row in rows for column in columns]


@dataclass(frozen=True)
class PhotoPyramid:
    """The part of a photo around the head, again and again halved by area averaging."""

    levels: list[np.ndarray]  # (H, W, 3) uint8
    origin: np.ndarray  # (2,) photo-space corner at which they start

    @classmethod
    def around(cls, pixels: np.ndarray, vertices: np.ndarray) -> "PhotoPyramid":
        """Of the part that vertices (V, 3) in photo space cover."""
        import cv2

        part, corner = cut(pixels, vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0), margin=8)
        levels = [part]
        while min(levels[-1].shape[:2]) > 16:
            half = [-(-n // 2) for n in levels[-1].shape[1::-1]]
            levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
        return cls(levels, corner.astype(np.float32))

    def level(self, footprint: np.ndarray) -> np.ndarray:
        """The level at which a pixel is about as large as `footprint` photo pixels."""
        return np.clip(np.log2(np.maximum(footprint, 1e-6)), 0, len(self.levels) - 1).astype(np.float32)

    def place(self, position: np.ndarray) -> np.ndarray:
        """(G, G, 2) float32 pixel indices of the finest level for photo-space points (G, G, 3)."""
        return (position[..., :2] - (self.origin + 0.5)).astype(np.float32)

    def sample(self, place: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 at pixel indices of the finest level (h, w, 2), from between the two nearest levels."""
        import cv2

        first = int(level.min())
        result = self._at_level(first, place)
        for k in range(first + 1, int(np.ceil(level.max())) + 1):
            share = level - np.float32(k - 1)
            np.clip(share, 0, 1, out=share)
            result = cv2.blendLinear(result, self._at_level(k, place), 1 - share, share)
        return result

    def _at_level(self, k: int, place: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 of one level at pixel indices of the finest (h, w, 2)."""
        import cv2

        picture = self.levels[k]
        if k > 0:
            factor = np.divide(picture.shape[1::-1], self.levels[0].shape[1::-1])
            place = cv2.transform(place, np.column_stack([np.diag(factor), (factor - 1) / 2]))
        return cv2.remap(picture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


class Samples(Protocol):
    """A head's colours by UV."""

    def sample(self, tile: Tile) -> np.ndarray:
        """(h, w, 3) uint8."""
        ...


Sample = Callable[[Tile], np.ndarray]  # as of `Samples`


@dataclass(frozen=True)
class Projection:
    """The photo by UV."""

    pyramid: PhotoPyramid
    place: np.ndarray  # (G, G, 2) pixel indices of the pyramid's finest level
    level: np.ndarray  # (G, G)

    def sample(self, tile: Tile) -> np.ndarray:
        """(h, w, 3) uint8."""
        return self.pyramid.sample(tile.enlarge(self.place), tile.enlarge(self.level))


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

    other = np.ascontiguousarray(sample(tile.mirrored)[:, ::-1])
    return cv2.multiply(other, tile.enlarge(fill.gain), dtype=cv2.CV_8U)


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
