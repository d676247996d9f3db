"""Random pictures with heads of all sizes, composed of sprites, with the faces in them."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..renderer.degrade import sample_tone_curve, tone_curve
from ..shards import Shards
from .clutter import SHAPES, Surroundings, animal, draw_clutter, skin_colour

# Beyond these angles of yaw (radians) a head is no face any more; between them it is neither.
FACE_YAW = np.radians(105)
BACK_YAW = np.radians(125)
# A face must be seen by so much; one that is seen less is neither face nor background.
SEEN = 0.5
HARDLY_SEEN = 0.1
SMALLEST = 12.0  # pixels, mean side of the box
EYES_NOSE_MOUTH = (slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 49), slice(54, 55))
FACE_VALUES = 15  # box centre x, y, width, height along the face's axes, five points, roll


@dataclass(frozen=True)
class Scene:
    """A picture and its faces, in pixels and radians."""

    picture: np.ndarray  # (S, S, 3) uint8 RGB
    faces: np.ndarray  # (N, FACE_VALUES) float32
    ignored: np.ndarray  # (M, 4) boxes left, top, right, bottom of what is neither face nor background


def describe(points: np.ndarray, roll: float) -> np.ndarray:
    """(FACE_VALUES,) of a face with landmarks (68, 2), its box taken along axes turned by `roll`."""
    axes = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    turned = points @ axes.T
    low, high = turned.min(0), turned.max(0)
    five = [points[part].mean(0) for part in EYES_NOSE_MOUTH]
    return np.concatenate([(low + high) / 2 @ axes, high - low, *five, [roll]]).astype(np.float32)


class SpriteShards:
    """The sprites of a folder; pictures stay on disk."""

    def __init__(self, folder: Path):
        shards = Shards([folder], "points", made_by="training.finder.sprites")
        self.points, self.turns, self._pictures = shards.whole("points"), shards.whole("turns"), shards.rows("pictures")
        yaw = np.abs(self.turns[:, 0])
        self.faces, self.backs = np.flatnonzero(yaw < BACK_YAW), np.flatnonzero(yaw >= BACK_YAW)

    def picture(self, index: int, side: float) -> np.ndarray:
        """(S, S, 4) uint8, S no less than `side` where the sprite has so many pixels, and less than twice that.

        The border is empty but for the bottom, where the body goes on.
        """
        picture = self._pictures[index]
        level = int(2 ** np.floor(np.log2(max(1.0, len(picture) / side))))
        if level > 1:
            picture = cv2.resize(picture, None, fx=1 / level, fy=1 / level, interpolation=cv2.INTER_AREA)
        else:
            picture = np.array(picture)
        picture[0] = 0
        picture[:, [0, -1]] = 0
        return picture


@dataclass
class _Drawn:
    """A head in a scene."""

    points: np.ndarray  # (68, 2) pixels
    roll: float
    yaw: float
    seen: np.ndarray  # (68,) bool


class SceneMaker:
    """An endless source of scenes."""

    def __init__(self, sprites: SpriteShards, surroundings: Surroundings, size: int):
        self.sprites, self.surroundings, self.size = sprites, surroundings, size

    def sample(self, rng: np.random.Generator) -> Scene:
        """One scene."""
        picture = self.surroundings.sample(rng, self.size)
        if rng.random() < 0.6:
            draw_clutter(rng, picture)
        if rng.random() < 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.5, 4))
        kind = rng.random()
        if kind < 0.5:
            sizes = [_size(rng, 20, 110), *(_size(rng, SMALLEST, 45) for _ in range(rng.integers(0, 3)))]
        elif kind < 0.75:
            largest = rng.uniform(16, 60)
            sizes = [_size(rng, SMALLEST, largest) for _ in range(rng.integers(2, 9))]
        elif kind < 0.82:
            sizes = [_size(rng, 110, 500)]  # too large: only parts of a face are seen
        else:
            sizes = []
        heads: list[_Drawn] = []
        for side in sorted([*sizes, *(-_size(rng, 10, 120) for _ in range(rng.poisson(0.7)))], key=abs):
            if side < 0:
                self._other(rng, picture, -side, heads)
            else:
                self._head(rng, picture, side, heads, int(rng.choice(self.sprites.faces)))
        if rng.random() < 0.25:
            _in_front(rng, picture, heads)
        smallest = min((np.ptp(head.points, axis=0).mean() for head in heads), default=30.0)
        picture = photograph(rng, _framed(rng, picture, heads), smallest)
        return self._labelled(picture, heads)

    def _head(
        self, rng: np.random.Generator, picture: np.ndarray, side: float, heads: list[_Drawn], index: int
    ) -> np.ndarray:
        """Draws a head whose box has the mean side `side`; the mask (S, S) of what it covers."""
        points = self.sprites.points[index]
        yaw, _, roll = self.sprites.turns[index]
        low, high = points.min(0), points.max(0)
        scale, turn = side / (high - low).mean(), sample_roll(rng)
        reach = 0.5 if rng.random() < 0.85 else 0.62  # some are cut off by the picture's edge
        place = self.size * (0.5 + rng.uniform(-reach, reach, 2))
        if side > 0.6 * self.size:
            place = self.size / 2 + (place - self.size / 2) * 0.45
        matrix = placed(scale, turn, (low + high) / 2, place)
        covered = paste(picture, recoloured(rng, self.sprites.picture(index, scale)), matrix)
        _hide(heads, covered)
        moved = points @ matrix[:, :2].T + matrix[:, 2]
        # the renderer's roll turns y-up axes, a photo's y axis points down
        heads.append(_Drawn(moved, float(turn - roll), abs(float(yaw)), np.ones(len(points), bool)))
        return covered

    def _other(self, rng: np.random.Generator, picture: np.ndarray, side: float, heads: list[_Drawn]) -> None:
        """Something that is no face: the back of a head, an animal, a head whose face is wiped out."""
        kind = rng.random()
        if kind < 0.35 and len(self.sprites.backs):
            self._head(rng, picture, side, heads, int(rng.choice(self.sprites.backs)))
            return
        if kind < 0.75:
            thing = animal(rng, int(np.clip(2 * side, 32, 192)))
            thing[[0, -1]] = 0
            thing[:, [0, -1]] = 0
            matrix = placed(2 * side, sample_roll(rng), np.array([0.5, 0.5]), self.size * rng.uniform(0, 1, 2))
            _hide(heads, paste(picture, thing, matrix))
            return
        before = len(heads)
        self._head(rng, picture, max(side, 24.0), heads, int(rng.choice(self.sprites.faces)))
        _wipe(rng, picture, heads[before].points)
        del heads[before]

    def _labelled(self, picture: np.ndarray, heads: list[_Drawn]) -> Scene:
        faces, ignored = [], []
        for head in heads:
            inside = ((head.points > 0) & (head.points < self.size)).all(1)
            seen = (head.seen & inside).mean()
            side = np.ptp(head.points, axis=0).mean()
            if head.yaw >= BACK_YAW or seen < HARDLY_SEEN:
                continue
            if head.yaw <= FACE_YAW and seen >= SEEN and side >= SMALLEST:
                faces.append(describe(head.points, head.roll))
            else:
                ignored.append(np.concatenate([head.points.min(0), head.points.max(0)]))
        return Scene(
            picture,
            np.array(faces, np.float32).reshape(-1, FACE_VALUES),
            np.array(ignored, np.float32).reshape(-1, 4),
        )


def _size(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def sample_roll(rng: np.random.Generator) -> float:
    """Radians, mostly upright; a sixth anything to 60 degrees, a few to 120."""
    kind = rng.random()
    if kind < 0.78:
        return float(rng.normal(0, 0.2))
    return float(np.radians(rng.uniform(-60, 60) if kind < 0.95 else rng.uniform(-120, 120)))


def placed(scale: float, turn: float, centre: np.ndarray, place: np.ndarray) -> np.ndarray:
    """(2, 3) from sprite sides to pixels: `scale` pixels a side, turned, the sprite's `centre` at `place`."""
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.column_stack([linear, place - linear @ centre])


def paste(picture: np.ndarray, sprite: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Draws a sprite (S, S, 4) over (H, W, 3), in place; what it shows at its bottom goes on downwards.

    Args:
        matrix: (2, 3) from sprite sides to pixels.

    Returns:
        (H, W) bool, what it covers by more than half.
    """
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [1, 0], [0, 2.2], [1, 2.2]]) @ matrix[:, :2].T + matrix[:, 2]
    low = np.floor(corners.min(0)).astype(int).clip(0, (width, height))
    high = np.ceil(corners.max(0)).astype(int).clip(0, (width, height))
    covered = np.zeros((height, width), bool)
    if (high <= low).any():
        return covered
    linear = matrix[:, :2] / len(sprite)  # from one pixel's centre to the other's
    warped = cv2.warpAffine(
        sprite,
        np.column_stack([linear, matrix[:, 2] + linear @ (0.5, 0.5) - 0.5 - low]),
        tuple(int(v) for v in high - low),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    region = (slice(low[1], high[1]), slice(low[0], high[0]))
    rest = cv2.cvtColor(255 - warped[..., 3], cv2.COLOR_GRAY2BGR)
    colours = cv2.cvtColor(warped, cv2.COLOR_RGBA2RGB)
    picture[region] = cv2.add(cv2.multiply(picture[region], rest, scale=1 / 255), colours)
    covered[region] = warped[..., 3] > 127
    return covered


def recoloured(rng: np.random.Generator, sprite: np.ndarray) -> np.ndarray:
    """(S, S, 4) in another exposure and white balance."""
    gain = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.05, 3))
    tables = (np.arange(256)[:, None] * gain).clip(0, 255).astype(np.uint8)
    colours = cv2.LUT(cv2.cvtColor(sprite, cv2.COLOR_RGBA2RGB), tables[None])
    alpha = sprite[..., 3]
    return cv2.merge([*cv2.split(cv2.min(colours, cv2.merge([alpha] * 3))), alpha])


def _hide(heads: list[_Drawn], covered: np.ndarray) -> None:
    """Marks the landmarks of `heads` that `covered` (H, W) hides."""
    height, width = covered.shape
    for head in heads:
        pixel = np.floor(head.points).astype(int)
        inside = ((pixel >= 0) & (pixel < (width, height))).all(1)
        pixel = pixel.clip(0, (width - 1, height - 1))
        head.seen &= ~(inside & covered[pixel[:, 1], pixel[:, 0]])


def _in_front(rng: np.random.Generator, picture: np.ndarray, heads: list[_Drawn]) -> None:
    """Things that hide parts of the scene."""
    before = picture.copy()
    for _ in range(rng.integers(1, 5)):
        SHAPES[rng.integers(len(SHAPES))](rng, picture)
    _hide(heads, (before != picture).any(2))


def _wipe(rng: np.random.Generator, picture: np.ndarray, points: np.ndarray) -> None:
    """Leaves nothing of a face but its colours."""
    height, width = picture.shape[:2]
    middle, side = points.mean(0), np.ptp(points, axis=0).mean()
    mask = np.zeros((height, width), np.uint8)
    hull = cv2.convexHull(((points - middle) * 1.15 + middle).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA)
    kind = rng.random()
    if kind < 0.5:
        small = max(1, int(24 / max(side, 24) * width))
        coarse = cv2.resize(picture, (max(2, small // 8), max(2, small // 8)), interpolation=cv2.INTER_AREA)
        other = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    else:
        other = np.empty_like(picture)
        other[:] = skin_colour(rng)
        grain = np.empty(picture.shape, np.int16)
        cv2.randn(grain, 0, float(rng.uniform(0, 40)))
        other = cv2.add(other, cv2.blur(grain, (3, 3)), dtype=cv2.CV_8U)
    np.copyto(picture, other, where=mask[..., None] > 127)


def _framed(rng: np.random.Generator, picture: np.ndarray, heads: list[_Drawn]) -> np.ndarray:
    """Sometimes the photo ends before the picture does."""
    if rng.random() > 0.1:
        return picture
    size = len(picture)
    low, high = (rng.random(2) < 0.6) * rng.uniform(0, 0.3, 2), (rng.random(2) < 0.6) * rng.uniform(0, 0.3, 2)
    left, top = (low * size).astype(int)
    right, bottom = ((1 - high) * size).astype(int)
    framed = np.empty_like(picture)
    framed[:] = rng.choice([0, 0, 128, 255])
    framed[top:bottom, left:right] = picture[top:bottom, left:right]
    covered = np.ones((size, size), bool)
    covered[top:bottom, left:right] = False
    _hide(heads, covered)
    return framed


def photograph(rng: np.random.Generator, picture: np.ndarray, smallest: float) -> np.ndarray:
    """What cameras and files do to (S, S, 3) uint8 whose smallest face has `smallest` pixels: it must stay a face."""
    size = len(picture)
    if rng.random() < 0.15:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    gain = np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.06, 3))
    if rng.random() < 0.15:  # a flash too near, or none
        gain *= np.exp(rng.uniform(-0.8, 0.8))
    levels = (np.arange(256) / 255)[:, None] ** np.exp(rng.normal(0, 0.2)) * gain
    levels = (levels - 0.5) * np.exp(rng.normal(0, 0.15)) + 0.5 + rng.normal(0, 0.03)
    if rng.random() < 0.12:  # graphic black and white, or one lamp in the dark
        levels = tone_curve(levels, *sample_tone_curve(rng))
    picture = cv2.LUT(picture, (levels * 255).clip(0, 255).astype(np.uint8)[None])
    kind, coarsest = rng.random(), max(1.0, smallest / 12)
    if kind < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, min(3.0, 0.7 * coarsest)))
    elif kind < 0.55:
        factor = rng.uniform(1, min(5.0, coarsest)) if coarsest > 1 else 1.0
        small = cv2.resize(picture, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        how = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)[rng.choice(3, p=[0.5, 0.4, 0.1])]
        picture = cv2.resize(small, (size, size), interpolation=how)
    if rng.random() < 0.4:
        grain = np.empty(picture.shape if rng.random() < 0.5 else picture.shape[:2], np.int8)
        cv2.randn(grain, 0, float(rng.uniform(1, 14)))
        grain = grain if grain.ndim == 3 else cv2.merge([grain] * 3)
        picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25 if smallest > 40 else 45, 95))]
        picture = cv2.imdecode(cv2.imencode(".jpg", picture, quality)[1], cv2.IMREAD_COLOR)
    return picture
