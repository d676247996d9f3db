"""Whether photos show one person: a view of another fits the head of the rest much worse than a head of its own."""

import numpy as np

from .evidence import EVIDENCE_SIZE
from .fit import ROBUST, Fit, FittedView, ViewEvidence, fit, project, shape_of
from .head_model import HeadModel

# From this much worse on (twice the logarithm of how much less likely): one rendered head in a hundred is that far from
# itself, one in eight from another. What is told apart is what the evidence tells; see benchmarks/several.py.
MUCH_WORSE = 35.0


def strangers(model: HeadModel, views: tuple[ViewEvidence, ...], by_hand: tuple[bool, ...]) -> frozenset[int]:
    """The numbers of the views whose face does not fit those of the others; of two photos that is the second.

    Args:
        by_hand: views that say too little of a face to tell.
    """
    told = [number for number, drawn in enumerate(by_hand) if not drawn]
    odd = set()
    while len(told) > 1:  # the oddest first: with it among them the others fit badly, too
        worse = [misfit(model, views[one], tuple(views[other] for other in told if other != one)) for one in told]
        if max(worse) <= MUCH_WORSE:
            break
        odd.add(told.pop(int(np.argmax(worse)) if len(told) > 2 else 1))
    return frozenset(odd)


def misfit(model: HeadModel, view: ViewEvidence, others: tuple[ViewEvidence, ...]) -> float:
    """How much worse a view fits with the identity that others show than with one of its own."""
    own = fit(model, (view,))
    shared = fit(model, (view,), Fit(fit(model, others).identity, own.views), lock_identity=True)
    return _cost(model, view, shared) - _cost(model, view, own)


def _cost(model: HeadModel, view: ViewEvidence, found: Fit) -> float:
    """Twice the negative logarithm of how likely the evidence is, but for a constant."""
    state: FittedView = found.views[0]
    texels = model.texels(EVIDENCE_SIZE)
    placed = project(shape_of(texels, model, found.identity, state), model, state)
    deviation = view.evidence.deviation.ravel()
    known = np.isfinite(deviation) & model.at_size(model.inside, EVIDENCE_SIZE).ravel()
    off = ((view.evidence.places.reshape(-1, 3)[known, :2] - placed[known, :2]) / deviation[known, None]) ** 2
    return float(
        (ROBUST**2 * np.log1p(off.sum(axis=1) / ROBUST**2)).sum() / view.together + (state.expression**2).sum()
    )
