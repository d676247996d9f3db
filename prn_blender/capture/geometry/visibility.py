"""Which part of the head's surface the photo shows."""

from dataclasses import dataclass

import numpy as np

from .raster import rasterise

DEPTH_MAP_SIZE = 320  # pixels across the head

# Cosine of the angle to the viewer below which a surface is hidden, and above which it is fully seen.
GRAZING = (0.0, 0.12)


@dataclass(frozen=True)
class DepthMap:
    """The nearest surface by pixel, over the box around the head."""

    z: np.ndarray  # (h, w) float32 photo space, -inf where there is no surface
    origin: np.ndarray  # (2,) photo space of its top-left corner
    pixels_per_photo_pixel: float

    def pixel(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Columns and rows (…) of the pixels in which photo-space points (…, 2) lie."""
        place = np.floor((points - self.origin) * self.pixels_per_photo_pixel).astype(int)
        return np.clip(place[..., 0], 0, self.z.shape[1] - 1), np.clip(place[..., 1], 0, self.z.shape[0] - 1)

    def centre(self, column: np.ndarray, row: np.ndarray) -> np.ndarray:
        """(…, 2) photo space of pixel centres."""
        return np.stack([column + 0.5, row + 0.5], axis=-1) / self.pixels_per_photo_pixel + self.origin


def depth_map(vertices: np.ndarray, triangles: np.ndarray) -> DepthMap:
    """The front of a closed surface, from vertices (V, 3) in photo space."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    scale = DEPTH_MAP_SIZE / max(float((high - low).max()), 1e-6)
    width, height = np.ceil((high - low) * scale).astype(int) + 2
    origin = low - 1 / scale
    # Back faces lie behind front faces, so only front faces can hide anything.
    front = triangles[triangle_normals(vertices, triangles)[:, 2] > 0]
    fragments = rasterise((vertices[front][..., :2] - origin) * scale, width, height)
    depth = fragments.interpolate(vertices[:, 2], front).astype(np.float32)
    z = np.full(width * height, -np.inf, np.float32)
    np.maximum.at(z, fragments.row * width + fragments.column, depth)
    return DepthMap(z.reshape(height, width), origin, scale)


def triangle_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(T, 3) outward normals, twice the area long, in photo space. Positive z faces the viewer."""
    a, b, c = vertices.take(triangles.T, axis=0)
    # Photo space is left-handed, hence c before b.
    return np.cross(c - a, b - a)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) outward unit normals in photo space, the mean of the triangles around weighted by area."""
    total = sum_at_vertices(triangle_normals(vertices, triangles), triangles, len(vertices))
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def sum_at_vertices(values: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    """(count, 3) the sums of values (T, 3) of the triangles (T, 3) around each vertex."""
    corners = triangles.ravel()
    sums = [np.bincount(corners, np.repeat(values[:, axis], 3), minlength=count) for axis in range(3)]
    return np.stack(sums, axis=1)


def vertex_visibility(vertices: np.ndarray, triangles: np.ndarray, width: int, height: int) -> np.ndarray:
    """(V,) float32 0..1 how well each vertex is seen.

    Args:
        vertices: (V, 3) photo space.
        triangles: (T, 3), counter-clockwise from outside in right-handed space.
        width, height: of the photo in pixels; what lies beyond is not seen.
    """
    vertices = np.asarray(vertices, np.float64)
    normals = vertex_normals(vertices, triangles)
    depth = depth_map(vertices, triangles)
    x, y = vertices[:, 0], vertices[:, 1]
    inside = (x >= 0) & (y >= 0) & (x <= width) & (y <= height)
    seen = smoothstep(normals[:, 2], *GRAZING) * not_hidden(depth, vertices, normals) * inside
    return seen.astype(np.float32)


def not_hidden(depth: DepthMap, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(N,) 0..1 whether nothing lies before surface points (N, 3) with unit normals (N, 3)."""
    column, row = depth.pixel(points[:, :2])
    # The depth map knows the surface at pixel centres: the tangent plane carries the point's depth there.
    slope = -normals[:, :2] / np.maximum(normals[:, 2:], 0.1)
    expected = points[:, 2] + (slope * (depth.centre(column, row) - points[:, :2])).sum(axis=1)
    pixel = 1 / depth.pixels_per_photo_pixel
    tolerance = pixel * (1 + 0.5 * np.linalg.norm(slope, axis=1))
    return 1 - smoothstep(depth.z[row, column] - expected, tolerance, 2 * tolerance)


def smoothstep(values: np.ndarray, low: np.ndarray | float, high: np.ndarray | float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
