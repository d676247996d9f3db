"""Hair volumes, hoods, hats and clothes as surfaces of revolution around the head."""

import numpy as np
from scipy.spatial import cKDTree

from ..assets import SKIN_VERTICES
from ..head_model import NECK_PIVOT, HeadState
from .skin import noise
from .surfaces import Material, Surface, grid_triangles

CENTRE = np.array([0.0, 4.0, -1.0])  # of the skull, ICT-FaceKit's coordinates
COLUMNS = 49  # azimuth -180..180 degrees, 0 to the front
DOME_ROWS = 13  # from the crown to the centre's height
LOWER_ROWS = 15
LOWEST = -22.0


class HeadWrap:
    """A grid around the skull and down the neck whose radii follow the head."""

    def __init__(self, mean: np.ndarray):
        azimuth = np.linspace(-np.pi, np.pi, COLUMNS)
        elevation = np.linspace(np.pi / 2, 0, DOME_ROWS)
        heights = np.linspace(CENTRE[1], LOWEST, LOWER_ROWS + 1)[1:]
        self.azimuth = np.repeat(azimuth[None], DOME_ROWS + LOWER_ROWS, 0)
        outwards = np.stack([np.sin(azimuth), np.zeros(COLUMNS), np.cos(azimuth)], 1)
        dome = np.cos(elevation)[:, None, None] * outwards + np.sin(elevation)[:, None, None] * (0, 1, 0)
        self.direction = np.concatenate([dome, np.repeat(outwards[None], LOWER_ROWS, 0)])
        self.base = np.repeat(CENTRE[None, None], DOME_ROWS + LOWER_ROWS, 0).repeat(COLUMNS, 1)
        self.base[DOME_ROWS:, :, 1] = heights[:, None]
        self.triangles = grid_triangles(DOME_ROWS + LOWER_ROWS, COLUMNS)
        # bind each grid point to the head's vertices in its direction, ears left out
        skin = mean[:SKIN_VERTICES]
        usable = np.flatnonzero((np.abs(skin[:, 0]) < 7.4) | (skin[:, 1] < -5))
        offset = skin[usable] - CENTRE
        dome_tree = cKDTree(offset / np.linalg.norm(offset, axis=1, keepdims=True))
        flat = np.hypot(offset[:, 0], offset[:, 2])
        lower_tree = cKDTree(np.stack([offset[:, 0] / flat * 8, offset[:, 1], offset[:, 2] / flat * 8], 1))
        lower = self.direction[DOME_ROWS:] * 8
        lower[..., 1] = self.base[DOME_ROWS:, :, 1] - CENTRE[1]
        nearest = [dome_tree.query(self.direction[:DOME_ROWS], k=4)[1], lower_tree.query(lower, k=4)[1]]
        self.bound = usable[np.concatenate(nearest)]
        self.ears = np.flatnonzero((np.abs(skin[:, 0]) >= 7.4) & (skin[:, 1] >= -5))
        self.ear_cells = cKDTree(self.positions(self.radii(skin)).reshape(-1, 3)).query(skin[self.ears], k=4)[1]

    def radii(self, vertices: np.ndarray) -> np.ndarray:
        """(rows, columns) cm from the base points to the head's surface."""
        offset = vertices[self.bound] - self.base[:, :, None]
        offset[DOME_ROWS:, ..., 1] = 0
        return np.linalg.norm(offset, axis=-1).mean(-1)

    def radii_over_ears(self, vertices: np.ndarray) -> np.ndarray:
        """(rows, columns) as `radii`, and out to the ears where they are."""
        base, direction = (values.reshape(-1, 3)[self.ear_cells] for values in (self.base, self.direction))
        reach = ((vertices[self.ears, None] - base) * direction).sum(-1)
        radii = self.radii(vertices).ravel()
        np.maximum.at(radii, self.ear_cells, reach)
        return radii.reshape(self.base.shape[:2])

    def positions(self, radii: np.ndarray) -> np.ndarray:
        """(rows, columns, 3)."""
        return self.base + self.direction * radii[..., None]

    def surface(self, radii: np.ndarray, coverage: np.ndarray, material: Material, colour: np.ndarray) -> Surface:
        """A surface at `radii`, drawn where `coverage` is over one half."""
        positions = self.positions(radii)
        uv = np.stack(np.broadcast_arrays(self.azimuth / np.pi * 4, np.linspace(0, 3, len(radii))[:, None]), -1)
        return Surface(
            positions.reshape(-1, 3).astype(np.float32),
            self.triangles,
            uv.reshape(-1, 2),
            material,
            colour,
            coverage=coverage.ravel(),
        )

    def hanging(self, radii: np.ndarray, flare: float) -> np.ndarray:
        """Radii that do not follow the neck inwards but hang from the skull's widest part."""
        hung = radii.copy()
        widest = radii[DOME_ROWS - 3 : DOME_ROWS + 1].max(0)
        fall = np.linspace(0, 1, LOWER_ROWS)[:, None]
        hung[DOME_ROWS:] = np.maximum(radii[DOME_ROWS:], widest * (1 + flare * fall))
        return hung

    def hair(self, rng: np.random.Generator, vertices: np.ndarray, colour: np.ndarray) -> Surface:
        """Short to long hair of random volume, parting, hairline and length."""
        radii = self.radii(vertices)
        length = rng.choice([rng.uniform(0, 4), rng.uniform(-7, 0), rng.uniform(-20, -7)])
        radii = self.hanging(radii, rng.uniform(-0.35, 0.25)) if length < 0 else radii
        thickness = rng.uniform(0.3, 1.6) + (rng.random() < 0.3) * rng.uniform(0, 5)
        bumps = self._bumps(rng, rng.integers(3, 10)) * rng.uniform(0.05, 0.35)
        radii = radii + thickness * np.clip(1 + bumps, 0.2, 3)
        height = self.positions(radii)[..., 1]
        # parted far to one side, the hair falls over a cheek or an eye
        angle = np.abs(self.azimuth + (rng.normal(0, 0.1) if rng.random() < 0.8 else rng.uniform(-0.7, 0.7)))
        hairline = rng.uniform(5.0, 11.5) + rng.normal(0, 1.2) * self.azimuth  # slanted fringes
        side = rng.uniform(0.6, 1.5)
        t = np.clip((angle - side) / rng.uniform(0.15, 0.5), 0, 1)
        edge = hairline * (1 - t) + length * t
        coverage = 0.5 + (height - edge) / rng.uniform(1.5, 5)
        surface = self.surface(radii, coverage, Material.HAIR_WRAP, colour)
        surface.pattern = int(rng.choice(3, p=[0.5, 0.25, 0.25]))
        return surface

    def over_skin(self, radii: np.ndarray, azimuth: np.ndarray, height: np.ndarray, lift: np.ndarray) -> np.ndarray:
        """(N, 3) points above the skin at azimuths and heights (N,), `lift` (N,) cm off it."""
        column = (azimuth / np.pi * 0.5 + 0.5) * (COLUMNS - 1)
        heights = self.positions(radii)[..., 1]
        low = np.clip(np.floor(column).astype(int), 0, COLUMNS - 2)
        part = column - low
        points = []
        for k in range(len(azimuth)):
            row = [np.interp(-height[k], -heights[:, c], np.arange(len(heights))) for c in (low[k], low[k] + 1)]
            row = row[0] * (1 - part[k]) + row[1] * part[k]
            first = min(int(row), len(heights) - 2)
            rest = row - first
            grid = self.positions(radii + lift[k])[first : first + 2, low[k] : low[k] + 2]
            points.append(
                (grid[0, 0] * (1 - part[k]) + grid[0, 1] * part[k]) * (1 - rest)
                + (grid[1, 0] * (1 - part[k]) + grid[1, 1] * part[k]) * rest
            )
        return np.stack(points)

    def hood(self, rng: np.random.Generator, vertices: np.ndarray) -> Surface:
        """A headscarf or hood: everything covered but an oval of the face."""
        radii = self.hanging(self.radii_over_ears(vertices), rng.uniform(-0.3, 0.3)) + rng.uniform(0.3, 1.8)
        radii *= 1 + 0.02 * self._bumps(rng, 12)
        height = self.positions(radii)[..., 1]
        oval = (self.azimuth / rng.uniform(0.65, 1.2)) ** 2 + ((height - 1.0) / rng.uniform(7.5, 10)) ** 2
        surface = self.surface(radii, 0.5 + (oval - 1) * 2, Material.CLOTH, rng.random(3))
        surface.pattern = int(rng.choice(4, p=[0.6, 0.15, 0.1, 0.15]))
        return surface

    def hat(self, rng: np.random.Generator, vertices: np.ndarray) -> list[Surface]:
        """A beanie, a cap or a hat with a brim."""
        colour = rng.random(3) * rng.uniform(0.1, 1)
        tall = rng.uniform(0, 5) if rng.random() < 0.4 else rng.uniform(0, 1)
        radii = self.radii(vertices) + rng.uniform(0.5, 1.4)
        radii[:DOME_ROWS] += tall * np.linspace(1, 0, DOME_ROWS)[:, None] ** 0.5
        height = self.positions(radii)[..., 1]
        rim = (
            rng.uniform(4.5, 9.0)
            + rng.normal(0.5, 1.2) * np.cos(self.azimuth)
            + rng.normal(0, 0.4) * np.sin(self.azimuth)
        )
        crown = self.surface(radii, 0.5 + (height - rim) / 0.6, Material.CLOTH, colour)
        crown.pattern = int(rng.choice(4, p=[0.6, 0.2, 0.1, 0.1]))
        surfaces = [crown]
        kind = rng.random()
        if kind < 0.75:
            front = np.cos(self.azimuth[0])
            width = rng.uniform(4, 8) * np.clip(front, 0, 1) ** 0.6 if kind < 0.45 else rng.uniform(3, 9) + 0 * front
            surfaces.append(self._brim(radii, height, rim[0], width, rng.uniform(-0.35, 0.5), crown))
        return surfaces

    def _brim(self, radii, height, rim, width, droop, crown: Surface) -> Surface:
        """A ring or visor of `width` (columns,) that starts where the crown ends."""
        positions = self.positions(radii)
        row = np.abs(height - rim).argmin(0)
        inner = positions[row, np.arange(COLUMNS)]
        inner[:, 1] = rim
        outwards = self.direction[DOME_ROWS]
        steps = np.linspace(0, 1, 4)[:, None, None]
        ring = inner + outwards * width[None, :, None] * steps
        ring[..., 1] -= droop * width * steps[..., 0] ** 1.5
        uv = np.stack(np.broadcast_arrays(self.azimuth[:1], steps[..., 0]), -1)
        return Surface(
            ring.reshape(-1, 3).astype(np.float32),
            grid_triangles(4, COLUMNS),
            uv.reshape(-1, 2),
            Material.CLOTH,
            crown.colour,
            coverage=np.broadcast_to((width > 0.4) * 1.0, (4, COLUMNS)).ravel(),
            pattern=crown.pattern,
        )

    def _bumps(self, rng: np.random.Generator, cells: int) -> np.ndarray:
        """(rows, columns) smooth noise that closes at the back."""
        bumps = noise(rng, 64, int(cells))[: len(self.base), :COLUMNS]
        closing = np.abs(np.linspace(-1, 1, COLUMNS)) ** 8
        return bumps * (1 - closing)


def clothes(rng: np.random.Generator, state: HeadState) -> Surface:
    """A torso with a random neckline, a collar or a scarf, turned with the bust."""
    rows, columns = 16, 41
    height = np.linspace(-7.5, -48, rows)[:, None]
    azimuth = np.linspace(-np.pi, np.pi, columns)[None]
    stout = rng.uniform(0.85, 1.25)
    half_width = np.interp(-height, [7.5, 11, 14, 17, 22, 48], [6.3, 6.8, 9.5, 14.5, 20, 24]) * stout
    half_depth = np.interp(-height, [7.5, 11, 14, 17, 22, 48], [6.3, 6.6, 8.0, 9.5, 11.5, 14]) * stout
    neckline = rng.uniform(-17, -12) if rng.random() < 0.65 else rng.uniform(-12, -7.5)
    loose = rng.uniform(0, 2.5) if neckline > -12 else rng.uniform(0, 0.6)
    folds = noise(rng, 64, int(rng.integers(4, 20)))[:rows, :columns] * rng.uniform(0.05, 0.5)
    folds = folds * (1 - np.abs(np.linspace(-1, 1, columns)) ** 8)
    x = (half_width + loose + folds) * np.sin(azimuth)
    z = (half_depth + loose + folds) * np.cos(azimuth) - 1.5 + 0 * height
    positions = np.stack([x, np.broadcast_to(height, x.shape), z], -1).reshape(-1, 3)
    cut = rng.uniform(0, 8) * np.clip(np.cos(azimuth), 0, 1) ** rng.uniform(1, 8)
    coverage = 0.5 + (neckline - cut - height) / 0.8
    uv = np.stack(np.broadcast_arrays(azimuth * 3, height / 6), -1).reshape(-1, 2)
    turned = (positions - NECK_PIVOT) @ state.neck.T + NECK_PIVOT
    return Surface(
        turned.astype(np.float32),
        grid_triangles(rows, columns),
        uv,
        Material.CLOTH,
        rng.random(3) * rng.uniform(0.1, 1.0),
        coverage=coverage.ravel(),
        pattern=int(rng.choice(4, p=[0.55, 0.2, 0.1, 0.15])),
    )
