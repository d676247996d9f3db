"""What the second pass sees, for batches: the same as `prn_blender.capture.geometry.unwrap`, in torch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from prn_blender.capture.geometry.position_map import upsample_bicubic
from prn_blender.capture.geometry.unwrap import FINER, OWN_UNIT, TEXELS

from ..similarities import Similarities, umeyama


@dataclass(frozen=True)
class Stances(Similarities):
    """From the model's mean head (metres) to pictures, y up."""

    @property
    def units_per_mm(self) -> torch.Tensor:
        """(B,) units of the picture."""
        return self.scale / 1000

    @property
    def roll(self) -> torch.Tensor:
        """(B,) radians, as of `Crop.roll`."""
        return torch.atan2(self.rotation[:, 0, 2], self.rotation[:, 1, 2])

    def to_head(self, offsets: torch.Tensor) -> torch.Tensor:
        """(B, T, T, 3) picture space as mm in the frame of the upright head."""
        cos, sin = torch.cos(self.roll)[:, None, None], torch.sin(self.roll)[:, None, None]
        x, y, z = (_up(offsets) / self.units_per_mm[:, None, None, None]).unbind(-1)
        return torch.stack([x * cos - y * sin, x * sin + y * cos, z], -1)


class Unwrapper(torch.nn.Module):
    """Pictures unwrapped by position maps in units of the picture (B, 64, 64, 3)."""

    def __init__(self, mean: torch.Tensor, rigid: torch.Tensor):
        """
        Args:
            mean: (64 * 64, 3) metres, the model's mean head.
            rigid: (64 * 64,) bool, what tells its size and tilt.
        """
        super().__init__()
        rows = np.broadcast_to(np.eye(TEXELS, dtype=np.float32)[:, None], (TEXELS,) * 3)
        upsampling = torch.from_numpy(upsample_bicubic(rows, FINER * TEXELS)[:, 0].copy())  # (FINER * 64, 64)
        for name, value in (("mean", mean), ("rigid", rigid.float()), ("upsampling", upsampling)):
            self.register_buffer(name, value)

    def stances(self, maps: torch.Tensor) -> Stances:
        """Of the heads of maps."""
        return Stances(**vars(umeyama(self.mean[None], _up(maps.flatten(1, 2)), self.rigid)))

    def forward(
        self, pictures: torch.Tensor, maps: torch.Tensor, recolour: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, Stances]:
        """What is seen (B, SEEN, 64, 64) of pictures (B, 3, S, S) 0..1, and how the heads stand.

        Args:
            recolour: what is done to the unwrapped pictures (B, 3, FINER * 64, FINER * 64).
        """
        stance = self.stances(maps)
        fine = torch.einsum("pi,bijc,qj->bpqc", self.upsampling, maps[..., :2], self.upsampling)
        colours = functional.grid_sample(pictures, fine * 2 - 1, padding_mode="border", align_corners=False)
        if recolour is not None:
            colours = recolour(colours)
        inside = ((fine >= 0) & (fine < 1)).all(3)[:, None].float()
        pixels_per_mm = stance.units_per_mm * pictures.shape[3]
        own = (stance.inverse_apply(_up(maps.flatten(1, 2))) - self.mean) / OWN_UNIT
        seen = [
            functional.pixel_unshuffle(colours, FINER) * 2 - 1,
            _normals(stance.to_head(maps)),
            own.transpose(1, 2).reshape(-1, 3, TEXELS, TEXELS),
            functional.avg_pool2d(inside, FINER),
            (pixels_per_mm - 1).view(-1, 1, 1, 1).expand(-1, 1, TEXELS, TEXELS),
        ]
        return torch.cat(seen, 1), stance


def _up(values: torch.Tensor) -> torch.Tensor:
    """Picture space (..., 3) with y up."""
    return values * values.new_tensor([1.0, -1.0, 1.0])


def _normals(upright: torch.Tensor) -> torch.Tensor:
    """(B, 3, T, T) unit normals, 0 at the border, of surfaces (B, T, T, 3)."""
    along_u, along_v = torch.zeros_like(upright), torch.zeros_like(upright)
    along_u[:, :, 1:-1] = upright[:, :, 2:] - upright[:, :, :-2]
    along_v[:, 1:-1] = upright[:, 2:] - upright[:, :-2]
    return functional.normalize(torch.linalg.cross(along_v, along_u), dim=-1).permute(0, 3, 1, 2)
