"""A head's own expressions: how it looks without the photo's, and how each of ARKit's 52 moves it from there.

The mean head's displacements are turned and scaled as the head is around each place. Lids then glide on the eyeballs
and close, lips meet, and what the head has besides its skin goes along.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..geometry.position_map import cubic_neighbours, sample_bicubic
from ..packs.topology import OPENINGS, Topology
from .deformation import Anchors, anchors_at
from .expression_model import NAMES, STEP, ExpressionModel
from .fit import rotation_of
from .head_model import HeadModel
from .lids import Lids, lids_of
from .lips import lips_of
from .parts import FOLLOWED, SIDES, Part, PartsModel, clear_of_eyes, edge_of, parts_of, pull_of, skin_faces

PHOTO = "Photo"  # the key that brings the photo's expression back
NEUTRAL = "Neutral"
CELLS = 32  # of UV, in which turn and size are told
SMOOTH = 1.6  # cells
SIZES = (0.7, 1.4)  # of the head's parts, of the mean head's
CHUNK = 2048  # vertices whose displacements are read at once
BACK = 0.002  # metres by which an eyeball draws back behind closed lids
STILL = 2e-5  # metres: less is no movement


@dataclass(frozen=True, eq=False)
class Shapes:
    """A mesh without expression, and how keys move it."""

    neutral: np.ndarray  # (V, 3) float32 metres, aligned frame
    keys: dict[str, np.ndarray]  # (V, 3) float32 displacements by name; what a key does not move has none


@dataclass(frozen=True, eq=False)
class Expressions:
    """Of a head and its parts."""

    skin: Shapes
    parts: dict[str, Shapes]  # by the parts' names

    def kept(self, vertices: np.ndarray) -> "Expressions":
        """Of the head's vertices only some (N,)."""
        keys = {name: moved[vertices] for name, moved in self.skin.keys.items()}
        return Expressions(Shapes(self.skin.neutral[vertices], keys), self.parts)


def photo_expression(model: HeadModel, coefficients: np.ndarray) -> np.ndarray:
    """(G, G, 3) metres by UV: what a photo's expression, as of a fit, adds to the head without one."""
    return model.expression_mean + np.tensordot(coefficients.astype(np.float32), model.expression, 1)


def expressions_of(
    model: ExpressionModel,
    parts_model: PartsModel | None,
    topology: Topology,
    vertices: np.ndarray,
    parts: tuple[Part, ...],
    photo: np.ndarray | None,
) -> Expressions:
    """The expressions of a head.

    Args:
        vertices: (V, 3) the head as the photo shows it, metres, aligned frame.
        parts: of it; none where it has none.
        photo: (G, G, 3) as of `photo_expression`; None where it is not known: the head then counts as neutral.
    """
    shown = vertices.astype(np.float64)
    added = np.zeros_like(shown) if photo is None else sample_bicubic(photo, topology.sample_uv[:, 0])
    skin = np.zeros(len(shown), bool)
    skin[topology.faces[skin_faces(topology)]] = True
    anchors = None if parts_model is None else anchors_at(topology, parts_model.anchor_uv)
    balls = parts
    if parts_model is not None and not balls:
        balls = parts_of(parts_model, anchors.on(shown), vertices, topology)
    triangles = topology.triangles[(~_closing(topology))[topology.triangles].any(1)]
    lids = _lids(balls, topology, shown, triangles)

    neutral = shown - added
    for one in lids.values():
        neutral = one.glided(shown, neutral)
    lips = lips_of(
        anchors_at_lips(topology, model), neutral, triangles, topology.sample_uv[:, 0], model.lips.astype(np.float64)
    )
    if photo is not None:
        neutral = lips.met(neutral)
    neutral = _cleared(neutral, topology, balls)

    frames = local_similarities(sample_bicubic(model.mean, topology.sample_uv[:, 0]), neutral, topology, skin)
    at_vertices = sample_bicubic(frames, topology.sample_uv[:, 0]).reshape(-1, 3, 3)
    moved = np.einsum("vij,vkj->kvi", at_vertices, sampled(model.surface, topology.sample_uv[:, 0]))
    keys: dict[str, np.ndarray] = {}
    for number, name in enumerate(NAMES):
        with_lids = any(np.abs(moved[number, one.near]).max(initial=0) > STILL for one in lids.values())
        points = neutral + moved[number]
        if with_lids or model.gaze[number].any():
            for side, one in lids.items():
                points = one.glided(neutral, points)
                if name == f"eyeBlink{side.capitalize()}":
                    points = one.closed(neutral, points)
            points = _cleared(points, topology, turned(balls, model.gaze[number]))
        keys[name] = points - neutral
    keys["mouthClose"] = lips.met(neutral + keys["jawOpen"] + keys["mouthClose"]) - neutral - keys["jawOpen"]
    for name in NAMES:
        if name != "mouthClose" and np.abs(np.concatenate([keys[name][part] for part in lips.vertices])).max() > STILL:
            keys[name] = lips.apart(neutral + keys[name]) - neutral
    keys = {PHOTO: shown - neutral} | keys
    _stretch_openings(keys, topology)

    at_parts = {}
    if parts and parts_model is not None:
        corrections = {name: keys[name] - raw for name, raw in zip(NAMES, moved, strict=True)}
        without = parts_of(parts_model, anchors.on(neutral), neutral, topology)
        beside = {f"eye_{side}": one.near for side, one in lids.items()}
        beside["mouth_inner"] = edge_of(topology, "mouth_inner")
        turns = {region: _frame_at(frames, topology.sample_uv[near, 0]) for region, near in beside.items()}
        pulls = {
            part.name: [
                (near, pull_of(part.vertices, neutral[near]))
                for region, near in beside.items()
                if region in FOLLOWED.get(part.name, ())
            ]
            for part in without
        }
        at_parts = _parts_shapes(model, parts_model, parts, without, turns, pulls, corrections)
    return Expressions(_shapes(neutral, keys), at_parts)


def _shapes(neutral: np.ndarray, keys: dict[str, np.ndarray]) -> Shapes:
    kept = {name: moved.astype(np.float32) for name, moved in keys.items() if np.abs(moved).max() > STILL}
    return Shapes(neutral.astype(np.float32), kept)


def _closing(topology: Topology) -> np.ndarray:
    """(V,) bool: what closes eyes and mouth, and their edges."""
    return np.isin(topology.region, [topology.region_names.index(name) for name in OPENINGS])


def _lids(parts: tuple[Part, ...], topology: Topology, vertices: np.ndarray, triangles: np.ndarray) -> dict[str, Lids]:
    """By the side of the eye."""
    lids = {}
    for part in parts:
        if part.kind == "eye":
            side = part.name.removeprefix("eye_")
            radius = np.linalg.norm(part.vertices - part.pivot, axis=1).max()
            sphere = np.append(part.pivot, radius)
            lids[side] = lids_of(sphere, vertices, edge_of(topology, part.name), triangles)
    return lids


def _cleared(points: np.ndarray, topology: Topology, parts: tuple[Part, ...]) -> np.ndarray:
    return clear_of_eyes(points, topology, parts).astype(np.float64)


def turned(parts: tuple[Part, ...], gaze: np.ndarray) -> tuple[Part, ...]:
    """Eyeballs turned by gaze (2, 2), degrees to the subject's left and up, of the left and the right eye."""
    if not gaze.any():
        return parts
    return tuple(_turned(part, gaze) if part.kind in ("eye", "cornea") else part for part in parts)


def _turned(part: Part, gaze: np.ndarray) -> Part:
    left, up = np.radians(gaze[SIDES.index(part.name.rpartition("_")[2])])
    # The head looks along -Y: to its left is a turn about Z, up one about -X.
    turn = rotation_of(np.array([0, 0, left])) @ rotation_of(np.array([-up, 0, 0]))
    return Part(
        part.name, part.kind, part.pivot + (part.vertices - part.pivot) @ turn.T, part.faces, part.uv, part.pivot
    )


@lru_cache(maxsize=8)
def anchors_at_lips(topology: Topology, model: ExpressionModel) -> Anchors:
    """Where on the mesh the lips touch."""
    return anchors_at(topology, model.lips.reshape(-1, 2))


def sampled(surface: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(V, K, 3) float32 metres of stored displacements (K, R, R, 3) at uv (V, 2), bicubic."""
    count, size = surface.shape[:2]
    image = np.ascontiguousarray(surface.transpose(1, 2, 0, 3)).reshape(size, size, -1)
    found = np.empty((len(uv), image.shape[2]), np.float32)
    for start in range(0, len(uv), CHUNK):
        part = slice(start, start + CHUNK)
        columns, across = cubic_neighbours(uv[part, 0], size)
        rows, down = cubic_neighbours(uv[part, 1], size)
        weights = (down[:, :, None] * across[:, None, :]).reshape(-1, 1, 16).astype(np.float32)
        taps = image[rows[:, :, None], columns[:, None, :]].reshape(len(weights), 16, -1).astype(np.float32)
        found[part] = (weights @ taps)[:, 0]
    return (found * np.float32(STEP)).reshape(len(uv), count, 3)


def local_similarities(mean: np.ndarray, points: np.ndarray, topology: Topology, skin: np.ndarray) -> np.ndarray:
    """(CELLS, CELLS, 9) float32: turn times size, by UV, of a head (V, 3) against the mean head (V, 3) around there.

    Source: S. Umeyama, as in `geometry.pose`, on moments that are blurred over UV.
    """
    cell = np.clip((topology.sample_uv[skin, 0] * CELLS).astype(int), 0, CELLS - 1)
    cell = cell[:, 1] * CELLS + cell[:, 0]
    p, q = mean[skin].astype(np.float64), points[skin]
    products = (q[:, :, None] * p[:, None]).reshape(-1, 9)
    values = np.concatenate([np.ones((len(p), 1)), p, q, products, (p**2).sum(1, keepdims=True)], 1)
    moments = np.stack([np.bincount(cell, column, CELLS**2) for column in values.T], 1)
    steps = np.arange(CELLS)
    blur = np.exp(-(((steps[:, None] - steps) / SMOOTH) ** 2) / 2)
    moments = np.einsum("ai,bj,ijc->abc", blur, blur, moments.reshape(CELLS, CELLS, -1), optimize=True)
    count = moments[..., :1]
    p, q, products, square = np.split(moments[..., 1:] / count, [3, 6, 15], axis=-1)
    covariance = products.reshape(CELLS, CELLS, 3, 3) - q[..., :, None] * p[..., None, :]
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.ones(singular.shape)
    sign[..., 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    size = (singular * sign).sum(-1) / np.maximum(square[..., 0] - (p**2).sum(-1), 1e-12)
    turn = (u * sign[..., None, :]) @ vt
    return (np.clip(size, *SIZES)[..., None, None] * turn).reshape(CELLS, CELLS, 9).astype(np.float32)


def _stretch_openings(keys: dict[str, np.ndarray], topology: Topology) -> None:
    """Moves, in place, what closes eyes and mouth as its edge moves."""
    for region in OPENINGS:
        edge = edge_of(topology, region)
        inner = np.setdiff1d(np.flatnonzero(topology.in_region(region)), edge)
        if len(inner):
            apart = np.linalg.norm(topology.canonical[inner, None] - topology.canonical[edge], axis=2)
            weights = 1 / np.maximum(apart, 1e-5) ** 3
            weights /= weights.sum(1, keepdims=True)
            for moved in keys.values():
                moved[inner] = weights @ moved[edge]


def _parts_shapes(
    model: ExpressionModel,
    parts_model: PartsModel,
    parts: tuple[Part, ...],
    without: tuple[Part, ...],
    turns: dict[str, np.ndarray],
    pulls: dict[str, list[tuple[np.ndarray, np.ndarray]]],
    corrections: dict[str, np.ndarray],
) -> dict[str, Shapes]:
    """Of the parts, by their names.

    Args:
        without: the parts of the neutral head.
        turns: (3, 3) turn times size around eyes and mouth.
        pulls: vertices of the skin (M,) that a part goes along with, and how much (N, M), by the part's name.
        corrections: (V, 3) by name: of the skin's displacements, where they are not the mean head's, turned and scaled.
    """
    shapes = {}
    for part, still in zip(parts, without, strict=True):
        if part.kind in ("eye", "cornea"):
            shapes[part.name] = _shapes(part.vertices, _eye_keys(part, model))
            continue
        mean = parts_model.vertices[part.name]
        local = np.broadcast_to(turns["mouth_inner"], (len(mean), 3, 3))
        if "eye_left" in FOLLOWED.get(part.name, ()):
            local = np.where(mean[:, :1, None] > 0, turns["eye_left"], turns["eye_right"])
        moved = {PHOTO: part.vertices - still.vertices}
        for number, name in enumerate(NAMES):
            moved[name] = np.einsum("vij,vj->vi", local, model.parts[part.name][number] * STEP)
            for near, pull in pulls[part.name]:
                moved[name] += pull @ corrections[name][near]
        shapes[part.name] = _shapes(still.vertices, moved)
    return shapes


def _eye_keys(part: Part, model: ExpressionModel) -> dict[str, np.ndarray]:
    """(N, 3) displacements of an eyeball's mesh by name: it turns, and it draws back behind the lid that closes, as
    real ones do, for the lid's edge goes straight where the eyeball is round.

    Source of the drawing back: C. Evinger et al., Lid movements during blinks, Invest. Ophthalmol. Vis. Sci. 25, 1984.
    """
    keys = {
        name: turned((part,), gaze)[0].vertices - part.vertices for name, gaze in zip(NAMES, model.gaze, strict=True)
    }
    apart = part.vertices - part.pivot
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    flat = apart * (np.minimum(length, length.min() if part.kind == "cornea" else np.inf) / length - 1)
    side = part.name.rpartition("_")[2].capitalize()
    keys[f"eyeBlink{side}"] = flat + np.array([0, BACK, 0])
    return keys


def _frame_at(frames: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(3, 3) turn times size around places (N, 2)."""
    return sample_bicubic(frames, uv).mean(0).reshape(3, 3)
