"""Where the eyes in a photo look, and which colour their irises have.

The photo is sampled over the directions from an eyeball's middle: there the iris is a disc whose size is known, darker
than the white. Between the lids it is looked for where the disc parts dark from bright best, the same for both eyes,
which may then differ a little.
"""

from dataclasses import dataclass

import numpy as np

from ..packs.pack import ModelPack
from ..types import View
from .eye_texture import PUPIL, WHITE
from .eyeball import BROWN, IRIS, STRAIGHT, Look
from .parts import SIDES, edge_of, spheres_of

WIDE, HIGH, STEP = 60, 40, 2.0  # degrees over which an eye is sampled, and between samples
INSET = 0.94  # of the opening: beyond lie lashes and the lid's rim
MOST = np.array([30, 20])  # degrees to either side, up and down
COARSE = 5.0  # degrees between the gazes that are tried first
FINE = 1.0  # and between those that are tried last
APART = np.array([10, 5])  # degrees by which two eyes may differ at the cost of PULL
BAND = 6.0  # degrees beside the iris' edge that are compared
PULL = 0.12  # what a gaze at the bounds loses against one straight ahead
LOWEST = 6  # pixels between the lids, of the least open eye that is looked at
SEEN = 0.15  # of the lids' edge, which is seen askew
SIZE = 0.95  # of an iris in photos, of the eyeball's: its edge is soft
FEWEST = 60  # samples between the lids
CLEAR = 0.25  # least score of a gaze that is believed


@dataclass(frozen=True, eq=False)
class SeenEye:
    """What the photo shows of an eye between its lids."""

    towards: np.ndarray  # (N, 3) directions from its middle, aligned frame
    colours: np.ndarray  # (N, 3) linear 0..1
    radius: float  # of the eyeball, metres

    @classmethod
    def of(cls, view: View, sphere: np.ndarray, edge: np.ndarray) -> "SeenEye | None":
        """
        Args:
            sphere: (4,) of the eyeball, metres, aligned frame.
            edge: (M, 3) of the lids, in any order.

        Returns:
            None where it is closed, small or out of the photo.
        """
        outline = view.project(edge)
        middle = outline.mean(0)
        if _height(outline) < LOWEST:
            return None
        left, up = np.meshgrid(np.arange(-WIDE, WIDE + STEP, STEP), np.arange(-HIGH, HIGH + STEP, STEP))
        towards = direction(left, up)
        places = view.project(sphere[:3] + sphere[3] * towards)
        turned_away = _turns(places)
        inside = _within(places, outline, middle) & ~turned_away
        x, y = places[inside].T
        if len(x) < FEWEST or x.min() < 0 or y.min() < 0 or x.max() >= view.photo.width or y.max() >= view.photo.height:
            return None
        return cls(towards[inside], _linear(_bilinear(view.photo.pixels, x, y)), float(sphere[3]))

    @property
    def brightness(self) -> np.ndarray:
        """(N,) 0..1; of the red that parts blue irises from the white as well as brown ones."""
        return np.minimum(np.sqrt(self.colours @ np.array([0.6, 0.4, 0.0])), 1)

    def angles(self, gazes: np.ndarray) -> np.ndarray:
        """(N, G) degrees between the samples and gazes (G, 2)."""
        return np.degrees(np.arccos(np.clip(self.towards @ direction(*gazes.T).T, -1, 1)))


def look_in_eyes(eyes: tuple[SeenEye | None, ...]) -> Look:
    """How eyes look, the subject's left one first; None for one that is not seen."""
    axes = [np.arange(-most, most + COARSE / 2, COARSE) for most in MOST]
    gazes = np.stack(np.meshgrid(*axes), -1).reshape(-1, 2)
    seen = {side: eye for side, eye in enumerate(eyes) if eye is not None}
    known = {side: worth for side, eye in seen.items() if (worth := _scores(eye, gazes)).max() > CLEAR}
    if not known:
        return STRAIGHT
    gaze = _best(dict.fromkeys(known, gazes), known)
    step = COARSE
    while step > FINE:
        step /= 2
        around = {side: np.clip(own + step * _AROUND, -MOST, MOST) for side, own in gaze.items()}
        gaze = _best(around, {side: _scores(seen[side], near) for side, near in around.items()})
    iris = iris_colour([seen[side] for side in gaze], list(gaze.values()))
    return Look(np.stack([gaze.get(side, next(iter(gaze.values()))) for side in range(len(SIDES))]), iris)


_AROUND = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2)


def direction(left: np.ndarray, up: np.ndarray) -> np.ndarray:
    """(…, 3) of a gaze in degrees: the aligned frame's head looks along -Y, its left is +X."""
    left, up = np.radians(left), np.radians(up)
    return np.stack([np.sin(left) * np.cos(up), -np.cos(left) * np.cos(up), np.sin(up)], -1)


def eyes_in(view: View, pack: ModelPack) -> tuple[SeenEye | None, ...]:
    """The subject's left eye and the right one; None for one that the photo does not show well."""
    model, topology = pack.parts, pack.topology
    if model is None:
        return (None,) * len(SIDES)
    numbers = {side: edge_of(topology, f"eye_{side}") for side in SIDES}
    edges = {
        side: view.to_head(view.position_map.sample(topology.sample_uv[edge]).mean(1)) for side, edge in numbers.items()
    }
    anchors = view.to_head(view.position_map.sample(model.anchor_uv))
    spheres = spheres_of(model, anchors, edges, topology)
    return tuple(
        SeenEye.of(view, sphere, edges[side]) if view.visibility[numbers[side]].mean() > SEEN else None
        for side, sphere in zip(SIDES, spheres, strict=True)
    )


def _best(gazes: dict[int, np.ndarray], worth: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """(2,) by eye: of gazes (G, 2), with scores (G,) of each, those that both eyes show best and that go together."""
    if len(gazes) == 1:
        return {side: own[worth[side].argmax()] for side, own in gazes.items()}
    left, right = gazes
    differ = PULL * (((gazes[left][:, None] - gazes[right]) / APART) ** 2).sum(2)
    both = worth[left][:, None] + worth[right] - differ
    one, other = np.unravel_index(both.argmax(), both.shape)
    return {left: gazes[left][one], right: gazes[right][other]}


def _scores(eye: SeenEye, gazes: np.ndarray) -> np.ndarray:
    """(G,) how well an iris at gazes (G, 2) explains what is dark between the lids: its share of the brightness'
    variance, and the step along its edge in standard deviations; 1 at best, less far from straight ahead."""
    bright = eye.brightness
    deviation = max(bright.std(), 0.02)
    angles = eye.angles(gazes)
    edge = np.degrees(np.arcsin(IRIS * SIZE))
    inside = np.clip((edge - angles) / 3 + 0.5, 0, 1)
    share = inside.mean(0)
    dark = bright @ inside / np.maximum(inside.sum(0), 1)
    white = bright @ (1 - inside) / np.maximum((1 - inside).sum(0), 1)
    step = (white - dark) / deviation
    explained = share * (1 - share) * step * np.abs(step)
    within = (angles < edge - 1) & (angles > edge - 1 - BAND)
    beyond = (angles > edge + 1) & (angles < edge + 1 + BAND)
    along = _mean_of(bright, beyond) - _mean_of(bright, within)
    return (explained + np.clip(along / deviation / 2, -1, 1)) / 2 - PULL * ((gazes / MOST) ** 2).sum(1)


def _mean_of(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(G,) means of values (N,) over what is chosen (N, G); where that is little, nearer to the mean of all."""
    few = 5
    return (values @ chosen + few * values.mean()) / (chosen.sum(0) + few)


def iris_colour(eyes: list[SeenEye], gazes: list[np.ndarray]) -> tuple[float, float, float]:
    """sRGB 0..1 of irises in the light by which the white is white; brown where too little of them is seen."""
    out = np.concatenate(
        [np.sin(np.radians(eye.angles(own[None])[:, 0])) / IRIS for eye, own in zip(eyes, gazes, strict=True)]
    )
    colours = np.concatenate([eye.colours for eye in eyes])
    ring = colours[(out > PUPIL + 0.12) & (out < 0.82)]
    white = colours[(out > 1.2) & (out < 2.2)]
    if min(len(ring), len(white)) < FEWEST // 4:
        return BROWN
    low, high = np.quantile(ring.mean(1), [0.1, 0.8])  # lashes and pupil; highlights
    iris = np.median(ring[(ring.mean(1) >= low) & (ring.mean(1) <= high)], axis=0)
    lit = white[white.mean(1) >= np.quantile(white.mean(1), 0.7)]
    light = np.maximum(np.median(lit, axis=0) / _linear(WHITE), 1e-3)
    # The white is seldom white: half of its tint is taken for the light's, and the rest of its darkness for shadow.
    return _human(_display(iris / (light / light.mean()) ** 0.5 / light.mean() ** 0.7))


def _human(colour: np.ndarray) -> tuple[float, float, float]:
    """The nearest colour that irises have: from dark brown by hazel and green to blue and grey."""
    mean = np.clip(colour.mean(), 0.10, 0.50)
    red, green, blue = colour / max(colour.mean(), 1e-3)
    brown = np.clip((0.30 - mean) / 0.15, 0, 1)  # dark ones are brown; what else they seem is a reflection
    warm = np.clip((red - blue) / 2, 0.7 * brown - 0.35, 0.65)
    fresh = np.clip(green - (red + blue) / 2, -0.15, 0.15)
    even = 1 - fresh / 3
    found = np.clip(mean * np.array([even + warm, 1 + fresh * 2 / 3, even - warm]), 0, 1)
    red, green, blue = found.round(4).tolist()
    return red, green, blue


def _height(outline: np.ndarray) -> float:
    """Pixels between the lids whose edge is (M, 2), across the line from corner to corner."""
    apart = outline - outline.mean(0)
    along = np.linalg.svd(apart, full_matrices=False)[2][0]
    return float(np.ptp(apart @ np.array([-along[1], along[0]])))


def _turns(places: np.ndarray) -> np.ndarray:
    """(H, W) bool: where a grid of places (H, W, 2) on the eyeball is seen from behind."""
    down, right = np.gradient(places, axis=(0, 1))
    # Rows go up the eye and columns to the subject's left, which a photo shows on the right.
    return right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0] >= 0


def _within(places: np.ndarray, outline: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """(…,) bool: places (…, 2) in an outline (M, 2) that is seen whole from its middle, but for a rim."""
    apart, edge = places - middle, outline - middle
    turn, turns = np.arctan2(apart[..., 1], apart[..., 0]), np.arctan2(edge[:, 1], edge[:, 0])
    return np.hypot(*np.moveaxis(apart, -1, 0)) < INSET * np.interp(
        turn, turns[order := turns.argsort()], np.hypot(*edge[order].T), period=2 * np.pi
    )


def _bilinear(pixels: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, 3) 0..1 of pixels (H, W, 3) uint8 at places (N,) of photo space."""
    height, width = pixels.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1.001), np.clip(y - 0.5, 0, height - 1.001)
    column, row = x.astype(int), y.astype(int)
    right, down = (x - column)[:, None], (y - row)[:, None]
    above = pixels[row, column] * (1 - right) + pixels[row, column + 1] * right
    below = pixels[row + 1, column] * (1 - right) + pixels[row + 1, column + 1] * right
    return (above * (1 - down) + below * down) / 255


def _linear(values: np.ndarray) -> np.ndarray:
    """sRGB 0..1 to linear."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _display(values: np.ndarray) -> np.ndarray:
    """Linear to sRGB 0..1."""
    values = np.clip(values, 0, 1)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)
