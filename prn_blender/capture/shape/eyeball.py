"""Eyeballs: a sphere with a flat iris, and the cornea before it, both of quads in rings around the line of sight."""

from dataclasses import dataclass

import numpy as np

AROUND = 32  # quads around
IRIS = 0.40  # radius of the iris, of the eyeball's (12 mm: 4.8; ICT-FaceKit's eyeballs are larger than real ones)
DEPTH = 0.03  # by which the iris lies behind the white's edge
RISE = 0.07  # by which the cornea rises before the eyeball
BROWN = (0.25, 0.13, 0.06)  # sRGB, the colour of most people's irises


@dataclass(frozen=True, eq=False)
class Look:
    """Of a head's two eyes."""

    gaze: np.ndarray  # (2, 2) degrees to the subject's left and up, of the left eye and the right
    iris: tuple[float, float, float]  # sRGB 0..1


STRAIGHT = Look(np.zeros((2, 2)), BROWN)


@dataclass(frozen=True)
class Shape:
    """A profile around the line of sight: angles (R,) from it, and radii (R,) as shares of the eyeball's."""

    name: str
    angles: tuple[float, ...]
    radii: tuple[float, ...]


def _white() -> Shape:
    edge = np.arcsin(IRIS)
    behind = np.linspace(edge, np.pi - 0.05, 20)
    flat = np.array([0.2, 0.4, 0.6, 0.8, 0.97]) * IRIS  # distances from the line of sight on the iris
    before = np.cos(edge) - DEPTH
    return Shape(
        "eye",
        (*np.arctan2(flat, before), *behind),
        (*np.hypot(flat, before), *np.ones(len(behind))),
    )


def _cornea() -> Shape:
    edge = np.arcsin(IRIS) * 1.25
    angles = np.linspace(0.03, edge, 10)
    return Shape("cornea", tuple(angles), tuple(1.002 + RISE * np.cos(angles / edge * np.pi / 2) ** 2))


WHITE, CORNEA = _white(), _cornea()


def eyeball(shape: Shape, sphere: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (N, 3) float32, quads (F, 4) and UVs (F, 4, 2) of a shape on a sphere (4,) that looks along -Y.

    In UV the line of sight is the middle and an angle from it the distance, half a turn 0.5.
    """
    turn = np.arange(AROUND) * 2 * np.pi / AROUND
    angle, radius = np.array(shape.angles)[:, None], np.array(shape.radii)[:, None]
    across = np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn)], -1)
    forward = np.broadcast_to(np.cos(angle), across.shape[:2])
    unit = np.stack([across[..., 0], -forward, across[..., 1]], -1) * radius[..., None]
    flat = 0.5 + 0.5 * angle[..., None] / np.pi * np.stack([np.cos(turn), np.sin(turn)], -1)
    points = (sphere[:3] + sphere[3] * unit.reshape(-1, 3)).astype(np.float32)
    faces = _rings(len(shape.angles), closed=shape is WHITE)
    return points, faces, flat.reshape(-1, 2).astype(np.float32)[faces]


def _rings(count: int, closed: bool) -> np.ndarray:
    """(F, 4) quads between rings, the first ring filled, the last one too where it is closed."""
    number = np.arange(count * AROUND).reshape(count, AROUND)
    ahead = np.roll(number, -1, axis=1)
    between = np.stack([number[:-1], number[1:], ahead[1:], ahead[:-1]], -1).reshape(-1, 4)
    step = np.arange(AROUND // 2 - 1)
    disc = np.stack([step, step + 1, (-step - 2) % AROUND, (-step - 1) % AROUND], -1)
    caps = [number[0][disc]] + [number[-1][disc][:, ::-1]] * closed
    return np.concatenate([between, *caps])


def outside(points: np.ndarray, sphere: np.ndarray) -> np.ndarray:
    """(N,) distances of points (N, 3) from the surface of a sphere (4,), negative within it."""
    return np.linalg.norm(points - sphere[:3], axis=1) - sphere[3]
