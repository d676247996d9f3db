"""What a captured head was fitted to and what was found, kept on it, so that pins can go on from there."""

import bpy
import numpy as np

from ..capture.record import pins_in
from ..capture.shape.evidence import EVIDENCE_SIZE, Evidence, Likeness, Outline
from ..capture.shape.fit import Fit, FittedView, ViewEvidence
from ..capture.shape.size import enlarged
from ..capture.shape.views import Fitted
from .record import views_of_head

_PROPERTY = "prn_fit"
_SHAPES = {"places": (EVIDENCE_SIZE, EVIDENCE_SIZE, 3), "deviation": (EVIDENCE_SIZE, EVIDENCE_SIZE)}


def store_fitted(head: bpy.types.Object, fitted: Fitted | None) -> None:
    """Puts it on a head, whose record tells the pins; None takes away what was there."""
    if fitted is None:
        head.pop(_PROPERTY, None)
        return
    head[_PROPERTY] = {
        "identity": fitted.found.identity.tolist(),
        "views": [_view_as_stored(*both) for both in zip(fitted.known, fitted.found.views, strict=True)],
        **_common_errors_as_stored(fitted.known[0].evidence.common_errors),  # of the pack: those of all views
    }


def store_found(head: bpy.types.Object, found: Fit) -> None:
    """Changes what was found, of a head that has it."""
    stored = head[_PROPERTY]
    stored["identity"] = found.identity.tolist()
    for view, state in zip(stored["views"], found.views, strict=True):
        view.update(_state_as_stored(state))


def has_fitted(head: bpy.types.Object) -> bool:
    """Whether the head knows what it was fitted to: captures of older versions and of packs without a head model do
    not."""
    return _PROPERTY in head


def fitted_of(head: bpy.types.Object) -> Fitted:
    """What was stored, with the pins that the head's record tells."""
    stored = head[_PROPERTY].to_dict()
    common_errors = _common_errors_of(stored)
    known, states = [], []
    for view, told in zip(stored["views"], views_of_head(head), strict=True):
        evidence = {
            name: np.frombuffer(view[name], np.float32).reshape(shape).astype(float) for name, shape in _SHAPES.items()
        }
        size = told["photo"]["width"], told["photo"]["height"]
        known.append(
            ViewEvidence(
                Evidence(
                    **evidence,
                    likeness=_likeness_of(view),
                    common_errors=common_errors,
                    outline=_outline_of(view),
                ),
                *size,
                focal_px=view.get("focal_px"),
                distance=view.get("distance"),
                orthographic=bool(view["orthographic"]),
                pins=pins_in(told),
            )
        )
        states.append(
            FittedView(
                expression=np.array(view["expression"]),
                neck=np.array(view["neck"]),
                rotation=np.array(view["rotation"]).reshape(3, 3),
                size=view["size"],
                place=np.array(view["place"]),
                nearness=view["nearness"],
                width=size[0],
                height=size[1],
            )
        )
    return Fitted(tuple(known), Fit(np.array(stored["identity"]), tuple(states)))


def size_of(head: bpy.types.Object) -> float:
    """How many times as large as its fit a head is; 1 where that is not known."""
    if not has_fitted(head):
        return 1.0
    return enlarged(views_of_head(head)[0]["camera"]["metres_per_px"], head[_PROPERTY]["views"][0]["size"])


def _view_as_stored(known: ViewEvidence, state: FittedView) -> dict:
    lens = {"focal_px": known.focal_px, "distance": known.distance}
    return {
        **_state_as_stored(state),
        **{name: value for name, value in lens.items() if value is not None},
        "orthographic": known.orthographic,
        **{name: getattr(known.evidence, name).astype(np.float32).tobytes() for name in _SHAPES},
        **_likeness_as_stored(known.evidence.likeness),
        **_outline_as_stored(known.evidence.outline),
    }


def _likeness_as_stored(likeness: Likeness | None) -> dict:
    if likeness is None:
        return {}
    return {"likeness": np.stack([likeness.mean, likeness.deviation]).astype(np.float32).tobytes()}


def _likeness_of(view: dict) -> Likeness | None:
    if "likeness" not in view:
        return None
    mean, deviation = np.frombuffer(view["likeness"], np.float32).reshape(2, -1).astype(float)
    return Likeness(mean, deviation)


def _common_errors_as_stored(components: np.ndarray | None) -> dict:
    return {} if components is None else {"common_errors": components.astype(np.float16).tobytes()}


def _common_errors_of(stored: dict) -> np.ndarray | None:
    if "common_errors" not in stored:
        return None
    components = np.frombuffer(stored["common_errors"], np.float16)
    return components.reshape(-1, EVIDENCE_SIZE, EVIDENCE_SIZE, 2).astype(np.float32)


def _outline_as_stored(outline: Outline | None) -> dict:
    if not outline:
        return {}
    columns = np.column_stack([outline.uv, outline.places, outline.outwards, outline.deviation])
    return {"outline": columns.astype(np.float32).tobytes()}


def _outline_of(view: dict) -> Outline | None:
    if "outline" not in view:
        return None
    columns = np.frombuffer(view["outline"], np.float32).reshape(-1, 7).astype(float)
    return Outline(columns[:, :2], columns[:, 2:4], columns[:, 4:6], columns[:, 6])


def _state_as_stored(state: FittedView) -> dict:
    return {
        "expression": state.expression.tolist(),
        "neck": state.neck.tolist(),
        "rotation": state.rotation.ravel().tolist(),
        "size": float(state.size),
        "place": state.place.tolist(),
        "nearness": float(state.nearness),
    }
