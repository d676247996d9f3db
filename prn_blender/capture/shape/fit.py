"""The head that explains the views best: identity, and each view's expression, neck, pose and camera.

Gauss-Newton on a pinhole camera in units of the photo. With q a point relative to the head's origin in camera axes (y
up, z towards the camera), t the origin's place in the photo relative to the photo's middle, s the photo pixels a metre
takes at the origin's depth D, and u = 1 / D, the point is seen at

    (t + s q_xy) / (1 - u q_z).

The focal length is s / u: where it is known it ties u to s, and where it is not, u is found with its prior.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..camera import Camera
from ..pose import fit_similarity
from .evidence import EVIDENCE_SIZE, Evidence
from .head_model import HeadModel, Points
from .pins import Pin

ROUNDS = 5
ROBUST = 2.5  # deviations from which on a texel loses its say
TOGETHER = 10.0  # neighbouring texels err together: so many count as one
DEPTH_PRECISION = 0.0
PIN_DEVIATION = 0.0005  # metres at the head
DISTANCE_ERROR = 0.25  # of a network's distance, as a share
LARGEST_NEARNESS = 4.0  # 1 / metre
HEADS_OWN = 0.1  # of the neck's weight: what follows the bust less is the head's
LARGEST_STEP = 0.3  # of the logarithm of the size, and of a turn in radians


@dataclass(frozen=True)
class ViewEvidence:
    """One photo of the head: what is known before the fit."""

    evidence: Evidence
    width: int  # photo pixels
    height: int
    focal_px: float | None = None  # None: not known
    distance: float | None = None  # metres, as a network says for a head of the mean head's size
    orthographic: bool = False
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class FittedView:
    """How one photo sees the head."""

    expression: np.ndarray  # (E,) coefficients
    neck: np.ndarray  # (3,) rotation vector in the head's axes
    rotation: np.ndarray  # (3, 3) head axes to camera axes
    size: float  # photo pixels a metre takes at the depth of the head's origin
    place: np.ndarray  # (2,) photo space of the head's origin
    nearness: float  # 1 / distance of the origin, 1 / metre; 0 for parallel rays
    width: int
    height: int

    @property
    def camera(self) -> Camera:
        """For a head of the model's size."""
        perspective = self.nearness > 0
        return Camera(
            self.width,
            self.height,
            self.size / self.nearness if perspective else None,
            1 / self.nearness if perspective else 1.0,
            1 / self.size,
            *map(float, self.place),
        )


@dataclass(frozen=True)
class Fit:
    """One head in one view or more."""

    identity: np.ndarray  # (K,) coefficients
    views: tuple[FittedView, ...]


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """(3, 3) of a rotation vector (3,). Source: O. Rodrigues, 1840."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def left_jacobian(vector: np.ndarray) -> np.ndarray:
    """(3, 3) by which a small change of a rotation vector (3,) turns what it has rotated."""
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-6:
        return np.eye(3)
    return np.eye(3) + (1 - np.cos(angle)) / angle * cross + (1 - np.sin(angle) / angle) * cross @ cross


def shape_of(points: Points, model: HeadModel, identity: np.ndarray, view: FittedView) -> np.ndarray:
    """(P, 3) metres in the head's axes."""
    still = points.mean + points.basis @ np.concatenate([identity, view.expression]).astype(np.float32)
    turned = (still - model.neck_pivot) @ rotation_of(view.neck).T + model.neck_pivot
    return still + points.neck_weight[:, None] * (turned - still)


def project(shape: np.ndarray, model: HeadModel, view: FittedView) -> np.ndarray:
    """(P, 3) photo space of points (P, 3) in the head's axes, with the position map's z."""
    q = (shape - model.origin) @ view.rotation.T
    middle = np.array([view.width, view.height]) / 2
    offset = (view.place - middle) * (1, -1)
    near = 1 / (1 - q[:, 2] * view.nearness)
    seen = (offset + view.size * q[:, :2]) * near[:, None]
    sight = np.append(-offset * view.nearness / view.size, 1.0)  # from the origin to the camera
    z = q @ (sight / np.linalg.norm(sight)) * view.size
    return np.column_stack([middle + seen * (1, -1), z])


@dataclass(frozen=True)
class _Observed:
    """What one view says: points of the model, and where they lie in the photo."""

    known: ViewEvidence
    points: Points
    places: np.ndarray  # (P, 3) photo space
    precision: np.ndarray  # (P, 3) 1 / deviation^2 of x, y and z
    modes: np.ndarray  # (P, 3, M) float32: how the places err together, deviation 1 each, photo pixels
    texels: int  # the first of the points are the evidence's texels, the rest are pins


def fit(model: HeadModel, views: tuple[ViewEvidence, ...], start: Fit | None = None, rounds: int = ROUNDS) -> Fit:
    """The head and its views.

    Args:
        start: of an earlier fit, from which fewer rounds will do.
    """
    states = list(start.views if start else (place_at_first(model, view) for view in views))
    identity = start.identity if start else np.zeros(model.identities)
    observed = [_observe(model, view, state) for view, state in zip(views, states, strict=True)]
    errors = [np.zeros(one.modes.shape[2]) for one in observed]
    for number in range(rounds):
        first = [_linearise(model, one, identity, state, wrong, number > 0) for one, state, wrong in zip(observed, states, errors, strict=True)]
        sizes = [len(gradient) - model.identities for _, gradient in first]
        starts = model.identities + np.cumsum([0, *sizes])
        matrix, gradient = np.zeros((starts[-1], starts[-1])), np.zeros(starts[-1])
        shared = np.arange(model.identities)
        matrix[shared, shared] += 1
        gradient[shared] -= identity
        for (part, slope), begin, end in zip(first, starts[:-1], starts[1:], strict=True):
            own = np.concatenate([shared, np.arange(begin, end)])
            matrix[np.ix_(own, own)] += part
            gradient[own] += slope
        step = np.linalg.solve(matrix, gradient)
        identity = identity + step[shared]
        steps = [step[begin:end] for begin, end in zip(starts[:-1], starts[1:], strict=True)]
        states = [_moved(state, one.known, change) for state, one, change in zip(states, observed, steps, strict=True)]
        errors = [wrong + change[len(change) - len(wrong):] for wrong, change in zip(errors, steps, strict=True)]
    return Fit(identity, tuple(states))


def place_at_first(model: HeadModel, view: ViewEvidence) -> FittedView:
    """The mean head where the evidence lies, but for the bust; a robust fit leaves aside what an expression moved."""
    texels = model.texels(EVIDENCE_SIZE)
    known = np.isfinite(view.evidence.deviation.ravel()) & (texels.neck_weight < HEADS_OWN)
    known &= model.at_size(model.inside, EVIDENCE_SIZE).ravel()
    shape = texels.mean[known]
    placed = fit_similarity(shape - model.origin, view.evidence.places.reshape(-1, 3)[known] * (1, -1, 1))
    nearness = prior_nearness(model, view)[0]
    if view.focal_px is not None and not view.orthographic:
        nearness = placed.scale / view.focal_px
    return FittedView(
        expression=np.zeros(model.expressions),
        neck=np.zeros(3),
        rotation=placed.rotation,
        size=placed.scale,
        place=placed.translation[:2] * (1, -1),
        nearness=nearness,
        width=view.width,
        height=view.height,
    )


def prior_nearness(model: HeadModel, view: ViewEvidence) -> tuple[float, float]:
    """Mean and deviation of 1 / distance, 1 / metre."""
    if view.orthographic:
        return 0.0, 0.0
    if view.distance is not None:
        return 1 / view.distance, DISTANCE_ERROR / view.distance
    return tuple(float(value) for value in model.nearness)


def _observe(model: HeadModel, view: ViewEvidence, state: FittedView) -> _Observed:
    evidence = view.evidence
    deviation = evidence.deviation.ravel()
    known = np.flatnonzero(np.isfinite(deviation) & model.at_size(model.inside, EVIDENCE_SIZE).ravel())
    texels = model.texels(EVIDENCE_SIZE)
    across = 1 / deviation[known] ** 2 / TOGETHER
    places, precision = evidence.places.reshape(-1, 3)[known], np.stack([across, across, across * DEPTH_PRECISION], axis=1)
    points = Points(texels.mean[known], texels.basis[known], texels.neck_weight[known])
    if view.pins:
        pinned = model.points(np.array([pin.uv for pin in view.pins]))
        points = Points(*(np.concatenate([getattr(points, name), getattr(pinned, name)]) for name in vars(points)))
        exact = np.array([pin.stiffness / (PIN_DEVIATION * state.size) ** 2 for pin in view.pins])
        places = np.concatenate([places, [(*pin.place, 0) for pin in view.pins]])
        precision = np.concatenate([precision, exact[:, None] * (1, 1, 0)])
    modes = np.zeros((len(places), 3, 0), np.float32)
    if evidence.modes is not None:
        modes = np.zeros((len(places), 3, evidence.modes.shape[-1]), np.float32)
        modes[: len(known)] = evidence.modes.reshape(-1, 3, modes.shape[2])[known]
    return _Observed(view, points, places, precision, modes, len(known))


def _linearise(model, one: _Observed, identity, state: FittedView, wrong, robust: bool) -> tuple[np.ndarray, np.ndarray]:
    """J'WJ and J'Wr with the view's priors; unknowns: identity, expression, neck, turn, size, place, nearness, modes."""
    points, known = one.points, one.known
    count = len(points.mean)
    still = points.mean + points.basis @ np.concatenate([identity, state.expression]).astype(np.float32)
    neck = rotation_of(state.neck)
    follows = points.neck_weight[:, None]
    hanging = (still - model.neck_pivot) @ neck.T
    shape = still + follows * (hanging + model.neck_pivot - still)
    q = (shape - model.origin) @ state.rotation.T
    middle = np.array([known.width, known.height]) / 2
    offset = (state.place - middle) * (1, -1)
    size, nearness = state.size, state.nearness
    near = 1 / (1 - q[:, 2] * nearness)
    seen = (offset + size * q[:, :2]) * near[:, None]
    sight = np.append(-offset * nearness / size, 1.0)
    sight /= np.linalg.norm(sight)
    along = q @ sight
    residual = np.concatenate([(one.places[:, :2] - middle) * (1, -1) - seen, one.places[:, 2:] - size * along[:, None]], axis=1)
    residual -= one.modes @ wrong.astype(np.float32)

    by_q = np.zeros((count, 3, 3))
    by_q[:, 0, 0] = by_q[:, 1, 1] = size * near
    by_q[:, :2, 2] = seen * (nearness * near)[:, None]
    by_q[:, 2] = size * sight
    by_head = by_q @ state.rotation
    by_still = by_head + follows[:, :, None] * (by_head @ neck - by_head)
    by_nearness = np.zeros((count, 3))
    by_nearness[:, :2] = seen * (near * q[:, 2])[:, None]
    by_size = np.zeros((count, 3))
    by_size[:, :2] = size * near[:, None] * q[:, :2]
    by_size[:, 2] = size * along
    if known.focal_px is not None:
        by_size += by_nearness * nearness
    by_place = np.zeros((count, 3, 2))
    by_place[:, 0, 0] = by_place[:, 1, 1] = near
    by_neck = follows[:, :, None] * (-(by_head @ _cross(hanging)) @ left_jacobian(state.neck))
    jacobian = np.concatenate(
        [
            by_still.astype(np.float32) @ points.basis,
            by_neck,
            -(by_q @ _cross(q)),
            by_size[:, :, None],
            by_place,
            by_nearness[:, :, None],
            one.modes,
        ],
        axis=2,
        dtype=np.float32,
        casting="same_kind",
    )
    weight = one.precision
    if robust:
        off = (residual[:, :2] ** 2 * weight[:, :2]).sum(axis=1) * TOGETHER
        doubt = 1 / (1 + off / ROBUST**2)
        doubt[one.texels :] = 1
        weight = weight * doubt[:, None]
    root = np.sqrt(weight).astype(np.float32)
    jacobian = (jacobian * root[:, :, None]).reshape(3 * count, -1)
    scaled = (residual * root).astype(np.float32).ravel()
    matrix, gradient = (jacobian.T @ jacobian).astype(np.float64), (jacobian.T @ scaled).astype(np.float64)

    begin = model.identities
    own = np.arange(begin, begin + model.expressions)
    matrix[own, own] += 1
    gradient[own] -= state.expression
    own = np.arange(own[-1] + 1, own[-1] + 4)
    matrix[own, own] += 1 / model.neck_deviation**2
    gradient[own] -= state.neck / model.neck_deviation**2
    last = own[-1] + 7
    mean, deviation = prior_nearness(model, known)
    if known.focal_px is not None or deviation == 0:
        matrix[last], matrix[:, last], gradient[last] = 0, 0, 0
        matrix[last, last] = 1
    else:
        matrix[last, last] += 1 / deviation**2
        gradient[last] += (mean - nearness) / deviation**2
    own = np.arange(last + 1, len(gradient))
    matrix[own, own] += 1
    gradient[own] -= wrong
    return matrix, gradient


def _moved(state: FittedView, known: ViewEvidence, step: np.ndarray) -> FittedView:
    count = len(state.expression)
    neck, turn, (growth,), place, (closer,) = np.split(step[count : count + 10], [3, 6, 7, 9])
    size = state.size * np.exp(np.clip(growth, -LARGEST_STEP, LARGEST_STEP))
    turn = turn * min(1.0, LARGEST_STEP / max(np.linalg.norm(turn), 1e-9))
    if known.orthographic:
        nearness = 0.0
    elif known.focal_px is not None:
        nearness = size / known.focal_px
    else:
        nearness = float(np.clip(state.nearness + closer, 0, LARGEST_NEARNESS))
    return replace(
        state,
        expression=state.expression + step[:count],
        neck=state.neck + neck,
        rotation=rotation_of(turn) @ state.rotation,
        size=size,
        place=state.place + place * (1, -1),
        nearness=nearness,
    )


def _cross(vectors: np.ndarray) -> np.ndarray:
    """(P, 3, 3) matrices that multiply as the cross product with vectors (P, 3)."""
    x, y, z = vectors.T
    o = np.zeros_like(x)
    return np.stack([o, -z, y, z, o, -x, -y, x, o], axis=1).reshape(-1, 3, 3)
