"""Topologies with edge loops around eyes, mouth, nostrils and ears, at several densities from one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..geometry.position_map import PositionMap
from .subdivide import subdivide, subdivide_corners, subdivide_mirror
from .topology import Topology


def load_level(path: Path, level: int, standard: Topology) -> Topology:
    """The topology in `loops.npz` at a level: 0 as stored, 1 with every quad split in four, -1 with every four joined.

    A coarser level's vertices come first in the finer one. Landmarks, axes and names are those of `standard`.
    """
    with np.load(path, allow_pickle=False) as data:
        faces, loop_uv, mirror, region = (data[name] for name in ("faces", "loop_uv", "mirror", "region"))
        canonical_map = detailed_mean(PositionMap(data["canonical_map"]), standard)
        border_power = float(data["border_power"])
    for _ in range(-level):
        faces, loop_uv = faces[:, 0].reshape(-1, 4), loop_uv[:, 0].reshape(-1, 4, 2)
    for _ in range(level):
        finer, edges = subdivide(faces)
        mirror = subdivide_mirror(mirror, faces, edges)
        # Skin is the first region: what is new on the border of another one is not in it.
        region = np.concatenate([region, region[edges].min(axis=1), region[faces].min(axis=1)])
        faces, loop_uv = finer, subdivide_corners(loop_uv)
    count = int(faces.max()) + 1
    sample_uv = where_known(both_samples(faces, loop_uv), border_power, len(canonical_map.values))
    return replace(
        standard,
        sample_uv=sample_uv,
        faces=faces.astype(np.int32),
        loop_uv=loop_uv,
        canonical=canonical_map.sample(sample_uv).mean(axis=1),
        region=region[:count],
        mirror=mirror[:count],
    )


def detailed_mean(canonical_map: PositionMap, topology: Topology) -> PositionMap:
    """The mean head's map of the network's resolution with the pack's detail."""
    if topology.detail is None:
        return canonical_map
    return PositionMap(canonical_map.at_size(len(topology.detail)) + topology.detail)


def where_known(uv: np.ndarray, border_power: float, resolution: int) -> np.ndarray:
    """`uv` (…, 2) moved inwards at the layout's border, to where a position map's outermost texel centres lie.

    Beyond them a map repeats itself, and vertices would coincide. The border itself moves by half a texel, what is
    eight texels further inside not at all; the two sides of a seam meet in the middle of what is left between them.

    Args:
        border_power: p of the layout's border |x|^p + |y|^p = 1.
    """
    place = np.asarray(uv, np.float64) * 2 - 1
    radius = np.maximum((np.abs(place) ** border_power).sum(-1, keepdims=True) ** (1 / border_power), 1e-9)
    nearness = np.clip(1 - (1 - radius) * resolution / 16, 0, 1)
    return ((place * (1 - nearness**2 / (resolution * radius)) + 1) / 2).astype(np.float32)


def both_samples(faces: np.ndarray, loop_uv: np.ndarray) -> np.ndarray:
    """(V, 2, 2) UV of each vertex in the first and in the last quad around it; they differ on the seam."""
    corners, uv = faces.ravel(), loop_uv.reshape(-1, 2)
    first = np.unique(corners, return_index=True)[1]
    last = len(corners) - 1 - np.unique(corners[::-1], return_index=True)[1]
    return np.stack([uv[first], uv[last]], axis=1)
