"""Wrinkles, folds and painted lines that follow a face's features, in ICT-FaceKit's face texture."""

import numpy as np

from ..assets import FACE_POLYGONS, LANDMARK_VERTICES, FaceKit

RIGHT = np.array([31, 48, 36, 17, 4, 6])  # wing of the nose, corners of mouth and eye, brow's end, jaw
LEFT = np.array([35, 54, 45, 26, 12, 10])


def vertex_places(kit: FaceKit) -> tuple[np.ndarray, np.ndarray]:
    """(V, 2) of the vertices in the texture tile, 0..1, y down, and (V,) bool: in the face's tile."""
    uv = np.full((len(kit.mean), 2), -1, np.float32)
    face = (kit.triangle_polygon >= FACE_POLYGONS[0]) & (kit.triangle_polygon < FACE_POLYGONS[1])
    uv[kit.triangles[face].ravel()] = kit.uv[kit.triangle_uv[face].ravel()] % 1
    return uv * (1, -1) + (0, 1), uv[:, 0] >= 0


def landmark_places(kit: FaceKit) -> np.ndarray:
    """(68, 2) of the landmarks in the face texture, 0..1, y down."""
    return vertex_places(kit)[0][LANDMARK_VERTICES]


def face_values(kit: FaceKit, mask: np.ndarray) -> np.ndarray:
    """(V,) values of a mask (S, S) over the face texture at the vertices, 0 elsewhere."""
    places, in_face = vertex_places(kit)
    pixel = np.clip(places * len(mask), 0, len(mask) - 1).astype(int)
    return np.where(in_face, mask[pixel[:, 1], pixel[:, 0]], 0)


def curve(points: np.ndarray, steps: int = 24) -> np.ndarray:
    """(steps, 2) smooth curve through three or more points (N, 2)."""
    t = np.linspace(0, 1, len(points))
    order = min(len(points) - 1, 3)
    at = np.linspace(0, 1, steps)
    return np.stack([np.polyval(np.polyfit(t, points[:, axis], order), at) for axis in range(2)], 1)


def paint_lines(size: int, lines: list[tuple[np.ndarray, float, float]]) -> np.ndarray:
    """(size, size) float32 0..1 of curves (points (N, 2) in 0..1, width in pixels, strength), faded at their ends."""
    import cv2

    canvas = np.zeros((size, size), np.float32)
    for points, width, strength in lines:
        stroke = np.zeros((size, size), np.float32)
        fading = np.sin(np.linspace(0.15, np.pi - 0.15, len(points) - 1)) ** 0.5
        pixels = np.round(points * size * 16).astype(np.int32)
        for start, end, fade in zip(pixels[:-1], pixels[1:], fading, strict=True):
            cv2.line(stroke, start.tolist(), end.tolist(), float(strength * fade), 2, cv2.LINE_AA, 4)
        low = np.clip(np.floor(points.min(0) * size).astype(int) - 16, 0, size)
        high = np.clip(np.ceil(points.max(0) * size).astype(int) + 16, 0, size)
        part = (slice(low[1], high[1]), slice(low[0], high[0]))
        canvas[part] = np.maximum(canvas[part], cv2.GaussianBlur(stroke[part], (0, 0), width))
    return np.clip(canvas * 3, 0, 1)


def wrinkles(rng: np.random.Generator, places: np.ndarray, size: int, age: float) -> np.ndarray:
    """(size, size) float32 0..1 depth of folds on a face of `age` 0..1."""
    lines = []

    def add(points: list, width: float, strength: float) -> None:
        lines.append((curve(np.array(points)) + rng.normal(0, 0.002, 2), width * rng.uniform(0.7, 1.4), strength))

    strength = age * rng.uniform(0.6, 1.1, 8)
    for wing, mouth, eye, brow, jaw, chin in (RIGHT, LEFT):
        wing, mouth, eye, brow, jaw, chin = places[[wing, mouth, eye, brow, jaw, chin]]
        out = np.sign(mouth[0] - 0.5)
        add(
            [wing + (0.01 * out, -0.02), (wing + mouth) / 2 + (0.035 * out, 0), mouth + (0.035 * out, 0.03)],
            2.6,
            strength[0],
        )
        if rng.random() < age:
            add([mouth + (0.012 * out, 0.01), mouth + (0.02 * out, 0.04), (mouth + chin) / 2], 2.0, strength[1])
        for k in range(rng.integers(0, 5)):  # crow's feet
            turn = rng.normal(-0.5 + 0.35 * k, 0.1)
            far = eye + np.array([out * np.cos(turn), np.sin(turn)]) * rng.uniform(0.04, 0.08)
            add([eye + (0.018 * out, 0), (eye + far) / 2 + (0.005 * out, 0.003), far], 1.1, strength[2] * 0.8)
        inner = np.array([1 - eye[0], eye[1]]) * (0.28, 1) + (eye[0] * 0.72, 0)
        for k in range(rng.integers(1, 3)):  # bags under the eyes
            low = (eye + inner) / 2 + (0, 0.035 + 0.022 * k)
            add([inner + (0, 0.018), low, eye + (0, 0.015 + 0.01 * k)], 2.2, strength[3] * 0.8)
        if rng.random() < age:  # hollow cheeks
            add([jaw + (-0.03 * out, -0.1), (jaw + mouth) / 2, mouth + (0.06 * out, 0.07)], 5.0, strength[4] * 0.6)
    brow_height = places[[19, 24], 1].mean()
    for k in range(rng.integers(0, 5)):
        y = brow_height - 0.025 - 0.022 * k + rng.normal(0, 0.004)
        wave = rng.normal(0, 0.006, 5) + np.array([0.008, 0, 0.004, 0, 0.008])
        x = np.linspace(0.3, 0.7, 5) + rng.normal(0, 0.02)
        add(list(np.stack([x, y + wave], 1)), 1.7, strength[5])
    for side in (21, 22):  # between the brows
        if rng.random() < 0.3 + 0.5 * age:
            top = places[side] * (0.6, 1) + (0.2, -0.01)
            add([top, top + (0, 0.025), top + (rng.normal(0, 0.004), 0.05)], 1.5, strength[6])
    return paint_lines(size, lines)


def liner(rng: np.random.Generator, places: np.ndarray, size: int) -> np.ndarray:
    """(size, size) float32 0..1 of eyeliner."""
    lines = []
    reach = rng.uniform(0.0, 0.035)
    for lid, out in (([39, 38, 37, 36], -1), ([42, 43, 44, 45], 1)):
        points = [*places[lid], places[lid[-1]] + (reach * out, -0.3 * reach)]
        lines.append((curve(np.array(points)), rng.uniform(0.8, 2.0), 1.0))
    return paint_lines(size, lines)


def blush(rng: np.random.Generator, places: np.ndarray, size: int) -> np.ndarray:
    """(size, size) float32 0..1 of red on both cheeks."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    radius = rng.uniform(0.05, 0.11)
    height = rng.uniform(0.3, 0.6)
    coverage = np.zeros((size, size), np.float32)
    for eye, mouth, out in ((36, 48, -1), (45, 54, 1)):
        centre = places[eye] * (1 - height) + places[mouth] * height + (0.03 * out, 0)
        coverage += np.exp(-((x - centre[0]) ** 2 + 1.6 * (y - centre[1]) ** 2) / radius**2)
    return coverage.astype(np.float32)
