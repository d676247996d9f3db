"""What errors of both passes' evidence have in common: they are smooth over the face, and the fit solves for them."""

from pathlib import Path

import numpy as np

from .evidence import EVIDENCE_SIZE

MOST = 100  # components
LARGEST = 20.0  # deviations


def load_common_errors(file: Path) -> np.ndarray:
    """(C, E, E, 2) float32: by which errors vary together, each of variance 1.

    In deviations of the evidence, to the right and up of the upright head.

    Raises:
        ValueError: the file holds something else.
    """
    with np.load(file, allow_pickle=False) as data:
        components = data["components"]
    if components.shape[1:] != (EVIDENCE_SIZE, EVIDENCE_SIZE, 2) or not 1 <= len(components) <= MOST:
        raise ValueError(f"the components have the wrong shape {components.shape}")
    if components.dtype.kind != "f" or not np.abs(components).max() < LARGEST:  # no NaN is
        raise ValueError("the components hold the wrong kind of numbers")
    return components.astype(np.float32)


def rolled(components: np.ndarray, known: np.ndarray, roll: float) -> np.ndarray:
    """(T, 2, C) of the texels `known` (E * E,) of a head with a roll (radians), along the photo's axes, y up."""
    c, s = np.cos(roll), np.sin(roll)
    upright = components.reshape(len(components), -1, 2)[:, known]
    return np.ascontiguousarray((upright @ np.array([[c, -s], [s, c]], np.float32)).transpose(1, 2, 0))


def explained(components: np.ndarray, jacobian: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What common errors take from J'J (U, U) and J'r (U,): they are unknowns of variance 1, and solved for.

    Args:
        components: (T, 2, C) of the first 2 T rows.
        jacobian: (2 P, U) in deviations.
        residual: (2 P,)

    Source: M. Woodbury, Inverting modified matrices, 1950.
    """
    columns = components.reshape(-1, components.shape[2])
    rows = len(columns)
    own = (columns.T @ columns).astype(np.float64) + np.eye(columns.shape[1])
    by_jacobian = (columns.T @ jacobian[:rows]).astype(np.float64)
    solved = np.linalg.solve(own, np.column_stack([by_jacobian, columns.T @ residual[:rows]]))
    return by_jacobian.T @ solved[:, :-1], by_jacobian.T @ solved[:, -1]
