"""How expressions move eyes, lashes, teeth and the mouth's inside."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from .expression_model import NAMES, STEP, ExpressionModel
from .fit import rotation_of
from .parts import FOLLOWED, SIDES, Part, PartsModel, pull_of

BACK = 0.002  # metres by which an eyeball draws back behind closed lids
STILL = 2e-5  # metres: less is no movement


@dataclass(frozen=True, eq=False)
class Shapes:
    """A mesh without expression, and how keys move it."""

    neutral: np.ndarray  # (V, 3) float32 metres, aligned frame
    keys: dict[str, np.ndarray]  # (V, 3) float32 displacements by name; a key that moves nothing is not there


def shapes_of(neutral: np.ndarray, keys: dict[str, np.ndarray]) -> Shapes:
    """Of displacements (V, 3) by name."""
    kept = {name: moved.astype(np.float32) for name, moved in keys.items() if np.abs(moved).max() > STILL}
    return Shapes(neutral.astype(np.float32), kept)


def shapes_of_parts(
    model: ExpressionModel,
    parts_model: PartsModel,
    parts: tuple[Part, ...],
    still: tuple[Part, ...],
    turns: dict[str, np.ndarray],
    places: dict[str, np.ndarray],
    corrections: dict[str, np.ndarray],
    photos: dict[str, dict[str, np.ndarray]],
) -> dict[str, Shapes]:
    """By the parts' names.

    Args:
        parts: as the photo shows them, but with eyes that look straight ahead.
        still: those of the neutral head.
        turns: (3, 3) turn times size of the head around eyes and mouth, by region.
        places: (M, 3) of the neutral head's skin around eyes and mouth, by region.
        corrections: (52, M, 3) by region: of the skin's displacements there, where they are not the mean head's, turned
            and scaled.
        photos: (N, 3) by name of a photo's expression and part, as of `as_in_photo`.
    """
    shapes = {}
    for part, neutral in zip(parts, still, strict=True):
        moved = {name: displacements[part.name] for name, displacements in photos.items()}
        if part.kind in ("eye", "cornea"):
            shapes[part.name] = shapes_of(part.vertices, moved | _eye_keys(part, model))
            continue
        regions, steps = FOLLOWED.get(part.name, ()), model.parts[part.name]
        which = steps.any((1, 2))
        for region in regions:
            which |= np.abs(corrections[region]).max((1, 2)) > STILL
        going = _turned_steps(steps[which], parts_model.vertices[part.name], regions, turns)
        for region in regions:
            pull = pull_of(neutral.vertices, places[region]).astype(np.float32)
            beside = corrections[region][which].astype(np.float32).transpose(1, 0, 2)
            going += (pull @ beside.reshape(len(beside), -1)).reshape(len(pull), -1, 3).swapaxes(0, 1)
        names = [name for name, moves in zip(NAMES, which, strict=True) if moves]
        shapes[part.name] = shapes_of(neutral.vertices, moved | dict(zip(names, going, strict=True)))
    return shapes


def _turned_steps(
    steps: np.ndarray, mean: np.ndarray, regions: tuple[str, ...], turns: dict[str, np.ndarray]
) -> np.ndarray:
    """(K, N, 3) float32 metres of stored displacements (K, N, 3) of a part, turned as the head is around the regions
    that the part follows, or around the mouth.

    Args:
        mean: (N, 3) the mean head's part: its eyes are on both sides of the middle.
    """
    left = mean[:, 0] > 0
    sides = {"eye_left": left, "eye_right": ~left} if "eye_left" in regions else {"mouth_inner": left | ~left}
    moved = np.empty(steps.shape, np.float32)
    for region, own in sides.items():
        moved[:, own] = steps[:, own].astype(np.float32) @ (STEP * turns[region].T).astype(np.float32)
    return moved


def as_in_photo(
    parts: tuple[Part, ...], still: tuple[Part, ...], shown: tuple[Part, ...], gaze: np.ndarray
) -> dict[str, np.ndarray]:
    """(N, 3) displacements by name that a photo's expression brings: from the parts of the neutral head, `still`, to
    those `shown`. The eyes, which are those in `parts`, only turn, by a gaze as of `turned`."""
    moved = {}
    for part, before, now in zip(parts, still, shown, strict=True):
        if part.kind in ("eye", "cornea"):
            before, now = part, turned((part,), gaze)[0]
        moved[part.name] = now.vertices - before.vertices
    return moved


def turned(parts: tuple[Part, ...], gaze: np.ndarray) -> tuple[Part, ...]:
    """Parts with their eyeballs turned by gaze (2, 2): degrees to the subject's left and up, of the left eye and the
    right."""
    if not gaze.any():
        return parts
    return tuple(_turned(part, gaze) if part.kind in ("eye", "cornea") else part for part in parts)


def straightened(parts: tuple[Part, ...], gaze: np.ndarray) -> tuple[Part, ...]:
    """Parts whose eyeballs are turned by a gaze as of `turned`, with eyes that look straight ahead again."""
    if not gaze.any():
        return parts
    return tuple(_turned(part, gaze, back=True) if part.kind in ("eye", "cornea") else part for part in parts)


def _turned(part: Part, gaze: np.ndarray, back: bool = False) -> Part:
    left, up = gaze[SIDES.index(part.name.rpartition("_")[2])].tolist()
    turn = _turn(left, up).T if back else _turn(left, up)
    return replace(part, vertices=(part.pivot + (part.vertices - part.pivot) @ turn.T).astype(np.float32))


@lru_cache(maxsize=64)
def _turn(left: float, up: float) -> np.ndarray:
    """(3, 3) by degrees to a head's left, which looks along -Y, and up."""
    about_z, about_x = np.radians([0, 0, left]), np.radians([-up, 0, 0])
    return rotation_of(about_z) @ rotation_of(about_x)


def _eye_keys(part: Part, model: ExpressionModel) -> dict[str, np.ndarray]:
    """(N, 3) displacements of an eyeball's mesh by name: it turns, and it draws back behind the lid that closes, as
    real ones do, for the lid's edge goes straight where the eyeball is round.

    Source of the drawing back: C. Evinger et al., Lid movements during blinks, Invest. Ophthalmol. Vis. Sci. 25, 1984.
    """
    keys = {
        name: turned((part,), gaze)[0].vertices - part.vertices
        for name, gaze in zip(NAMES, model.gaze, strict=True)
        if gaze.any()
    }
    apart = part.vertices - part.pivot
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    flat = apart * (length.min() / length - 1) if part.kind == "cornea" else 0 * apart
    keys[f"eyeBlink{part.name.rpartition('_')[2].capitalize()}"] = flat + np.array([0, BACK, 0])
    return keys
