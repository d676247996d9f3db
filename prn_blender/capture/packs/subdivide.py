"""Quads into four."""

import numpy as np


def subdivide(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every quad (F, 4) as four, and the edges (E, 2) that got a vertex in their middle.

    The vertices keep their numbers V; then come the edges' middles, then the faces' centres. Quads 4 k to 4 k + 3 are
    face k's, each beginning with one of its corners, in order.
    """
    count = int(faces.max()) + 1
    ends = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1), axis=-1)
    keys, edge = np.unique(ends[..., 0].astype(np.int64) * count + ends[..., 1], return_inverse=True)
    edges = np.stack(np.divmod(keys, count), axis=-1)
    middle = count + edge.reshape(faces.shape)
    centre = np.broadcast_to(count + len(edges) + np.arange(len(faces))[:, None], faces.shape)
    return np.stack([faces, middle, centre, np.roll(middle, 1, axis=1)], axis=-1).reshape(-1, 4), edges


def subdivide_corners(values: np.ndarray) -> np.ndarray:
    """(4 F, 4, …) of values (F, 4, …) at the corners of quads, as `subdivide` orders them."""
    middle = (values + np.roll(values, -1, axis=1)) / 2
    centre = np.broadcast_to(values.mean(axis=1, keepdims=True), values.shape)
    return np.stack([values, middle, centre, np.roll(middle, 1, axis=1)], axis=2).reshape(-1, *values.shape[1:])


def subdivide_mirror(mirror: np.ndarray, faces: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The mirrored vertex of each after `subdivide(faces)`, which also gave `edges`, from that of each before (V,)."""
    count = len(mirror)

    def mirrored(elements: np.ndarray) -> np.ndarray:
        rows = np.concatenate([elements, mirror[elements]])
        same = np.unique(np.sort(rows, axis=1), axis=0, return_inverse=True)[1].ravel()
        found = np.empty(same.max() + 1, np.int64)
        found[same[: len(elements)]] = np.arange(len(elements))
        return found[same[len(elements) :]]

    return np.concatenate([mirror, count + mirrored(edges), count + len(edges) + mirrored(faces)])
