"""Hair that stands off the skin: locks that fall over the face, beards with a body."""

import numpy as np

from ..assets import LANDMARK_VERTICES
from .surfaces import Material, Surface, join, tube, vertex_normals
from .wraps import HeadWrap


def locks(rng: np.random.Generator, wrap: HeadWrap, vertices: np.ndarray, colour: np.ndarray) -> Surface:
    """A few locks from the hairline over forehead, eyes and cheeks."""
    radii = wrap.radii(vertices)
    points = vertices[LANDMARK_VERTICES]
    brow, chin = points[19:25, 1].mean(), points[8, 1]
    start = rng.uniform(-0.8, 0.8)
    sweep = rng.normal(0, 0.7)
    lowest = rng.uniform(chin - 4, brow - 1)
    parts = []
    for _ in range(rng.integers(4, 30)):
        t = np.linspace(0, 1, 10)
        azimuth = start + rng.normal(0, 0.14) + (sweep + rng.normal(0, 0.18)) * t ** rng.uniform(0.7, 1.6)
        azimuth = np.clip(azimuth + 0.03 * np.sin(t * rng.uniform(2, 9) + rng.uniform(0, 6)), -2.5, 2.5)
        height = brow + rng.uniform(3.5, 6.5) + (lowest + rng.normal(0, 1.5) - brow - 5) * t
        lift = 0.35 + rng.uniform(0, 1.2) * np.sin(np.pi * t * 0.8) + 0.4 * t
        width = rng.uniform(0.02, 0.13)
        parts.append(
            tube(wrap.over_skin(radii, azimuth, height, lift), width * np.array([1] * 6 + [0.9, 0.7, 0.45, 0.1]), 4)
        )
    positions, triangles, uv = join(parts)
    shade = np.clip(colour * rng.uniform(0.8, 1.2), 0, 1)
    return Surface(positions, triangles, uv * (0.2, 1), Material.HAIR_WRAP, shade, coverage=3.0)


class BeardMaker:
    """Beards as the skin of chin and cheeks moved outwards."""

    def __init__(self, triangles: np.ndarray, coverage: np.ndarray):
        """Args:
        triangles: (F, 3) of the skin.
        coverage: (V,) 0..1, how far a vertex belongs to the beard.
        """
        self.chosen = triangles[(coverage[triangles] > 0.02).any(1)]
        self.used, local = np.unique(self.chosen, return_inverse=True)
        self.local = local.reshape(-1, 3).astype(np.int32)
        self.coverage = coverage[self.used]

    def __call__(self, rng: np.random.Generator, vertices: np.ndarray, colour: np.ndarray) -> Surface:
        """A beard of random length, with or without whiskers."""
        points = vertices[LANDMARK_VERTICES]
        skin = vertices[self.used]
        normals = vertex_normals(skin, self.local)
        below = np.clip((points[57, 1] - skin[:, 1]) / max(points[57, 1] - points[8, 1], 1), 0, 1.2)
        aside = np.abs(skin[:, 0]) / np.abs(points[[4, 12], 0]).mean()
        width = rng.uniform(0.45, 1.4)  # a goatee to full cheeks
        inside = self.coverage * np.clip((width - aside) / 0.25 + 1, 0, 1)
        length = rng.uniform(0.15, 0.7) + below * rng.choice([rng.uniform(0, 0.8), rng.uniform(0.8, 5)], p=[0.7, 0.3])
        down = np.array([0, -rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.6)])
        grown = skin + inside[:, None] * (
            0.25 * length[:, None] * normals + 0.75 * length[:, None] * (normals + down) / 2
        )
        ragged = rng.uniform(0.6, 1.6)
        uv = np.stack([np.arctan2(skin[:, 0], skin[:, 2] + 1) / np.pi * 6, -skin[:, 1] / 5], 1)
        return Surface(
            grown.astype(np.float32),
            self.local,
            uv.astype(np.float32),
            Material.HAIR_WRAP,
            np.clip(colour * rng.uniform(0.6, 1.1), 0, 1),
            coverage=inside * ragged,
            pattern=int(rng.choice(3)),
        )
