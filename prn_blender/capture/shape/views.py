"""From what the networks and the user say of one photo or several to one head in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..geometry.camera import Camera
from ..geometry.place import pose_between_eyes
from ..geometry.pose import Similarity
from ..geometry.position_map import PositionMap
from ..packs.topology import Topology
from .detail import with_detail
from .evidence import Outline
from .fit import ROUNDS, Fit, ViewEvidence, fit, place_at_first, project, shape_of
from .head_model import HeadModel
from .pins import Pin, held, those_on
from .remainder import fitted_map
from .seen_outline import held_by, outline_seen, scalp_of

OUTLINE_ROUNDS = 2  # of the fit that starts near


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

    def surface_in(self, model: HeadModel, number: int) -> np.ndarray:
        """(G, G, 3) photo space of the model's texels in one of the photos, without what the model does not tell."""
        state, size = self.found.views[number], len(model.mean)
        shape = shape_of(model.texels(size), model, self.found.identity, state)
        return project(shape, model, state).reshape(size, size, 3)

    def outlined(self, outlines: Sequence[Outline]) -> "Fitted":
        """With other outlines of the views, before the head has followed them."""
        known = (
            replace(view, evidence=replace(view.evidence, outline=outline))
            for view, outline in zip(self.known, outlines, strict=True)
        )
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
    fitted = Fitted(views, fit(model, plain, _start(model, plain, by_hand)))
    return fitted.again(model) if any(those_on(view.pins) for view in views) else fitted


def with_outlines(
    fitted: Fitted,
    model: HeadModel,
    topology: Topology,
    photos: Sequence[np.ndarray],
    visibilities: Sequence[np.ndarray | None],
) -> Fitted:
    """The head that explains, too, where the photos show it end and their background begin.

    Args:
        photos: of the views, (H, W, 3) uint8.
        visibilities: of the views, (V, V) 0..1, how likely the surface is seen; None: not known.
    """
    scalp, outlines = scalp_of(topology, len(model.mean)), []
    for number, (pixels, seen) in enumerate(zip(photos, visibilities, strict=True)):
        cut, size = fitted.known[number].evidence.cut, fitted.found.views[number].size
        if cut is None or seen is None:
            outlines.append(Outline.none())
        else:
            surface = fitted.surface_in(model, number)
            outlines.append(outline_seen(pixels, cut, surface, size, model, seen, scalp))
    if not any(outlines):
        return fitted
    fitted = fitted.outlined(outlines).again(model, rounds=OUTLINE_ROUNDS)
    held = [
        held_by(outline, fitted.surface_in(model, number), model.inside, fitted.found.views[number].size)
        for number, outline in enumerate(outlines)
    ]
    return fitted.outlined(held).again(model, rounds=OUTLINE_ROUNDS)


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
