"""What is drawn: random identities, expressions, poses, cameras and lights."""

from dataclasses import dataclass

import numpy as np

from ..assets import LANDMARK_VERTICES, FaceKit
from ..head_model import EXTRA_SHAPES, HeadState, project, to_camera

# Side of the drawn square over the mean side of the 68 landmarks' box: wider than any network's crop, so that
# training can turn, shift and scale the crop inside of it.
PICTURE_SCALE = 2.15


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) Rz(roll) Rx(pitch) Ry(yaw), radians, y up."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return (turn_z @ turn_x @ turn_y).astype(np.float32)


def sample_expression(rng: np.random.Generator, kit: FaceKit) -> np.ndarray:
    """(57,) weights 0..1: a quarter neutral, the rest talking, smiling or anything."""
    weights = np.zeros(len(kit.expression_names), np.float32)
    index = kit.expression_index

    def both(name: str, weight: float) -> None:
        for side in ("_L", "_R"):
            weights[index(name + side)] = np.clip(weight + rng.normal() * 0.08, 0, 1)

    kind = rng.random()
    if 0.2 < kind < 0.65:
        both("mouthSmile", rng.uniform(0, 1))
        both("cheekSquint", rng.uniform(0, 0.6))
        both("mouthDimple", rng.uniform(0, 0.5))
        weights[index("jawOpen")] = max(0.0, rng.normal(0.1, 0.18))
        if rng.random() < 0.6:
            both("mouthUpperUp", rng.uniform(0, 0.7))
        if rng.random() < 0.5:
            both("mouthLowerDown", rng.uniform(0, 0.6))
    elif kind >= 0.65:
        chosen = rng.choice(len(weights), size=rng.integers(3, 12), replace=False)
        weights[chosen] = rng.beta(1.2, 2.2, size=len(chosen))
        if rng.random() < 0.35:
            weights[index("jawOpen")] = rng.uniform(0, 0.9)
    if rng.random() < 0.3:
        both("browDown", rng.uniform(0, 0.8))
    elif rng.random() < 0.25:
        both("browInnerUp", rng.uniform(0, 0.8))
        both("browOuterUp", rng.uniform(0, 0.8))
    if rng.random() < 0.3:
        both("eyeBlink", rng.choice([rng.uniform(0, 0.6), rng.uniform(0.8, 1)]))
    elif rng.random() < 0.2:
        both("eyeSquint", rng.uniform(0, 0.8))
    # the lips cannot close further than the jaw is open
    weights[index("mouthClose")] = min(weights[index("mouthClose")], weights[index("jawOpen")])
    sideways, upwards = rng.normal(0, 0.35, 2)
    gaze = {"eyeLookIn_L": sideways, "eyeLookOut_R": sideways, "eyeLookOut_L": -sideways, "eyeLookIn_R": -sideways}
    gaze |= {f"eyeLook{way}_{side}": sign * upwards for way, sign in (("Up", 1), ("Down", -1)) for side in "LR"}
    for name, value in gaze.items():
        weights[index(name)] = np.clip(value, 0, 1)
    return weights


def sample_shape(rng: np.random.Generator, kit: FaceKit) -> HeadState:
    """A head without pose and camera (to be set by `sample_view`)."""
    return HeadState(
        identity=rng.normal(size=len(kit.identity)).astype(np.float32) * rng.uniform(0.6, 1.4),
        extra=rng.normal(size=EXTRA_SHAPES).astype(np.float32) * rng.uniform(0, 0.8),
        expression=sample_expression(rng, kit),
        axis_scale=rng.normal(1, 0.035, 3).astype(np.float32),
        neck=rotation(*(rng.normal(0, 0.22, 3) * (1.4, 1.0, 0.7))),
        rotation=np.eye(3, dtype=np.float32),
        translation=np.zeros(3, np.float32),
        projection=np.ones(3, np.float32),
    )


def sample_angles(rng: np.random.Generator) -> tuple[float, float, float]:
    """Yaw, pitch, roll in radians, with much weight on turned heads."""
    kind = rng.random()
    if kind < 0.33:
        yaw = rng.normal(0, 0.35)
    elif kind < 0.6:
        yaw = rng.uniform(-1.0, 1.0)
    else:
        yaw = rng.choice([-1, 1]) * rng.uniform(0.5, 1.65)
    pitch = rng.normal(0, 0.2) if rng.random() < 0.8 else rng.uniform(-0.7, 0.7)
    return float(yaw), float(pitch), float(rng.normal(0, 0.22))


def sample_view(rng: np.random.Generator, state: HeadState, vertices: np.ndarray) -> HeadState:
    """`state` with a random pose and camera, its landmarks' box in the middle of the picture."""
    distance = float(np.exp(rng.uniform(np.log(32), np.log(400))))
    offset = rng.normal(0, 0.08, 2) * distance
    posed = HeadState(**vars(state))
    posed.rotation = rotation(*sample_angles(rng))
    posed.translation = np.array([*offset, -distance], np.float32)
    posed.projection = np.array([1, 0, 0], np.float32)
    landmarks = project(to_camera(vertices[LANDMARK_VERTICES], posed), posed)[:, :2]
    low, high = landmarks.min(0), landmarks.max(0)
    side = float((high - low).mean()) * PICTURE_SCALE * np.exp(rng.normal(0, 0.06))
    centre = (low + high) / 2 + rng.normal(0, 0.03, 2) * side
    posed.projection = np.array([1 / side, 0.5 - centre[0] / side, 0.5 - centre[1] / side], np.float32)
    return posed


@dataclass(frozen=True)
class Light:
    """Spherical harmonics for the surroundings, one directional light, in camera space and linear colour."""

    harmonics: np.ndarray  # (9, 3) irradiance over pi
    direction: np.ndarray  # (3,) towards the light
    colour: np.ndarray  # (3,)
    has_shadow: bool
    exposure: float


def sample_light(rng: np.random.Generator, environments: list[np.ndarray]) -> Light:
    """A light from one turn of one of the environments' (turns, 9, 3) harmonics, or from random harmonics."""
    strong_cast = rng.random() < 0.08
    white_balance = np.exp(rng.normal(0, 0.22 if strong_cast else 0.06, 3))
    if environments and rng.random() < 0.5:
        turns = environments[rng.integers(len(environments))]
        harmonics = turns[rng.integers(len(turns))]
        harmonics = harmonics / max(harmonics[0].mean(), 1e-3)
    else:
        harmonics = np.zeros((9, 3))
        harmonics[0] = 1
        harmonics[1:4] = rng.normal(0, 0.35, (3, 1)) * (1 + rng.normal(0, 0.1, (3, 3)))
        harmonics[4:] = rng.normal(0, 0.12, (5, 1))
        harmonics[1] += 0.2
    ambient = rng.uniform(0.15, 1.0)
    harmonics = harmonics * ambient * white_balance
    direction = rng.normal(size=3) + (0, 0.4, 0.3)
    if rng.random() < 0.7:
        direction[2] = abs(direction[2])
    direction /= np.linalg.norm(direction)
    strength = rng.uniform(0, 1.6) if rng.random() < 0.8 else 0.0
    colour = strength * np.exp(rng.normal(0, 0.08, 3)) * white_balance
    # roughly what a camera's exposure control would choose, and how it goes wrong
    received = ambient + 0.45 * strength * max(direction[2] + 0.3, 0.15)
    exposure = 0.6 / received * np.exp(rng.normal(0, 0.33))
    return Light(
        harmonics.astype(np.float32), direction.astype(np.float32), colour.astype(np.float32), strength > 0.3, exposure
    )
