"""From what the networks and the user say of one photo or several to one head in each of them."""

from dataclasses import dataclass

from ..geometry.camera import Camera
from ..geometry.place import pose_between_eyes
from ..geometry.pose import Similarity
from ..geometry.position_map import PositionMap
from ..packs.topology import Topology
from .fit import Fit, ViewEvidence, fit, place_at_first
from .head_model import HeadModel
from .remainder import fitted_map


@dataclass(frozen=True)
class HeadInView:
    """The fitted head in one photo."""

    position_map: PositionMap
    camera: Camera
    pose: Similarity  # aligned frame -> camera space; scale 1


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
    return HeadInView(position_map, state.camera, pose_between_eyes(in_camera, state.rotation, topology))


def fit_together(
    model: HeadModel,
    topology: Topology,
    views: tuple[ViewEvidence, ...],
    by_hand: tuple[bool, ...],
    follow: float = 1.0,
) -> tuple[Fit, tuple[HeadInView, ...]]:
    """`fit_views`, where photos in which no face was found start from the head that the others show.

    Args:
        by_hand: of each view, whether its box was drawn by hand: a profile or the back of a head says little of it.
    """
    found = [view for view, drawn in zip(views, by_hand, strict=True) if not drawn]
    if not found or len(found) == len(views):
        return fit_views(model, topology, views, follow)
    shared = fit(model, tuple(found))
    states = iter(shared.views)
    start = Fit(
        shared.identity,
        tuple(
            place_at_first(model, view) if drawn else next(states) for view, drawn in zip(views, by_hand, strict=True)
        ),
    )
    start = fit(model, views, start, lock_identity=True)
    return fit_views(model, topology, views, follow, start)
