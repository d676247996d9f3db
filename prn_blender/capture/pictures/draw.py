"""Which point of a head's surface each pixel of the photo shows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..geometry.raster import rasterise
from .posed import PosedHead

TILE = 512  # pixels a side: what one tile takes of memory does not grow with the photo


@dataclass(frozen=True)
class Tile:
    """The head's pixels in a rectangle of the window."""

    left: int
    top: int
    triangle: np.ndarray  # (h, w) int32, -1 where the photo shows no head
    weights: np.ndarray  # (h, w, 3) float32: of the triangle's corners on the surface, not in the picture
    depth: np.ndarray  # (h, w) float32 metres along the camera's axis, infinite where there is no head

    @property
    def is_head(self) -> np.ndarray:
        """(h, w) bool."""
        return self.triangle >= 0

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns in the window."""
        height, width = self.triangle.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def interpolate(self, corners: np.ndarray) -> np.ndarray:
        """(h, w, …) float32 of values at the corners of the triangles (T, 3, …); where there is no head, of any."""
        return np.einsum("hwk,hwk...->hw...", self.weights, corners[self.triangle].astype(np.float32))


@dataclass(frozen=True)
class Window:
    """A part of the photo, perhaps reduced, as the picture that is drawn."""

    corner: np.ndarray  # (2,) photo space of its top-left corner
    width: int
    height: int
    scale: np.ndarray  # (2,) its pixels per pixel of the photo, across and down


def whole_photo(head: PosedHead) -> Window:
    """All of the photo at its full resolution."""
    return Window(np.zeros(2), head.camera.width, head.camera.height, np.ones(2))


def draw(head: PosedHead, window: Window | None = None) -> Iterator[Tile]:
    """Where a window of the photo, all of it without one, shows the front of the head's surface, tile by tile."""
    window = window or whole_photo(head)
    corners = ((head.in_photo - window.corner) * window.scale)[head.triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    # Seen with y downwards the front's corners go the other way round.
    front = np.flatnonzero(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0)
    if not len(front):
        return
    corners = corners[front]
    low, high = corners.min(axis=1), corners.max(axis=1)
    size = np.array([window.width, window.height])
    start = np.clip(np.floor(low.min(axis=0)).astype(int), 0, size)
    end = np.clip(np.ceil(high.max(axis=0)).astype(int), 0, size)
    for top in range(start[1], end[1], TILE):
        for left in range(start[0], end[0], TILE):
            width, height = min(TILE, end[0] - left), min(TILE, end[1] - top)
            touched = ((high >= (left, top)) & (low <= (left + width, top + height))).all(axis=1)
            if touched.any():
                yield _tile(head, front[touched], corners[touched], left, top, width, height)


def _tile(
    head: PosedHead, triangles: np.ndarray, corners: np.ndarray, left: int, top: int, width: int, height: int
) -> Tile:
    """The tile at a place, of the triangles (N,) by index with their corners (N, 3, 2) in the picture."""
    fragments = rasterise(corners - (left, top), width, height)
    triangle = triangles[fragments.triangle]
    distance = -head.in_camera[head.triangles[triangle], 2]
    if head.camera.is_perspective:
        inverse = fragments.weights / distance
        depth = 1 / inverse.sum(axis=1)
        weights = inverse * depth[:, None]
    else:
        weights = fragments.weights
        depth = (weights * distance).sum(axis=1)
    place = fragments.row * width + fragments.column
    nearest_last = np.argsort(-depth)
    chosen = np.full(width * height, -1)
    chosen[place[nearest_last]] = nearest_last
    shown = chosen >= 0
    tile = Tile(
        left,
        top,
        np.full((height, width), -1, np.int32),
        np.zeros((height, width, 3), np.float32),
        np.full((height, width), np.inf, np.float32),
    )
    tile.triangle.reshape(-1)[shown] = triangle[chosen[shown]]
    tile.weights.reshape(-1, 3)[shown] = weights[chosen[shown]]
    tile.depth.reshape(-1)[shown] = depth[chosen[shown]]
    return tile
