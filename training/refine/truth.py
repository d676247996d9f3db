"""What is true of rendered heads in the terms of a pack's head model: coefficients of identity and expression."""

import numpy as np
import torch

from prn_blender.capture.shape.head_model import HeadModel

from ..assets import SKIN_VERTICES, FaceKit
from ..bake import bake_operator
from ..crops import CENTIMETRES
from ..head_model import neck_weight
from ..head_model_pack import BUST
from ..labels import LabelMaker, neutral, split_states
from ..similarities import umeyama
from ..topology import eye_centre
from ..uv_layout import UvLayout
from .network import TEXELS

MIRROR = torch.tensor([-1.0, 1.0, 1.0])


class Coefficients(torch.nn.Module):
    """The coefficients that come nearest to heads, and to their mirror images."""

    def __init__(self, kit: FaceKit, layout: UvLayout, labels: LabelMaker, model: HeadModel):
        """
        Args:
            labels: of the 64 x 64 texels.
        """
        super().__init__()
        operator, inside = bake_operator(layout, TEXELS)
        held = torch.from_numpy(np.float32(1 - operator @ neck_weight(kit.mean[:SKIN_VERTICES])))
        weights = torch.from_numpy(inside.ravel()) * (BUST + (1 - BUST) * held)
        self.labels, self.identities = labels, model.identities
        eyes = torch.from_numpy(np.float32(eye_centre(kit, layout)))
        self.register_buffer("eyes", eyes)
        self.register_buffer("held", torch.from_numpy(inside.ravel()) * held.clamp(min=0))
        self.register_buffer("still", _to_blender(labels.mean - eyes))
        self.register_buffer("average", torch.from_numpy(model.mean).reshape(-1, 3))
        self.register_buffer("usual", torch.from_numpy(model.expression_mean).reshape(-1, 3))
        self.register_buffer("identity", _nearest(torch.from_numpy(model.identity), weights))
        self.register_buffer("expression", _nearest(torch.from_numpy(model.expression), weights))

    @torch.no_grad()
    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(B, 2, K + E): of states (B, STATE_SIZE), and in a mirror."""
        parts = split_states(neutral(states))
        parts["neck"] = torch.eye(3, device=states.device).expand(len(states), 3, 3)
        neutral_head = self.labels.head_points(parts)
        moving = self.labels.head_points({**parts, "expression": split_states(states)["expression"]}) - neutral_head
        points = _to_blender(neutral_head - self.eyes)
        laid = umeyama(points, self.still[None], self.held)
        offsets = laid.apply(points) - self.average
        expressions = _to_blender(moving) * laid.scale[:, None, None] - self.usual
        return torch.cat([_told(offsets, self.identity), _told(expressions, self.expression)], 2)


def _nearest(components: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """(K, 3 P) by which offsets (3 P,) give the coefficients of components (K, G, G, 3), weighted (P,)."""
    rows = components.reshape(len(components), -1).double()
    weighted = rows * weights.double().repeat_interleave(3)
    gram = weighted @ rows.T
    return torch.linalg.solve(gram + 1e-6 * gram.diagonal().mean() * torch.eye(len(gram)), weighted).float()


def _told(offsets: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
    """(B, 2, K) coefficients of offsets (B, P, 3), as they are and in a mirror."""
    grid = offsets.view(-1, TEXELS, TEXELS, 3)
    both = torch.stack([grid, grid.flip(2) * MIRROR.to(grid.device)], 1)
    return both.flatten(2) @ nearest.T


def _to_blender(points: torch.Tensor) -> torch.Tensor:
    """ICT-FaceKit's axes in cm to Blender's in metres."""
    x, y, z = points.unbind(-1)
    return torch.stack([x, -z, y], -1) * CENTIMETRES
