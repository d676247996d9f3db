"""The face that one head makes, on another: its sliders' values, and what its photo shows as a key of its own."""

from dataclasses import dataclass

import bpy
import numpy as np

from ...capture.errors import CaptureError
from ...capture.record import look_in
from ...capture.shape.combinations import COMBINATIONS
from ...capture.shape.expression_model import NAMES
from ...capture.shape.expressions import COPIED, PHOTO, Expressions, PhotoExpression
from ..record import read_record, views_of_head
from .expressions import add_key, has_expressions, key_values, require_vertices, shapes_in_mesh, show_face
from .views import key_of_view, set_shown_view

_COPIED = "prn_copied"  # on a mesh with such a key: what it shows, so that it can be copied on


@dataclass(frozen=True, eq=False)
class Face:
    """What a head's face does."""

    sliders: dict[str, float]  # values of ARKit's 52 and of faces made of them, those that are not 0
    photo: PhotoExpression | None  # that of its photos, and of one that was copied to it; None where it shows none
    strength: float  # how much of that

    def on(self, keys: bpy.types.bpy_prop_collection) -> dict[str, float]:
        """The sliders' values for a head with other keys: made faces that it lacks come from what they are made of."""
        values: dict[str, float] = {}
        for name, value in self.sliders.items():
            made_of = {name: 1.0} if name in keys else COMBINATIONS.get(name, {})
            for part, share in made_of.items():
                values[part] = values.get(part, 0.0) + share * value
        return values


def face_of(head: bpy.types.Object) -> Face:
    """What a captured head shows now, with expressions as shape keys or without.

    Raises:
        CaptureError: it is not known what its photo shows.
    """
    values = key_values(head)
    sliders = {name: values[name] for name in (*NAMES, *COMBINATIONS) if values.get(name)}
    shown = _photos_shown(head)
    shares = sum(share for share, _ in shown)
    strength = min(1.0, shares)  # more is not shown by one key
    if strength <= 0:
        return Face(sliders, None, 0.0)
    if any(told is None for _, told in shown):
        raise CaptureError(
            f"It is not known what the photo of {head.name} shows: "
            "capture it again with a model pack that has expressions."
        )
    mean = lambda name: sum(share * getattr(told, name) for share, told in shown) / strength
    return Face(sliders, PhotoExpression(mean("coefficients"), mean("gaze")), strength)


def _photos_shown(head: bpy.types.Object) -> list[tuple[float, PhotoExpression | None]]:
    """How much a head shows of the expressions of its photos and of a copied one; of what is not known, None."""
    gaze, shares = look_in(read_record(head)).gaze, {}
    for number in range(1, len(views_of_head(head))):
        key = key_of_view(head, number)
        shares[number] = 0.0 if key is None else key.value
    # Without expressions, the head shows its first photo's unless another one is looked at.
    shares[0] = key_values(head).get(PHOTO, 0.0) if has_expressions(head) else 1.0 - sum(shares.values())
    shown = [(share, _in_photo(views_of_head(head)[number], gaze)) for number, share in shares.items()]
    copied = copied_expression(head)
    if copied is not None:
        shown.append((key_values(head)[COPIED], copied))
    return [(share, told) for share, told in shown if share > 0]


def copied_expression(head: bpy.types.Object) -> PhotoExpression | None:
    """What a head's key with the expression of another one shows; None where it has none."""
    if _COPIED not in head.data or COPIED not in key_values(head):
        return None
    stored = head.data[_COPIED]
    return PhotoExpression(np.array(stored["coefficients"]), np.array(stored["gaze"]).reshape(2, 2))


def _in_photo(view: dict, gaze: np.ndarray) -> PhotoExpression | None:
    told = view.get("expression")
    return None if told is None else PhotoExpression(np.array(told), gaze)


def wear(head: bpy.types.Object, face: Face, expressions: Expressions | None) -> None:
    """Has a head with expressions make a face.

    Args:
        expressions: of the head, with the key of what the face shows of a photo; None where it shows nothing of one.

    Raises:
        CaptureError: the head's vertices are others.
    """
    if expressions is not None and face.photo is not None:
        add_copied(head, face.photo, expressions)
    set_shown_view(head, 0)
    show_face(head, face.on(head.data.shape_keys.key_blocks) | {COPIED: face.strength})


def add_copied(head: bpy.types.Object, copied: PhotoExpression, expressions: Expressions) -> None:
    """Gives a head with expressions, and its parts, the key of a copied one, or changes the one that is there.

    Args:
        expressions: of the head, with that key.

    Raises:
        CaptureError: the head's vertices are others.
    """
    require_vertices(head, expressions)
    for shape, shapes, into_mesh in shapes_in_mesh(head, expressions):
        change = shapes.keys.get(COPIED, np.zeros_like(shapes.neutral))
        if shape.data.shape_keys is not None:
            add_key(shape, head, COPIED, (change @ into_mesh.T).ravel())
    head.data[_COPIED] = {"coefficients": copied.coefficients.tolist(), "gaze": copied.gaze.ravel().tolist()}
