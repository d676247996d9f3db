"""PRNet's mesh as a pack's topology: the face that its UV image shows, a vertex in every texel."""

from dataclasses import dataclass

import numpy as np

from ..geometry.raster import nearest_inside
from .resfcn256 import SIDE
from .topology import OPENINGS

# PRNet's canonical head has no unit. The middles of the eyes' corners are as far apart as people's pupils: 63 mm.
# Source: N. A. Dodgson, Variation and extrema of human interpupillary distance, SPIE 5291, 2004.
EYES_APART = 0.063

# The landmarks around each opening, and the vertices inside of them.
OUTLINES = dict(zip(OPENINGS, (range(42, 48), range(36, 42), range(60, 68)), strict=True))
EYES = [OPENINGS.index(name) for name in ("eye_left", "eye_right")]


@dataclass(frozen=True)
class UvData:
    """What PRNet tells of its UV image."""

    vertex_texels: np.ndarray  # (V, 2) int rows and columns, row by row
    landmark_texels: np.ndarray  # (68, 2) int rows and columns
    canonical: np.ndarray  # (V, 3) mean head, x to its left, y down, z to the viewer

    @property
    def vertex_at(self) -> np.ndarray:
        """(256, 256) index of each texel's vertex, -1 where the image shows no face."""
        grid = np.full((SIDE, SIDE), -1)
        grid[tuple(self.vertex_texels.T)] = np.arange(len(self.vertex_texels))
        return grid


def make_topology(data: UvData) -> dict[str, np.ndarray]:
    """The arrays of `topology.npz`."""
    vertex_at = data.vertex_at
    uv = texel_uv(data.vertex_texels)
    landmarks = vertex_at[tuple(data.landmark_texels.T)]
    faces = faces_between(vertex_at)
    canonical = in_metres(data.canonical, landmarks)
    region = np.zeros(len(uv), np.uint8)
    for number, outline in enumerate(OUTLINES.values(), start=1):
        region[within(data.landmark_texels[list(outline)], data.vertex_texels)] = number
    canonical -= np.mean([canonical[region == 1 + number].mean(axis=0) for number in EYES], axis=0)
    return {
        "sample_uv": np.stack([uv, uv], axis=1),
        "faces": faces,
        "loop_uv": uv[faces],
        "landmark_uv": texel_uv(data.landmark_texels),
        "canonical": canonical.astype(np.float32),
        "landmark_canonical": canonical[landmarks].astype(np.float32),
        "origin_canonical": np.zeros(3, np.float32),
        "region": region,
        "region_names": np.array(["skin", *OPENINGS]),
        "mirror": mirrored(vertex_at, data.vertex_texels),
    }


def texel_uv(texels: np.ndarray) -> np.ndarray:
    """(N, 2) float32 UV of the centres of texels (N, 2)."""
    return ((texels[:, ::-1] + 0.5) / SIDE).astype(np.float32)


def faces_between(vertex_at: np.ndarray) -> np.ndarray:
    """(F, 4) int32 quads, and triangles at the border, between neighbouring texels of `vertex_at` (256, 256).

    Split along the diagonal from bottom left to top right they are the original's triangles in its order, wound the
    other way. It lacks the first one, at the vertex of index 0.
    """
    a, b, c, d = vertex_at[:-1, :-1], vertex_at[1:, :-1], vertex_at[1:, 1:], vertex_at[:-1, 1:]
    upper, lower = (np.min([b, d, corner], axis=0) >= 0 for corner in (a, c))
    faces = np.stack([a, b, c, d], axis=-1)
    faces[upper & ~lower] = np.stack([a, b, d, d], axis=-1)[upper & ~lower]
    faces[lower & ~upper] = np.stack([b, c, d, d], axis=-1)[lower & ~upper]
    return faces[upper | lower].astype(np.int32)


def within(outline: np.ndarray, texels: np.ndarray) -> np.ndarray:
    """(N,) bool: which texels (N, 2) lie in a closed outline through texels (K, 2), those on it not."""
    import cv2

    corners = np.ascontiguousarray(outline[:, ::-1], np.int32)
    drawn = cv2.fillPoly(np.zeros((SIDE, SIDE), np.uint8), [corners], 1)
    cv2.polylines(drawn, [corners], True, 0)
    return drawn[tuple(texels.T)] > 0


def in_metres(canonical: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(V, 3) in Blender's axes, from PRNet's canonical head (V, 3) and its landmarks' vertices (68,)."""
    eyes = [canonical[landmarks[[first, first + 3]]].mean(axis=0) for first in (36, 42)]
    return canonical[:, [0, 2, 1]] * (1, -1, -1) * (EYES_APART / np.linalg.norm(np.subtract(*eyes)))


def mirrored(vertex_at: np.ndarray, texels: np.ndarray) -> np.ndarray:
    """(V,) int32 the vertex on the other side of the face; its border differs a little, there the nearest one."""
    nearest = nearest_inside(vertex_at >= 0)
    return vertex_at.ravel()[nearest[texels[:, 0], SIDE - 1 - texels[:, 1]]].astype(np.int32)
