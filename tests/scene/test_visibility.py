"""Visibility against rays that Blender casts."""

import numpy as np
import pytest
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from prn_blender.capture.geometry.visibility import vertex_visibility

from .conftest import both_packs


@both_packs
@pytest.mark.parametrize("perspective", [False, True])
@pytest.mark.parametrize("yaw, pitch", [(0, 0), (-35, 10), (70, -15), (130, 20)])
def test_visibility_agrees_with_ray_casts(topology, perspective, yaw, pitch):
    seen_from = turned(topology.canonical.astype(float), yaw, pitch)  # metres, y up, the viewer at +z
    eye = np.array([0, 0, 0.6])
    photo_vertices = photo_space(seen_from, eye[2] if perspective else None)
    visibility = vertex_visibility(photo_vertices, topology.triangles, 1000, 1000)

    tree = BVHTree.FromPolygons(seen_from.tolist(), topology.triangles.tolist())
    to_eye = eye - seen_from if perspective else np.broadcast_to([0, 0, 1.0], seen_from.shape)
    to_eye = to_eye / np.linalg.norm(to_eye, axis=1, keepdims=True)
    facing = (normals(seen_from, topology.triangles) * to_eye).sum(axis=1)
    start = seen_from + 2e-4 * to_eye
    hit = np.array([tree.ray_cast(Vector(p), Vector(d))[0] is not None for p, d in zip(start, to_eye, strict=True)])
    truth = (facing > 0) & ~hit

    clear = np.abs(facing) > 0.2  # away from silhouettes
    assert clear.sum() > 10_000
    assert ((visibility > 0.5) == truth)[clear].mean() > 0.98
    assert 0.1 < truth.mean() < 0.97


def turned(points: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
    """Blender axes to y up, then turned about y and x."""
    a, b = np.radians([yaw, pitch])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return (points - (0, 0.07, 0)) @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]).T @ (about_x @ about_y).T


def photo_space(points: np.ndarray, eye_z: float | None) -> np.ndarray:
    """By a pinhole at eye_z or by parallel rays, about 1500 pixels a metre."""
    scale = np.full(len(points), 1500.0) if eye_z is None else 1500 * eye_z / (eye_z - points[:, 2])
    x, y, z = points.T
    return np.stack([500 + scale * x, 500 - scale * y, 1500 * z], axis=1)


def normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, weighted by area."""
    a, b, c = points[triangles.T]
    total = np.zeros_like(points)
    for corner in triangles.T:
        np.add.at(total, corner, np.cross(b - a, c - a))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
