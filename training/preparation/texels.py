"""The texels of ICT-FaceKit's face and head tiles: where they lie on the head, and where in MakeHuman's textures."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from scipy import sparse
from scipy.ndimage import distance_transform_edt
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from ..assets import FACE_POLYGONS, HEAD_POLYGONS, FaceKit
from ..bake import texel_triangles
from ..renderer.relief import landmark_places
from ..renderer.surfaces import vertex_normals
from .correspondences import KIT_NOSTRIL, KIT_NOSTRIL_VAULT, face_triangles, kit_openings
from .registration import Registration
from .surface import mirrored, rings

FACE_SIZE, HEAD_SIZE, EYE_SIZE = 1024, 512, 512
EAR_COLUMNS, EAR_ROWS = 104, (322, 596)  # of the face tile at 1024: the ears' islands at both sides
RING_LIMIT = 24


@dataclass(frozen=True)
class Tile:
    """One square of ICT-FaceKit's UV layout as a picture, v downwards."""

    kit: FaceKit
    polygons: tuple[int, int]
    column: int  # of the UV squares (UDIM)
    size: int

    @cached_property
    def chosen(self) -> np.ndarray:
        """Rows of the kit's triangles."""
        polygon = self.kit.triangle_polygon
        return np.flatnonzero((polygon >= self.polygons[0]) & (polygon < self.polygons[1]))

    @cached_property
    def _texels(self) -> tuple[np.ndarray, np.ndarray]:
        uv = (self.kit.uv - (self.column, 0)) * (1, -1) + (0, 1)
        return texel_triangles(uv, self.kit.triangle_uv[self.chosen], self.size)

    @property
    def inside(self) -> np.ndarray:
        """(S, S) bool: texels that a polygon covers."""
        return self._texels[0] >= 0

    def bake(self, values: np.ndarray) -> np.ndarray:
        """(S, S, ...) picture of values (V, ...) at the kit's vertices, 0 outside of the polygons."""
        covering, weights = self._texels
        inside = self.inside
        corners = self.kit.triangles[self.chosen][covering[inside]]
        picture = np.zeros((self.size, self.size, *values.shape[1:]))
        picture[inside] = np.einsum("nk,nk...->n...", weights[inside], values[corners])
        return picture

    @cached_property
    def positions(self) -> np.ndarray:
        """(S, S, 3) cm."""
        return self.bake(self.kit.mean.astype(np.float64))

    @cached_property
    def normals(self) -> np.ndarray:
        """(S, S, 3), about unit length."""
        skin = self.kit.triangles[self.kit.triangle_polygon < HEAD_POLYGONS[1]]
        return self.bake(vertex_normals(self.kit.mean.astype(np.float64), skin))


def face_tile(kit: FaceKit) -> Tile:
    """The face with its ears."""
    return Tile(kit, FACE_POLYGONS, 0, FACE_SIZE)


def head_tile(kit: FaceKit) -> Tile:
    """Skull and neck."""
    return Tile(kit, HEAD_POLYGONS, 1, HEAD_SIZE)


def eyeball_tile(kit: FaceKit) -> Tile:
    """The outer left eyeball."""
    return Tile(kit, (21496, 22296), 0, EYE_SIZE)


def landmark_texels(tile: Tile) -> np.ndarray:
    """(68, 2) x, y of the landmarks in the face tile, texel centres at whole numbers."""
    return landmark_places(tile.kit) * tile.size - 0.5


def ears(tile: Tile) -> np.ndarray:
    """(S, S) bool: the ears in the face tile."""
    row, column = np.indices((tile.size, tile.size)) * FACE_SIZE // tile.size
    beside = (column < EAR_COLUMNS) | (column >= FACE_SIZE - EAR_COLUMNS - 1)
    return beside & (row > EAR_ROWS[0]) & (row < EAR_ROWS[1])


@dataclass(frozen=True)
class Openings:
    """How far texels of the face tile are from its openings, counted in rings of polygons."""

    eye: np.ndarray  # (S, S)
    mouth: np.ndarray  # (S, S)
    nostril: np.ndarray  # (S, S) 0 outside to 1 inside of the nostrils, soft
    vault: np.ndarray  # (S, S) bool: inside of the nostrils
    rim_distance: np.ndarray  # (S, S) cm to the rim of a nostril


def openings(tile: Tile) -> Openings:
    """Measures eyes, mouth and nostrils in the face tile."""
    kit = tile.kit
    triangles, polygons = face_triangles(kit)
    right, left, mouth = kit_openings(kit)

    def ring_numbers(*seeds: np.ndarray) -> np.ndarray:
        numbers = np.full(len(kit.mean), RING_LIMIT + 1.0)
        for number, ring in enumerate(rings(triangles, polygons, np.concatenate(seeds), RING_LIMIT)):
            numbers[ring] = number
        return numbers

    vault, rim = nostrils(kit)
    points = kit.mean.astype(np.float64)
    to_rim = cKDTree(points[rim]).query(points)[0]
    depth = np.zeros(len(points))
    depth[vault] = smooth_step(to_rim[vault], -0.03, 0.2)
    in_vault = np.zeros(len(points))
    in_vault[vault] = 1
    return Openings(
        tile.bake(ring_numbers(right, left)),
        tile.bake(ring_numbers(mouth)),
        cv2.GaussianBlur(tile.bake(depth), (0, 0), 1.5),
        tile.bake(in_vault) > 0.75,
        tile.bake(to_rim),
    )


def nostrils(kit: FaceKit) -> tuple[np.ndarray, np.ndarray]:
    """Vertices inside of both nostrils, and vertices of their rims."""
    triangles, polygons = face_triangles(kit)
    points = kit.mean.astype(np.float64)
    rim = _closed_path(triangles, points, np.array(KIT_NOSTRIL))
    free = ~np.isin(triangles, rim).any(axis=1)
    vault = np.concatenate(rings(triangles[free], polygons[free], np.array([KIT_NOSTRIL_VAULT]), 40))
    mirror = mirrored(points[: triangles.max() + 1])
    return np.union1d(vault, mirror[vault]), np.union1d(rim, mirror[rim])


def _closed_path(triangles: np.ndarray, points: np.ndarray, through: np.ndarray) -> np.ndarray:
    """Vertices of the shortest closed path along edges through vertices in their order."""
    edges = np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    length = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    graph = sparse.csr_matrix((length, edges.T), shape=(len(points), len(points)))
    before = dijkstra(graph, directed=False, indices=through, return_predecessors=True)[1]
    path = []
    for row, (start, end) in enumerate(zip(through, np.roll(through, -1), strict=True)):
        while end != start:
            path.append(end)
            end = before[row, end]
    return np.unique(path)


@dataclass(frozen=True)
class TexelMap:
    """For each texel of a tile its place in MakeHuman's textures."""

    uv: np.ndarray  # (S, S, 2) v upwards, nan outside of the tile's polygons
    distance: np.ndarray  # (S, S) cm between the two surfaces, nan outside

    def sample(self, texture: np.ndarray) -> np.ndarray:
        """(S, S, C) float32 colours 0..255 of a texture, cubic; meaningless where uv is nan."""
        height, width = texture.shape[:2]
        uv = np.nan_to_num(self.uv)
        x, y = uv[..., 0] * width - 0.5, (1 - uv[..., 1]) * height - 0.5
        found = cv2.remap(
            texture.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return np.clip(found, 0, 255)


def map_texels(tile: Tile, registration: Registration) -> TexelMap:
    """Looks every texel up on the registered head: the closest point with a like normal."""
    surface = registration.surface(spacing=0.12, normal_weight=0.35)
    inside = tile.inside
    normals = tile.normals[inside]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    mesh = registration.base.mesh
    corner_uv = mesh.uv[mesh.triangle_uv[registration.visible]]
    uv = np.full((*inside.shape, 2), np.nan)
    distance = np.full(inside.shape, np.nan)
    found_uv, found_distance = [], []
    for points, directions in zip(
        np.array_split(tile.positions[inside], 12), np.array_split(normals, 12), strict=True
    ):  # in pieces, for the memory's sake
        hit = surface.closest(points, directions, candidates=4)
        found_uv.append(np.einsum("nk,nkc->nc", hit.weights, corner_uv[hit.triangle]))
        found_distance.append(hit.distance)
    uv[inside], distance[inside] = np.concatenate(found_uv), np.concatenate(found_distance)
    return TexelMap(uv, distance)


def smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return share**2 * (3 - 2 * share)


def spread(picture: np.ndarray, known: np.ndarray, blur: float = 0.0) -> np.ndarray:
    """The picture (S, S) or (S, S, C) with what is not known taken from the nearest known texel, blurred."""
    row, column = distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = picture[row, column]
    if blur:
        filled = cv2.GaussianBlur(filled, (0, 0), blur)
    return np.where(known[..., None] if picture.ndim == 3 else known, picture, filled)
