"""Crops for training: the rule's crop around the landmarks, turned, shifted and scaled; then colours and noise."""

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from prn_blender.capture.geometry.crop import CropRule

from .crop_rule import CROP_RULE


@dataclass(frozen=True)
class CropRange:
    """How the crop is placed around the landmarks' box, and how it varies."""

    rule: CropRule = CROP_RULE
    # Deviations of shift and of log scale: later passes, detectors' boxes, badly wrong boxes; and how many are so.
    jitters: tuple[tuple[float, float], ...] = ((0.02, 0.04), (0.06, 0.12), (0.13, 0.28))
    shares: tuple[float, ...] = (0.55, 0.3, 0.15)


def sample_turns(count: int, generator: torch.Generator) -> torch.Tensor:
    """(count,) radians: mostly upright, a quarter to 60 degrees, a few to 120."""
    upright = torch.randn(count, generator=generator) * 0.16
    reach = torch.where(torch.rand(count, generator=generator) < 0.25, math.radians(120), math.radians(60))
    anything = (torch.rand(count, generator=generator) * 2 - 1) * reach
    return torch.where(torch.rand(count, generator=generator) < 0.68, upright, anything)


@dataclass(frozen=True)
class Squares:
    """What crops show of pictures; picture coordinates."""

    axes: torch.Tensor  # (B, 2, 2), columns: the crops' axes in the pictures
    centre: torch.Tensor  # (B, 2) along these axes
    side: torch.Tensor  # (B,)

    @classmethod
    def around(cls, landmarks: torch.Tensor, turn: torch.Tensor, rule: CropRule) -> "Squares":
        """The rule's around landmarks (B, 68, 2), turned by (B,) radians."""
        cos, sin = torch.cos(turn), torch.sin(turn)
        axes = torch.stack([cos, -sin, sin, cos], 1).view(-1, 2, 2)
        turned = landmarks @ axes
        low, high = turned.amin(1), turned.amax(1)
        side = (high - low).mean(1) * rule.scale
        centre = (low + high) / 2
        centre[:, 1] += rule.shift_y * side
        return cls(axes, centre, side)

    def moved(self, shift: torch.Tensor, zoom: torch.Tensor) -> "Squares":
        """By shifts (B, 2) in sides, then larger by the logarithms zoom (B,)."""
        return Squares(self.axes, self.centre + shift * self.side[:, None], self.side * torch.exp(zoom))

    def cut(self, pictures: torch.Tensor, size: int) -> torch.Tensor:
        """(B, C, size, size) crops of pictures (B, C, S, S)."""
        # grid_sample wants, for crop coordinates -1..1, picture coordinates -1..1
        middle = 2 * self.axes @ self.centre[:, :, None] - 1
        theta = torch.cat([self.axes * self.side[:, None, None], middle], 2)
        grid = functional.affine_grid(theta, [*pictures.shape[:2], size, size], align_corners=False)
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def to_crop(self, points: torch.Tensor) -> torch.Tensor:
        """Points (B, P, 3) in crop units."""
        side = self.side[:, None, None]
        flat = (points[..., :2] @ self.axes - self.centre[:, None]) / side + 0.5
        return torch.cat([flat, points[..., 2:] / side], -1)

    def to_picture(self, points: torch.Tensor) -> torch.Tensor:
        """Points (B, P, 3) in crop units, in the pictures."""
        side = self.side[:, None, None]
        flat = ((points[..., :2] - 0.5) * side + self.centre[:, None]) @ self.axes.transpose(1, 2)
        return torch.cat([flat, points[..., 2:] * side], -1)


def sample_squares(landmarks: torch.Tensor, crop: CropRange, generator: torch.Generator) -> Squares:
    """Random ones around landmarks (B, 68, 2)."""
    count, device = len(landmarks), landmarks.device
    squares = Squares.around(landmarks, -sample_turns(count, generator).to(device), crop.rule)
    kind = torch.multinomial(torch.tensor(crop.shares), count, replacement=True, generator=generator)
    shift, zoom = torch.tensor(crop.jitters)[kind].unbind(1)
    shifts = torch.randn(count, 2, generator=generator) * shift[:, None]
    return squares.moved(shifts.to(device), (torch.randn(count, generator=generator) * zoom).to(device))


def flip_batch(
    chosen: torch.Tensor, pictures: torch.Tensor, maps: torch.Tensor, shapes: torch.Tensor, seen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Mirrors chosen (B,) of the crops (B, 3, H, W), maps and shapes (B, 3, R, R) and visibilities (B, V, V)."""
    chosen = chosen.to(pictures.device)
    mirrored = (
        pictures.flip(3),
        torch.cat([1 - maps[:, :1].flip(3), maps[:, 1:].flip(3)], 1),
        mirror_shapes(shapes),
        seen.flip(2),
    )
    return tuple(
        torch.where(chosen.view(-1, *[1] * (before.dim() - 1)), after, before)
        for before, after in zip((pictures, maps, shapes, seen), mirrored, strict=True)
    )


def mirror_shapes(shapes: torch.Tensor) -> torch.Tensor:
    """Mirror images of shapes (B, 3, R, R) in the head's own axes."""
    return torch.cat([-shapes[:, :1], shapes[:, 1:]], 1).flip(3)


def recolour_batch(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Crops (B, 3, H, W) 0..1 with other light, tones, colours, sharpness and noise.

    The generator is the processor's, wherever the crops are: a graphics card need not wait for what it decides. Only the
    noise is drawn on the card.
    """
    count, _, height, width = pictures.shape

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator).to(pictures.device)

    def chosen(share: float) -> torch.Tensor:
        return torch.rand(count, generator=generator) < share

    def chance(probability: float) -> torch.Tensor:
        return chosen(probability).float().view(-1, 1, 1, 1).to(pictures.device)

    # light and shadow that change slowly over the picture
    shade = functional.interpolate(normal(count, 1, 4, 4), (height, width), mode="bicubic", align_corners=False)
    values = pictures * torch.exp(shade * (0.35 * chance(0.3)))
    gamma = torch.exp(normal(count, 1, 1, 1) * 0.2)
    values = values.clamp(1e-3, 1) ** gamma
    values = values * torch.exp(normal(count, 1, 1, 1) * 0.1 + normal(count, 3, 1, 1) * 0.05)
    values = (values - 0.5) * torch.exp(normal(count, 1, 1, 1) * 0.1) + 0.5 + normal(count, 1, 1, 1) * 0.03
    some = chosen(0.15)
    values[some] = _hardened(values[some], generator)
    grey = values.mean(1, keepdim=True)
    saturation = torch.where(chance(0.15) > 0, 0.0, torch.exp(normal(count, 1, 1, 1) * 0.25))
    values = grey + (values - grey) * saturation
    some = chosen(0.2)
    values[some] = functional.avg_pool2d(values[some], 3, 1, 1, count_include_pad=False)
    some = chosen(0.06)
    values[some] = functional.interpolate(functional.avg_pool2d(values[some], 4), (height, width), mode="bilinear")
    noise = torch.randn_like(values) if values.is_cuda else normal(count, 3, height, width)
    values = values + noise * (0.03 * chance(0.3))
    return values.clamp(0, 1)


def _hardened(values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Pictures (B, 3, H, W) through steep S-shaped tone curves about random middles."""
    count = (len(values), 1, 1, 1)
    steep = (torch.rand(count, generator=generator) * 6 + 4).to(values.device)
    middle = (torch.rand(count, generator=generator) * 0.4 + 0.25).to(values.device)
    low, high = torch.sigmoid(-steep * middle), torch.sigmoid(steep * (1 - middle))
    return (torch.sigmoid(steep * (values.clamp(0, 1) - middle)) - low) / (high - low)


def cover_batch(pictures: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Blots on some crops (B, 3, H, W) 0..1, and an early end of some; where, (B, 1, H, W) 0..1, comes second."""
    blot, colour = _blots(pictures, generator)
    pictures = pictures + blot * (colour - pictures)
    inside, border = _ends(pictures, generator)
    return torch.where(inside, pictures, border), torch.where(inside, blot, 1.0)


def _ends(pictures: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A fifth of the pictures end early on one or two sides, as where a photo ends inside of the crop.

    Returns:
        (B, 1, H, W) bool, what lies inside, and (B, 1, 1, 1) the grey of the rest.
    """
    count = len(pictures)
    depth = torch.rand(count, 4, generator=generator) * 0.3
    used = torch.rand(count, 4, generator=generator) < torch.tensor([0.1, 0.12, 0.12, 0.14])
    depths = depth * used * (torch.rand(count, 1, generator=generator) < 0.6)
    left, top, right, bottom = depths.to(pictures.device)[..., None, None].unbind(1)
    y, x = _places(pictures)
    inside = (x >= left) & (y >= top) & (x < 1 - right) & (y < 1 - bottom)
    border = (torch.rand(count, 1, 1, 1, generator=generator) < 0.25) * torch.rand(count, 1, 1, 1, generator=generator)
    return inside[:, None], border.to(pictures.device)


def _blots(pictures: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Soft-edged rectangles on a quarter of the pictures, (B, 1, H, W) 0..1, and their colours (B, 3, 1, 1)."""
    count, _, height, width = pictures.shape

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(count, *shape, generator=generator).to(pictures.device)

    y, x = _places(pictures)
    centre = uniform(2, 1, 1)
    half = uniform(2, 1, 1) * 0.14 + 0.03
    turn = uniform(1, 1) * math.pi
    dx, dy = x - centre[:, 0], y - centre[:, 1]
    along, across = dx * torch.cos(turn) + dy * torch.sin(turn), dy * torch.cos(turn) - dx * torch.sin(turn)
    inside = ((half[:, 0] - along.abs()) * width).clamp(0, 1) * ((half[:, 1] - across.abs()) * height).clamp(0, 1)
    drawn = (uniform(1, 1) < 0.25).float() * inside
    return drawn[:, None], uniform(3, 1, 1)


def _places(pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """y (1, H, 1) and x (1, 1, W) of the pixels' middles, 0..1."""
    height, width = pictures.shape[2:]
    y = (torch.arange(height, device=pictures.device) + 0.5)[None, :, None] / height
    x = (torch.arange(width, device=pictures.device) + 0.5)[None, None, :] / width
    return y, x
