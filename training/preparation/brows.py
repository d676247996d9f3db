"""MakeHuman's eyebrows in ICT-FaceKit's UV, on ICT-FaceKit's brow landmarks."""

import cv2
import numpy as np
from scipy.spatial import cKDTree

from .makehuman import Proxy
from .obj import AssetError
from .registration import Registration
from .texels import Tile, landmark_texels, spread

REACH = 0.7  # cm between skin and brow cards
BELOW_LANDMARKS = 5.0  # texels: annotators mark the upper part of a brow
SPAN = 0.97  # of the landmarks' length
DENSE = ("eyebrow001", "eyebrow003", "eyebrow008", "eyebrow009", "eyebrow010", "eyebrow012")  # thin ones


def brow_picture(proxy: Proxy, texture: np.ndarray, registration: Registration, face: Tile) -> np.ndarray:
    """(S, S, 4) float RGBA 0..255, premultiplied: the brow cards seen along the skin's normals, where they hang."""
    points = _hang(proxy, registration)
    positions, normals = face.positions, face.normals
    chosen = face.inside & (positions[..., 1] > 3.8) & (positions[..., 1] < 9)
    chosen &= (positions[..., 2] > 4.5) & (np.abs(positions[..., 0]) < 7.2)
    hit, uv = _first_hits(positions[chosen], normals[chosen], points[proxy.mesh.triangles], _corner_uv(proxy))
    height, width = texture.shape[:2]
    place = np.full((2, *chosen.shape), -1e4, np.float32)  # outside of the texture
    rows = tuple(index[hit] for index in np.nonzero(chosen))
    place[(slice(None), *rows)] = (uv[hit] * (1, -1) + (0, 1)).T * [[width], [height]] - 0.5
    premultiplied = texture.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    return np.clip(
        cv2.remap(premultiplied, place[0], place[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT), 0, 255
    )


def move_to_landmarks(brows: list[np.ndarray], face: Tile) -> list[np.ndarray]:
    """Moves brow pictures so that their mean lies on the landmarks 17..26: MakeHuman's sit a centimetre lower."""
    mean = np.mean([brow[..., 3] for brow in brows], axis=0)
    landmarks = landmark_texels(face)
    row, column = np.indices(mean.shape).astype(np.float64)
    source_x, source_y = np.empty_like(mean), np.empty_like(mean)
    middle = face.size // 2
    for side, numbers in ((slice(middle, None), range(22, 27)), (slice(None, middle), range(21, 16, -1))):
        x, y = landmarks[list(numbers)].T  # from the nose outwards
        cover = np.zeros_like(mean)
        cover[:, side] = mean[:, side]
        weight = cover.sum(axis=0)
        start, end = np.interp((0.02, 0.98), np.cumsum(weight) / weight.sum(), np.arange(face.size))
        if x[-1] < x[0]:
            start, end = end, start
        used = np.flatnonzero(weight > 0.02 * weight.max())
        centre = (cover * row).sum(axis=0)[used] / weight[used]
        course = np.polyfit((used - start) / (end - start), centre, 3, w=np.sqrt(weight[used]))
        stretch = (x[-1] - x[0]) / (end - start) * SPAN
        share = (column - x[0]) / stretch / (end - start)  # 0 at the nose, 1 at the temple
        wanted = np.polyval(np.polyfit(x, y, 3), column) + BELOW_LANDMARKS
        source_x[:, side] = (start + share * (end - start))[:, side]
        source_y[:, side] = (row - wanted + np.polyval(course, np.clip(share, -0.15, 1.15)))[:, side]
    return [
        np.clip(cv2.remap(brow, source_x.astype(np.float32), source_y.astype(np.float32), cv2.INTER_CUBIC), 0, 255)
        for brow in brows
    ]


def straight_alpha(brow: np.ndarray) -> np.ndarray:
    """(S, S, 4) uint8 RGBA from a premultiplied brow; colours continue outside of it."""
    alpha = brow[..., 3:]
    colour = spread(np.where(alpha > 1, brow[..., :3] * 255 / np.maximum(alpha, 1), 30), alpha[..., 0] >= 8)
    return np.clip(np.dstack([colour, alpha]), 0, 255).round().astype(np.uint8)


def denser(picture: np.ndarray) -> np.ndarray:
    """A brow (S, S, 4) uint8 with more hair between its hairs."""
    alpha = picture[..., 3] / 255
    filled = 1 - (1 - alpha) ** 1.7 * (1 - 0.55 * cv2.GaussianBlur(alpha, (0, 0), 3.0))
    return np.dstack([picture[..., :3], (np.clip(filled, 0, 1) * 255).round().astype(np.uint8)])


def brow_mask(pictures: list[np.ndarray]) -> np.ndarray:
    """(S, S) 0..1 where any of the brows (S, S, 4) is."""
    union = np.max([cv2.GaussianBlur(picture[..., 3].astype(np.float64), (0, 0), 4) for picture in pictures], axis=0)
    return cv2.GaussianBlur((union > 25).astype(np.float64), (0, 0), 5)


def _hang(proxy: Proxy, registration: Registration) -> np.ndarray:
    """(N, 3) cm: the proxy on the registered head."""
    carried = np.einsum("nk,nkc->nc", proxy.weights, registration.points[proxy.reference])
    if not np.isfinite(carried).all():
        raise AssetError(f"{proxy.name} hangs on vertices outside of the head")
    offsets = proxy.offsets * proxy.offset_scale(registration.base.young)
    return carried + registration.similarity.scale * offsets @ registration.similarity.rotation.T


def _corner_uv(proxy: Proxy) -> np.ndarray:
    return proxy.mesh.uv[proxy.mesh.triangle_uv]


def _first_hits(
    points: np.ndarray, normals: np.ndarray, corners: np.ndarray, corner_uv: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which lines through points (N, 3) along normals meet triangles (F, 3, 3) within reach, and the nearest uv."""
    tree = cKDTree(points)
    centres = corners.mean(axis=1)
    radii = np.linalg.norm(corners - centres[:, None], axis=2).max(axis=1) + REACH
    nearest, uv = np.full(len(points), np.inf), np.zeros((len(points), 2))
    for triangle, rows in enumerate(tree.query_ball_point(centres, radii)):
        rows = np.array(rows, int)
        # Moeller and Trumbore, Fast, minimum storage ray/triangle intersection (1997)
        a, b, c = corners[triangle]
        cross = np.cross(normals[rows], c - a)
        determinant = cross @ (b - a)
        determinant = np.where(np.abs(determinant) < 1e-12, 1e-12, determinant)
        from_a = points[rows] - a
        second = (from_a * cross).sum(axis=1) / determinant
        other = np.cross(from_a, b - a)
        third = (normals[rows] * other).sum(axis=1) / determinant
        distance = np.abs(other @ (c - a) / determinant)
        inside = (second >= -1e-5) & (third >= -1e-5) & (second + third <= 1 + 1e-5)
        better = inside & (distance < np.minimum(nearest[rows], REACH))
        nearest[rows[better]] = distance[better]
        weights = np.stack([1 - second - third, second, third], axis=1)[better]
        uv[rows[better]] = weights @ corner_uv[triangle]
    return np.isfinite(nearest), uv
