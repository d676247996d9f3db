"""What an answer should have been."""

import torch
from torch.nn import functional

from .network import ANSWER, POINTS
from .targets import IGNORED

# A box's centre and points are told relative to the cell, all lengths in so many strides.
UNIT = 4.0


def split_answers(answers: list[torch.Tensor]) -> dict[str, torch.Tensor]:
    """(B, C, k) by name, from the network's grids."""
    flat = torch.cat([answer.float().flatten(2) for answer in answers], 2).transpose(1, 2)
    return dict(zip(ANSWER, torch.split(flat, list(ANSWER.values()), dim=2), strict=True))


def finder_loss(
    answers: list[torch.Tensor],
    owner: torch.Tensor,
    faces: torch.Tensor,
    centres: torch.Tensor,
    strides: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The terms of the loss.

    Args:
        answers: of the network for B pictures.
        owner: (B, C) of `targets.assign`.
        faces: (B, N, FACE_VALUES), padded.
        centres: (C, 2) of the cells.
        strides: (C,) of the cells.
    """
    parts = split_answers(answers)
    picture, cell = torch.nonzero(owner >= 0, as_tuple=True)
    face = faces[picture, owner[picture, cell]]
    unit = (strides[cell] * UNIT)[:, None]
    at, side = centres[cell], face[:, 2:4].mean(1, keepdim=True)
    box, points, roll = (parts[name][picture, cell] for name in ("box", "points", "roll"))

    offset = at + box[:, :2] * unit - face[:, :2]
    cos, sin = torch.cos(face[:, 14:]), torch.sin(face[:, 14:])
    along = torch.cat([offset[:, :1] * cos + offset[:, 1:] * sin, offset[:, 1:] * cos - offset[:, :1] * sin], 1)
    sides = torch.exp(box[:, 2:].clamp(-4, 4)) * unit
    overlap, generous = overlaps(along, sides, face[:, 2:4])

    error = (at.repeat(1, POINTS) + points * unit.repeat(1, 2 * POINTS) - face[:, 4:14]) / side
    wanted = torch.zeros_like(parts["score"][..., 0])
    wanted[picture, cell] = 0.3 + 0.7 * overlap.detach().clamp(0, 1)
    counted = owner != IGNORED
    many = max(1.0, float(len(face)))
    return {
        "score": score_loss(parts["score"][..., 0], wanted)[counted].sum() / many,
        "box": 2.0 * (1 - generous).sum() / many,
        "points": 10.0
        * functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="sum")
        / (2 * POINTS * many),
        "roll": 5.0 * functional.mse_loss(roll, torch.cat([cos, sin], 1), reduction="sum") / many,
    }


def score_loss(logit: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Varifocal loss: faces count by how well their box lies, the rest the more the surer it is taken for a face.

    Source: H. Zhang et al., VarifocalNet: An IoU-aware dense object detector, 2021.
    """
    entropy = functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")
    weight = torch.where(wanted > 0, wanted, 0.75 * torch.sigmoid(logit.detach()) ** 2)
    return weight * entropy


def overlaps(offset: torch.Tensor, sides: torch.Tensor, true_sides: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(N,) intersection over union, and generalised, of boxes at `offset` (N, 2) from true ones, all along one axis.

    Source: H. Rezatofighi et al., Generalized intersection over union, 2019.
    """
    low, high = offset - sides / 2, offset + sides / 2
    true_low, true_high = -true_sides / 2, true_sides / 2
    shared = (torch.minimum(high, true_high) - torch.maximum(low, true_low)).clamp(min=0).prod(1)
    union = sides.prod(1) + true_sides.prod(1) - shared
    hull = (torch.maximum(high, true_high) - torch.minimum(low, true_low)).prod(1)
    overlap = shared / union
    return overlap, overlap - (hull - union) / hull
