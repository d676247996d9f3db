"""A head's own expressions: how it looks without the photo's, and how each of ARKit's 52 moves it from there.

The mean head's displacements are turned and scaled as the head is around each place. Lids then lie on the eyeballs and
close, lips meet, and what the head has besides its skin goes along.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..geometry.position_map import sample_bicubic
from ..packs.topology import OPENINGS, Topology
from .carry import local_turns, sampled, turns_at
from .deformation import Anchors, anchors_at
from .expression_model import NAMES, ExpressionModel
from .expression_parts import STILL, Shapes, as_in_photo, shapes_of, shapes_of_parts, straightened, turned
from .eyeball import STRAIGHT
from .head_model import HeadModel
from .lids import Lids, lids_of
from .lips import Lips, lips_of
from .parts import Part, PartsModel, edge_of, off_eyes, parts_of

PHOTO = "Photo"  # the key that brings the photo's expression back
COPIED = "Copied"  # the key with the expression that another head has from its photo
NEUTRAL = "Neutral"
SQUINT = 0.6  # how far the lids' edges go with it, of ICT-FaceKit's way: a closed upper lid must cover it
# What faces do while their eyes are closed.
CLOSED_ALSO = ("eyeSquint", "cheekSquint", "eyeLookUp", "eyeLookIn", "eyeLookOut")
LAUGH = ("eyeSquint", "cheekSquint", "mouthSmile")


@dataclass(frozen=True, eq=False)
class PhotoExpression:
    """What a photo shows of its head's expression, for any head."""

    coefficients: np.ndarray  # (E,) of the head model
    gaze: np.ndarray  # (2, 2) as of `turned`


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
    gaze: np.ndarray = STRAIGHT.gaze,
    copied: tuple[np.ndarray, np.ndarray] | None = None,
) -> Expressions:
    """The expressions of a head.

    Args:
        vertices: (V, 3) the head as the photo shows it, metres, aligned frame.
        parts: of it; none where eyes and mouth are closed by patches.
        photo: (G, G, 3) as of `photo_expression`; None where it is not known: the head then counts as neutral.
        gaze: (2, 2) as of `turned`, by which the eyes of `parts` are turned; without the photo's expression they
            look straight ahead.
        copied: `photo` and `gaze` of another head, which become a key, too.
    """
    parts = straightened(parts, gaze)
    shown, uv = vertices.astype(np.float64), topology.sample_uv[:, 0]
    balls = parts
    if parts_model is not None and not parts:
        balls = _placed(parts_model, topology, shown)
    triangles = topology.triangles[_skin(topology)[topology.triangles].any(1)]
    lids = _lids(balls, topology, shown, triangles)
    added = np.zeros_like(shown) if photo is None else sample_bicubic(photo, uv)
    neutral = _on_eyes(shown, shown - added, balls, lids)
    lips = lips_of(
        _lips_on(topology, model), neutral, triangles, edge_of(topology, "mouth_inner"), uv, model.lips.astype(float)
    )
    if photo is not None:
        neutral[lips.near] = lips.met(neutral[None, lips.near])[0]

    skin = np.unique(triangles)
    mean, going = _of_mean(topology, model)
    turns = local_turns(mean[skin], neutral[skin], uv[skin])
    turn = turns_at(turns, uv)
    carried = sum(turn[..., axis] * going[..., axis, None] for axis in range(3))
    moved = _keep_lids(neutral, carried, model, balls, lids)
    _keep_lips_apart(moved, neutral, lips)
    keys = dict(zip(NAMES, moved, strict=True))
    if copied is not None:
        worn = neutral + np.einsum("vij,vj->vi", turn, sample_bicubic(copied[0], uv))
        worn = _on_eyes(neutral, worn, turned(balls, copied[1]), lids)
        worn[lips.near] = lips.apart(neutral[lips.near], worn[None, lips.near])[0]
        keys[COPIED] = worn - neutral
    keys[PHOTO] = shown - neutral
    if not parts:
        _stretch_patches(keys, topology)
    neutral = shown - keys[PHOTO]

    shapes = {}
    if parts and parts_model is not None:
        still = _placed(parts_model, topology, neutral)
        photos = {PHOTO: as_in_photo(parts, still, parts, gaze)}
        if copied is not None:
            worn = _placed(parts_model, topology, neutral + keys[COPIED])
            photos[COPIED] = as_in_photo(parts, still, worn, copied[1])
        beside = {f"eye_{side}": one.near[one.facing] for side, one in lids.items()}
        beside["mouth_inner"] = edge_of(topology, "mouth_inner")
        around = {region: turns_at(turns, uv[near]).mean(0) for region, near in beside.items()}
        places = {region: neutral[near] for region, near in beside.items()}
        own = {region: moved[:, near] - carried[:, near] for region, near in beside.items()}
        shapes = shapes_of_parts(model, parts_model, parts, still, around, places, own, photos)
    return Expressions(shapes_of(neutral, keys), shapes)


def _placed(model: PartsModel, topology: Topology, vertices: np.ndarray) -> tuple[Part, ...]:
    """The parts of a head (V, 3)."""
    return parts_of(model, on_surface(topology, model).on(vertices), vertices, topology)


def _skin(topology: Topology) -> np.ndarray:
    """(V,) bool: neither what closes eyes and mouth nor its edges."""
    return ~np.isin(topology.region, [topology.region_names.index(name) for name in OPENINGS])


def _lids(parts: tuple[Part, ...], topology: Topology, vertices: np.ndarray, triangles: np.ndarray) -> dict[str, Lids]:
    """By the side of the eye."""
    lids = {}
    for part in parts:
        if part.kind == "eye":
            radius = np.linalg.norm(part.vertices - part.pivot, axis=1).max()
            sphere = np.append(part.pivot, radius)
            lids[part.name.removeprefix("eye_")] = lids_of(sphere, vertices, edge_of(topology, part.name), triangles)
    return lids


def _eye(parts: tuple[Part, ...], side: str) -> tuple[Part, ...]:
    """The eyeball and the cornea on a side."""
    return tuple(part for part in parts if part.name in (f"eye_{side}", f"cornea_{side}"))


def _on_eyes(before: np.ndarray, moved: np.ndarray, eyes: tuple[Part, ...], lids: dict[str, Lids]) -> np.ndarray:
    """(V, 3) a head moved (V, 3) from where it was (V, 3), its lids on the eyes."""
    laid = moved.copy()
    for side, one in lids.items():
        laid[one.near] = off_eyes(one.glided(before[one.near], moved[one.near]), _eye(eyes, side))
    return laid


def _keep_lids(
    neutral: np.ndarray, carried: np.ndarray, model: ExpressionModel, parts: tuple[Part, ...], lids: dict[str, Lids]
) -> np.ndarray:
    """(52, V, 3) displacements `carried` (52, V, 3) of a head (V, 3), its lids on the eyes. Their edges go where the
    eye's own expressions take them, and nowhere else: so they stay closed whatever the face does."""
    moved = carried.copy()
    for side, one in lids.items():
        before = neutral[one.near]
        eye = _eye(parts, side)
        number = {name.removesuffix(side.capitalize()): number for number, name in enumerate(NAMES)}
        blink, squint = number["eyeBlink"], number["eyeSquint"]
        which = np.flatnonzero(np.abs(carried[:, one.near]).max((1, 2)) > STILL)
        others = which[[not NAMES[other].startswith("eye") for other in which]]
        now = before + carried[:, one.near]
        now[others] = one.stayed(before, now[others])
        now[squint] = one.stayed(before, now[squint], 1 - SQUINT)
        now[which] = one.glided(before, now[which])
        straight = which[~model.gaze[which].any((1, 2)) & (which != blink)]
        now[straight] = off_eyes(now[straight], eye)
        for look in which[model.gaze[which].any((1, 2))]:
            now[look] = off_eyes(now[look], turned(eye, model.gaze[look]))
        also = now - before
        laugh = also[[number[name] for name in LAUGH]].sum(0, keepdims=True)
        also = np.concatenate([also[[number[name] for name in CLOSED_ALSO]], laugh])
        now[blink] = off_eyes(one.closed(before, now[blink], also), eye)
        moved[which[:, None], one.near] = now[which] - before
    return moved


def _keep_lips_apart(moved: np.ndarray, neutral: np.ndarray, lips: Lips) -> None:
    """Corrects, in place, displacements (52, V, 3) that take the lips of a head (V, 3) through each other; with the jaw
    open `mouthClose` makes them meet."""
    jaw, close = [NAMES.index("jawOpen")], [NAMES.index("mouthClose")]
    before, going = neutral[lips.near], moved[:, lips.near]
    which = np.flatnonzero(np.abs(going).max((1, 2)) > STILL)
    rolls = [NAMES.index(f"mouthRoll{lip}") for lip in ("Lower", "Upper")]
    going[rolls] = lips.rolled(before, before + going[rolls]) - before
    which = np.setdiff1d(which, close + rolls)
    going[which] = lips.apart(before, before + going[which]) - before
    closed = lips.joined(going[jaw] + going[close])
    going[close] = lips.met(before + closed) - before - going[jaw]
    moved[:, lips.near] = going


@lru_cache(maxsize=2)
def _of_mean(topology: Topology, model: ExpressionModel) -> tuple[np.ndarray, np.ndarray]:
    """The mean head's vertices (V, 3) and how the expressions move them (52, V, 3)."""
    uv = topology.sample_uv[:, 0]
    return sample_bicubic(model.mean, uv), np.ascontiguousarray(sampled(model.surface, uv).swapaxes(0, 1))


@lru_cache(maxsize=8)
def _lips_on(topology: Topology, model: ExpressionModel) -> Anchors:
    """Where on the mesh the lips touch."""
    return anchors_at(topology, model.lips.reshape(-1, 2))


@lru_cache(maxsize=8)
def on_surface(topology: Topology, model: PartsModel) -> Anchors:
    """Where on the mesh the anchors of the parts are."""
    return anchors_at(topology, model.anchor_uv)


def _stretch_patches(keys: dict[str, np.ndarray], topology: Topology) -> None:
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
