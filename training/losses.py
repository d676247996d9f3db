"""What training minimises."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LossWeights:
    """Of the terms besides the position map's."""

    landmarks: float = 0.6
    edges: float = 2.0


def position_loss(predicted: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean weighted distance of maps (B, 3, R, R), weights (R, R)."""
    return ((predicted - target).norm(dim=1) * weights).mean()


def edge_loss(predicted: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean weighted distance of the maps' differences between neighbours: directions and sizes of small features."""
    error = predicted - target
    along_u = (error[..., 1:] - error[..., :-1]).norm(dim=1) * weights[:, 1:]
    along_v = (error[:, :, 1:] - error[:, :, :-1]).norm(dim=1) * weights[1:]
    return along_u.mean() + along_v.mean()


def landmark_loss(predicted: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean picture distance of landmarks (B, 3, 68) over the square root of their box's area: the NME."""
    low, high = target[:, :2].amin(2), target[:, :2].amax(2)
    size = (high - low).prod(1).sqrt()
    return ((predicted - target)[:, :2].norm(dim=1).mean(1) / size).mean()
