"""The colour of each head's skin without light, in the UV layout of the position maps.

Brows, stubble, make-up and wrinkles' darkening are in it, as in the texture that was drawn; what a head wears is not.
The patches over eyes and mouth have what the skin's texture has there.
"""

from pathlib import Path

import numpy as np

from .assets import FACE_POLYGONS, HEAD_POLYGONS, FaceKit
from .bake import texel_triangles
from .shards import Shards
from .uv_layout import UvLayout


class AlbedoBaker:
    """Carries skin textures over to the layout."""

    def __init__(self, kit: FaceKit, layout: UvLayout, resolution: int):
        covering, weights = texel_triangles(layout.uv, layout.triangles, resolution)
        self.inside = covering >= 0
        corners, in_face = _texture_corners(kit, layout)
        places = (corners[covering] * weights[..., None]).sum(2) % 1
        self.places = places.astype(np.float32)  # (R, R, 2) in the tile, 0..1, y down
        self.in_face = in_face[covering]

    def __call__(self, face: np.ndarray, head: np.ndarray) -> np.ndarray:
        """(R, R, 3) uint8 of a face's (S, S, 3 or 4) and a head's (H, H, 3) texture, uint8; 0 outside of the layout."""
        import cv2

        tiles = []
        for texture in (face[..., :3], head):
            pixel = self.places * len(texture) - 0.5
            tiles.append(
                cv2.remap(
                    np.ascontiguousarray(texture),
                    pixel[..., 0],
                    pixel[..., 1],
                    cv2.INTER_LINEAR,
                    borderMode=cv2.BORDER_WRAP,
                )
            )
        albedo = np.where(self.in_face[..., None], *tiles)
        return np.where(self.inside[..., None], albedo, 0).astype(np.uint8)


def _texture_corners(kit: FaceKit, layout: UvLayout) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3, 2) places of the corners of the layout's triangles in the textures, and (T,) bool: in the face's tile."""
    vertices = layout.source.indices[
        layout.source.indptr[:-1]
    ]  # of each layout vertex the skin vertex, or one of a hole
    is_vertex = np.diff(layout.source.indptr) == 1
    skin = kit.triangle_polygon < HEAD_POLYGONS[1]
    row_of = {tuple(triangle): row for row, triangle in enumerate(kit.triangles[skin].tolist())}
    texture_uv, polygon = kit.triangle_uv[skin], kit.triangle_polygon[skin]
    vertex_uv = np.zeros(len(kit.mean), np.int64)
    face = kit.triangle_polygon < FACE_POLYGONS[1]
    vertex_uv[kit.triangles[face].ravel()] = kit.triangle_uv[face].ravel()
    places = kit.uv * (1, -1) + (0, 1)
    corners = np.zeros((len(layout.triangles), 3, 2))
    in_face = np.ones(len(layout.triangles), bool)
    for k, triangle in enumerate(layout.triangles):
        row = row_of.get(tuple(vertices[triangle].tolist())) if is_vertex[triangle].all() else None
        if row is not None:
            corners[k] = places[texture_uv[row]]
            in_face[k] = polygon[row] < FACE_POLYGONS[1]
            continue
        for corner, vertex in enumerate(triangle):  # a patch over an eye or the mouth
            hole = layout.source[vertex].indices
            corners[k, corner] = places[vertex_uv[hole]].mean(0)
    return corners, in_face


class HeadAlbedo:
    """The albedo maps that `training.render --albedo` wrote beside the pictures of a folder."""

    def __init__(self, folders: list[Path]):
        shards = Shards(folders, "states", made_by="training.render with --albedo LAYOUT.npz")
        self._maps = shards.rows("albedo")
        heads = zip(self._maps.starts[:-1], shards.arrays("heads"), strict=True)
        self._head = np.concatenate([start + numbers for start, numbers in heads])

    def __len__(self) -> int:
        return len(self._head)

    def batch(self, chosen: np.ndarray) -> np.ndarray:
        """(B, R, R, 3) uint8 of the heads in the pictures `chosen`."""
        return self._maps.take(self._head[chosen])
