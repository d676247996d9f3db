"""Glasses, hands, microphones and other things near a face."""

import numpy as np

from ..assets import LANDMARK_VERTICES
from .surfaces import Material, Surface, join, tube


def glasses(rng: np.random.Generator, vertices: np.ndarray) -> list[Surface]:
    """Spectacles or sunglasses on the head's own nose and ears."""
    points = vertices[LANDMARK_VERTICES]
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    bridge = points[27]
    plane = max(right[2], left[2]) + rng.uniform(0.9, 1.6)
    half_width = rng.uniform(2.1, 3.0)
    half_height = half_width * rng.uniform(0.5, 0.95)
    exponent = rng.uniform(2, 4.5)
    drop = rng.uniform(-0.2, 0.9)
    thickness = rng.choice([rng.uniform(0.04, 0.1), rng.uniform(0.12, 0.35)])
    angle = np.linspace(0, 2 * np.pi, 33)
    shape_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** (2 / exponent) * half_width
    shape_y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** (2 / exponent) * half_height
    curve = rng.uniform(0.01, 0.06)
    rims, lenses, ends = [], [], []
    for eye in (right, left):
        side = np.sign(eye[0])
        centre_x = side * max(abs(eye[0]) + rng.normal(0, 0.1), half_width + 0.6)
        rim = np.stack([centre_x + shape_x, eye[1] - drop + shape_y, np.zeros_like(shape_x)], 1)
        rim[:, 2] = plane - curve * rim[:, 0] ** 2
        rims.append(tube(rim, np.full(len(rim), thickness), 6))
        middle = rim[:-1].mean(0) + (0, 0, 0.2)
        fan = np.stack([np.zeros(32), np.arange(32) + 1, (np.arange(32) + 1) % 32 + 1], 1).astype(np.int32)
        lenses.append((np.concatenate([middle[None], rim[:-1]]).astype(np.float32), fan, np.zeros((33, 2))))
        ends.append((rim[np.argmin(side * rim[:, 0])], rim[np.argmax(side * rim[:, 0])]))
    middle = np.array([0, bridge[1] - drop * 0.3, plane + 0.1])
    rims.append(tube(_bend(ends[0][0], middle, ends[1][0]), np.full(9, thickness), 6))
    for (_, hinge), ear in zip(ends, (points[0], points[16]), strict=True):
        outside = np.array([ear[0] * 1.02, hinge[1] + rng.normal(0, 0.1), max(ear[2] - 0.5, -1.0)])
        rims.append(tube(np.linspace(hinge, outside, 6), np.full(6, max(thickness, 0.12)), 5))
    dark = rng.random() < 0.45
    frame = Surface(*join(rims), Material.PLASTIC, rng.random(3) * rng.choice([0.15, 0.15, 1.0]))
    lens = Surface(
        *join(lenses),
        Material.LENS,
        rng.random(3) * (0.15 if dark else 0.8),
        opacity=float(rng.uniform(0.6, 1.0) if dark else rng.uniform(0.02, 0.25)),
    )
    return [frame, lens]


def _bend(start: np.ndarray, middle: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(9, 3) quadratic Bezier curve."""
    t = np.linspace(0, 1, 9)[:, None]
    control = 2 * middle - (start + end) / 2
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def _rounded(path: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tube with a round tip at its end."""
    radii = np.full(len(path), radius)
    radii[-3:] *= (0.95, 0.75, 0.15)
    return tube(path, radii, 8)


def hand(rng: np.random.Generator, vertices: np.ndarray, tone: np.ndarray) -> Surface:
    """A hand of tubes whose fingers end on or in front of the face."""
    points = vertices[LANDMARK_VERTICES]
    target = points[rng.choice([3, 5, 8, 11, 13, 31, 35, 48, 54, 57, 19, 24, 0, 16])] + rng.normal(0, 1.0, 3)
    target[2] += rng.uniform(0.8, 3.0)
    along = np.array([rng.normal(0, 0.7), rng.uniform(0.2, 1.0), rng.normal(-0.1, 0.3)])
    along /= np.linalg.norm(along)
    across = np.cross(along, [0, 0, 1])
    across /= np.linalg.norm(across)
    out = np.cross(across, along)
    wrist = target - along * rng.uniform(10, 14)
    curl = rng.uniform(0, 3)
    parts = [_rounded(_bend(wrist - along * 14, wrist - along * 6, wrist + along * 5), 2.6)]
    parts += [
        _rounded(_bend(wrist + s * across, wrist + along * 3 + s * across, wrist + along * 7 + s * across), 1.4)
        for s in (-2.2, -0.8, 0.8, 2.2)
    ]
    spread = rng.uniform(0.9, 1.4)
    for k, length in enumerate((6.5, 7.5, 7.2, 5.5)):
        start = wrist + along * 6 + across * (k - 1.5) * 1.7
        end = start + along * (length - curl * 0.6) + across * (k - 1.5) * (spread - 1) * 2 - out * curl
        parts.append(_rounded(_bend(start, (start + end) / 2 + out * curl * 0.4, end), rng.uniform(0.75, 0.95)))
    thumb = wrist + along * 1.0 + across * 2.6 * rng.choice([-1, 1])
    parts.append(
        _rounded(
            _bend(thumb, thumb + along * 2 + (thumb - wrist) * 0.4, thumb + along * 5 + (thumb - wrist) * 0.3), 1.0
        )
    )
    return Surface(*join(parts), Material.PLAIN_SKIN, np.clip(tone * np.exp(rng.normal(0, 0.08, 3)), 0, 1))


def thing(rng: np.random.Generator, vertices: np.ndarray) -> Surface:
    """A microphone, cup, phone or stick in front of the face."""
    points = vertices[LANDMARK_VERTICES]
    tip = points[rng.choice([8, 57, 33, 48, 54, 3, 13])] + rng.normal(0, 1.5, 3)
    tip[2] += rng.uniform(1.0, 5)
    along = np.array([rng.normal(0, 0.6), rng.uniform(0.3, 1.0), rng.normal(-0.3, 0.3)])
    along /= np.linalg.norm(along)
    handle, head = rng.uniform(0.6, 2.0), rng.uniform(1.0, 4.5)
    length = np.array([-30, -head - 0.2, -head, -head * 0.8, -head * 0.3, head * 0.3, head * 0.8, head])
    radii = np.array([handle, handle, handle, head * 0.6, head * 0.95, head * 0.95, head * 0.6, 0.02])
    sides = int(rng.choice([4, 6, 12]))
    mesh = tube(tip + along * length[:, None], radii, sides)
    return Surface(*mesh, Material.PLASTIC, rng.random(3) * rng.choice([0.2, 1.0]))


def mask(rng: np.random.Generator, vertices: np.ndarray, triangles: np.ndarray, mean: np.ndarray) -> Surface:
    """A medical mask or scarf over nose, mouth and chin: the skin there, moved outwards."""
    points = mean[LANDMARK_VERTICES]
    top = points[28, 1] + rng.uniform(-2, 0.2)
    bottom = points[8, 1] - rng.uniform(-0.5, 1.5)
    inside = (mean[:, 1] < top) & (mean[:, 1] > bottom) & (mean[:, 2] > rng.uniform(0, 4))
    chosen = triangles[inside[triangles].all(1)]
    used, local = np.unique(chosen, return_inverse=True)
    positions = vertices[used].copy()
    inflate = rng.uniform(1.04, 1.12)
    axis = np.array([0, 0, -1.0])
    positions[:, [0, 2]] = axis[[0, 2]] + (positions[:, [0, 2]] - axis[[0, 2]]) * inflate
    return Surface(
        positions.astype(np.float32),
        local.reshape(-1, 3).astype(np.int32),
        (mean[used, :2] / 4).astype(np.float32),
        Material.CLOTH,
        rng.choice([rng.random(3), np.array([0.9, 0.95, 1.0]), np.array([0.5, 0.75, 0.85])]),
        pattern=int(rng.choice(4, p=[0.8, 0.1, 0.05, 0.05])),
    )
