"""What the second pass sees, for batches: the same as `prn_blender.capture.geometry.unwrap`, in torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from prn_blender.capture.geometry.position_map import upsample_bicubic
from prn_blender.capture.geometry.unwrap import FINER, TEXELS

UP = torch.tensor([1.0, -1.0, 1.0])  # photo space to y up
CM = 10.0  # mm


@dataclass(frozen=True)
class Stances:
    """How large and how tilted heads are in their pictures."""

    units_per_mm: torch.Tensor  # (B,) units of the picture
    roll: torch.Tensor  # (B,)

    def to_head(self, offsets: torch.Tensor) -> torch.Tensor:
        """(B, T, T, 3) picture space as mm in the frame of the upright head."""
        cos, sin = torch.cos(self.roll)[:, None, None], torch.sin(self.roll)[:, None, None]
        x, y, z = (offsets * UP / self.units_per_mm[:, None, None, None]).unbind(-1)
        return torch.stack([x * cos - y * sin, x * sin + y * cos, z], -1)


class Unwrapper:
    """Pictures unwrapped by position maps in units of the picture (B, 64, 64, 3)."""

    def __init__(self, mean: torch.Tensor, rigid: torch.Tensor):
        """
        Args:
            mean: (64 * 64, 3) cm, the mean head.
            rigid: (64 * 64,) bool, what tells its size and tilt.
        """
        self.rigid = rigid
        self._still = mean[rigid] - mean[rigid].mean(0)
        rows = np.broadcast_to(np.eye(TEXELS, dtype=np.float32)[:, None], (TEXELS,) * 3)
        self._upsampling = torch.from_numpy(upsample_bicubic(rows, FINER * TEXELS)[:, 0].copy())  # (128, 64)

    def stances(self, maps: torch.Tensor) -> Stances:
        """By the best similarity from the mean head. Source: S. Umeyama, IEEE TPAMI 13(4), 1991."""
        points = maps.flatten(1, 2)[:, self.rigid] * UP
        covariance = (points - points.mean(1, keepdim=True)).transpose(1, 2) @ self._still
        u, singular, vt = torch.linalg.svd(covariance)
        sign = torch.ones_like(singular)
        sign[:, 2] = torch.sign(torch.linalg.det(u @ vt))
        rotation = u @ torch.diag_embed(sign) @ vt
        scale = (singular * sign).sum(1) / self._still.square().sum()
        up = rotation[:, :, 1]
        return Stances(scale / CM, torch.atan2(up[:, 0], up[:, 1]))

    def __call__(
        self, pictures: torch.Tensor, maps: torch.Tensor, recolour: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, Stances]:
        """What is seen (B, SEEN, 64, 64) of pictures (B, 3, S, S) 0..1, and how the heads stand.

        Args:
            recolour: what is done to the unwrapped pictures (B, 3, 128, 128).
        """
        stances = self.stances(maps)
        fine = torch.einsum("pi,bijc,qj->bpqc", self._upsampling, maps[..., :2], self._upsampling)
        colours = functional.grid_sample(pictures, fine * 2 - 1, padding_mode="border", align_corners=False)
        if recolour is not None:
            colours = recolour(colours)
        inside = ((fine >= 0) & (fine < 1)).all(3)[:, None].float()
        pixels_per_mm = stances.units_per_mm * pictures.shape[3]
        seen = [
            functional.pixel_unshuffle(colours, FINER) * 2 - 1,
            _normals(stances.to_head(maps)),
            functional.avg_pool2d(inside, FINER),
            (pixels_per_mm - 1).view(-1, 1, 1, 1).expand(-1, 1, TEXELS, TEXELS),
        ]
        return torch.cat(seen, 1), stances


def _normals(upright: torch.Tensor) -> torch.Tensor:
    """(B, 3, T, T) unit normals, 0 at the border, of surfaces (B, T, T, 3)."""
    along_u, along_v = torch.zeros_like(upright), torch.zeros_like(upright)
    along_u[:, :, 1:-1] = upright[:, :, 2:] - upright[:, :, :-2]
    along_v[:, 1:-1] = upright[:, 2:] - upright[:, :-2]
    return functional.normalize(torch.linalg.cross(along_v, along_u), dim=-1).permute(0, 3, 1, 2)
