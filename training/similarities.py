"""Similarities of batches of points: `prn_blender.capture.geometry.pose` in torch."""

from dataclasses import dataclass

import torch

NEWTON_STEPS = 12  # to the nearest rotation


@dataclass(frozen=True)
class Similarities:
    """x -> scale * rotation @ x + translation, each of a batch."""

    scale: torch.Tensor  # (B,)
    rotation: torch.Tensor  # (B, 3, 3)
    translation: torch.Tensor  # (B, 3)

    def apply(self, points: torch.Tensor) -> torch.Tensor:
        """(B, P, 3) to (B, P, 3)."""
        return self.scale[:, None, None] * points @ self.rotation.transpose(1, 2) + self.translation[:, None]

    def inverse_apply(self, points: torch.Tensor) -> torch.Tensor:
        """(B, P, 3) to (B, P, 3)."""
        return (points - self.translation[:, None]) @ self.rotation / self.scale[:, None, None]


def umeyama(source: torch.Tensor, target: torch.Tensor, weights: torch.Tensor) -> Similarities:
    """The similarities that bring source (B or 1, P, 3) closest to target (B or 1, P, 3), weighted (P,).

    Source: S. Umeyama, IEEE TPAMI 13(4), 1991.
    """
    weights = (weights / weights.sum())[:, None]
    from_middle, to_middle = (source * weights).sum(1, keepdim=True), (target * weights).sum(1, keepdim=True)
    from_centred, to_centred = source - from_middle, target - to_middle
    covariance = (to_centred * weights).transpose(1, 2) @ from_centred
    rotation = nearest_rotations(covariance)
    scale = (rotation * covariance).sum((1, 2)) / (from_centred.square() * weights).sum((1, 2))
    turned = (rotation @ from_middle.transpose(1, 2))[:, :, 0]
    return Similarities(scale, rotation, to_middle[:, 0] - scale[:, None] * turned)


def nearest_rotations(matrices: torch.Tensor) -> torch.Tensor:
    """(B, 3, 3) of matrices (B, 3, 3) that do not mirror.

    Source: N. Higham, Computing the polar decomposition, SIAM J. Sci. Stat. Comput. 7(4), 1986.
    """
    x = matrices / matrices.norm(dim=(1, 2), keepdim=True)
    for _ in range(NEWTON_STEPS):
        a, b, c = x.unbind(1)
        cofactors = torch.stack([torch.linalg.cross(b, c), torch.linalg.cross(c, a), torch.linalg.cross(a, b)], 1)
        determinant = (x * cofactors).sum((1, 2)) / 3
        grown = determinant.clamp(min=1e-12) ** (-1 / 3)
        x = (x * grown[:, None, None] + cofactors / (determinant * grown).clamp(min=1e-12)[:, None, None]) / 2
    return x
