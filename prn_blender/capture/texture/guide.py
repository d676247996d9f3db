"""The head's surface as small images over UV space, on which masks and fills are worked out."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.raster import Fragments, nearest_inside, rasterise
from ..packs.topology import OPENINGS, Topology

GUIDE_SIZE = 256
# Texels around the openings that lids and lips hide, or that show what lies in the openings, as the photo is laid on.
RIMS = {"eye_left": 6, "eye_right": 6, "mouth_inner": 5}


@dataclass(frozen=True)
class Guide:
    """Images of G x G texels; texels outside of the UV domain repeat the nearest inside.

    UV is mirror symmetric, so the other side of the head is the image flipped left to right. The seam lies in the
    mirror plane: what is equal on both sides there is continuous across it.
    """

    position: np.ndarray  # (G, G, 3) photo space
    visibility: np.ndarray  # (G, G) 0..1
    drawing: "Drawing"

    @property
    def size(self) -> int:
        return len(self.visibility)

    @property
    def canonical(self) -> np.ndarray:
        """(G, G, 3) metres."""
        return self.drawing.canonical

    @property
    def openings(self) -> np.ndarray:
        """(G, G) 0..1: the patches that close the mouth and the eyes."""
        return self.drawing.openings

    @cached_property
    def footprint(self) -> np.ndarray:
        """(G, G) photo pixels across a texel, in the direction in which they are most."""
        (ax, ay, _), (bx, by, _) = (np.moveaxis(along, 2, 0) for along in self.tangents)
        aa, bb, ab = ax * ax + ay * ay, bx * bx + by * by, ax * bx + ay * by
        return np.sqrt((aa + bb) / 2 + np.sqrt(((aa - bb) / 2) ** 2 + ab**2))

    @cached_property
    def facing(self) -> np.ndarray:
        """(G, G) cosine of the angle between the surface and the viewer; negative faces away."""
        normal = np.cross(*self.tangents)
        return normal[..., 2] / np.maximum(np.linalg.norm(normal, axis=-1), 1e-9)

    @cached_property
    def tangents(self) -> tuple[np.ndarray, np.ndarray]:
        """(G, G, 3) photo space, along u and along v, per texel."""
        return np.gradient(self.position, axis=1), np.gradient(self.position, axis=0)


def make_guide(position_map: PositionMap, topology: Topology, visibility: np.ndarray) -> Guide:
    """The guide of a capture, with `visibility` (V,) of the vertices."""
    drawing = draw(topology)
    position = drawing.repeat_nearest(position_map.at_size(GUIDE_SIZE))
    return Guide(position, drawing.interpolate(visibility), drawing)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A topology drawn over UV space: what is the same for every capture."""

    topology: Topology
    fragments: Fragments
    nearest: np.ndarray  # (G, G) index of each texel's nearest inside of the UV domain

    def interpolate(self, at_vertices: np.ndarray) -> np.ndarray:
        """(G, G, …) float32 of values (V, …)."""
        image = np.zeros((GUIDE_SIZE, GUIDE_SIZE, *at_vertices.shape[1:]), np.float32)
        values = at_vertices.astype(np.float32)
        image[self.fragments.row, self.fragments.column] = self.fragments.interpolate(values, self.topology.triangles)
        return self.repeat_nearest(image)

    def repeat_nearest(self, image: np.ndarray) -> np.ndarray:
        """`image` (G, G, …) with the texels outside of the UV domain taken from the nearest inside."""
        return image.reshape(self.nearest.size, -1)[self.nearest].reshape(image.shape)

    @cached_property
    def canonical(self) -> np.ndarray:
        """(G, G, 3) metres."""
        return self.interpolate(self.topology.canonical)

    @cached_property
    def openings(self) -> np.ndarray:
        """(G, G) 0..1."""
        return self.interpolate(np.any([self.topology.in_region(name) for name in OPENINGS], axis=0))


@lru_cache(maxsize=2)
def rims(topology: Topology) -> np.ndarray:
    """(G, G) float32 0..1: what comes to light where lids close or lips move, soft at its border."""
    import cv2

    found = np.zeros((GUIDE_SIZE, GUIDE_SIZE), np.float32)
    for region, reach in RIMS.items():
        opening = draw(topology).interpolate(topology.in_region(region))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        found = np.maximum(found, cv2.dilate(opening, disc))
    return cv2.GaussianBlur(found, (0, 0), 1.0)


@lru_cache(maxsize=2)
def draw(topology: Topology) -> Drawing:
    """Drawn once for each topology."""
    fragments = rasterise(topology.triangle_uv * GUIDE_SIZE, GUIDE_SIZE, GUIDE_SIZE)
    domain = np.zeros((GUIDE_SIZE, GUIDE_SIZE), bool)
    domain[fragments.row, fragments.column] = True
    return Drawing(topology, fragments, nearest_inside(domain))
