"""What training minimises."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LossWeights:
    """Of the terms besides the position map's."""

    landmarks: float = 0.6
    edges: float = 2.0
    shape: float = 20.0  # of metres: identity moves the surface little, and must not drown in turn and place
    distance: float = 0.15
    seen: float = 0.03
    error: float = 0.01


def lengths(vectors: torch.Tensor) -> torch.Tensor:
    """(B, ...) of vectors (B, C, ...): several times as fast on CPUs as torch's norm over such an axis."""
    return vectors.square().sum(1).clamp(min=1e-12).sqrt()


def position_loss(predicted: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean weighted distance of maps (B, 3, R, R), weights (R, R)."""
    return (lengths(predicted - target) * weights).mean()


def edge_loss(predicted: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean weighted distance of the maps' differences between neighbours: directions and sizes of small features."""
    error = predicted - target
    along_u = lengths(error[..., 1:] - error[..., :-1]) * weights[:, 1:]
    along_v = lengths(error[:, :, 1:] - error[:, :, :-1]) * weights[1:]
    return along_u.mean() + along_v.mean()


def landmark_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean picture distance of landmarks (B, 3, 68) over the square root of their box's area: the NME."""
    low, high = target[:, :2].amin(2), target[:, :2].amax(2)
    size = (high - low).prod(1).sqrt()
    return ((predicted - target)[:, :2].norm(dim=1).mean(1) / size).mean()


def error_loss(error: torch.Tensor, log_expected: torch.Tensor) -> torch.Tensor:
    """Negative log likelihood of errors (B, V, V) that are spread exponentially with the expected mean (logarithm)."""
    return (error * (-log_expected).exp() + log_expected).mean()
