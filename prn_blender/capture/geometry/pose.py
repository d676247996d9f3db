"""Where the head is: similarity of the canonical head to camera space, robust to expression."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Similarity:
    """x -> scale * rotation @ x + translation."""

    scale: float
    rotation: np.ndarray  # (3, 3)
    translation: np.ndarray  # (3,)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) to (…, 3)."""
        return self.scale * points @ self.rotation.T + self.translation

    def inverse_apply(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) to (…, 3)."""
        return (points - self.translation) @ self.rotation / self.scale

    @property
    def matrix(self) -> np.ndarray:
        """(4, 4)."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.scale * self.rotation
        matrix[:3, 3] = self.translation
        return matrix


def umeyama(source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> Similarity:
    """The similarity that brings source (N, 3) closest to target (N, 3), weighted (N,).

    Source: S. Umeyama, Least-squares estimation of transformation parameters between two point patterns,
    IEEE TPAMI 13(4), 1991.
    """
    weights = weights / weights.sum()
    source_mean, target_mean = weights @ source, weights @ target
    source_centred, target_centred = source - source_mean, target - target_mean
    covariance = (target_centred * weights[:, None]).T @ source_centred
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = float((singular * sign).sum() / (weights @ (source_centred**2).sum(1)))
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)


def fit_similarity(source: np.ndarray, target: np.ndarray) -> Similarity:
    """`umeyama` with Geman-McClure weights: parts that moved on their own (an expression) lose their say."""
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    weights = np.ones(len(source))
    for _ in range(5):
        fit = umeyama(source, target, weights)
        residual = np.linalg.norm(fit.apply(source) - target, axis=1)
        spread = max(2 * np.median(residual), 1e-9 * fit.scale)
        weights = 1 / (1 + (residual / spread) ** 2) ** 2
    return umeyama(source, target, weights)


def yaw_pitch_roll(rotation: np.ndarray) -> tuple[float, float, float]:
    """Degrees of a rotation (3, 3) from head axes (Z up, face -Y) to camera axes (Y up, looking along -Z).

    The head first turns about its own vertical axis (yaw), then nods (pitch), then tilts in the picture's plane
    (roll). Zero is a head that looks into the camera. Yaw is positive when the head turns to its left (to the right
    in the picture), pitch when it looks up, roll when it tilts clockwise in the picture.
    """
    frontal = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # the rotation of a head that looks into the camera
    r = rotation @ frontal.T
    yaw = np.arctan2(-r[2, 0], r[2, 2])
    pitch = -np.arcsin(np.clip(r[2, 1], -1, 1))
    roll = np.arctan2(r[0, 1], r[1, 1])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))
