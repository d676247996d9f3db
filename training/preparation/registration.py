"""Bends MakeHuman's head onto the surface of ICT-FaceKit's mean head, and says how well it lies there."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from prn_blender.capture.geometry.pose import Similarity, umeyama

from ..assets import HEAD_POLYGONS, FaceKit
from ..renderer.surfaces import vertex_normals
from .correspondences import Correspondences, find_correspondences
from .makehuman import BaseMesh
from .surface import Surface, mirrored, polygon_edges

HEAD_ABOVE, HEAD_BESIDE = 4.75, 2.0  # decimetres: polygons of the base mesh that count as head
RIGID = ("midline", "skull", "lip contact", "lid margin", "nostrils")
# Rounds of closest points: how many, and the weights of first and second differences of the bending.
SCHEDULE = ((3, 3.0, 30.0), (4, 1.0, 10.0), (6, 0.3, 4.0), (8, 0.1, 1.5), (8, 0.05, 0.6), (5, 0.02, 0.3))
COARSE_ROUNDS = 7
SLIDE = 0.08  # weight along the surface of a closest point, next to 1 across it


@dataclass(frozen=True)
class Registration:
    """MakeHuman's head in ICT-FaceKit's place; positions in cm."""

    base: BaseMesh
    correspondences: Correspondences
    similarity: Similarity  # from the young base mesh
    head: np.ndarray  # (H,) vertices of the base mesh that were registered
    points: np.ndarray  # (V, 3) registered vertices, nan outside of the head

    @property
    def triangles(self) -> np.ndarray:
        """(F, 3) triangles of the registered head, cavities included."""
        return self.base.mesh.triangles[self.chosen]

    @property
    def chosen(self) -> np.ndarray:
        """(F,) bool: triangles of the base mesh that are part of the head."""
        return self.base.body & np.isfinite(self.points[self.base.mesh.triangles]).all(axis=(1, 2))

    @property
    def visible(self) -> np.ndarray:
        """(F,) bool: those of them outside of the cavities."""
        return self.chosen & ~np.isin(self.base.mesh.triangles, self.correspondences.hidden).any(axis=1)

    def surface(self, spacing: float, normal_weight: float = 0.0) -> Surface:
        """The visible head, with normals of the whole of it."""
        points = np.nan_to_num(self.points)
        normals = vertex_normals(points, self.triangles).astype(np.float64)
        return Surface(points, self.base.mesh.triangles[self.visible], spacing, normal_weight, normals)


def kit_surface(kit: FaceKit, spacing: float, normal_weight: float = 0.0) -> Surface:
    """Face, head and neck of the mean head."""
    return Surface(
        kit.mean.astype(np.float64), kit.triangles[kit.triangle_polygon < HEAD_POLYGONS[1]], spacing, normal_weight
    )


def register(base: BaseMesh, kit: FaceKit) -> Registration:
    """A similarity by `find_correspondences`, then `bend`."""
    pairs = find_correspondences(base, kit)
    rigid = np.isin(pairs.region, RIGID)
    similarity = umeyama(base.young[pairs.vertex[rigid]], pairs.target[rigid], np.ones(rigid.sum()))
    placed = similarity.apply(base.young)

    inside = (base.young[:, 1] > HEAD_ABOVE) & (np.abs(base.young[:, 0]) < HEAD_BESIDE)
    polygons = base.mesh.triangle_polygon
    cut = np.unique(polygons[~inside[base.mesh.triangles].all(axis=1)])
    chosen = base.body & ~np.isin(polygons, cut)
    head, local = np.unique(base.mesh.triangles[chosen], return_inverse=True)
    triangles = local.reshape(-1, 3)
    start = placed[head]

    edges = polygon_edges(triangles, polygons[chosen])
    in_head = np.full(len(base.young), -1)
    in_head[head] = np.arange(len(head))
    known = in_head[pairs.vertex] >= 0
    pins = Pins(in_head[pairs.vertex[known]], pairs.target[known], pairs.weight[known])
    symmetric = in_head[mirrored(base.young)[head]]
    points = bend(start, triangles, edges, pins, symmetric, ~np.isin(head, pairs.hidden), kit)

    registered = np.full_like(base.young, np.nan)
    registered[head] = points
    return Registration(base, pairs, similarity, head, registered)


@dataclass(frozen=True)
class Pins:
    """Vertices whose place on the mean head is known."""

    vertex: np.ndarray  # (N,)
    target: np.ndarray  # (N, 3) cm
    weight: np.ndarray  # (N,)


def bend(
    start: np.ndarray,
    triangles: np.ndarray,
    edges: np.ndarray,
    pins: Pins,
    symmetric: np.ndarray,
    visible: np.ndarray,
    kit: FaceKit,
) -> np.ndarray:
    """Moves a head onto the mean head by a displacement that is smooth and symmetric (non-rigid ICP, point to plane).

    The displacement D minimises a1 |grad D|^2 + a2 |laplace D|^2, the distances of vertices to the planes of their
    closest points, and the distances of the pins; the weights a1 and a2 fall from round to round, as in Amberg et al.,
    Optimal step nonrigid ICP (CVPR 2007).

    Args:
        start: (V, 3) cm, about in the mean head's place.
        triangles: (F, 3).
        edges: (E, 2) along which the displacement is smooth.
        symmetric: (V,) vertex of the mirror image.
        visible: (V,) bool, not in a cavity.

    Returns:
        (V, 3) cm.
    """
    count = len(start)
    length = np.linalg.norm(start[edges[:, 0]] - start[edges[:, 1]], axis=1)
    weight = np.maximum(length, 0.08) ** -0.5
    rows = np.arange(len(edges))
    gradient = sparse.csr_matrix(
        (np.concatenate([weight, -weight]), (np.tile(rows, 2), edges.T.ravel())), shape=(len(edges), count)
    )
    first = (gradient.T @ gradient).tocsr()
    second = first @ sparse.diags(2 / abs(first).sum(axis=1).A1) @ first
    pinned = sparse.csr_matrix(
        (pins.weight, (pins.vertex, np.arange(len(pins.vertex)))), shape=(count, len(pins.vertex))
    )
    importance = np.where(start[:, 2] > 2, 1.0, 0.6)
    target = kit_surface(kit, spacing=0.35, normal_weight=0.8)

    points = start
    rounds = [(a1, a2) for times, a1, a2 in SCHEDULE for _ in range(times)]
    for number, (a1, a2) in enumerate(rounds):
        normals = vertex_normals(points, triangles).astype(np.float64)
        hit = target.closest(points, normals)
        good = visible & ((hit.normal * normals).sum(axis=1) > 0.35)
        good &= hit.distance < (4 if number < COARSE_ROUNDS else 1.8)
        good &= ~((hit.weights.min(axis=1) < 1e-6) & (hit.point[:, 1] < -15))  # the lower border of the bust
        pull = good * importance * (0.3 if number < 3 else 1.0)
        # (V, 3, 3): full weight across the surface, a little along it
        metric = (1 - SLIDE) * hit.normal[:, :, None] * hit.normal[:, None, :] + SLIDE * np.eye(3)
        metric *= pull[:, None, None]
        smooth = a1 * first + a2 * second + sparse.diags(1e-6 + pinned.sum(axis=1).A1)
        system = sparse.bmat(
            [[sparse.diags(metric[:, i, j]) + (smooth if i == j else 0 * smooth) for j in range(3)] for i in range(3)],
            format="csc",
        )
        wanted = np.einsum("nij,nj->ni", metric, hit.point - start) + pinned @ (pins.target - start[pins.vertex])
        moved = spsolve(system, wanted.T.ravel()).reshape(3, count).T
        points = start + (moved + moved[symmetric] * (-1, 1, 1)) / 2  # both heads are symmetric
    return points
