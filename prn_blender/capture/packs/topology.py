"""The fixed mesh over UV space that turns a position map into a head."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from ..geometry.position_map import BicubicSampler, PositionMap

# The regions of the patches that close the eyes and the mouth.
OPENINGS = ("eye_left", "eye_right", "mouth_inner")
DETAIL_STEP = 1e-5  # metres that a unit of a stored detail counts for


@dataclass(frozen=True, eq=False)
class Topology:
    """Vertices as UV samples of the position map, with everything that stays the same for every capture.

    UV has v downwards; Blender wants 1 - v.
    """

    sample_uv: np.ndarray  # (V, 2, 2) a vertex is the mean of the map at its two samples (equal off the seam)
    # (F, 4) int32 quads, counter-clockwise from outside in right-handed space; a triangle has its last corner twice
    faces: np.ndarray
    loop_uv: np.ndarray  # (F, 4, 2) UV of each face corner
    landmark_uv: np.ndarray  # (68, 2)
    canonical: np.ndarray  # (V, 3) mean head, metres, Blender axes, origin midway between the eyes
    landmark_canonical: np.ndarray  # (68, 3)
    origin_canonical: np.ndarray  # (3,) where a position map's z is 0
    region: np.ndarray  # (V,) index into region_names
    region_names: tuple[str, ...]
    mirror: np.ndarray  # (V,) index of the mirrored vertex
    # (D, D, 3) metres by UV, canonical axes: what the mean head has beyond its position map of the network's
    # resolution; None where a pack does not tell
    detail: np.ndarray | None = None

    @classmethod
    def load(cls, path: Path) -> "Topology":
        """Reads `topology.npz` of a pack."""
        with np.load(path, allow_pickle=False) as data:
            arrays = {name: data[name] for name in data.files if name in cls.__dataclass_fields__}
        if "detail" in arrays:
            arrays["detail"] = arrays["detail"].astype(np.float32) * np.float32(DETAIL_STEP)
        arrays["region_names"] = tuple(str(name) for name in arrays["region_names"])
        return cls(**arrays)

    def vertices(self, position_map: PositionMap) -> np.ndarray:
        """(V, 3) photo-space vertices."""
        sampled = _sampler(self, len(position_map.values)).sample(position_map.values)
        vertices, other_side = sampled[: len(self.canonical)], sampled[len(self.canonical) :]
        vertices[self.on_seam] = (vertices[self.on_seam] + other_side) / 2
        return vertices

    @cached_property
    def on_seam(self) -> np.ndarray:
        """(S,) indices of the vertices with two different samples."""
        return np.flatnonzero((self.sample_uv[:, 0] != self.sample_uv[:, 1]).any(axis=1))

    def landmarks(self, position_map: PositionMap) -> np.ndarray:
        """(68, 3) photo-space landmarks."""
        return position_map.sample(self.landmark_uv)

    def in_region(self, name: str) -> np.ndarray:
        """(V,) bool."""
        return self.region == self.region_names.index(name)

    @cached_property
    def is_corner(self) -> np.ndarray:
        """(F, 4) bool: all but the last of a triangle."""
        corners = np.ones(self.faces.shape, bool)
        corners[:, 3] = self.faces[:, 2] != self.faces[:, 3]
        return corners

    @cached_property
    def _splits_first_diagonal(self) -> np.ndarray:
        """(F,) whether a quad splits along corners 0-2, in general its shorter diagonal on the canonical head."""
        corner = self.canonical[self.faces]
        first = np.linalg.norm(corner[:, 0] - corner[:, 2], axis=1)
        second = np.linalg.norm(corner[:, 1] - corner[:, 3], axis=1)
        shorter = first <= second
        # Two quads of a fold that share both ends of that diagonal would give the same triangle twice.
        ends = np.sort(np.where(shorter[:, None], self.faces[:, [0, 2]], self.faces[:, [1, 3]]), axis=1)
        _, group, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
        return shorter ^ (count[group.ravel()] > 1)

    def _split(self, corners: np.ndarray) -> np.ndarray:
        """(F, 4, …) per face corner to (T, 3, …) per triangle corner, in the order of the faces: two of each quad."""
        pick = np.where(
            self._splits_first_diagonal[:, None, None],
            np.array([[0, 1, 2], [0, 2, 3]]),
            np.array([[0, 1, 3], [1, 2, 3]]),
        )
        rows = np.arange(len(corners))[:, None, None]
        return corners[rows, pick][self.is_corner[:, 2:]]

    @cached_property
    def triangles(self) -> np.ndarray:
        """(T, 3) int32: every quad split along the diagonal that is shorter on the canonical head."""
        return self._split(self.faces)

    @cached_property
    def triangle_uv(self) -> np.ndarray:
        """(T, 3, 2) UV of each triangle corner."""
        return self._split(self.loop_uv)

    @cached_property
    def eye_weights(self) -> np.ndarray:
        """(V,) weights whose mean of the vertices is the point midway between the eyes."""
        weights = np.zeros(len(self.canonical))
        for name in ("eye_left", "eye_right"):
            inside = self.in_region(name)
            weights[inside] = 0.5 / inside.sum()
        return weights

    @cached_property
    def rigid(self) -> np.ndarray:
        """(V,) bool: vertices that expressions hardly move: no mouth, jaw, lids, neck."""
        nose_base = self.landmark_canonical[33, 2]
        nape = self.landmark_canonical[[0, 16], 2].mean()
        _, y, z = self.canonical.T
        behind_ears = y > self.landmark_canonical[[0, 16], 1].mean()
        keep = np.where(behind_ears, z > nape, z > nose_base)
        keep &= ~self.in_region("mouth_inner")
        for first, name in ((36, "eye_right"), (42, "eye_left")):
            corners = self.landmark_canonical[[first, first + 3]]
            centre, width = corners.mean(0), np.linalg.norm(corners[1] - corners[0])
            keep &= np.linalg.norm(self.canonical - centre, axis=1) > 0.75 * width
            keep &= ~self.in_region(name)
        return keep

    @cached_property
    def rigid_sample(self) -> np.ndarray:
        """(N,) indices of every 16th rigid vertex: enough to fit a similarity by."""
        return np.flatnonzero(self.rigid)[::16]


@lru_cache(maxsize=8)
def _sampler(topology: Topology, resolution: int) -> BicubicSampler:
    """Of a topology's vertices in maps of a resolution, and then of the other samples of those on the seam."""
    sample_uv = topology.sample_uv
    return BicubicSampler.at(np.concatenate([sample_uv[:, 0], sample_uv[topology.on_seam, 1]]), resolution)
