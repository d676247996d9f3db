"""Which place on a head lies at a place in the photo."""

from dataclasses import dataclass

import numpy as np

from .outline import faces_camera


@dataclass(frozen=True)
class Picked:
    """A place on the head."""

    uv: tuple[float, float]
    facing: float  # cosine of the angle between the surface's normal and the line of sight


def pick(vertices: np.ndarray, triangles: np.ndarray, triangle_uv: np.ndarray, place: np.ndarray) -> Picked | None:
    """The nearest surface at a place (2,) of the photo; None beside the head.

    Args:
        vertices: (V, 3) photo space.
        triangles: (T, 3), counter-clockwise from outside.
        triangle_uv: (T, 3, 2)
    """
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    weights = np.stack([_area(b, c, place), _area(c, a, place), _area(a, b, place)], axis=1)
    # The photo's y goes down: what faces the camera is clockwise in it.
    found = np.flatnonzero((weights <= 0).all(axis=1) & (weights.sum(axis=1) < 0))
    if not len(found):
        return None
    weights = weights[found] / weights[found].sum(axis=1, keepdims=True)
    depth = (weights * vertices[triangles[found], 2]).sum(axis=1)
    nearest = int(depth.argmax())
    u, v = weights[nearest] @ triangle_uv[found[nearest]]
    facing = faces_camera(vertices, triangles[found[[nearest]]])
    return Picked((float(u), float(v)), float(facing[0]))


def _area(one: np.ndarray, other: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(T,) twice the areas of the triangles from points (T, 3) to others and to a place, as seen in the photo."""
    x, y = one[:, 0] - place[0], one[:, 1] - place[1]
    return x * (other[:, 1] - place[1]) - y * (other[:, 0] - place[0])
