"""The head's surface as small images over UV space, on which masks and fills are worked out."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .position_map import PositionMap
from .raster import rasterise
from .topology import Topology

GUIDE_SIZE = 256


@dataclass(frozen=True)
class Guide:
    """Images of G x G texels; texels outside of the UV domain repeat the nearest inside.

    UV is mirror symmetric, so the other side of the head is the image flipped left to right. The seam lies in the
    mirror plane: what is equal on both sides there is continuous across it.
    """

    position: np.ndarray  # (G, G, 3) photo space
    canonical: np.ndarray  # (G, G, 3) metres
    visibility: np.ndarray  # (G, G) 0..1
    openings: np.ndarray  # (G, G) 0..1: the patches that close the mouth and the eyes

    @property
    def size(self) -> int:
        return len(self.visibility)

    @cached_property
    def footprint(self) -> np.ndarray:
        """(G, G) photo pixels across a texel, in the direction in which they are most."""
        along_u, along_v = self.tangents
        a, b = along_u[..., :2], along_v[..., :2]
        aa, bb, ab = (a * a).sum(-1), (b * b).sum(-1), (a * b).sum(-1)
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
    size = GUIDE_SIZE
    fragments = rasterise(topology.triangle_uv * size, size, size)
    openings = np.any([topology.in_region(name) for name in ("mouth_inner", "eye_left", "eye_right")], axis=0)
    at_vertices = np.column_stack([topology.canonical, visibility, openings]).astype(np.float32)
    image = np.zeros((size, size, at_vertices.shape[1]), np.float32)
    image[fragments.row, fragments.column] = fragments.interpolate(at_vertices, topology.triangles)
    domain = np.zeros((size, size), bool)
    domain[fragments.row, fragments.column] = True
    image, position = repeat_nearest(domain, image, position_map.at_size(size))
    return Guide(position, image[..., :3], image[..., 3], image[..., 4])


def repeat_nearest(domain: np.ndarray, *images: np.ndarray) -> list[np.ndarray]:
    """`images` (G, G, …) with the texels outside of `domain` (G, G) taken from the nearest inside."""
    import cv2

    _, label = cv2.distanceTransformWithLabels(
        (~domain).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    source = np.zeros(label.max() + 1, np.int64)
    source[label[domain]] = np.flatnonzero(domain)
    nearest = source[label]
    return [image.reshape(domain.size, -1)[nearest].reshape(image.shape) for image in images]
