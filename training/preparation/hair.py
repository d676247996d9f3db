"""MakeHuman's hair around ICT-FaceKit's head: carried by the registration, and kept clear of the skin."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from prn_blender.capture.geometry.pose import umeyama

from ..assets import SKIN_VERTICES, FaceKit
from .makehuman import BaseMesh, Proxy
from .registration import Registration, kit_surface
from .surface import Surface

BUST = -9.0  # cm: what lies above defines the similarity
FIELD_POINTS = 900
CLEARANCE = 1.5  # cm from the skin within which hair keeps its distance
TEXTURE_SIZE = 512


class Field:
    """Moves points around MakeHuman's base mesh to ICT-FaceKit: similarity and radial basis functions."""

    def __init__(self, registration: Registration, kit: FaceKit) -> None:
        base, registered = registration.base, registration.points
        visible = np.unique(base.mesh.triangles[registration.visible])
        source, target = base.mesh.vertices[visible], registered[visible]
        above = target[:, 1] > BUST
        self.similarity = umeyama(source[above], target[above], np.ones(above.sum()))
        placed = self.similarity.apply(source)
        chosen = _spread_out(placed, FIELD_POINTS)
        self.residual = RBFInterpolator(
            placed[chosen], target[chosen] - placed[chosen], kernel="linear", smoothing=0.02, degree=0
        )
        self.fit_error = np.linalg.norm(self(source) - target, axis=1)  # (N,) cm
        torso = base.body & (base.mesh.vertices[base.mesh.triangles, 1] > 4.0).all(axis=1)
        self.base_skin = Surface(base.mesh.vertices * self.similarity.scale, base.mesh.triangles[torso], spacing=0.3)
        self.skin = kit_surface(kit, spacing=0.3)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) cm of points (N, 3) in decimetres."""
        placed = self.similarity.apply(points)
        return placed + self.residual(placed)

    def carry(self, points: np.ndarray) -> np.ndarray:
        """As `__call__`, with the distance from the skin that the points had on the base mesh."""
        before = self.base_skin.signed_distance(points * self.similarity.scale)[0]
        moved = self(points)
        wanted = np.where(before > 0, np.maximum(before, 0.04), before)
        for _ in range(3):
            now, normal = self.skin.signed_distance(moved)
            weight = np.clip((CLEARANCE - np.abs(before)) / 1.0, 0, 1)
            weight = np.where((now < 0.02) & (before > 0), 1.0, weight)  # what was outside must not be inside
            step = np.where(now < wanted, wanted - now, (wanted - now) * 0.5)
            moved = moved + normal * (np.clip(step, -0.6, 0.8) * weight)[:, None]
        return moved


@dataclass(frozen=True)
class HairMesh:
    """A hair style as it is stored."""

    vertices: np.ndarray  # (N, 3) cm, split where the texture has seams
    triangles: np.ndarray  # (M, 3)
    uv: np.ndarray  # (N, 2) v upwards
    bind: np.ndarray  # (N,) nearest skin vertex of the head


def hair_mesh(proxy: Proxy, base: BaseMesh, field: Field, kit: FaceKit) -> HairMesh:
    """The style of a proxy around the mean head."""
    vertices = field.carry(proxy.fit(base.mesh.vertices))
    corners = np.stack([proxy.mesh.triangles, proxy.mesh.triangle_uv], axis=-1).reshape(-1, 2)
    split, triangles = np.unique(corners, axis=0, return_inverse=True)
    points = vertices[split[:, 0]]
    return HairMesh(
        points.astype(np.float32),
        triangles.reshape(-1, 3).astype(np.int32),
        proxy.mesh.uv[split[:, 1]].astype(np.float32),
        cKDTree(kit.mean[:SKIN_VERTICES]).query(points)[1].astype(np.int32),
    )


def hair_texture(texture: np.ndarray) -> np.ndarray:
    """(S, S, 4) uint8 RGBA, at most 512; colours continue where the hair is transparent."""
    if texture.shape[2] == 3:
        texture = np.dstack([texture, np.full(texture.shape[:2], 255, np.uint8)])
    if max(texture.shape) > TEXTURE_SIZE:
        texture = cv2.resize(texture, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_AREA)
    row, column = distance_transform_edt(texture[..., 3] < 24, return_distances=False, return_indices=True)
    return np.dstack([texture[row, column, :3], texture[..., 3]])


def _spread_out(points: np.ndarray, count: int) -> np.ndarray:
    """(count,) rows of points that are far from each other (farthest point sampling)."""
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < min(count, len(points)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)
