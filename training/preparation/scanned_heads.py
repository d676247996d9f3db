"""What 2,138 scanned people's heads vary by, carried over to ICT-FaceKit's vertices.

The head of Meta's Momentum Human Rig (MHR, Apache-2.0) at its third level of detail: a mean and 20 components of unit
variance in cm, y up, face +z, the subject's left +x, as ICT-FaceKit has them. Numbers of vertices belong to that mesh.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import factorized

from prn_blender.capture.geometry.pose import umeyama

from ..assets import DEFAULT_FOLDER, LANDMARK_VERTICES, SKIN_VERTICES, FaceKit
from ..renderer.surfaces import vertex_normals
from .registration import Pins, bend
from .surface import Surface, mirrored

DEFAULT_FILE = DEFAULT_FOLDER.parent / "mhr/head_lod3.npz"
HEAD_ABOVE, HEAD_BESIDE = 142.0, 11.0  # cm: the shoulders are left out

# Pairs (MHR's vertex, iBUG landmark) on the midline and on the left; the right side mirrors them.
MIDLINE = ((472, 27), (574, 30), (463, 33), (461, 51), (453, 57))
LEFT = ((263, 42), (410, 43), (515, 44), (288, 45), (407, 46), (406, 47), (331, 35), (378, 54), (352, 52))
# Pairs (MHR's vertex, ICT-FaceKit's vertex): crown; the left ear's top, outermost point and lobe.
CROWN = (501, 10532)
EAR = ((2, 6844), (37, 6893), (443, 7123))
WEIGHT, CROWN_WEIGHT, EAR_WEIGHT = 10.0, 1.0, 3.0
# What of MHR's head lies behind its lips and lids: further than this (cm) under ICT-FaceKit's skin once it is placed.
CAVITY_DEPTH = 0.45
CAVITY_REACH = 1.8  # cm around the landmarks of mouth and eyes
SMOOTH = 0.6  # cm over which offsets are made smooth: MHR's vertices are 0.8 cm apart


@dataclass(frozen=True)
class ScannedHeads:
    """Offsets from ICT-FaceKit's mean head, (SKIN_VERTICES, 3) cm."""

    mean: np.ndarray  # of the mean person
    components: np.ndarray  # (20, SKIN_VERTICES, 3) of unit variance
    distance: np.ndarray  # (V,) cm, of the bent vertices to the mean head


def load_scanned_heads(kit: FaceKit, file: Path = DEFAULT_FILE) -> ScannedHeads:
    """Bends MHR's mean head onto ICT-FaceKit's, and gives each vertex what the surface under it does.

    Raises:
        FileNotFoundError: the file is not there.
    """
    with np.load(file) as data:
        mean, identity = data["mean"].astype(np.float64), data["identity"].astype(np.float64)
        triangles = data["triangles"].astype(np.int64)
    inside = (mean[:, 1] > HEAD_ABOVE) & (np.abs(mean[:, 0]) < HEAD_BESIDE)
    head, local = np.unique(triangles[inside[triangles].all(axis=1)], return_inverse=True)
    triangles, number = local.reshape(-1, 3), np.full(len(mean), -1)
    number[head] = np.arange(len(head))
    mean, identity = mean[head], identity[:, head]
    symmetric = mirrored(mean)

    pins = _pins(kit, mean, number, symmetric)
    sure = pins.weight == WEIGHT
    fitted = umeyama(mean[pins.vertex[sure]], pins.target[sure], np.ones(sure.sum()))
    placed = fitted.apply(mean)
    edges = np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    visible = ~_in_cavities(placed, triangles, kit)
    bent = bend(placed, triangles, edges, pins, symmetric, visible, kit)

    shown = triangles[visible[triangles].all(axis=1)]
    skin = kit.mean[:SKIN_VERTICES].astype(np.float64)
    hit = Surface(bent, shown, spacing=0.3).closest(skin)
    smooth = _smoothing(kit)
    offsets = np.concatenate([(placed - bent)[None], fitted.scale * identity @ fitted.rotation.T])
    carried = np.einsum("vk,nvkc->nvc", hit.weights, offsets[:, shown[hit.triangle]])
    carried = np.stack([smooth(values) for values in carried])
    lies = Surface(skin, kit.skin_triangles, spacing=0.3).closest(bent[visible]).distance
    return ScannedHeads(carried[0].astype(np.float32), carried[1:].astype(np.float32), lies)


def _pins(kit: FaceKit, mean: np.ndarray, number: np.ndarray, symmetric: np.ndarray) -> Pins:
    """Landmarks, the crown, and the ears' uppermost, lowest and rearmost points."""
    marks = kit.mean[LANDMARK_VERTICES].astype(np.float64)
    vertices, targets, weights = [], [], []

    def add(vertex: int, target: np.ndarray, weight: float, both_sides: bool) -> None:
        for one, place in ((vertex, target), (symmetric[vertex], target * (-1, 1, 1)))[: 1 + both_sides]:
            vertices.append(one)
            targets.append(place)
            weights.append(weight)

    for pairs, both_sides in ((MIDLINE, False), (LEFT, True)):
        for vertex, landmark in pairs:
            add(number[vertex], marks[landmark], WEIGHT, both_sides)
    for pairs, weight, both_sides in (((CROWN,), CROWN_WEIGHT, False), (EAR, EAR_WEIGHT, True)):
        for vertex, target in pairs:
            add(number[vertex], kit.mean[target].astype(np.float64), weight, both_sides)
    return Pins(np.array(vertices), np.array(targets), np.array(weights))


def _in_cavities(placed: np.ndarray, triangles: np.ndarray, kit: FaceKit) -> np.ndarray:
    """(V,) bool: vertices of mouth and eye sockets, of a head that lies about in the mean head's place."""
    skin = kit.mean[:SKIN_VERTICES].astype(np.float64)
    depth = -Surface(skin, kit.skin_triangles, spacing=0.3).signed_distance(placed)[0]
    openings = kit.mean[LANDMARK_VERTICES[36:]]
    reach = np.linalg.norm(placed[:, None] - openings, axis=2).min(axis=1)
    outwards = (vertex_normals(placed, triangles) * (placed - (0, placed[:, 1].mean(), 0))).sum(axis=1) > 0
    return (reach < CAVITY_REACH) & ((depth > CAVITY_DEPTH) | ~outwards)


def _smoothing(kit: FaceKit):
    """A function that makes values (SKIN_VERTICES, 3) smooth over SMOOTH cm: one implicit step of diffusion."""
    skin = kit.mean[:SKIN_VERTICES].astype(np.float64)
    triangles = kit.skin_triangles
    edges = np.unique(np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    length = np.linalg.norm(skin[edges[:, 0]] - skin[edges[:, 1]], axis=1)
    weight = 1 / np.maximum(length, 0.02) ** 2
    laplacian = sparse.coo_matrix((weight, tuple(edges.T)), shape=(SKIN_VERTICES, SKIN_VERTICES)).tocsr()
    laplacian = laplacian + laplacian.T
    degree = np.asarray(laplacian.sum(axis=1)).ravel()
    neighbours = np.maximum(np.asarray((laplacian > 0).sum(axis=1)).ravel(), 1)
    step = sparse.diags(SMOOTH**2 / neighbours)
    solve = factorized((sparse.eye(SKIN_VERTICES) + step @ (sparse.diags(degree) - laplacian)).tocsc())
    return lambda values: np.stack([solve(column) for column in values.T], axis=1)
