"""From what the networks and the user say of one photo or several to one head in each of them."""

from dataclasses import dataclass

import numpy as np

from ..geometry.camera import Camera
from ..geometry.place import pose_between_eyes
from ..geometry.pose import Similarity
from ..geometry.position_map import PositionMap
from ..packs.topology import Topology
from .fit import Fit, ViewEvidence, fit
from .head_model import HeadModel
from .remainder import fitted_map


@dataclass(frozen=True)
class HeadInView:
    """The fitted head in one photo."""

    position_map: PositionMap
    camera: Camera
    pose: Similarity  # aligned frame -> camera space; scale 1
    expression: np.ndarray | None = None  # (E,) coefficients of the head model


def fit_views(
    model: HeadModel,
    topology: Topology,
    views: tuple[ViewEvidence, ...],
    follow: float = 1.0,
    start: Fit | None = None,
    lock_identity: bool = False,
    lock_expression: bool = False,
) -> tuple[Fit, tuple[HeadInView, ...]]:
    """One head that explains all views, and where it is in each.

    The photo alone does not tell the head's size: it is the model's.

    Args:
        follow: 0..1 how much each view's evidence moves the surface beyond the model.
        start, lock_identity, lock_expression: as of `fit`.
    """
    found = fit(model, views, start, lock_identity, lock_expression)
    return found, tuple(_in_view(model, topology, found, k, view, follow) for k, view in enumerate(views))


def _in_view(
    model: HeadModel, topology: Topology, found: Fit, number: int, view: ViewEvidence, follow: float
) -> HeadInView:
    position_map, state = fitted_map(model, found, number, view, follow), found.views[number]
    in_camera = state.camera.to_camera_space(topology.vertices(position_map))
    pose = pose_between_eyes(in_camera, state.rotation, topology)
    return HeadInView(position_map, state.camera, pose, state.expression)
