"""One photo laid on the head: its colours by UV, and how far they are believed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..packs.topology import Topology
from ..photo.cut_out import cut_out
from ..photo.part import cut
from ..types import View
from .guide import Guide, make_guide
from .tiles import Tile
from .trust import Trust, judge, without_rims


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


@dataclass(frozen=True)
class Projection:
    """The photo by UV."""

    pyramid: PhotoPyramid
    place: np.ndarray  # (G, G, 2) pixel indices of the pyramid's finest level
    level: np.ndarray  # (G, G)

    def sample(self, tile: Tile) -> np.ndarray:
        """(h, w, 3) uint8."""
        return self.pyramid.sample(tile.enlarge(self.place), tile.enlarge(self.level))


@dataclass(frozen=True)
class Laid:
    """One photo over UV space."""

    guide: Guide
    trusted: Trust
    pyramid: PhotoPyramid
    colour: np.ndarray  # (G, G, 3) uint8

    @classmethod
    def of(cls, view: View, topology: Topology, rims_move: bool = False) -> "Laid":
        """
        Args:
            rims_move: lids will close and lips meet: their rims are not believed, for the photo shows eyes and teeth
                there.
        """
        vertices = topology.vertices(view.position_map)
        with ThreadPoolExecutor(max_workers=1) as thread:  # it takes as long as all the rest
            if view.cut is None:
                head = thread.submit(cut_out, view.photo.pixels, vertices, topology.triangles)
            else:
                head = thread.submit(view.cut.of, vertices, topology.triangles)
            guide = make_guide(view.position_map, topology, view.visibility)
            pyramid = PhotoPyramid.around(view.photo.pixels, vertices)
            colour = pyramid.sample(pyramid.place(guide.position), pyramid.level(guide.footprint))
            trusted = judge(guide, head.result())
        return cls(guide, without_rims(trusted, topology) if rims_move else trusted, pyramid, colour)

    def projection(self, size: int) -> Projection:
        """The photo for a texture of `size` pixels per side."""
        level = self.pyramid.level(self.guide.footprint * self.guide.size / size)
        place = self.pyramid.place(self.guide.position)
        return Projection(self.pyramid, place, useful_levels(level, self.trusted.texels))


def useful_levels(level: np.ndarray, trust: np.ndarray) -> np.ndarray:
    """`level` (G, G) without the extremes of texels that hardly show: every level costs time."""
    import cv2

    shown = cv2.dilate(np.maximum(trust, trust[:, ::-1]), np.ones((3, 3), np.uint8)) > 0.2
    if not shown.any():
        return np.zeros_like(level)
    return np.where(shown, np.minimum(level, np.quantile(level[shown], 0.98)), 0)
