"""The head that explains the views best: identity, and each view's expression, neck, pose and camera.

Gauss-Newton on a pinhole camera in units of the photo. With q a point relative to the head's origin in camera axes (y
up, z towards the camera), t the origin's place in the photo relative to the photo's middle, s the photo pixels a metre
takes at the origin's depth D, and u = 1 / D, the point is seen at

    (t + s q_xy) / (1 - u q_z).

The focal length is s / u: where it is known it ties u to s, and where it is not, u is found with its prior.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..geometry.camera import ESTIMATED_MM, ORTHOGRAPHIC_DISTANCE, Camera, focal_pixels
from ..geometry.pose import fit_similarity, yaw_pitch_roll
from .common_errors import explained, rolled
from .evidence import EVIDENCE_SIZE, Evidence, Likeness, Outline
from .head_model import HeadModel, Points
from .pins import Pin, those_on, uv_of

ROUNDS = 3
ROBUST = 2.5  # deviations from which on a texel loses its say
# Neighbouring texels err together: so many count as one, and as many more for each pin. A network's errors are smooth
# over the whole face, and pins tell what they are.
TOGETHER = 3.0
LIKENESS_CAUTION = 1.0  # times as unsure as a network says of coefficients
LEAST_DEVIATION = 0.0002  # metres at the head: the model itself is not nearer to any head
PIN_DEVIATION = 0.0005  # metres at the head, of a pin of stiffness 1
DISTANCE_ERROR = 0.25  # of a network's distance, as a share
HEADS_OWN = 0.1  # of the neck's weight: what follows the bust less is the head's
LARGEST_STEP = 0.3  # of the logarithm of the size, and of a turn in radians


@dataclass(frozen=True)
class ViewEvidence:
    """One photo of the head: what is known before the fit.

    With neither focal length nor distance the model's usual distance is the prior. Parallel rays have no distance.
    """

    evidence: Evidence
    width: int  # photo pixels
    height: int
    focal_px: float | None = None  # None: not known
    distance: float | None = None  # metres, as a network says for a head of the mean head's size
    orthographic: bool = False
    pins: tuple[Pin, ...] = ()

    @property
    def together(self) -> float:
        """How many of the evidence's texels count as one."""
        return TOGETHER * (1 + sum(pin.stiffness for pin in those_on(self.pins)))


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
            1 / self.nearness if perspective else ORTHOGRAPHIC_DISTANCE,
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
    cross = _cross(vector[None] / max(angle, 1e-12))[0]
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _left_jacobian(vector: np.ndarray) -> np.ndarray:
    """(3, 3) by which a small change of a rotation vector (3,) turns what it has rotated."""
    angle = float(np.linalg.norm(vector))
    cross = _cross(vector[None] / max(angle, 1e-12))[0]
    if angle < 1e-6:
        return np.eye(3)
    return np.eye(3) + (1 - np.cos(angle)) / angle * cross + (1 - np.sin(angle) / angle) * cross @ cross


def shape_of(points: Points, model: HeadModel, identity: np.ndarray, view: FittedView) -> np.ndarray:
    """(P, 3) metres in the head's axes."""
    still = _without_neck(points, identity, view)
    turned = (still - model.neck_pivot) @ (rotation_of(view.neck) - np.eye(3)).T
    return still + points.neck_weight[:, None] * turned


def project(shape: np.ndarray, model: HeadModel, view: FittedView) -> np.ndarray:
    """(P, 3) photo space of points (P, 3) in the head's axes, with the position map's z; as precise as the points.

    One coordinate after the other: numpy is slow at rows of three.
    """
    q = view.rotation.astype(shape.dtype) @ (shape - model.origin.astype(shape.dtype)).T
    middle_x, middle_y, size, nearness = view.width / 2, view.height / 2, float(view.size), float(view.nearness)
    right, up = float(view.place[0]) - middle_x, middle_y - float(view.place[1])
    near = 1 / (1 - nearness * q[2])
    sight = np.array([-right * nearness / size, -up * nearness / size, 1.0])  # from the origin to the camera
    z = (size * sight / np.linalg.norm(sight)).astype(shape.dtype) @ q
    return np.stack([middle_x + (right + size * q[0]) * near, middle_y - (up + size * q[1]) * near, z], axis=1)


@dataclass(frozen=True)
class _Observed:
    """What one view says: points of the model, and where they lie in the photo."""

    known: ViewEvidence
    points: Points
    places: np.ndarray  # (P, 2) photo space
    precision: np.ndarray  # (P,) 1 / deviation^2 of x and of y
    together: np.ndarray  # (D,) of evidence and outline, how many count as one; pins, the last, are not doubted
    errors: np.ndarray | None  # (T, 2, C) common ones of the first points, in deviations, y up
    across: slice  # of the points, those of the outline
    across_only: np.ndarray  # (O, 2, 2) projections of what lies in the photo, y up, to across the outline


def fit(
    model: HeadModel,
    views: tuple[ViewEvidence, ...],
    start: Fit | None = None,
    lock_identity: bool = False,
    lock_expression: bool = False,
    rounds: int = ROUNDS,
) -> Fit:
    """The head and its views; the identity is shared, all else is each view's own.

    Args:
        start: an earlier fit of the same views, from which fewer rounds will do; what is locked stays as it was there.
    """
    states = list(start.views if start else (place_at_first(model, view) for view in views))
    identity = start.identity if start else np.zeros(model.identities)
    observed = [_observe(model, view, state) for view, state in zip(views, states, strict=True)]
    shared, own = model.identities, model.expressions + 10
    known_precision, known_pull = _identity_prior(model, views)
    still = np.zeros(shared + own * len(views), bool)
    still[:shared] = lock_identity
    still[shared:].reshape(len(views), own)[:, : model.expressions] = lock_expression
    for number in range(rounds):
        matrix, gradient = np.zeros((len(still), len(still))), np.zeros(len(still))
        matrix[range(shared), range(shared)] = known_precision
        gradient[:shared] = known_pull - known_precision * identity
        for view, (one, state) in enumerate(zip(observed, states, strict=True)):
            rows = np.r_[:shared, shared + own * view : shared + own * (view + 1)]
            part, slope = _normal_equations(model, one, identity, state, robust=number > 0 or start is not None)
            matrix[np.ix_(rows, rows)] += part
            gradient[rows] += slope
        matrix[still], matrix[:, still], gradient[still] = 0, 0, 0
        matrix[still, still] = 1
        step = np.linalg.solve(matrix, gradient)
        identity = identity + step[:shared]
        steps = step[shared:].reshape(len(views), own)
        states = [_moved(state, one.known, change) for state, one, change in zip(states, observed, steps, strict=True)]
    return Fit(identity, tuple(states))


def place_at_first(model: HeadModel, view: ViewEvidence) -> FittedView:
    """The mean head where the evidence lies, but for the bust; a robust fit leaves aside what an expression moved."""
    texels = model.texels(EVIDENCE_SIZE)
    known = _known(model, view.evidence) & (texels.neck_weight < HEADS_OWN)
    placed = fit_similarity(texels.mean[known] - model.origin, view.evidence.places.reshape(-1, 3)[known] * (1, -1, 1))
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


def _identity_prior(model: HeadModel, views: tuple[ViewEvidence, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(K,) precisions of the coefficients of identity before the fit, and these times what is expected."""
    precision, pull = np.ones(model.identities), np.zeros(model.identities)
    for view in views:
        if view.evidence.likeness is not None:
            told, sure = identity_told(model, view.evidence.likeness)
            precision += sure
            pull += told * sure
    return precision, pull


def identity_told(model: HeadModel, likeness: Likeness) -> tuple[np.ndarray, np.ndarray]:
    """(K,) what a photo alone tells of the identity's coefficients, and how precise that is.

    The network knew already how people's heads vary, which counts once however many photos there are: it is taken out.
    """
    mean, sure = _likeness(likeness, slice(model.identities))
    alone = np.maximum(sure - 1, 1e-3)
    return mean * sure / alone * (sure > 1), alone * (sure > 1)


def _likeness(likeness: Likeness, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """What is expected of some coefficients, and how precise that is."""
    return likeness.mean[part].astype(np.float64), 1 / (LIKENESS_CAUTION * likeness.deviation[part]) ** 2


def prior_nearness(model: HeadModel, view: ViewEvidence) -> tuple[float, float]:
    """Mean and deviation of 1 / distance, 1 / metre."""
    if view.orthographic:
        return 0.0, 0.0
    if view.distance is not None:
        return 1 / view.distance, DISTANCE_ERROR / view.distance
    mean, deviation = model.nearness
    return float(mean), float(deviation)


def _has_fixed_nearness(view: ViewEvidence) -> bool:
    """Whether the size decides how near the camera is, or the rays are parallel."""
    return view.focal_px is not None or view.orthographic


def _known(model: HeadModel, evidence: Evidence) -> np.ndarray:
    """(E * E,) bool: texels of which something is known."""
    return np.isfinite(evidence.deviation).ravel() & model.at_size(model.inside, EVIDENCE_SIZE).ravel()


def _observe(model: HeadModel, view: ViewEvidence, state: FittedView) -> _Observed:
    known, texels = _known(model, view.evidence), model.texels(EVIDENCE_SIZE)
    deviation = np.maximum(view.evidence.deviation.ravel()[known], LEAST_DEVIATION * state.size)
    points = Points(texels.mean[known], texels.basis[known], texels.neck_weight[known])
    places, precision = view.evidence.places.reshape(-1, 3)[known, :2], 1 / (view.together * deviation**2)
    pins, outline = those_on(view.pins), view.evidence.outline or Outline.none()
    across = slice(len(places), len(places) + len(outline))
    if pins or outline:
        more = model.points(np.concatenate([outline.uv, uv_of(pins)]))
        points = Points(
            np.concatenate([points.mean, more.mean]),
            np.concatenate([points.basis, more.basis]),
            np.concatenate([points.neck_weight, more.neck_weight]),
        )
        places = np.concatenate([places, outline.places, *([pin.place] for pin in pins)])
        seen = 1 / (TOGETHER * outline.deviation**2)  # edges are seen, not learnt: pins tell nothing of their errors
        stiffness = np.array([pin.stiffness for pin in pins])
        precision = np.concatenate([precision, seen, stiffness / (PIN_DEVIATION * state.size) ** 2])
    outwards = outline.outwards * (1, -1)
    across_only = outwards[:, :, None] * outwards[:, None]
    together = np.repeat([view.together, TOGETHER], [across.start, len(outline)])
    errors = view.evidence.common_errors
    if errors is not None:
        errors = rolled(errors, known, np.radians(yaw_pitch_roll(state.rotation)[2]))
    return _Observed(view, points, places, precision, together, errors, across, across_only)


def _normal_equations(
    model: HeadModel, one: _Observed, identity: np.ndarray, state: FittedView, robust: bool
) -> tuple[np.ndarray, np.ndarray]:
    """J'WJ and J'Wr of a view, its own priors included.

    Unknowns: identity, expression, neck (3), turn (3), logarithm of the size, place (2, y up), nearness.
    """
    points, known = one.points, one.known
    still = _without_neck(points, identity, state)
    neck, follows = rotation_of(state.neck), points.neck_weight[:, None, None]
    hanging = (still - model.neck_pivot) @ neck.T
    q = (still + follows[:, 0] * (hanging + model.neck_pivot - still) - model.origin) @ state.rotation.T
    middle = np.array([known.width, known.height]) / 2
    near = 1 / (1 - q[:, 2:] * state.nearness)
    seen = ((state.place - middle) * (1, -1) + state.size * q[:, :2]) * near
    residual = (one.places - middle) * (1, -1) - seen

    by_q = np.zeros((len(q), 2, 3))
    by_q[:, 0, 0] = by_q[:, 1, 1] = state.size * near[:, 0]
    by_q[:, :, 2] = seen * near * state.nearness
    by_head = _times(by_q, state.rotation)
    by_still = by_head + follows * (_times(by_head, neck) - by_head)
    by_neck = -follows * _times(np.cross(by_head, hanging[:, None]), _left_jacobian(state.neck))
    by_nearness = seen * near * q[:, 2:]
    by_size = state.size * q[:, :2] * near
    if known.focal_px is not None:
        by_size = by_size + by_nearness * state.nearness
    if _has_fixed_nearness(known):
        by_nearness = np.zeros_like(by_nearness)
    by_place = near[:, :, None] * np.eye(2)
    by_turn = -np.cross(by_q, q[:, None])
    camera = np.concatenate([by_neck, by_turn, by_size[:, :, None], by_place, by_nearness[:, :, None]], axis=2)
    for rows in (by_still, camera, residual[:, :, None]):
        rows[one.across] = one.across_only @ rows[one.across]
    trust = np.ones(len(q))
    if robust:
        doubted = len(one.together)
        off = (residual[:doubted] ** 2).sum(axis=1) * one.precision[:doubted] * one.together
        trust[:doubted] /= 1 + off / ROBUST**2
    root = np.sqrt(one.precision * trust)[:, None]
    coefficients = points.basis.shape[2]
    jacobian = np.empty((len(q), 2, coefficients + camera.shape[2]), np.float32)
    np.matmul((by_still * root[:, :, None]).astype(np.float32), points.basis, out=jacobian[:, :, :coefficients])
    jacobian[:, :, coefficients:] = camera * root[:, :, None]
    jacobian = jacobian.reshape(2 * len(q), -1)
    weighted = (residual * root).astype(np.float32).ravel()
    matrix = (jacobian.T @ jacobian).astype(np.float64)
    gradient = (jacobian.T @ weighted).astype(np.float64)
    if one.errors is not None:
        scale = np.sqrt(trust[: len(one.errors)] / known.together).astype(np.float32)
        taken, pull = explained(one.errors * scale[:, None, None], jacobian, weighted)
        matrix -= taken
        gradient -= pull
    _add_priors(model, known, state, matrix[model.identities :, model.identities :], gradient[model.identities :])
    return matrix, gradient


def _add_priors(
    model: HeadModel, known: ViewEvidence, state: FittedView, matrix: np.ndarray, gradient: np.ndarray
) -> None:
    """Adds, in place, what is known of a view's own unknowns."""
    count = model.expressions
    mean, deviation = prior_nearness(model, known)
    precision = np.zeros(len(gradient))
    precision[:count] = 1
    precision[count : count + 3] = 1 / model.neck_deviation**2
    precision[-1] = 1 if _has_fixed_nearness(known) else 1 / deviation**2
    off = np.zeros(len(gradient))
    expected = np.zeros(count)
    if known.evidence.likeness is not None:
        expected, precision[:count] = _likeness(known.evidence.likeness, slice(model.identities, None))
    off[:count], off[count : count + 3] = expected - state.expression, -state.neck
    if not _has_fixed_nearness(known):
        off[-1] = mean - state.nearness
    matrix += np.diag(precision)
    gradient += precision * off


def _times(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """`rows @ matrix` of (P, 2, 3) and (3, 3): as one product several times as fast as many small ones."""
    return (rows.reshape(-1, 3) @ matrix).reshape(rows.shape)


def _without_neck(points: Points, identity: np.ndarray, state: FittedView) -> np.ndarray:
    """(P, 3) metres: the bust not yet turned."""
    coefficients = np.concatenate([identity, state.expression]).astype(np.float32)
    return points.mean + (points.basis.reshape(-1, len(coefficients)) @ coefficients).reshape(points.mean.shape)


def _moved(state: FittedView, known: ViewEvidence, step: np.ndarray) -> FittedView:
    count = len(state.expression)
    neck, turn, (growth,), place, (closer,) = np.split(step[count : count + 10], [3, 6, 7, 9])
    size = state.size * np.exp(np.clip(growth, -LARGEST_STEP, LARGEST_STEP))
    turn = turn * min(1.0, LARGEST_STEP / max(float(np.linalg.norm(turn)), 1e-9))
    if known.orthographic:
        nearness = 0.0
    elif known.focal_px is not None:
        nearness = size / known.focal_px
    else:
        least, most = (focal_pixels(mm, known.width, known.height) for mm in ESTIMATED_MM)
        nearness = float(np.clip(state.nearness + closer, size / most, size / least))
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
