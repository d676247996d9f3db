"""A head's expressions as shape keys.

Eyes, teeth and the like have keys of the same names, which follow the head's: one set of sliders moves all. The mesh
itself is the head without the photo's expression, which is a key of its own.
"""

from collections.abc import Iterable, Iterator, Mapping

import bpy
import numpy as np

from ...capture.errors import CaptureError
from ...capture.shape.combinations import COMBINATIONS
from ...capture.shape.expression_model import NAMES
from ...capture.shape.expression_parts import Shapes
from ...capture.shape.expressions import COPIED, NEUTRAL, PHOTO, Expressions
from ..edit.adjust import shift_captured
from ..edit.frame import frame_in_mesh
from ..record import forget_expression
from .parts import PART_NAME, parts_of_head

_EXPRESSIONS = "prn_expressions"  # on a mesh whose shape keys are a head's expressions
OWN = (PHOTO, COPIED, *NAMES, *COMBINATIONS)  # what keys are called that are made here
VIEW_KEYS = "prn_views"  # on the mesh: the names of the further photos' shape keys, in the order of the views
BASIS = "Basis"  # what the first shape key is called where it is not the neutral face


def has_expressions(head: bpy.types.Object) -> bool:
    """Whether the head's mesh has the keys that `add_expressions` made, at least the photo's."""
    keys = head.data.shape_keys
    return keys is not None and _EXPRESSIONS in head.data and PHOTO in keys.key_blocks


def photographed(mesh: bpy.types.Mesh) -> bpy.types.bpy_prop_collection:
    """The points, each with a place `co`, of a head's mesh as the photo shows it."""
    keys = mesh.shape_keys
    if keys is not None and _EXPRESSIONS in mesh and PHOTO in keys.key_blocks:
        return keys.key_blocks[PHOTO].points
    return mesh.vertices


def expression_keys(head: bpy.types.Object) -> dict[str, bpy.types.ShapeKey]:
    """Those of ARKit's 52 that the head has, by name."""
    keys = head.data.shape_keys
    return {} if keys is None else {name: keys.key_blocks[name] for name in NAMES if name in keys.key_blocks}


def add_expressions(head: bpy.types.Object, expressions: Expressions) -> None:
    """Gives the head and its parts shape keys; all looks as before.

    Raises:
        CaptureError: the head has shape keys, or its vertices are others.
    """
    if head.data.shape_keys is not None:
        raise CaptureError(f"{head.name} has shape keys already: remove or apply them first.")
    require_vertices(head, expressions)
    for shape, shapes, into_mesh in shapes_in_mesh(head, expressions):
        if shape.data.shape_keys is None:
            _add_keys(shape, shapes, into_mesh)
            if shape != head:
                _follow(shape, head)
    head.data[_EXPRESSIONS] = True
    photo = expressions.skin.keys.get(PHOTO)
    if photo is not None:
        shift_captured(head.data, -photo)


def shapes_in_mesh(
    head: bpy.types.Object, expressions: Expressions
) -> Iterator[tuple[bpy.types.Object, Shapes, np.ndarray]]:
    """The head, and those of its parts that are still as they were made: each with its shapes, and with (3, 3) that
    takes displacements, in metres of the aligned frame, into its mesh."""
    frame = np.array(frame_in_mesh(head))[:3, :3]
    yield head, expressions.skin, frame
    for part in parts_of_head(head):
        shapes = expressions.parts.get(part.get(PART_NAME, ""))
        if shapes is not None and part.data.library is None and len(part.data.vertices) == len(shapes.neutral):
            hangs = np.array(part.matrix_parent_inverse @ part.matrix_basis)[:3, :3]
            yield part, shapes, np.linalg.inv(hangs) @ frame


def require_vertices(head: bpy.types.Object, expressions: Expressions) -> None:
    """Raises CaptureError unless the head has the vertices of which the expressions are."""
    if len(head.data.vertices) != len(expressions.skin.neutral):
        raise CaptureError(f"{head.name} no longer has the vertices that were captured: capture the photo again.")


def _add_keys(shape: bpy.types.Object, shapes: Shapes, into_mesh: np.ndarray) -> None:
    """Keys by which the mesh looks as before, with the photo's at 1.

    Args:
        into_mesh: (3, 3) takes displacements, in metres of the aligned frame, into the mesh.
    """
    mesh = shape.data
    shown = places_of(mesh.vertices)
    moved = {name: (change @ into_mesh.T).astype(np.float32).ravel() for name, change in shapes.keys.items()}
    neutral = shown - moved.get(PHOTO, np.float32(0))
    mesh.vertices.foreach_set("co", neutral)
    shape.shape_key_add(name=NEUTRAL, from_mix=False)
    for name in (PHOTO, *NAMES):
        if name in moved or PART_NAME not in shape:  # the head has all of them
            key = shape.shape_key_add(name=name, from_mix=False)
            key.points.foreach_set("co", neutral + moved.get(name, np.float32(0)))
            key.value = float(name == PHOTO)
    shape.active_shape_key_index = 0
    mesh.update()


def remove_expressions(head: bpy.types.Object) -> None:
    """Takes their expressions away from the head and its parts; they keep how they look, and other shape keys."""
    values = {name: value for name, value in key_values(head).items() if name in OWN}
    if values != {PHOTO: 1.0} | dict.fromkeys(values.keys() - {PHOTO}, 0.0):
        forget_expression(head)
    frame = np.array(frame_in_mesh(head))[:3, :3]
    for shape in (head, *parts_of_head(head)):
        keys = shape.data.shape_keys
        if keys is not None and (shape == head or keys.reference_key.name == NEUTRAL):  # others are the artist's
            change = _remove_keys(shape, values)
            if shape == head:
                shift_captured(head.data, change @ np.linalg.inv(frame).T)
    del head.data[_EXPRESSIONS]


def _remove_keys(shape: bpy.types.Object, values: Mapping[str, float]) -> np.ndarray:
    """Takes the keys of expressions away from a mesh, which looks as these values make it; returns how much (V, 3) it
    differs from before, its own space."""
    mesh, keys = shape.data, shape.data.shape_keys
    places = {key.name: places_of(key.points) for key in keys.key_blocks}
    neutral = places[keys.reference_key.name]
    change = sum((value * (places[name] - neutral) for name, value in values.items() if name in places), 0 * neutral)
    # Further photos' keys are whole faces, the artist's own are changes of the neutral one.
    own = [key for key in keys.key_blocks[1:] if key.name not in OWN and key.name not in mesh.get(VIEW_KEYS, ())]
    for key in own:
        key.points.foreach_set("co", places[key.name] + change)
    keys.reference_key.points.foreach_set("co", neutral + change)
    for key in [key for key in keys.key_blocks[1:] if key.name in OWN]:
        key.driver_remove("value")
        shape.shape_key_remove(key)
    if len(keys.key_blocks) == 1:
        shape.shape_key_clear()
    else:
        keys.reference_key.name = BASIS
    mesh.vertices.foreach_set("co", neutral + change)
    mesh.update()
    return change.reshape(-1, 3)


def _follow(part: bpy.types.Object, head: bpy.types.Object) -> None:
    """Lets a part's keys have the values of the head's."""
    for key in part.data.shape_keys.key_blocks[1:]:
        _follow_key(key, head)


def _follow_key(key: bpy.types.ShapeKey, head: bpy.types.Object) -> None:
    """Drives a key by the head's of its name; without Python, which Blender may not be allowed to run."""
    driver = key.driver_add("value").driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.name = "value"
    target = variable.targets[0]
    target.id_type = "KEY"
    target.id = head.data.shape_keys
    target.data_path = f'key_blocks["{key.name}"].value'


def key_values(head: bpy.types.Object) -> dict[str, float]:
    """The values of the head's expressions, the photo's among them; none where it has none."""
    return {key.name: key.value for key in head.data.shape_keys.key_blocks[1:]} if has_expressions(head) else {}


def set_key_values(head: bpy.types.Object, values: Mapping[str, float]) -> None:
    """Gives the head's keys values; those of which nothing is said stay, and what it has no key for is left out."""
    keys = head.data.shape_keys
    for name, value in values.items() if keys is not None else ():
        if name in keys.key_blocks:
            keys.key_blocks[name].value = value


def show_face(head: bpy.types.Object, values: Mapping[str, float]) -> None:
    """Gives the head's expressions these values, and all others none."""
    set_key_values(head, dict.fromkeys(OWN, 0.0) | dict(values))


def add_combinations(head: bpy.types.Object, names: Iterable[str]) -> int:
    """Gives the head and its parts keys of their own for faces made of several expressions; returns how many."""
    keys = head.data.shape_keys.key_blocks
    added = [name for name in names if name not in keys]
    for shape in (head, *parts_of_head(head)):
        if shape.data.shape_keys is None:
            continue
        neutral, moved = _neutral(shape.data), _changes(shape.data)
        for name in added:
            parts = (value * moved[key] for key, value in COMBINATIONS[name].items() if key in moved)
            add_key(shape, head, name, sum(parts, 0 * neutral))
    return len(added)


def add_key(shape: bpy.types.Object, head: bpy.types.Object, name: str, change: np.ndarray) -> None:
    """Gives a head, or one of its parts, a key that moves its mesh by `change` (3 V,), or changes the one of that name.
    A part gets none that moves nothing."""
    key = shape.data.shape_keys.key_blocks.get(name)
    if key is None:
        if shape != head and not change.any():
            return
        key = shape.shape_key_add(name=name, from_mix=False)
        key.value = 0.0
        if shape != head:
            _follow_key(key, head)
    key.points.foreach_set("co", (_neutral(shape.data) + change).astype(np.float32))
    shape.data.update()


def _neutral(mesh: bpy.types.Mesh) -> np.ndarray:
    """(3 V,) where the mesh has no expression."""
    return places_of(mesh.shape_keys.reference_key.points)


def _changes(mesh: bpy.types.Mesh) -> dict[str, np.ndarray]:
    """(3 V,) by name: how a mesh's keys of ARKit's names move it."""
    neutral, keys = _neutral(mesh), mesh.shape_keys.key_blocks
    return {name: places_of(keys[name].points) - neutral for name in NAMES if name in keys}


def places_of(points: bpy.types.bpy_prop_collection) -> np.ndarray:
    """(3 V,) float32 of what each has a place `co`."""
    values = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", values)
    return values
