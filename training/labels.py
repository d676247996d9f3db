"""Position maps in torch from stored head states."""

import numpy as np
import torch
from scipy import sparse

from .assets import SKIN_VERTICES, FaceKit
from .head_model import NECK_PIVOT, ORIGIN, STATE_FIELDS, head_shapes, neck_weight


def split_states(states: torch.Tensor) -> dict[str, torch.Tensor]:
    """(B, STATE_SIZE) by field; rotations as (B, 3, 3)."""
    parts = dict(zip(STATE_FIELDS, torch.split(states, list(STATE_FIELDS.values()), dim=1), strict=True))
    for name in ("neck", "rotation"):
        parts[name] = parts[name].view(-1, 3, 3)
    return parts


def neutral(states: torch.Tensor) -> torch.Tensor:
    """The states (B, STATE_SIZE) of the same heads, poses and cameras without expression."""
    first = list(STATE_FIELDS).index("expression")
    start = sum(list(STATE_FIELDS.values())[:first])
    still = states.clone()
    still[:, start : start + STATE_FIELDS["expression"]] = 0
    return still


def shape_weights(states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Identity (B, 156) and expression (B, 57) weights.

    Identity is 100 weights of ICT-FaceKit's shapes, 32 of `extra_shapes`, 21 of `scanned_shapes`, and the scales along
    the three axes, less 1.
    """
    parts = split_states(states)
    identity = torch.cat([parts["identity"], parts["extra"], parts["scanned"], parts["axis_scale"] - 1], 1)
    return identity, parts["expression"]


class LabelMaker(torch.nn.Module):
    """Positions of chosen points of the surface (rows of a sparse operator on the skin's vertices)."""

    def __init__(self, kit: FaceKit, operator: sparse.csr_matrix):
        super().__init__()
        skin = slice(0, SKIN_VERTICES)
        shapes = head_shapes(kit)[:, skin]
        basis = np.stack([operator @ shape for shape in shapes]).reshape(len(shapes), -1)
        self.register_buffer("mean", torch.from_numpy(np.float32(operator @ kit.mean[skin])))
        self.register_buffer("basis", torch.from_numpy(np.float32(basis)))
        weight = operator @ neck_weight(kit.mean[skin])[:, None]
        self.register_buffer("neck_weight", torch.from_numpy(np.float32(weight)))
        self.register_buffer("neck_pivot", torch.from_numpy(NECK_PIVOT))
        self.register_buffer("origin", torch.from_numpy(ORIGIN))

    def head_points(self, parts: dict[str, torch.Tensor]) -> torch.Tensor:
        """(B, P, 3) cm in head coordinates."""
        coefficients = torch.cat([parts[name] for name in ("identity", "extra", "scanned", "expression")], 1)
        shape = (self.mean.view(1, -1) + coefficients @ self.basis).view(len(coefficients), -1, 3)
        shape = shape * parts["axis_scale"][:, None]
        turned = (shape - self.neck_pivot) @ parts["neck"].transpose(1, 2) + self.neck_pivot
        return shape + self.neck_weight * (turned - shape)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """(B, P, 3) picture coordinates x, y 0..1 and z in the same unit, from states (B, STATE_SIZE)."""
        parts = split_states(states)
        return self.in_picture(self.head_points(parts), parts)

    def in_picture(self, head_points: torch.Tensor, parts: dict[str, torch.Tensor]) -> torch.Tensor:
        """Picture coordinates as of `forward`, from points (B, P, 3) in head coordinates."""
        origin = parts["translation"][:, None]
        turned = (head_points - self.origin) @ parts["rotation"].transpose(1, 2)
        camera = turned + origin
        focal, centre_x, centre_y = parts["projection"][:, None].unbind(-1)
        depth = -camera[..., 2]
        towards_camera = -(turned * origin).sum(-1) / origin.norm(dim=-1)
        return torch.stack(
            [
                focal * camera[..., 0] / depth + centre_x,
                centre_y - focal * camera[..., 1] / depth,
                towards_camera * focal / -origin[..., 2],
            ],
            dim=-1,
        )
