"""The further photos of a head: a camera for each, and the head as it looks in it.

The head's own shape is that of the first photo. In another photo the person may look different, so that the head lies
on it with that photo's expression only: a shape key for each, which is on while its photo is looked at.
"""

import bpy
import numpy as np

from ...capture.landmarks import COUNT
from ...capture.shape.mesh import vertices_in_view
from ...capture.types import Capture
from ..names import as_name
from ..record import views_of_head
from .camera import create_camera
from .images import PackedImages

# On the mesh, in the order of the views after the first: the names of the photos' shape keys, and how far the landmarks
# are from where the first photo has them.
_KEYS, _LANDMARKS = "prn_views", "prn_view_landmarks"


def add_views(
    head: bpy.types.Object,
    collection: bpy.types.Collection,
    capture: Capture,
    images: PackedImages,
    metre: float = 1.0,
) -> None:
    """Cameras into the capture's collection, shape keys onto the head; nothing for a capture of one photo.

    Args:
        metre: Blender units a metre.
    """
    if len(capture.views) < 2:
        return
    topology = capture.pack.choose_topology(capture.settings.topology)
    head.shape_key_add(name="Basis")
    keys, landmarks = [], []
    for number, (view, photo) in enumerate(zip(capture.views[1:], images.others, strict=True), start=1):
        name = as_name(view.photo.path.stem)
        collection.objects.link(create_camera(head, view.camera, photo, metre, number, name))
        key = head.shape_key_add(name=name, from_mix=False)
        vertices = metre * vertices_in_view(capture, topology, number)
        key.data.foreach_set("co", vertices.astype(np.float32).ravel())
        key.value = 0.0
        keys.append(key.name)
        shown = view.to_head(capture.pack.topology.landmarks(view.position_map))
        landmarks += (shown - capture.head.landmarks).ravel().tolist()
    head.data[_KEYS], head.data[_LANDMARKS] = keys, landmarks


def landmark_offsets(head: bpy.types.Object, number: int) -> np.ndarray:
    """(68, 3) metres from the head's own landmarks to those of one of its photos' expression."""
    offsets = np.array(head.data.get(_LANDMARKS, ()), float).reshape(-1, COUNT, 3)
    return offsets[number - 1] if 0 < number <= len(offsets) else np.zeros((COUNT, 3))


def set_shown_view(head: bpy.types.Object, number: int) -> None:
    """Gives the head the expression of one of its photos; the first has the head's own."""
    for other, name in enumerate(head.data.get(_KEYS, ()), start=1):
        key = head.data.shape_keys.key_blocks.get(name) if head.data.shape_keys else None
        if key is not None:  # the artist may have deleted it
            key.value = float(other == number)


def shown_view(head: bpy.types.Object) -> int:
    """Whose expression the head has; the first photo's is the head's own."""
    for number, name in enumerate(head.data.get(_KEYS, ()), start=1):
        key = head.data.shape_keys.key_blocks.get(name) if head.data.shape_keys else None
        if key is not None and key.value == 1.0:
            return number
    return 0


def name_of_view(head: bpy.types.Object, number: int) -> str:
    """The photo's file name."""
    return bpy.path.basename(views_of_head(head)[number]["photo"]["path"])
