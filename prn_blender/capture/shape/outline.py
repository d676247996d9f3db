"""The outline of the head in a photo, along which a pin may slide: a jaw's edge is no fixed place on the skin."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..packs.topology import Topology
from .pins import Pin

SLIDES = 0.1  # UV that a pin goes at most in one step
GRAZING = 0.3  # cosine of the angle between surface and line of sight below which a place counts as outline


@dataclass(frozen=True, eq=False)
class Edges:
    """The edges between two triangles of a topology."""

    ends: np.ndarray  # (E, 2) vertices
    uv: np.ndarray  # (E, 2, 2) of the ends, in the first triangle
    triangles: np.ndarray  # (E, 2)


@lru_cache(maxsize=8)
def edges_of(topology: Topology) -> Edges:
    """Of a topology, in any order."""
    triangles, uv = topology.triangles, topology.triangle_uv
    ends = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    ends_uv = np.concatenate([uv[:, [k, (k + 1) % 3]] for k in range(3)])
    owner = np.tile(np.arange(len(triangles)), 3)
    order = np.lexsort((ends.max(axis=1), ends.min(axis=1)))
    sides = np.sort(ends[order], axis=1)
    first = np.flatnonzero((sides[:-1] == sides[1:]).all(axis=1))
    return Edges(
        ends[order[first]], ends_uv[order[first]], np.stack([owner[order[first]], owner[order[first + 1]]], axis=1)
    )


def faces_camera(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(T,) the cosine of the angle between each triangle's normal and the line of sight.

    Args:
        vertices: (V, 3) photo space.
    """
    a, b, c = np.moveaxis(vertices[triangles] * (1, -1, 1), 1, 0)
    normal = np.cross(b - a, c - a)
    return normal[:, 2] / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)


def nearest_outline(
    vertices: np.ndarray, topology: Topology, place: np.ndarray, around: np.ndarray | None = None
) -> tuple[tuple[float, float], float] | None:
    """The UV of the outline's nearest point to a place (2,) of the photo, and how many pixels it is away.

    Args:
        vertices: (V, 3) photo space.
        around: (2,) UV near which it is looked for; None: everywhere.
    """
    edges = edges_of(topology)
    facing = faces_camera(vertices, topology.triangles) > 0
    on_outline = facing[edges.triangles[:, 0]] != facing[edges.triangles[:, 1]]
    if around is not None:
        on_outline &= np.linalg.norm(edges.uv.mean(axis=1) - around, axis=1) < SLIDES
    found = np.flatnonzero(on_outline)
    if not len(found):
        return None
    start, end = np.moveaxis(vertices[edges.ends[found], :2], 1, 0)
    along = end - start
    share = ((place - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
    share = share.clip(0, 1)[:, None]
    off = np.linalg.norm(start + share * along - place, axis=1)
    nearest = int(off.argmin())
    one, other = edges.uv[found[nearest]]
    u, v = one + share[nearest] * (other - one)
    return (float(u), float(v)), float(off[nearest])


def slid(pins: tuple[Pin, ...], vertices: np.ndarray, topology: Topology) -> tuple[Pin, ...]:
    """The pins, those on the outline at the place of it that is nearest to where they were put."""
    if not any(pin.slides and pin.is_on for pin in pins):
        return pins
    moved = []
    for pin in pins:
        found = None
        if pin.slides and pin.is_on:
            found = nearest_outline(vertices, topology, np.array(pin.place), np.array(pin.uv))
        moved.append(pin if found is None else replace(pin, uv=found[0]))
    return tuple(moved)
