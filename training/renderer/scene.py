"""Whole random pictures: a head with everything on it, drawn from several sides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..assets import DEFAULT_FOLDER, SKIN_VERTICES, HairStyle, SkinLibrary, load_facekit, load_hair, load_skins
from ..head_model import HeadModel, HeadState, project, to_camera
from . import props
from .background import beside, load_environments, sample_background
from .degrade import degrade, end_photo
from .gl import HeadDrawing, sample_look
from .relief import face_values, landmark_places
from .sampling import (
    Angles,
    ShapeSampler,
    sample_angles,
    sample_expression,
    sample_light,
    sample_portrait_angles,
    sample_view,
)
from .skin import Skin, compose_skin
from .strands import BeardMaker, locks
from .surfaces import Material, Surface
from .wraps import CENTRE, HeadWrap, clothes

SKIN_TEXTURE = 384
SKIN_POOL = 64
KEPT_EVERY = 5  # of skins, brows, eyes, hair, surroundings: kept for pictures to measure on
PORTRAIT_CLUTTER = 0.3  # how often, against other pictures, something is before a portrait's face


@dataclass(frozen=True)
class Sample:
    """A labelled picture."""

    picture: np.ndarray  # (S, S, 3) uint8 RGB
    state: HeadState
    visibility: np.ndarray  # (SKIN_VERTICES,) bool


@dataclass(frozen=True)
class Taste:
    """What kind of pictures are drawn."""

    # Share of heads that are seen as portraits show them; the others from all sides, in all states.
    portraits: float = 0.0
    scanned: float = 0.0  # share of heads as scanned people's are
    kept: bool | None = None  # only of the skins, hair and surroundings kept to measure on; False: without these
    days: bool = False  # each picture of a head is of another day: another expression, other clothes and hair

    def of(self, assets: Sequence) -> list:
        """Those that may be used."""
        return [one for k, one in enumerate(assets) if self.kept is None or (k % KEPT_EVERY == 0) == self.kept]


class SceneSampler:
    """An endless source of labelled pictures, the same for the same seed."""

    def __init__(
        self,
        size: int,
        seed: int,
        environments: Path | None,
        assets: Path = DEFAULT_FOLDER,
        taste: Taste = Taste(),
    ):
        self.rng, self.taste = np.random.default_rng(seed), taste
        self.kit = load_facekit(assets)
        self.model = HeadModel(self.kit)
        self.wrap = HeadWrap(self.kit.mean)
        self.hair_styles = taste.of(load_hair(assets))
        self.library = _part_of(load_skins(SKIN_TEXTURE, assets), taste)
        self.environments = taste.of(load_environments(environments))
        self.drawing = HeadDrawing(self.kit, size)
        self.places = landmark_places(self.kit)
        self.shape = ShapeSampler(self.kit, taste.scanned)
        self.beard = BeardMaker(self.kit.skin_triangles, face_values(self.kit, self.library.masks["beard"]))
        self.others: list[np.ndarray] = []  # pictures for persons in the background
        self.eyes = [self.drawing.texture(picture) for picture in self.library.eyes]
        self.skins: list = []
        self.skin: Skin | None = None  # of the latest head

    def head(self, views: int, sides: Sequence[Angles] = ()) -> list[Sample]:
        """One new head from `views` sides, each under its own light; from `sides`, if there are any."""
        rng = self.rng
        state = self.shape(rng)
        skin = self.next_skin()
        self.skin = skin[0]
        is_portrait = self.taste.portraits > 0 and rng.random() < self.taste.portraits
        eyes = self.eyes[rng.integers(len(self.eyes))]
        sides = sides or (sample_portrait_angles if is_portrait else sample_angles,) * views
        samples: list[Sample] = []
        for number in range(views):
            if self.taste.days and number:
                state = replace(state, expression=sample_expression(rng, self.kit))
            if self.taste.days or not number:
                vertices = self.model.vertices(state)
                self.drawing.set_head(vertices, self._outfit(state, vertices, skin[0], is_portrait))
            samples.append(self._view(state, vertices, skin, eyes, sides[number]))
        return samples

    def _view(self, state: HeadState, vertices: np.ndarray, skin: tuple, eyes, angles: Angles) -> Sample:
        rng, size = self.rng, self.drawing.size
        posed = sample_view(rng, state, vertices, angles)
        light = sample_light(rng, [environment.harmonics for environment in self.environments])
        background = sample_background(rng, size, self.environments)
        if self.others and rng.random() < 0.1:
            background = beside(rng, background, self.others[rng.integers(len(self.others))])
        picture = self.drawing.draw(posed, skin[1:], eyes, sample_look(rng, light), background)
        camera = to_camera(vertices[:SKIN_VERTICES], posed)
        visible = self.drawing.visible(project(camera, posed)[:, :2], -camera[:, 2])
        self.others = [*self.others[-7:], picture]
        picture = degrade(rng, picture)
        if rng.random() < 0.12:
            picture, left = end_photo(rng, picture)
            pixel = np.clip(project(camera, posed)[:, :2] * size, 0, size - 1).astype(int)
            visible &= left[pixel[:, 1], pixel[:, 0]]
        return Sample(picture, posed, visible)

    def next_skin(self) -> tuple:
        """(skin, face texture, head texture), from a pool that is renewed little by little."""
        rng = self.rng
        if len(self.skins) < SKIN_POOL or rng.random() < 0.2:
            skin = compose_skin(rng, self.library, self.places)
            entry = (skin, self.drawing.texture(skin.face), self.drawing.texture(skin.head))
            if len(self.skins) < SKIN_POOL:
                self.skins.append(entry)
                return entry
            k = rng.integers(SKIN_POOL)
            for texture in self.skins[k][1:]:
                texture.release()
            self.skins[k] = entry
            return entry
        return self.skins[rng.integers(len(self.skins))]

    def _outfit(self, state: HeadState, vertices: np.ndarray, skin, is_portrait: bool) -> list[Surface]:
        rng = self.rng
        often = PORTRAIT_CLUTTER if is_portrait else 1.0
        surfaces = []
        if rng.random() < 0.9:
            surfaces.append(clothes(rng, state))
        kind = rng.random()
        if kind < 0.42:
            surfaces.append(self._hair_mesh(vertices, skin.hair_colour))
        elif kind < 0.72:
            surfaces.append(self.wrap.hair(rng, vertices, skin.hair_colour))
        elif kind < 0.78:
            surfaces.append(self.wrap.hood(rng, vertices))
        if (kind < 0.72 and rng.random() < 0.12 * often) or kind > 1 - 0.07 * often:
            surfaces += self.wrap.hat(rng, vertices)
        if kind < 0.85 and rng.random() < 0.12 * often:
            surfaces.append(locks(rng, self.wrap, vertices, skin.hair_colour))
        if rng.random() < 0.1:
            surfaces.append(self.beard(rng, vertices, skin.hair_colour))
        if rng.random() < (0.15 if is_portrait else 0.25):
            surfaces += props.glasses(rng, vertices)
        if rng.random() < 0.1 * often:
            surfaces.append(props.hand(rng, vertices, skin.tone))
        if rng.random() < 0.08 * often:
            surfaces.append(props.thing(rng, vertices))
        if rng.random() < 0.03 * often:
            surfaces.append(props.mask(rng, vertices, self.kit.skin_triangles, self.kit.mean))
        return surfaces

    def _hair_mesh(self, vertices: np.ndarray, colour: np.ndarray) -> Surface:
        rng = self.rng
        style: HairStyle = self.hair_styles[rng.integers(len(self.hair_styles))]
        moved = vertices - self.kit.mean
        positions = style.vertices + 0.7 * moved[style.bind] + 0.3 * moved[style.bind].mean(0)
        positions = (positions - CENTRE) * rng.uniform(0.99, 1.06, 3) + CENTRE
        uv = style.uv
        if rng.random() < 0.5:
            positions = positions * (-1, 1, 1)
        return Surface(
            positions.astype(np.float32), style.triangles, uv, Material.HAIR_CARD, colour, texture=style.texture
        )


def _part_of(library: SkinLibrary, taste: Taste) -> SkinLibrary:
    """Of skins, brows and eyes those that may be used."""
    lists = ("faces", "heads", "brows", "eyes")
    return replace(library, **{name: taste.of(getattr(library, name)) for name in lists})
