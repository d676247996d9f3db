"""Questions to meshes: edges, rings and loops; the closest point of a surface."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from ..renderer.surfaces import vertex_normals


def polygon_edges(triangles: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(E, 2) edges of polygons that were cut into triangles, without the cuts."""
    pairs = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    rows = np.column_stack([pairs, np.repeat(polygon, 3)])
    unique, count = np.unique(rows, axis=0, return_counts=True)
    return np.unique(unique[count == 1, :2], axis=0)


def rings(triangles: np.ndarray, polygon: np.ndarray, seed: np.ndarray, count: int) -> list[np.ndarray]:
    """Vertices at 0, 1, ... `count` polygons from the seed, breadth first."""
    shape = (triangles.max() + 1, polygon.max() + 1)
    ones = np.ones(triangles.size, bool)
    member = sparse.csr_matrix((ones, (triangles.ravel(), np.repeat(polygon, 3))), shape=shape)
    reached = np.zeros(shape[0], bool)
    reached[seed] = True
    found = [np.flatnonzero(reached)]
    for _ in range(count):
        further = (member @ (member.T @ reached)) & ~reached
        reached |= further
        found.append(np.flatnonzero(further))
    return found


def walk_loop(ring: np.ndarray, edges: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The vertices of a ring in the order of a walk around it along edges, the nearest neighbour first."""
    inside = edges[np.isin(edges, ring).all(axis=1)]
    neighbours: dict[int, list[int]] = {}
    for a, b in inside.tolist():
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    path = [min(neighbours)]
    while True:
        here = path[-1]
        ahead = [i for i in neighbours[here] if i not in path]
        if not ahead or (len(path) > 3 and path[0] in neighbours[here]):
            return np.array(path)
        path.append(min(ahead, key=lambda i: np.linalg.norm(points[i] - points[here])))


def mirrored(points: np.ndarray) -> np.ndarray:
    """(N,) for every point the one nearest to its mirror image in x = 0."""
    return cKDTree(points * (-1, 1, 1)).query(points)[1]


@dataclass(frozen=True)
class Hit:
    """Closest points."""

    triangle: np.ndarray  # (N,)
    weights: np.ndarray  # (N, 3) barycentric
    point: np.ndarray  # (N, 3)
    normal: np.ndarray  # (N, 3) unit
    distance: np.ndarray  # (N,)


class Surface:
    """Finds closest points: nearest among samples of the surface first, then exactly on their triangles.

    With `normal_weight` (in units of the mesh), points whose normals agree count as nearer.
    """

    def __init__(self, points, triangles, spacing: float, normal_weight: float = 0.0, normals=None) -> None:
        self.points, self.triangles, self.normal_weight = points, triangles, normal_weight
        self.normals = vertex_normals(points, triangles).astype(np.float64) if normals is None else normals
        corners = points[triangles]
        longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
        steps = np.clip(np.ceil(longest / spacing).astype(int), 1, 8)
        owner, weights = [], []
        for step in np.unique(steps):
            chosen = np.flatnonzero(steps == step)
            grid = [((i + 1 / 3) / step, (j + 1 / 3) / step) for i in range(step) for j in range(step - i)]
            bary = np.array([(1 - x - y, x, y) for x, y in grid])
            owner.append(np.repeat(chosen, len(bary)))
            weights.append(np.tile(bary, (len(chosen), 1)))
        self.owner = np.concatenate(owner)
        weights = np.concatenate(weights)[..., None]
        samples = (corners[self.owner] * weights).sum(axis=1)
        directions = _unit((self.normals[triangles[self.owner]] * weights).sum(axis=1))
        self.tree = cKDTree(np.hstack([samples, normal_weight * directions]))

    def closest(self, points: np.ndarray, normals: np.ndarray | None = None, candidates: int = 6) -> Hit:
        """The closest points of the surface to points (N, 3); with `normals` (N, 3) where they have weight."""
        towards = np.zeros_like(points) if normals is None else self.normal_weight * normals
        triangle = self.owner[self.tree.query(np.hstack([points, towards]), k=candidates)[1]]
        corners = self.points[self.triangles[triangle]]
        weights = _closest_weights(points[:, None], corners)
        place = (corners * weights[..., None]).sum(axis=2)
        normal = _unit((self.normals[self.triangles[triangle]] * weights[..., None]).sum(axis=2))
        cost = ((place - points[:, None]) ** 2).sum(axis=-1)
        if normals is not None:
            cost = cost + self.normal_weight**2 * ((normal - normals[:, None]) ** 2).sum(axis=-1)
        best = (np.arange(len(points)), cost.argmin(axis=1))
        distance = np.linalg.norm(place[best] - points, axis=1)
        return Hit(triangle[best], weights[best], place[best], normal[best], distance)

    def signed_distance(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (N,), negative inside, and the normals (N, 3) there."""
        hit = self.closest(points)
        side = np.sign(((points - hit.point) * hit.normal).sum(axis=1))
        return hit.distance * side, hit.normal


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _closest_weights(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(..., 3) barycentric weights of the points of triangles (..., 3, 3) that are closest to points (..., 3)."""
    a, b, c = (corners[..., k, :] for k in range(3))
    normal = np.cross(b - a, c - a)
    twice = np.maximum((normal**2).sum(-1), 1e-24)
    second = (np.cross(points - a, c - a) * normal).sum(-1) / twice
    third = (np.cross(b - a, points - a) * normal).sum(-1) / twice
    inside = np.stack([1 - second - third, second, third], axis=-1)
    best, nearest = inside, np.full(inside.shape[:-1], np.inf)
    for k in range(3):
        start, end = corners[..., k, :], corners[..., (k + 1) % 3, :]
        along = end - start
        step = np.clip(((points - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-24), 0, 1)
        distance = ((start + step[..., None] * along - points) ** 2).sum(-1)
        weights = np.zeros_like(inside)
        weights[..., k], weights[..., (k + 1) % 3] = 1 - step, step
        better = distance < nearest
        best, nearest = np.where(better[..., None], weights, best), np.where(better, distance, nearest)
    return np.where((inside >= 0).all(-1, keepdims=True), inside, best)
