"""What is drawn: random identities, expressions, poses, cameras and lights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..assets import LANDMARK_VERTICES, SKIN_VERTICES, FaceKit
from ..head_model import EXTRA_SHAPES, SCANNED_SHAPES, HeadState, extra_shapes, project, to_camera

# Side of the drawn square over the mean side of the 68 landmarks' box: wider than any network's crop, so that
# training can turn, shift and scale the crop inside of it.
PICTURE_SCALE = 2.15


# Draws yaw, pitch, roll, nod in radians.
Angles = Callable[[np.random.Generator], tuple[float, float, float, float]]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) Rz(roll) Rx(pitch) Ry(yaw), radians, y up."""
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    turn_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return (turn_z @ turn_x @ turn_y).astype(np.float32)


def sample_expression(rng: np.random.Generator, kit: FaceKit) -> np.ndarray:
    """(57,) weights 0..1: a fifth neutral, the rest talking, smiling, anything, or as much as a face can do."""
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
    elif kind > 0.9:
        _grimace(rng, weights, index, both)
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
    elif rng.random() < 0.06:  # a wink
        weights[index(f"eyeBlink_{rng.choice(['L', 'R'])}")] = rng.uniform(0.7, 1)
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


def _grimace(rng: np.random.Generator, weights: np.ndarray, index, both) -> None:
    """Sets the weights of a shout, a broad laugh, a kiss, full cheeks, disgust, sorrow or a mouth drawn aside."""
    strong = rng.uniform(0.6, 1.0)
    kind = rng.integers(7)
    if kind == 0:
        weights[index("jawOpen")] = strong
        for name in rng.choice(["mouthUpperUp", "mouthLowerDown", "mouthStretch", "eyeWide", "noseSneer"], 2, False):
            both(name, rng.uniform(0.4, 1))
    elif kind == 1:
        weights[index("jawOpen")] = rng.uniform(0.2, 0.6)
        for name in ("mouthSmile", "cheekSquint", "eyeSquint", "mouthUpperUp"):
            both(name, strong)
    elif kind == 2:
        weights[index("mouthPucker")] = strong
        weights[index("mouthFunnel")] = rng.uniform(0, 0.8)
    elif kind == 3:
        both("cheekPuff", strong)
        weights[index("mouthPucker")] = rng.uniform(0, 0.6)
    elif kind == 4:
        for name in ("noseSneer", "browDown", "mouthUpperUp", "eyeSquint"):
            both(name, strong)
    elif kind == 5:
        for name in ("mouthFrown", "browInnerUp", "mouthPress"):
            both(name, strong)
        weights[index("mouthShrugLower")] = rng.uniform(0, 1)
    else:
        side = rng.choice(["Left", "Right"])
        weights[index(f"mouth{side}")] = strong
        weights[index(f"jaw{side}")] = rng.uniform(0, 1)


class ShapeSampler:
    """Heads without pose and camera (to be set by `sample_view`)."""

    def __init__(self, kit: FaceKit, scanned: float = 0.0):
        """
        Args:
            scanned: share of heads as scanned people's are; the others are ICT-FaceKit's.
        """
        self.kit, self.scanned = kit, scanned
        shapes = np.concatenate([kit.identity, extra_shapes(kit.mean)])[:, :SKIN_VERTICES]
        targets = [child_offsets(kit), heavy_offsets(kit)]
        self.child, self.heavy = nearest_weights(shapes, targets)

    def __call__(self, rng: np.random.Generator) -> HeadState:
        """A random head: of children one in six."""
        kit = self.kit
        identity = rng.normal(size=len(kit.identity)) * rng.uniform(0.6, 1.4)
        extra = rng.normal(size=EXTRA_SHAPES) * rng.uniform(0, 0.9)
        if rng.random() < 0.16:
            body = rng.uniform(0.4, 1.3) * self.child
        else:
            body = rng.normal(0, 0.15) * self.child
        body = body + max(rng.normal(0, 0.5), -0.7) * self.heavy
        expression, axis_scale, people = sample_expression(rng, kit), rng.normal(1, 0.04, 3), np.zeros(SCANNED_SHAPES)
        if self.scanned and rng.random() < self.scanned:
            people = np.append(1, rng.normal(size=SCANNED_SHAPES - 1) * rng.uniform(0.7, 1.3))
            # what the 20 components have not: a little of everything else
            identity, extra, body, axis_scale = 0.3 * identity, 0.5 * extra, 0.3 * body, 1 + (axis_scale - 1) / 2
        return HeadState(
            identity=(identity + body[: len(identity)]).astype(np.float32),
            extra=(extra + body[len(identity) :]).astype(np.float32),
            scanned=people.astype(np.float32),
            expression=expression,
            axis_scale=axis_scale.astype(np.float32),
            neck=sample_neck(rng),
            rotation=np.eye(3, dtype=np.float32),
            translation=np.zeros(3, np.float32),
            projection=np.ones(3, np.float32),
        )


def nearest_weights(shapes: np.ndarray, targets: list[np.ndarray]) -> np.ndarray:
    """(T, K) weights of `shapes` (K, V, 3) that come nearest to each of the target offsets (V, 3), kept small."""
    rows = shapes[:, ::4].reshape(len(shapes), -1).astype(np.float64)
    goals = np.stack([target[::4].ravel() for target in targets])
    keep_small = 2e-3 * np.square(rows).sum(1).mean() * np.eye(len(rows))
    return np.linalg.solve(rows @ rows.T + keep_small, rows @ goals.T).T


def child_offsets(kit: FaceKit) -> np.ndarray:
    """(SKIN_VERTICES, 3) cm from the mean head to a child's proportions.

    Short lower face, large eyes and forehead, small flat nose, narrow jaw and neck.
    """
    mean, points = kit.mean[:SKIN_VERTICES], kit.mean[LANDMARK_VERTICES]
    eyes = points[36:48, 1].mean()
    below = np.clip(eyes - mean[:, 1], 0, None)
    offsets = np.zeros_like(mean)
    offsets[:, 1] += 0.2 * np.minimum(below, 9)
    offsets[:, 1] += 0.08 * np.clip(mean[:, 1] - eyes, 0, None)
    front = np.clip(mean[:, 2] / 8, 0, 1)
    offsets[:, 2] += 0.8 * front * np.exp(-(((mean[:, 1] - eyes - 5) / 3) ** 2))
    offsets[:, 0] -= 0.14 * mean[:, 0] * np.clip((below - 5) / 5, 0, 1)
    for eye in (points[36:42].mean(0), points[42:48].mean(0)):
        away = mean - eye
        offsets += 0.22 * away * np.exp(-np.square(away).sum(1) / 1.8**2)[:, None]
    nose = points[30]
    near = np.exp(-np.square(mean - nose).sum(1) / 2.0**2)
    offsets[:, 2] -= 0.9 * near
    offsets[:, 1] += 0.3 * near
    return offsets


def heavy_offsets(kit: FaceKit) -> np.ndarray:
    """(SKIN_VERTICES, 3) cm from the mean head to a heavy person's: full cheeks, double chin, thick neck."""
    mean, points = kit.mean[:SKIN_VERTICES], kit.mean[LANDMARK_VERTICES]
    outwards = mean - np.array([0, 0, -1]) * (1, 0, 1) - mean * (0, 1, 0)
    outwards /= np.maximum(np.linalg.norm(outwards, axis=1, keepdims=True), 1)
    offsets = np.zeros_like(mean)
    for point, size, radius in (
        (points[4], 1.1, 3.5),
        (points[12], 1.1, 3.5),
        (points[2], 0.7, 3),
        (points[14], 0.7, 3),
    ):
        offsets += size * outwards * np.exp(-np.square(mean - point).sum(1) / radius**2)[:, None]
    chin = points[8] - (0, 2.0, 2.5)
    offsets += np.array([0, -0.6, 1.3]) * np.exp(-np.square(mean - chin).sum(1) / 3.0**2)[:, None]
    neck = np.clip((points[8, 1] - mean[:, 1]) / 4, 0, 1)
    return offsets + 1.2 * outwards * neck[:, None]


def sample_neck(rng: np.random.Generator) -> np.ndarray:
    """(3, 3) turn of the bust against the head: most people look about straight ahead, a third strongly away."""
    reach = (0.3, 0.22, 0.15) if rng.random() < 0.65 else (0.6, 0.4, 0.25)
    return rotation(*np.clip(rng.normal(0, reach), -0.9, 0.7))


def sample_portrait_angles(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """As `sample_angles`, of people who let themselves be photographed: mostly to 45 degrees."""
    yaw = rng.normal(0, 0.3) if rng.random() < 0.6 else rng.uniform(-0.9, 0.9)
    return float(yaw), float(rng.normal(0, 0.14)), float(rng.normal(0, 0.1)), float(rng.normal(0, 0.12))


def sample_angles(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Yaw, pitch, roll, nod in radians, with much weight on turned heads.

    Pitch is the camera's height; a nod turns the head about its own ears, in profile within the picture.
    """
    kind = rng.random()
    if kind < 0.33:
        yaw = rng.normal(0, 0.35)
    elif kind < 0.6:
        yaw = rng.uniform(-1.0, 1.0)
    else:
        yaw = rng.choice([-1, 1]) * rng.uniform(0.5, 1.65)
    pitch = rng.normal(0, 0.15) if rng.random() < 0.8 else rng.uniform(-0.6, 0.6)
    nod = rng.normal(0, 0.15) if rng.random() < 0.75 else rng.uniform(-0.6, 0.7)
    roll = rng.normal(0, 0.22) if rng.random() < 0.85 else rng.uniform(-0.8, 0.8)
    return float(yaw), float(pitch), float(roll), float(nod)


def sample_view(
    rng: np.random.Generator, state: HeadState, vertices: np.ndarray, angles: Angles = sample_angles
) -> HeadState:
    """`state` with a random pose and camera, its landmarks' box in the middle of the picture."""
    distance = float(np.exp(rng.uniform(np.log(32), np.log(400))))
    offset = rng.normal(0, 0.08, 2) * distance
    posed = HeadState(**vars(state))
    yaw, pitch, roll, nod = angles(rng)
    posed.rotation = rotation(yaw, pitch, roll) @ rotation(0, nod, 0)
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
    hard = rng.random() < 0.2  # a lamp or the sun alone
    ambient = rng.uniform(0.02, 0.2) if hard else rng.uniform(0.15, 1.0)
    harmonics = harmonics * ambient * white_balance
    direction = rng.normal(size=3) + (0, 0.4, 0.3)
    if rng.random() < 0.7:
        direction[2] = abs(direction[2])
    direction /= np.linalg.norm(direction)
    if hard:
        strength = rng.uniform(0.7, 2.0)
    else:
        strength = rng.uniform(0, 1.6) if rng.random() < 0.8 else 0.0
    tint = 0.3 if rng.random() < 0.06 else 0.08
    colour = strength * np.exp(rng.normal(0, tint, 3)) * white_balance
    # roughly what a camera's exposure control would choose, and how it goes wrong
    received = ambient + 0.45 * strength * max(direction[2] + 0.3, 0.15)
    wrong = rng.choice([rng.normal(0, 0.3), rng.uniform(-1.2, -0.4), rng.uniform(0.4, 1.3)], p=[0.8, 0.1, 0.1])
    exposure = 0.6 / received * np.exp(wrong)
    return Light(
        harmonics.astype(np.float32), direction.astype(np.float32), colour.astype(np.float32), strength > 0.3, exposure
    )
