"""Whether photos show one person: a view of another fits the head of the rest much worse than a head of its own."""

from dataclasses import replace

import numpy as np

from .evidence import EVIDENCE_SIZE
from .fit import ROBUST, Fit, FittedView, ViewEvidence, fit, identity_told, project, shape_of
from .head_model import HeadModel

# From this much worse on (twice the logarithm of how much less likely) at most four rendered heads in a hundred are so
# far from themselves: by where texels lie, and by what a network says of the person, too. Of one photo against two of
# another person's head, one in four is so far by the former, three in four by the latter; on portraits of 112 pixels
# four in ten of the others, and one of 33 of the same person.
MUCH_WORSE, MUCH_WORSE_LIKENESS = 12.0, 80.0


def strangers(model: HeadModel, views: tuple[ViewEvidence, ...], by_hand: tuple[bool, ...]) -> frozenset[int]:
    """The numbers of the views whose face does not fit those of the others; of two photos that is the second.

    Args:
        by_hand: views that say too little of a face to tell.
    """
    told = [number for number, drawn in enumerate(by_hand) if not drawn]
    limit = MUCH_WORSE if any(view.evidence.likeness is None for view in views) else MUCH_WORSE_LIKENESS
    odd = set()
    while len(told) > 1:  # the oddest first: with it among them the others fit badly, too
        worse = [misfit(model, views[one], tuple(views[other] for other in told if other != one)) for one in told]
        if max(worse) <= limit:
            break
        odd.add(told.pop(int(np.argmax(worse)) if len(told) > 2 else 1))
    return frozenset(odd)


def misfit(model: HeadModel, view: ViewEvidence, others: tuple[ViewEvidence, ...]) -> float:
    """How much worse one head explains a view and others together than two heads do."""
    return _cost(model, (view, *others)) - _cost(model, (view,)) - _cost(model, others)


def _cost(model: HeadModel, views: tuple[ViewEvidence, ...]) -> float:
    """About twice the negative logarithm of how likely one head of the views is, but for a constant.

    By where networks say that texels lie: outlines are left out. Expressions count as they vary over people: what a
    network says of them is left out, too. Nothing is put down to what errors have in common.
    """
    views = tuple(replace(view, evidence=replace(view.evidence, outline=None, common_errors=None)) for view in views)
    found = fit(model, views)
    apart = (_cost_in_view(model, view, found, state) for view, state in zip(views, found.views, strict=True))
    return float((found.identity**2).sum()) + sum(apart)


def _cost_in_view(model: HeadModel, view: ViewEvidence, found: Fit, state: FittedView) -> float:
    texels = model.texels(EVIDENCE_SIZE)
    placed = project(shape_of(texels, model, found.identity, state), model, state)
    deviation = view.evidence.deviation.ravel()
    known = np.isfinite(deviation) & model.at_size(model.inside, EVIDENCE_SIZE).ravel()
    off = ((view.evidence.places.reshape(-1, 3)[known, :2] - placed[known, :2]) / deviation[known, None]) ** 2
    own = (state.expression**2).sum() + ((state.neck / model.neck_deviation) ** 2).sum()
    if view.evidence.likeness is not None:
        told, sure = identity_told(model, view.evidence.likeness)
        own += (sure * (found.identity - told) ** 2).sum()
    return float((ROBUST**2 * np.log1p(off.sum(axis=1) / ROBUST**2)).sum() / view.together + own)
