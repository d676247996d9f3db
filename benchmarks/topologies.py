"""How well the pack's topologies follow the mean head, and how their quads are shaped.

    .venv/bin/python benchmarks/topologies.py [PHOTO] [--pack PACK]

Prints for each topology: quads; the distance of the finest one's vertices from its surface in mm (median, 95 %); the
mean of the quads' angles' largest distances from 90 degrees; how much longer than wide quads are (median, 95 %);
quads that fold back. Then its UVs: islands; texels of a 2048 texture a millimetre (5 %, median, 95 %) and in the face;
how much longer than wide a circle on the surface is in UV (median, 95 %). Then how far apart the
two samples of the seam's vertices are, whose mean closes it, in the mean head's position map and in that of the largest
face in a photo.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import bpy  # noqa: F401 - brings mathutils
from mathutils.bvhtree import BVHTree

from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.geometry.pose import fit_similarity
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.edge_loops import detailed_mean
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.packs.topology import Topology
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import regress
from prn_blender.capture.shape.detail import with_detail

PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.jpg"


def corner_sides(points: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F, 4, 3) from each corner of the quads to the next one, and to the one before."""
    corner = points[faces]
    return np.roll(corner, -1, 1) - corner, np.roll(corner, 1, 1) - corner


def corner_angles(ahead: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """(F, 4) degrees between the two sides at each corner."""
    cosine = (ahead * behind).sum(-1) / np.linalg.norm(ahead, axis=-1) / np.linalg.norm(behind, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def elongation(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F,) the longer of the two distances between the middles of opposite sides over the shorter."""
    middle = (points[faces] + points[np.roll(faces, -1, 1)]) / 2
    across = np.linalg.norm(middle[:, :2] - middle[:, 2:], axis=-1)
    return across.max(1) / np.maximum(across.min(1), 1e-9)


def distance(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(P,) of points (P, 3) from a surface."""
    tree = BVHTree.FromPolygons(vertices.tolist(), triangles.tolist())
    return np.array([tree.find_nearest(point)[3] for point in points.tolist()])


def print_quality(name: str, topology: Topology, finest: Topology) -> None:
    points, faces = topology.canonical.astype(float), topology.faces
    # The neck's edge is not the same in all: what lies below the highest one does not count.
    above = finest.canonical[:, 2] > -0.08
    off = 1000 * distance(finest.canonical[above], points, topology.triangles)
    ahead, behind = corner_sides(points, faces)
    normals = np.cross(ahead, behind)
    folded = ((normals * normals.sum(1, keepdims=True)).sum(-1) <= 0).any(1)
    skew = np.abs(corner_angles(ahead, behind) - 90).max(1).mean()
    long = np.quantile(elongation(points, faces), (0.5, 0.95))
    print(
        f"{name:10} {len(faces):6} quads  off {np.median(off):.2f} {np.quantile(off, 0.95):.2f} mm  "
        f"skew {skew:.0f} degrees  elongation {long[0]:.1f} {long[1]:.1f}  folded {folded.sum()}"
    )


def islands(faces: np.ndarray, loop_uv: np.ndarray) -> int:
    """How many pieces the UVs are in: quads hang together where they share both vertices and UVs of an edge."""
    places = np.concatenate([faces[..., None], np.round(loop_uv * 1e5)], -1).reshape(-1, 3)
    corner = np.unique(places, axis=0, return_inverse=True)[1].reshape(faces.shape)
    piece = np.arange(corner.max() + 1)
    while True:
        least = piece[corner].min(1, keepdims=True)
        spread = piece.copy()
        np.minimum.at(spread, corner.ravel(), np.repeat(least, 4))
        if (spread == piece).all():
            return len(np.unique(piece))
        piece = spread


def surface_to_uv(topology: Topology) -> np.ndarray:
    """(T, 2) singular values of the map from each triangle in metres to UV, the larger first."""
    corner, uv = topology.canonical[topology.triangles].astype(float), topology.triangle_uv.astype(float)
    first, second = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
    along = first / np.linalg.norm(first, axis=1, keepdims=True)
    across = second - (second * along).sum(1, keepdims=True) * along
    flat = np.zeros((len(corner), 2, 2))
    flat[:, 0, 0], flat[:, 0, 1] = np.linalg.norm(first, axis=1), (second * along).sum(1)
    flat[:, 1, 1] = np.maximum(np.linalg.norm(across, axis=1), 1e-9)
    sides = np.stack([uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]], -1)
    return np.linalg.svd(sides @ np.linalg.inv(flat), compute_uv=False)


def print_uvs(name: str, topology: Topology) -> None:
    scales = surface_to_uv(topology)
    density = np.sqrt(scales.prod(1)) * 2048 / 1000
    middle = topology.canonical[topology.triangles].mean(1)
    face = (np.abs(middle[:, 0]) < 0.05) & (middle[:, 1] < 0.06) & (middle[:, 2] > -0.1) & (middle[:, 2] < 0.05)
    low, median, high = np.quantile(density, (0.05, 0.5, 0.95))
    stretch = np.quantile(scales[:, 0] / scales[:, 1], (0.5, 0.95))
    print(
        f"{name:10} islands {islands(topology.faces, topology.loop_uv)}  "
        f"texels a mm {low:.1f} {median:.1f} {high:.1f}, face {np.median(density[face]):.1f}  "
        f"stretch {stretch[0]:.1f} {stretch[1]:.1f}"
    )


def print_seam(name: str, topology: Topology, values: PositionMap) -> None:
    """In any position map of a head; its scale is found by the canonical head's."""
    both = values.sample(topology.sample_uv)
    millimetres = 1000 / fit_similarity(topology.canonical, both.mean(1)).scale
    gap = np.linalg.norm(both[:, 0] - both[:, 1], axis=1) * millimetres
    gap = gap[(topology.sample_uv[:, 0] != topology.sample_uv[:, 1]).any(1)]
    print(f"{name:20} two samples of a seam vertex {np.median(gap):.1f} {np.quantile(gap, 0.95):.1f} mm apart")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=PORTRAIT)
    parser.add_argument("--pack", type=Path)
    options = parser.parse_args()
    pack = load_pack(options.pack)
    names = [choice.name for choice in pack.topologies]
    finest = max((pack.choose_topology(name) for name in names), key=lambda topology: len(topology.faces))
    for name in names:
        print_quality(name, pack.choose_topology(name), finest)
    for name in names:
        print_uvs(name, pack.choose_topology(name))

    photo = load_photo(options.photo)
    box = choose_faces(find_faces(photo), "largest")[0]
    _, predicted, _ = regress(photo, box, pack, open_network(pack), 2)
    with np.load(pack.loops_file) as data:
        mean = detailed_mean(PositionMap(data["canonical_map"]), pack.topology)
    predicted = with_detail(predicted, pack.topology)
    upside = PositionMap(predicted.values * np.float32([1, -1, 1]))  # photo space has y down
    for name in names:
        print_seam(f"{name}, mean head", pack.choose_topology(name), mean)
        print_seam(f"{name}, {photo.path.name}", pack.choose_topology(name), upside)


if __name__ == "__main__":
    main()
