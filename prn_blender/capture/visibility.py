"""Which part of the head's surface the photo shows."""

import numpy as np


def vertex_visibility(vertices: np.ndarray, triangles: np.ndarray, width: int, height: int) -> np.ndarray:
    """(V,) float32 0..1 how well each vertex is seen.

    Args:
        vertices: (V, 3) photo space.
        triangles: (T, 3), counter-clockwise from outside in right-handed space.
        width, height: of the photo in pixels; what lies beyond is not seen.
    """
    raise NotImplementedError
