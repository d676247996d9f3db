"""The further photos of a head: a camera for each, and the head as it looks in it.

The head's own shape is that of the first photo. In another photo the person may look different, so that the head lies
on it with that photo's expression only: a shape key for each, which is on while its photo is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from ...capture.landmarks import COUNT
from ...capture.shape.expressions import NEUTRAL, PHOTO, Expressions
from ...capture.shape.mesh import vertices_in_view
from ...capture.types import Capture
from ..names import as_name
from ..record import views_of_head
from .camera import capture_camera, create_camera, number_camera, set_lens
from .expressions import (
    BASIS,
    OWN,
    VIEW_KEYS,
    add_expressions,
    has_expressions,
    places_of,
    remove_expressions,
    require_vertices,
    show_face,
)
from .images import PackedImages
from .photo_images import photo_in

# On the mesh, in the order of the views after the first: how far the landmarks are from where the first photo has them.
_LANDMARKS = "prn_view_landmarks"


@dataclass(frozen=True)
class ViewShape:
    """The head as it looks in one of the photos after the first."""

    name: str
    vertices: np.ndarray  # (V, 3) float32 metres of the aligned frame
    landmarks: np.ndarray  # (68, 3) metres from the head's own


def view_shapes(capture: Capture) -> list[ViewShape]:
    """One for each further photo, in their order."""
    topology = capture.pack.choose_topology(capture.settings.topology)
    shapes = []
    for number, view in enumerate(capture.views[1:], start=1):
        landmarks = view.to_head(capture.pack.topology.landmarks(view.position_map))
        vertices = vertices_in_view(capture, topology, number)
        path = view.photo.path
        name = as_name(path.name if path.stem in (BASIS, NEUTRAL, *OWN) else path.stem)
        shapes.append(ViewShape(name, vertices, landmarks - capture.head.landmarks))
    return shapes


def add_view_keys(head: bpy.types.Object, shapes: Sequence[ViewShape], frame: np.ndarray) -> None:
    """Shape keys on a new mesh; none for a capture of one photo.

    Args:
        frame: (4, 4) from the aligned frame to the mesh's space.
    """
    if not shapes:
        return
    if head.data.shape_keys is None:
        head.shape_key_add(name=BASIS)
    keys = []
    for shape in shapes:
        key = head.shape_key_add(name=shape.name, from_mix=False)
        vertices = shape.vertices @ frame[:3, :3].T + frame[:3, 3]
        key.points.foreach_set("co", vertices.astype(np.float32).ravel())
        key.value = 0.0
        keys.append(key.name)
    head.data[VIEW_KEYS] = keys
    head.data[_LANDMARKS] = np.concatenate([shape.landmarks for shape in shapes]).ravel().tolist()


def add_cameras(
    head: bpy.types.Object,
    collection: bpy.types.Collection,
    capture: Capture,
    images: PackedImages,
    metre: float,
    before: dict[str, bpy.types.Object] | None = None,
) -> None:
    """A camera for each of a capture's photos, in a collection.

    Args:
        metre: Blender units a metre.
        before: cameras that are there already, by the checksums of their photos; those that are used are taken out.
    """
    before = {} if before is None else before
    photos = (images.photo, *images.others)
    for number, (view, photo) in enumerate(zip(capture.views, photos, strict=True)):
        camera = before.pop(view.photo.sha256, None)
        if camera is None:
            name = as_name(view.photo.path.stem) if number else ""
            collection.objects.link(create_camera(head, view.camera, photo, metre, number, name))
            continue
        set_lens(camera.data, view.camera, (0, 0, view.camera.width, view.camera.height))
        number_camera(camera, number)
        backgrounds = camera.data.background_images
        if backgrounds and not any(photo_in(shown.image) == view.photo.sha256 for shown in backgrounds):
            backgrounds[0].image = photo


def cameras_by_photo(head: bpy.types.Object) -> dict[str, bpy.types.Object]:
    """The cameras that a captured head still has, by the checksums of their photos."""
    cameras = ((view["photo"]["sha256"], capture_camera(head, n)) for n, view in enumerate(views_of_head(head)))
    return {photo: camera for photo, camera in cameras if camera is not None}


def has_only_view_keys(head: bpy.types.Object) -> bool:
    """Whether a head has no shape keys but those of its photos."""
    keys = head.data.shape_keys
    return keys is None or {key.name for key in keys.key_blocks[1:]} == set(head.data.get(VIEW_KEYS, ()))


def add_expressions_beside(head: bpy.types.Object, expressions: Expressions) -> None:
    """`add_expressions` to a head that may have the shape keys of further photos, which it keeps.

    Raises:
        CaptureError: as there; it has other shape keys.
    """
    if head.data.shape_keys is None or not has_only_view_keys(head):
        add_expressions(head, expressions)
        return
    require_vertices(head, expressions)
    shown, keys = shown_view(head), head.data.shape_keys.key_blocks
    places = {name: places_of(keys[name].points) for name in head.data[VIEW_KEYS]}
    head.shape_key_clear()
    add_expressions(head, expressions)
    for name, values in places.items():
        key = head.shape_key_add(name=name, from_mix=False)
        key.points.foreach_set("co", values)
        key.value = 0.0
    set_shown_view(head, shown)


def remove_expressions_beside(head: bpy.types.Object) -> None:
    """`remove_expressions` from a head of which another photo may be looked at; its own face is that of the first."""
    shown = shown_view(head)
    if shown:
        set_shown_view(head, 0)
    remove_expressions(head)
    if shown:
        set_shown_view(head, shown)


def landmark_offsets(head: bpy.types.Object, number: int) -> np.ndarray:
    """(68, 3) metres from the head's own landmarks to those of one of its photos' expression."""
    offsets = np.array(head.data.get(_LANDMARKS, ()), float).reshape(-1, COUNT, 3)
    return offsets[number - 1] if 0 < number <= len(offsets) else np.zeros((COUNT, 3))


def set_landmark_offsets(head: bpy.types.Object, number: int, offsets: np.ndarray) -> None:
    """Changes them (68, 3) for one of the photos after the first."""
    stored = np.array(head.data[_LANDMARKS], float).reshape(-1, COUNT, 3)
    stored[number - 1] = offsets
    head.data[_LANDMARKS] = stored.ravel().tolist()


def key_of_view(head: bpy.types.Object, number: int) -> bpy.types.ShapeKey | None:
    """The shape key with the expression of one of the photos after the first; None where the artist deleted it."""
    names, keys = head.data.get(VIEW_KEYS, ()), head.data.shape_keys
    return keys.key_blocks.get(names[number - 1]) if keys and 0 < number <= len(names) else None


def set_shown_view(head: bpy.types.Object, number: int) -> None:
    """Gives the head the expression of one of its photos; the first has the head's own."""
    if has_expressions(head):
        show_face(head, {PHOTO: float(number == 0)})
    for other in range(1, len(head.data.get(VIEW_KEYS, ())) + 1):
        key = key_of_view(head, other)
        if key is not None:
            key.value = float(other == number)


def shown_view(head: bpy.types.Object) -> int:
    """Whose expression the head has; the first photo's is the head's own."""
    for number in range(1, len(head.data.get(VIEW_KEYS, ())) + 1):
        key = key_of_view(head, number)
        if key is not None and key.value == 1.0:
            return number
    return 0


def name_of_view(head: bpy.types.Object, number: int) -> str:
    """The photo's file name."""
    return bpy.path.basename(views_of_head(head)[number]["photo"]["path"])
