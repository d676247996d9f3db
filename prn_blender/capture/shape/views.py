"""From what the networks and the user say of one photo or several to one head in each of them."""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.camera import Camera
from ..geometry.place import pose_between_eyes
from ..geometry.pose import Similarity
from ..geometry.position_map import PositionMap
from ..packs.topology import Topology
from .detail import with_detail
from .fit import ROUNDS, Fit, ViewEvidence, fit, place_at_first, project, shape_of
from .head_model import HeadModel
from .pins import Pin, held, those_on
from .remainder import fitted_map
from .turning import held_by

OUTLINE_ROUNDS = 1  # the last: what ends at a seen outline is known when the head is about right


@dataclass(frozen=True)
class HeadInView:
    """The fitted head in one photo."""

    position_map: PositionMap
    camera: Camera
    pose: Similarity  # aligned frame -> camera space; scale 1
    expression: np.ndarray | None = None  # (E,) coefficients of the head model


@dataclass(frozen=True, eq=False)
class Fitted:
    """One head in photos of a person: what it was fitted to, pins among it, and what was found."""

    known: tuple[ViewEvidence, ...]
    found: Fit

    def head_in(self, model: HeadModel, topology: Topology, number: int, follow: float = 1.0) -> HeadInView:
        """The head in one of the photos, with the pack's detail; it lies exactly on the pins.

        The photo alone does not tell the head's size: it is the model's.

        Args:
            follow: 0..1 how much the view's evidence moves the surface beyond the model.
        """
        view, state = self.known[number], self.found.views[number]
        position_map = with_detail(fitted_map(model, self.found, number, view, follow), topology)
        position_map = held(model, position_map, view.pins, state.size)
        in_camera = state.camera.to_camera_space(topology.vertices(position_map))
        pose = pose_between_eyes(in_camera, state.rotation, topology)
        return HeadInView(position_map, state.camera, pose, state.expression)

    def heads(self, model: HeadModel, topology: Topology, follow: float = 1.0) -> tuple[HeadInView, ...]:
        """The head in every photo, as of `head_in`."""
        return tuple(self.head_in(model, topology, number, follow) for number in range(len(self.known)))

    def along_outlines(self, model: HeadModel) -> "Fitted":
        """With the outlines at what of this head turns away from the camera there."""
        known = []
        for view, state in zip(self.known, self.found.views, strict=True):
            if view.evidence.outline:
                shape = shape_of(model.texels(len(model.mean)), model, self.found.identity, state)
                surface = project(shape, model, state).reshape(model.mean.shape)
                outline = held_by(view.evidence.outline, surface, model.inside, state.size)
                view = replace(view, evidence=replace(view.evidence, outline=outline))
            known.append(view)
        return replace(self, known=tuple(known))

    def pinned(self, number: int, pins: tuple[Pin, ...]) -> "Fitted":
        """With other pins in one of the photos, before the head has followed them."""
        known = list(self.known)
        known[number] = replace(known[number], pins=pins)
        return replace(self, known=tuple(known))

    def again(
        self, model: HeadModel, lock_identity: bool = False, lock_expression: bool = False, rounds: int = ROUNDS
    ) -> "Fitted":
        """Fitted once more, from where it is; arguments as of `fit`."""
        return replace(self, found=fit(model, self.known, self.found, lock_identity, lock_expression, rounds))


def fit_views(model: HeadModel, views: tuple[ViewEvidence, ...], by_hand: tuple[bool, ...] | None = None) -> Fitted:
    """One head that explains all photos. Those in which no face was found start from the head that the others show,
    and pins pull at the head that is found without them.

    Args:
        by_hand: of each view, whether its box was drawn by hand: a profile or the back of a head says little of it.
    """
    by_hand = by_hand or (False,) * len(views)
    plain = tuple(replace(view, pins=()) for view in views)
    outlined = any(view.evidence.outline for view in views)
    rounds = ROUNDS - OUTLINE_ROUNDS if outlined else ROUNDS
    fitted = Fitted(views, fit(model, plain, _start(model, plain, by_hand), rounds=rounds))
    if outlined:
        fitted = fitted.along_outlines(model)
        flat = tuple(replace(view, pins=()) for view in fitted.known)
        fitted = replace(fitted, found=fit(model, flat, fitted.found, rounds=OUTLINE_ROUNDS))
    return fitted.again(model) if any(those_on(view.pins) for view in views) else fitted


def _start(model: HeadModel, views: tuple[ViewEvidence, ...], by_hand: tuple[bool, ...]) -> Fit | None:
    """The head that the views show in which a face was found, placed in the others; None where all are alike."""
    found = [view for view, drawn in zip(views, by_hand, strict=True) if not drawn]
    if not found or len(found) == len(views):
        return None
    shared = fit(model, tuple(found))
    states = iter(shared.views)
    placed = tuple(
        place_at_first(model, view) if drawn else next(states) for view, drawn in zip(views, by_hand, strict=True)
    )
    return fit(model, views, Fit(shared.identity, placed), lock_identity=True)
