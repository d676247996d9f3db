"""What a head has besides its skin: eyeballs, lashes, teeth, gums, the mouth's inside, the eyes' sockets.

A pack's `parts.npz` tells how they move with anchors on the surface, linearly. Then the eyeballs are moved to where the
lids' edges lie on them, and lashes, sockets and the mouth's inside go along with the lids' and the mouth's edges.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..packs.topology import OPENINGS, Topology
from .eyeball import CORNEA, WHITE, eyeball, outside

MESHES = ("lashes", "teeth", "gums", "mouth", "sockets")
SIDES = ("left", "right")
# The openings whose edges a mesh goes along with.
FOLLOWED = {"lashes": ("eye_left", "eye_right"), "sockets": ("eye_left", "eye_right"), "mouth": ("mouth_inner",)}
HOLD = 0.3  # how much a lid's edge counts against the first estimate of an eyeball's place
ALONG, BESIDE = 0.0015, 0.006  # metres: width in which an edge's points are mixed, and how far it takes parts along
FARTHER = 3.0  # times as far: beyond, nothing is taken along
GAP = 0.00005  # metres between a lid and the eyeball
STEPS = 10


@dataclass(frozen=True, eq=False)
class PartsModel:
    """How the parts follow the surface; metres, the canonical head's axes."""

    anchor_uv: np.ndarray  # (K, 2)
    anchors: np.ndarray  # (K, 3) of the mean head
    response: np.ndarray  # (C, K, 3) weights of the changes by the anchors' displacements
    eye_spheres: np.ndarray  # (2, 4) centre and radius, the subject's left eye first
    eye_changes: np.ndarray  # (C, 2, 4)
    vertices: dict[str, np.ndarray]  # (N, 3) of each of MESHES
    changes: dict[str, np.ndarray]  # (C, N, 3)
    faces: dict[str, np.ndarray]  # (F, 4), -1 for a triangle's fourth corner
    uv: dict[str, np.ndarray]  # (F, 4, 2) v upwards

    @classmethod
    def load(cls, path: Path) -> "PartsModel":
        """Reads a pack's `parts.npz`."""
        with np.load(path, allow_pickle=False) as data:
            by_name = {
                kind: {name: data[f"{name}_{kind}"] for name in MESHES}
                for kind in ("vertices", "changes", "faces", "uv")
            }
            plain = {name: data[name] for name in ("anchor_uv", "anchors", "response", "eye_spheres", "eye_changes")}
        model = cls(
            **plain,
            vertices=by_name["vertices"],
            changes={name: changes.astype(np.float32) for name, changes in by_name["changes"].items()},
            faces=by_name["faces"],
            uv=by_name["uv"],
        )
        model._require_sound()
        return model

    def _require_sound(self) -> None:
        """Raises ValueError where arrays do not fit one another."""
        changes, anchors = self.response.shape[:2]
        wanted = {
            "anchor_uv": (self.anchor_uv, (anchors, 2)),
            "anchors": (self.anchors, (anchors, 3)),
            "response": (self.response, (changes, anchors, 3)),
            "eye_spheres": (self.eye_spheres, (len(SIDES), 4)),
            "eye_changes": (self.eye_changes, (changes, len(SIDES), 4)),
        }
        for name in MESHES:
            count, faces = len(self.vertices[name]), self.faces[name]
            wanted[f"vertices of {name}"] = (self.vertices[name], (count, 3))
            wanted[f"changes of {name}"] = (self.changes[name], (changes, count, 3))
            wanted[f"uv of {name}"] = (self.uv[name], (len(faces), 4, 2))
            if faces.shape != (len(faces), 4) or faces.dtype.kind != "i" or faces.min() < -1 or faces.max() >= count:
                raise ValueError(f"the faces of {name} are none")
        for name, (array, shape) in wanted.items():
            if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
                raise ValueError(f"{name} has the wrong shape or numbers")


@dataclass(frozen=True, eq=False)
class Part:
    """One of a head's parts in its aligned frame."""

    name: str
    kind: str  # what its material is
    vertices: np.ndarray  # (N, 3) metres
    faces: np.ndarray  # (F, 4), -1 for a triangle's fourth corner
    uv: np.ndarray  # (F, 4, 2) v upwards
    pivot: np.ndarray  # (3,) what it turns around


def parts_of(model: PartsModel, anchors: np.ndarray, vertices: np.ndarray, topology: Topology) -> tuple[Part, ...]:
    """The parts of a captured head.

    Args:
        anchors: (K, 3) the head's surface at the model's anchors, metres, aligned frame.
        vertices: (V, 3) the head's mesh, of which the lids' and the mouth's edges are followed.
    """
    size, weights = _size_and_weights(model, anchors)
    placed = {
        name: size * (model.vertices[name] + np.einsum("c,cnx->nx", weights, model.changes[name])) for name in MESHES
    }
    moved = {name: points - model.vertices[name] for name, points in placed.items()}
    edges = {region: edge_of(topology, region) for region in OPENINGS}
    lids = {side: vertices[edges[f"eye_{side}"]] for side in SIDES}
    parts = []
    for side, sphere in zip(SIDES, spheres_of(model, anchors, lids, topology), strict=True):
        for shape in (WHITE, CORNEA):
            points, faces, uv = eyeball(shape, sphere)
            parts.append(Part(f"{shape.name}_{side}", shape.name, points, faces, uv, sphere[:3]))
    for name in MESHES:
        for region in FOLLOWED.get(name, ()):
            edge = edges[region]
            shift = vertices[edge] - topology.canonical[edge]
            pull, nearest = _along(model, topology, name, region)
            moved[name] = moved[name] + pull @ (shift - moved[name][nearest])
        points = (model.vertices[name] + moved[name]).astype(np.float32)
        parts.append(Part(name, name, points, model.faces[name], model.uv[name], points.mean(0)))
    return tuple(parts)


def spheres_of(model: PartsModel, anchors: np.ndarray, lids: dict[str, np.ndarray], topology: Topology) -> np.ndarray:
    """(2, 4) centre and radius of the eyeballs.

    Args:
        anchors: as of `parts_of`.
        lids: (N, 3) their edges, metres, by side, in the order of `edge_of`.
    """
    size, weights = _size_and_weights(model, anchors)
    spheres = size * (model.eye_spheres + np.einsum("c,csx->sx", weights, model.eye_changes))
    found = []
    for side, canonical, sphere in zip(SIDES, model.eye_spheres, spheres, strict=True):
        edge = edge_of(topology, f"eye_{side}")
        found.append(on_lids(sphere, lids[side], size * outside(topology.canonical[edge], canonical)))
    return np.stack(found)


def _size_and_weights(model: PartsModel, anchors: np.ndarray) -> tuple[float, np.ndarray]:
    """How many times as large as the mean head's the anchors (K, 3) are, and (C,) of the changes at its size."""
    spread, mean_spread = (np.linalg.norm(points - points.mean(axis=0)) for points in (anchors, model.anchors))
    size = float(spread / mean_spread)
    return size, np.einsum("ckx,kx->c", model.response, anchors / size - model.anchors)


def edge_of(topology: Topology, region: str) -> np.ndarray:
    """(N,) vertices of a region that closes an opening which also lie in quads beyond it."""
    inside = topology.in_region(region)[topology.faces]
    return np.unique(topology.faces[inside & ~inside.all(axis=1, keepdims=True)])


def skin_faces(topology: Topology) -> np.ndarray:
    """(F,) bool: quads that do not close eyes or mouth."""
    closing = [topology.in_region(name)[topology.faces].all(axis=1) for name in OPENINGS]
    return ~np.any(closing, axis=0)


@lru_cache(maxsize=8)
def skin_vertices(topology: Topology) -> np.ndarray:
    """(V,) bool: vertices of `skin_faces`, what closes eyes and mouth left out but for its edges."""
    skin = np.zeros(len(topology.canonical), bool)
    skin[topology.faces[skin_faces(topology)]] = True
    return skin


@lru_cache(maxsize=8)
def opened(topology: Topology) -> tuple[Topology, np.ndarray]:
    """The topology without what closes eyes and mouth, always the same object, and the vertices (N,) kept."""
    faces = skin_faces(topology)
    kept = np.unique(topology.faces[faces])
    number = np.full(len(topology.canonical), -1)
    number[kept] = np.arange(len(kept))
    return replace(
        topology,
        sample_uv=topology.sample_uv[kept],
        faces=number[topology.faces[faces]].astype(np.int32),
        loop_uv=topology.loop_uv[faces],
        canonical=topology.canonical[kept],
        region=topology.region[kept],
        mirror=number[topology.mirror[kept]],
    ), kept


def on_lids(sphere: np.ndarray, edge: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """An eyeball (4,) moved to where the lids' edge (N, 3) has these distances (N,) from it, its size kept."""
    moved = sphere.astype(np.float64)
    for _ in range(STEPS):
        apart = moved[:3] - edge
        length = np.linalg.norm(apart, axis=1)
        inwards = apart / length[:, None]
        matrix = inwards.T @ inwards * HOLD + np.eye(3)
        off = length - moved[3] - distance
        moved[:3] -= np.linalg.solve(matrix, HOLD * inwards.T @ off + (moved - sphere)[:3])
    return moved


def clear_of_eyes(vertices: np.ndarray, topology: Topology, parts: tuple[Part, ...]) -> np.ndarray:
    """(V, 3) a head's mesh with the lids, where they cut into the eyeballs, laid on them."""
    cleared = vertices.astype(np.float32)
    skin = np.flatnonzero(skin_vertices(topology))
    cleared[skin] = off_eyes(cleared[skin], parts)
    return cleared


def off_eyes(points: np.ndarray, parts: tuple[Part, ...]) -> np.ndarray:
    """(…, 3) points (…, 3) of lids, those within the eyeballs among the parts laid on them."""
    moved = points.astype(np.float64)
    for part in parts:
        if part.kind in ("eye", "cornea"):
            apart = part.vertices - part.pivot
            size = np.linalg.norm(apart, axis=1, keepdims=True)
            towards = moved - part.pivot
            length = np.linalg.norm(towards, axis=-1)
            near = (length < size.max()) & (towards[..., 1] < 0)
            outwards = towards[near] / length[near, None]
            alike = outwards @ (apart / size).T
            least = size[alike.argmax(1), 0] + GAP
            if part.kind == "cornea":
                sight = apart.mean(0) / np.linalg.norm(apart.mean(0))
                least[outwards @ sight < (apart / size @ sight).min()] = 0  # beside it
            moved[near] = part.pivot + outwards * np.maximum(least, length[near])[:, None]
    return moved


@lru_cache(maxsize=16)
def _along(model: PartsModel, topology: Topology, name: str, region: str) -> tuple[np.ndarray, np.ndarray]:
    """How a part's mesh goes along with an opening's edge: (N, M) as of `pull_of`, and (M,) its vertices that are
    nearest to those of the edge, by which it goes already."""
    points, edge = model.vertices[name], topology.canonical[edge_of(topology, region)]
    return pull_of(points, edge), _apart(points, edge).argmin(0)


def pull_of(points: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """(N, M) how much of the shifts of an edge (M, 3) points (N, 3) beside it take over."""
    pull = np.zeros((len(points), len(edge)))
    near = ((points > edge.min(0) - FARTHER * BESIDE) & (points < edge.max(0) + FARTHER * BESIDE)).all(1)
    apart = _apart(points[near], edge)
    nearest = apart.min(1, keepdims=True)
    mix = np.exp((nearest - apart) / ALONG**2)
    pull[near] = mix / mix.sum(1, keepdims=True) * np.exp(-nearest / BESIDE**2)
    return pull


def _apart(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N, M) squared distances between points (N, 3) and others (M, 3)."""
    points, others = points.astype(np.float64), others.astype(np.float64)
    return (points**2).sum(1)[:, None] + (others**2).sum(1) - 2 * points @ others.T
