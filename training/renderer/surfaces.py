"""Triangle meshes that are drawn with the head: hair, hats, glasses, clothes, hands."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Material(IntEnum):
    """What the shader does with a surface; the first eight are parts of ICT-FaceKit."""

    FACE = 0
    HEAD = 1
    MOUTH = 2
    EYE_SOCKET = 3
    GUMS = 4
    TEETH = 5
    EYE = 6
    LASH = 7
    HAIR_CARD = 8
    HAIR_WRAP = 9
    CLOTH = 10
    PLASTIC = 11
    LENS = 12
    PLAIN_SKIN = 13


@dataclass
class Surface:
    """A mesh in head coordinates (cm) with one material."""

    positions: np.ndarray  # (N, 3)
    triangles: np.ndarray  # (M, 3)
    uv: np.ndarray  # (N, 2)
    material: Material
    colour: np.ndarray  # (3,) sRGB
    coverage: np.ndarray | float = 1.0  # (N,) drawn where this plus noise is over 0.5
    opacity: float = 1.0  # of lenses
    pattern: int = 0  # cloth: 0 plain, 1 stripes, 2 checks, 3 blobs
    texture: np.ndarray | None = None  # RGBA of hair cards


def vertex_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N, 3) area-weighted unit normals."""
    corners = positions[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(faces[:, axis], 3), minlength=len(positions)) for axis in range(3)],
        axis=1,
    )
    return (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    """(2 (rows-1)(columns-1), 3) triangles of a rows x columns grid of vertices."""
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    return np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3).astype(np.int32)


def tube(path: np.ndarray, radii: np.ndarray, sides: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, triangles and UV of a tube along `path` (N, 3) with `radii` (N,)."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    helper = np.array([0.21, 0.3, 0.93]) if abs(tangent[:, 2]).mean() < 0.9 else np.array([0.9, 0.3, 0.2])
    first = np.cross(tangent, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(tangent, first)
    angle = np.linspace(0, 2 * np.pi, sides + 1)
    ring = np.cos(angle)[:, None] * first[:, None] + np.sin(angle)[:, None] * second[:, None]
    positions = path[:, None] + ring * radii[:, None, None]
    uv = np.stack(np.meshgrid(angle / (2 * np.pi), np.linspace(0, 1, len(path))), -1)
    return positions.reshape(-1, 3).astype(np.float32), grid_triangles(len(path), sides + 1), uv.reshape(-1, 2)


def join(parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One mesh of several (positions, triangles, UV)."""
    starts = np.cumsum([0, *[len(part[0]) for part in parts[:-1]]])
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] + start for part, start in zip(parts, starts, strict=True)]).astype(np.int32),
        np.concatenate([part[2] for part in parts]),
    )
