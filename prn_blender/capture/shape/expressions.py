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
from .expression_parts import Shapes, as_in_photo, moves, shapes_of, shapes_of_parts, straightened, turned
from .eyeball import STRAIGHT
from .head_model import HeadModel
from .lids import Lids, lids_of
from .lips import Lips, lips_of
from .parts import Part, PartsModel, clear_of_eyes, edge_of, parts_of

PHOTO = "Photo"  # the key that brings the photo's expression back
COPIED = "Copied"  # the key with the expression that another head has from its photo
NEUTRAL = "Neutral"


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
    neutral = _on_eyes(shown - added, shown, topology, balls, lids)
    lips = lips_of(_lips_on(topology, model), neutral, triangles, uv, model.lips.astype(np.float64))
    if photo is not None:
        neutral = lips.met(neutral)

    skin = np.unique(triangles)
    turns = local_turns(sample_bicubic(model.mean, uv[skin]), neutral[skin], uv[skin])
    around_vertices = turns_at(turns, uv)
    carried = np.einsum("vij,vkj->kvi", around_vertices, sampled(model.surface, uv))
    keys = {}
    for number, name in enumerate(NAMES):
        moved = _on_eyes(neutral + carried[number], neutral, topology, turned(balls, model.gaze[number]), lids, name)
        keys[name] = moved - neutral
    if copied is not None:
        moved = neutral + np.einsum("vij,vj->vi", around_vertices, sample_bicubic(copied[0], uv))
        keys[COPIED] = _on_eyes(moved, neutral, topology, turned(balls, copied[1]), lids) - neutral
    _keep_lips_apart(keys, neutral, lips)
    keys[PHOTO] = shown - neutral
    _stretch_patches(keys, topology)
    neutral = shown - keys[PHOTO]

    shapes = {}
    if parts and parts_model is not None:
        still = _placed(parts_model, topology, neutral)
        photos = {PHOTO: as_in_photo(parts, still, parts, gaze)}
        if copied is not None:
            worn = _placed(parts_model, topology, neutral + keys[COPIED])
            photos[COPIED] = as_in_photo(parts, still, worn, copied[1])
        beside = {f"eye_{side}": one.near for side, one in lids.items()}
        beside["mouth_inner"] = edge_of(topology, "mouth_inner")
        corrections = {name: keys[name] - one for name, one in zip(NAMES, carried, strict=True)}
        around = {region: turns_at(turns, uv[near]).mean(0) for region, near in beside.items()}
        places = {region: neutral[near] for region, near in beside.items()}
        own = {name: {region: one[near] for region, near in beside.items()} for name, one in corrections.items()}
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


def _on_eyes(
    moved: np.ndarray,
    before: np.ndarray,
    topology: Topology,
    eyes: tuple[Part, ...],
    lids: dict[str, Lids],
    name: str = "",
) -> np.ndarray:
    """(V, 3) a head moved (V, 3) from where it was (V, 3), its lids on the eyes, and closed where that is what the
    expression of this name does."""
    if not any(moves(moved[one.near] - before[one.near]) for one in lids.values()):
        return moved
    for side, one in lids.items():
        moved = one.glided(before, moved)
        if name == f"eyeBlink{side.capitalize()}":
            moved = one.closed(before, moved)
    return clear_of_eyes(moved, topology, eyes).astype(np.float64)


def _keep_lips_apart(keys: dict[str, np.ndarray], neutral: np.ndarray, lips: Lips) -> None:
    """Corrects, in place, displacements by name that take the lips through each other; with the jaw open `mouthClose`
    makes them meet."""
    opened = neutral + keys["jawOpen"]
    keys["mouthClose"] = lips.met(opened + keys["mouthClose"]) - opened
    for name, moved in keys.items():
        if name != "mouthClose" and any(moves(moved[part]) for part in lips.vertices):
            keys[name] = lips.apart(neutral + moved) - neutral


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
