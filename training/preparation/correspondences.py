"""Which points of MakeHuman's base mesh are which points of ICT-FaceKit's mean head.

Numbers of vertices belong to the two public topologies: MakeHuman's hm08, and ICT-FaceKit as in its README.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from ..assets import FACE_POLYGONS, HEAD_POLYGONS, LANDMARK_VERTICES, FaceKit
from ..uv_layout import EYE_LOOP, MOUTH_LOOP, boundary_loops
from .makehuman import BaseMesh
from .surface import Surface, mirrored, polygon_edges, rings, walk_loop

# Rings of MakeHuman's polygons around the backs of the left eye's and the mouth's cavity, and what they are.
EYE_BACK = (8007, 8008, 8009, 8010, 8011, 8012, 8013, 8014, 8018, 8020, 8021, 8023, 8024)
EYE_BACK += (11913, 11914, 11915, 11916, 11917, 11921)
MOUTH_BACK = (710, 707, 693)
LID_MARGIN, LID_FOLD = 11, 13
LIP_BACK, LIP_INSIDE, LIP_CONTACT, LIP_BORDER, LIP_SURROUND = 9, 10, 11, 16, 17

# The same of ICT-FaceKit, counted from the holes that its face leaves for eyes and mouth.
KIT_LID_MARGIN, KIT_LID_FOLD = 1, 4
KIT_LIP_BACK, KIT_LIP_INSIDE, KIT_LIP_CONTACT = 2, 6, 7

# Pairs (MakeHuman, ICT-FaceKit).
MIDLINE = ((227, 1398), (136, 933), (297, 4841), (317, 1147), (724, 7), (733, 968), (5225, 966), (787, 1850))
SKULL = ((881, 10532), (962, 10270), (854, 10853))
NOSE_WINGS = ((11673, 5214), (7119, 3483))
EARS = (
    (5413, 7571),
    (5439, 7589),
    (5452, 7907),
    (5454, 7733),
    (5428, 7447),
    (5699, 7789),
    (5719, 7482),
    (5709, 7749),
    (5611, 7672),
    (5481, 7551),
    (5621, 8022),
    (5644, 7942),
    (5599, 7567),
)
NOSTRIL = (7090, 7089, 7125, 7083, 7086, 7087, 7082, 7096, 7094, 7093, 7092, 7091)  # MakeHuman's left rim
KIT_NOSTRIL = (5042, 5430, 5467, 5247, 5243, 5244, 5225, 5285, 5145, 5050, 5051, 5081)
KIT_NOSTRIL += (5079, 5442, 2349, 5494, 5493, 5492, 5491, 5490, 5489)  # the same rim
KIT_NOSTRIL_VAULT = 5268  # a vertex above it
NOSTRIL_VAULT = (7155, 7158, 7146, 7147, 7145, 7152, 7156, 7153, 7154, 7148, 7157, 7149, 7150, 7151)

# Painted lips end below MakeHuman's lip border by a little: its two rings lie on both sides of ICT's contour (cm).
LOWER_LIP_INSIDE, LOWER_LIP_OUTSIDE = 0.18, 0.24


@dataclass(frozen=True)
class Correspondences:
    """Vertices of the base mesh and where they belong on the mean head."""

    vertex: np.ndarray  # (N,)
    target: np.ndarray  # (N, 3) cm
    weight: np.ndarray  # (N,)
    region: np.ndarray  # (N,) names
    hidden: np.ndarray  # vertices of the base mesh in the cavities of eyes, mouth and nostrils


def kit_openings(kit: FaceKit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The face's boundary loops: right eye, left eye, mouth."""
    loops = boundary_loops(face_triangles(kit)[0])
    eyes = sorted((loop for loop in loops if len(loop) == EYE_LOOP), key=lambda loop: kit.mean[loop, 0].mean())
    return eyes[0], eyes[1], next(loop for loop in loops if len(loop) == MOUTH_LOOP)


def face_triangles(kit: FaceKit) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the face without skull and neck, and their polygons."""
    chosen = kit.triangle_polygon < FACE_POLYGONS[1]
    return kit.triangles[chosen], kit.triangle_polygon[chosen]


def find_correspondences(base: BaseMesh, kit: FaceKit) -> Correspondences:
    """Lid margins and folds, lips, nostrils, ears, midline and skull."""
    kit_points = kit.mean.astype(np.float64)
    body, polygons = base.mesh.triangles[base.body], base.mesh.triangle_polygon[base.body]
    eye_rings = rings(body, polygons, np.array(EYE_BACK), LID_FOLD)
    mouth_rings = rings(body, polygons, np.array(MOUTH_BACK), LIP_SURROUND)
    edges = polygon_edges(body, polygons)
    face, face_polygons = face_triangles(kit)
    kit_edges = polygon_edges(face, face_polygons)
    _, left_eye, mouth = kit_openings(kit)
    kit_eye_rings = rings(face, face_polygons, left_eye, KIT_LID_FOLD)
    kit_mouth_rings = rings(face, face_polygons, mouth, KIT_LIP_CONTACT)
    surface = Surface(kit_points, kit.triangles[kit.triangle_polygon < HEAD_POLYGONS[1]], spacing=0.3)
    mirror = mirrored(base.young)
    parts: list[tuple[np.ndarray, np.ndarray, float, str]] = []

    def add(vertices, targets, weight: float, region: str, both_sides: bool = False) -> None:
        parts.append((np.asarray(vertices), np.asarray(targets), weight, region))
        if both_sides:
            parts.append((mirror[np.asarray(vertices)], np.asarray(targets) * (-1, 1, 1), weight, region))

    def add_ring(ring, kit_ring, weight: float, region: str, both_sides: bool) -> None:
        loop, kit_loop = walk_loop(ring, edges, base.young), walk_loop(kit_ring, kit_edges, kit_points)
        for half, kit_half in zip(_halves(base.young[loop]), _halves(kit_points[kit_loop]), strict=True):
            vertices = loop[half]
            add(vertices, _along(base.young[vertices], kit_points[kit_loop[kit_half]]), weight, region, both_sides)

    add_ring(eye_rings[LID_MARGIN], kit_eye_rings[KIT_LID_MARGIN], 30, "lid margin", True)
    add_ring(eye_rings[LID_FOLD], kit_eye_rings[KIT_LID_FOLD], 30, "lid fold", True)
    add_ring(mouth_rings[LIP_CONTACT], kit_mouth_rings[KIT_LIP_CONTACT], 30, "lip contact", False)
    add_ring(mouth_rings[LIP_INSIDE], kit_mouth_rings[KIT_LIP_INSIDE], 5, "lip inside", False)
    add_ring(mouth_rings[LIP_BACK], kit_mouth_rings[KIT_LIP_BACK], 2, "lip back", False)

    landmarks = kit_points[LANDMARK_VERTICES]
    loop = walk_loop(mouth_rings[LIP_BORDER], edges, base.young)
    upper, lower = _halves(base.young[loop])
    contour = surface.closest(_curve(landmarks[48:55])).point
    add(loop[upper], _along(base.young[loop[upper]], contour), 20, "upper lip")
    contour = surface.closest(_curve(landmarks[[48, 59, 58, 57, 56, 55, 54]])).point
    inwards = surface.closest(_curve(landmarks[[48, 60, 67, 66, 65, 64, 54]])).point - contour
    inwards /= np.maximum(np.linalg.norm(inwards, axis=1, keepdims=True), 1e-6)
    way = np.linspace(0, 1, len(contour))[:, None]
    share = np.sin(np.pi * way) ** 0.5 * (1 - 0.5 * np.exp(-(((way - 0.5) / 0.14) ** 2)))  # less in the middle
    inside = surface.closest(contour + inwards * LOWER_LIP_INSIDE * share).point
    add(loop[lower], _along(base.young[loop[lower]], inside), 20, "lower lip")
    loop = walk_loop(mouth_rings[LIP_SURROUND], edges, base.young)
    lower = _halves(base.young[loop])[1]
    outside = surface.closest(contour - inwards * LOWER_LIP_OUTSIDE * share).point
    add(loop[lower][2:-2], _along(base.young[loop[lower]], outside)[2:-2], 5, "below the lip")

    for pairs, weight, region, both_sides in (
        (MIDLINE, 10, "midline", False),
        (SKULL, 1, "skull", False),
        (NOSE_WINGS, 6, "nose wings", True),
    ):
        vertices, kit_vertices = np.array(pairs).T
        add(vertices, kit_points[kit_vertices], weight, region, both_sides)
    vertices, kit_vertices = np.array(EARS).T
    add(vertices, kit_points[kit_vertices], 1.5, "ears", True)
    rim = _around(base.young[list(NOSTRIL)], kit_points[list(KIT_NOSTRIL)])
    add(np.array(NOSTRIL), rim, 6, "nostrils", True)

    hidden = np.concatenate([*eye_rings[:LID_MARGIN], *mouth_rings[:LIP_INSIDE], NOSTRIL_VAULT])
    return Correspondences(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([np.full(len(part[0]), part[2]) for part in parts]),
        np.concatenate([np.full(len(part[0]), part[3]) for part in parts]),
        np.union1d(hidden, mirror[hidden]),
    )


def _halves(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower half of a closed loop, as rows from its least to its greatest x."""
    count, start, end = len(points), int(points[:, 0].argmin()), int(points[:, 0].argmax())
    forward = (start + np.arange((end - start) % count + 1)) % count
    backward = (start - np.arange((start - end) % count + 1)) % count
    if points[forward, 1].mean() > points[backward, 1].mean():
        return forward, backward
    return backward, forward


def _arc(points: np.ndarray) -> np.ndarray:
    """(N,) share of a polyline's length at each of its points."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return length / length[-1]


def _along(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 3) points of the polyline `target` at the shares of length that `points` (N, 3) have on theirs."""
    share, target_share = _arc(points), _arc(target)
    return np.stack([np.interp(share, target_share, target[:, axis]) for axis in range(3)], axis=1)


def _curve(points: np.ndarray, count: int = 60) -> np.ndarray:
    """(count, 3) points of the cubic spline through points."""
    return CubicSpline(_arc(points), points)(np.linspace(0, 1, count))


def _around(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(N, 3) points of the closed loop `target` at the angles that `points` have about their own centre."""
    centre, target_centre = points.mean(0), target.mean(0)
    plane = np.linalg.svd(target - target_centre)[2][:2]

    def angle(offsets: np.ndarray) -> np.ndarray:
        return np.arctan2(offsets @ plane[1], offsets @ plane[0])

    target_angle = angle(target - target_centre)
    order = target_angle.argsort()
    return np.stack(
        [
            np.interp(angle(points - centre), target_angle[order], target[order, axis], period=2 * np.pi)
            for axis in range(3)
        ],
        axis=1,
    )
