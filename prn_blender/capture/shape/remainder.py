"""The fitted head as a position map: the model, and what keeps it on the photo."""

import numpy as np

from ..geometry.position_map import PositionMap, upsample_bicubic
from .evidence import EVIDENCE_SIZE, Evidence, Outline
from .fit import Fit, FittedView, ViewEvidence, project, shape_of
from .head_model import HeadModel

BLUR = 1.2  # texels of the evidence over which the remainder is smooth
LARGEST = 0.006  # metres at the head that it never exceeds; what is asked beyond is followed less and less
# Deviation (metres at the head) at which evidence is followed half way. Where nothing is known the surface goes on
# as its neighbours do.
HALF_WAY = 0.012


def fitted_map(model: HeadModel, fit: Fit, number: int, view: ViewEvidence, follow: float = 1.0) -> PositionMap:
    """Photo-space positions of the head in one of the fit's views.

    A displacement within the photo at unchanged depth, so the camera of the fit stays the map's.

    Args:
        number: of the view in the fit.
        view: its evidence.
        follow: 0..1 how much of the evidence's remainder is added.
    """
    state = fit.views[number]
    coarse = shape_of(model.texels(len(model.mean)), model, fit.identity, state)
    size = len(model.detail)
    shape = upsample_bicubic(coarse.reshape(model.mean.shape).astype(np.float32), size) + model.detail
    values = project(shape.reshape(-1, 3), model, state).reshape(size, size, 3)
    if follow > 0:
        values[..., :2] += follow * upsample_bicubic(_evidence_remainder(model, fit, state, view.evidence), size)
    return PositionMap(values)


def _evidence_remainder(model: HeadModel, fit: Fit, state: FittedView, evidence: Evidence) -> np.ndarray:
    """(E, E, 2) photo pixels from the model to where the evidence says, smooth and bounded.

    What one photo of several asks for beyond the head that explains them all is for the most part its own error: it
    gets its share. Its outline is seen, and counts in full.
    """
    import cv2

    texels = model.texels(EVIDENCE_SIZE)
    placed = project(shape_of(texels, model, fit.identity, state), model, state)
    gap = (evidence.places[..., :2] - placed[:, :2].reshape(EVIDENCE_SIZE, EVIDENCE_SIZE, 2)) / state.size  # metres
    known = np.isfinite(evidence.deviation) & model.at_size(model.inside, EVIDENCE_SIZE)
    weight = np.where(known, (HALF_WAY * state.size / np.where(known, evidence.deviation, 1)) ** 2, 0)
    pull = np.where(known[..., None], gap, 0) * weight[..., None] / len(fit.views)
    if evidence.outline:
        _add_outline(model, fit, state, evidence.outline, weight, pull)
    weight, pull = (
        cv2.GaussianBlur(values.astype(np.float32), (0, 0), BLUR, borderType=cv2.BORDER_REFLECT)
        for values in (weight, pull)
    )
    smooth = pull / (weight + 1)[..., None]
    length = np.linalg.norm(smooth, axis=2, keepdims=True)
    return (smooth / np.sqrt(1 + (length / LARGEST) ** 2) * state.size).astype(np.float32)


def _add_outline(
    model: HeadModel, fit: Fit, state: FittedView, outline: Outline, weight: np.ndarray, pull: np.ndarray
) -> None:
    """Adds, in place, how far the outline lies from the model, across it, to the texels that end there."""
    placed = project(shape_of(model.points(outline.uv), model, fit.identity, state), model, state)
    across = ((outline.places - placed[:, :2]) * outline.outwards).sum(axis=1) / state.size  # metres
    sure = (HALF_WAY * state.size / outline.deviation) ** 2
    texel = tuple((outline.uv * EVIDENCE_SIZE).astype(int).clip(0, EVIDENCE_SIZE - 1).T[::-1])
    np.add.at(weight, texel, sure)
    np.add.at(pull, texel, (sure * across)[:, None] * outline.outwards)
