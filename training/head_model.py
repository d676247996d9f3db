"""Random heads: the linear model with extra smooth deformations, a neck joint, and a perspective camera.

Every picture stores its `HeadState`; labels of any kind and resolution are computed from it.
"""

from dataclasses import dataclass

import numpy as np

from .assets import SKIN_VERTICES, FaceKit
from .scanned_shapes import scanned_shapes

EXTRA_SHAPES = 32
SCANNED_SHAPES = 21  # the mean of scanned people, and their components
# The point (ICT-FaceKit's coordinates, cm) that the camera's distance is measured to and where z is 0.
ORIGIN = np.array([0.0, 1.0, 2.0], np.float32)
NECK_PIVOT = np.array([0.0, -6.0, -1.0], np.float32)

STATE_FIELDS = {
    "identity": 100,
    "extra": EXTRA_SHAPES,
    "scanned": SCANNED_SHAPES,
    "expression": 57,
    "axis_scale": 3,
    "neck": 9,  # rotation of the bust against the head, row-major
    "rotation": 9,  # head to camera, row-major
    "translation": 3,  # of the head's origin in camera space, cm; camera looks along -z, y up
    "projection": 3,  # focal length, principal point x, y in picture sides
}


@dataclass
class HeadState:
    """Everything that decides where each point of a head lies in a picture."""

    identity: np.ndarray
    extra: np.ndarray
    scanned: np.ndarray
    expression: np.ndarray
    axis_scale: np.ndarray
    neck: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    projection: np.ndarray

    def pack(self) -> np.ndarray:
        """(N,) float32 in the order of STATE_FIELDS."""
        return np.concatenate([np.ravel(getattr(self, name)) for name in STATE_FIELDS]).astype(np.float32)

    @classmethod
    def unpack(cls, values: np.ndarray) -> "HeadState":
        """From `pack`."""
        ends = np.cumsum(list(STATE_FIELDS.values()))
        parts = dict(zip(STATE_FIELDS, np.split(values, ends[:-1]), strict=True))
        for name in ("neck", "rotation"):
            parts[name] = parts[name].reshape(3, 3)
        return cls(**parts)


STATE_SIZE = sum(STATE_FIELDS.values())


def extra_shapes(mean: np.ndarray) -> np.ndarray:
    """(EXTRA_SHAPES, V, 3) smooth symmetric deformation fields in cm, about 1 mm rms each.

    They widen the identities beyond ICT-FaceKit's scans: heavy jaws, flat skulls, short chins, big ears.
    """
    rng = np.random.default_rng(20)
    anchors = mean[rng.choice(SKIN_VERTICES, EXTRA_SHAPES, replace=False)]
    radii = np.exp(rng.uniform(np.log(2.0), np.log(7.0), EXTRA_SHAPES))
    directions = rng.normal(size=(EXTRA_SHAPES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    mirror = np.array([-1.0, 1.0, 1.0])
    fields = np.zeros((EXTRA_SHAPES, *mean.shape), np.float32)
    for field, anchor, radius, direction in zip(fields, anchors, radii, directions, strict=True):
        for side in (1.0, mirror):
            distance = np.linalg.norm(mean - anchor * side, axis=1)
            field += np.exp(-((distance / radius) ** 2))[:, None] * direction * side
        field *= 0.1 / np.sqrt((field[:SKIN_VERTICES] ** 2).sum(1).mean())
    return fields


def identity_shapes(kit: FaceKit) -> np.ndarray:
    """(100 + EXTRA_SHAPES + SCANNED_SHAPES, V, 3) cm: all that makes a person, in a state's order."""
    return np.concatenate([kit.identity, extra_shapes(kit.mean), scanned_shapes(kit)])


def head_shapes(kit: FaceKit) -> np.ndarray:
    """`identity_shapes`, then the 57 expressions."""
    return np.concatenate([identity_shapes(kit), kit.expression])


def neck_weight(mean: np.ndarray) -> np.ndarray:
    """(...,) how far a point (..., 3) of the mean head follows the bust instead of the head."""
    height = mean[..., 1] + 0.25 * np.clip(mean[..., 2], -8, 8)
    t = np.clip((-4.5 - height) / 7.0, 0, 1)
    return t * t * (3 - 2 * t)


class HeadModel:
    """Deforms ICT-FaceKit's vertices by a `HeadState`."""

    def __init__(self, kit: FaceKit):
        self.kit = kit
        self.basis = head_shapes(kit).reshape(-1, len(kit.mean) * 3)
        self.weight = neck_weight(kit.mean)[:, None].astype(np.float32)

    def vertices(self, state: HeadState) -> np.ndarray:
        """(V, 3) cm in head coordinates, bust turned."""
        coefficients = np.concatenate([state.identity, state.extra, state.scanned, state.expression])
        shape = (self.kit.mean + (coefficients.astype(np.float32) @ self.basis).reshape(-1, 3)) * state.axis_scale
        turned = (shape - NECK_PIVOT) @ state.neck.T + NECK_PIVOT
        return (shape + self.weight * (turned - shape)).astype(np.float32)


def to_camera(points: np.ndarray, state: HeadState) -> np.ndarray:
    """(..., 3) head coordinates to camera space, cm."""
    return (points - ORIGIN) @ state.rotation.T + state.translation


def project(camera_points: np.ndarray, state: HeadState) -> np.ndarray:
    """(..., 3) camera space to picture coordinates 0..1 (y down), with the position map's z.

    z is measured along the line of sight to the head's origin, not along the camera's axis: where in the photo a
    crop lies is not to be seen in the crop.
    """
    focal, centre_x, centre_y = state.projection
    depth = -camera_points[..., 2]
    origin = state.translation
    towards_camera = (camera_points - origin) @ -origin / np.linalg.norm(origin)
    return np.stack(
        [
            focal * camera_points[..., 0] / depth + centre_x,
            -focal * camera_points[..., 1] / depth + centre_y,
            towards_camera * focal / -origin[2],
        ],
        axis=-1,
    )


def unproject(values: np.ndarray, state: HeadState) -> np.ndarray:
    """(..., 3) picture coordinates with the position map's z back to camera space, cm: the inverse of `project`.

    Along a line of sight z is linear in the depth.
    """
    focal, centre_x, centre_y = state.projection
    sight = np.stack([values[..., 0] - centre_x, centre_y - values[..., 1], np.full(values.shape[:-1], -focal)], -1)
    sight = sight.astype(np.float64) / focal  # float32 loses what near and far differ by
    near, far = (project(sight * depth, state)[..., 2] for depth in (1.0, 2.0))
    depth = 1 + (values[..., 2] - near) / (far - near)
    return sight * depth[..., None]
