"""The 68 landmarks as empties.

They are hidden until the artist asks for them, and then drawn as dots by the interface; the empties themselves are
tiny, and their common parent stays hidden, because Blender draws a line from a child to every parent that it shows.
"""

from collections.abc import Iterator
from contextlib import suppress

import bpy
import numpy as np

from ...capture.landmarks import NAMES

_SIZE = 0.0005  # metres
_INDEX = "prn_landmark"  # on each empty: names are the artist's, and Blender's where there are two heads

# By the head's number in this session, the landmarks that were found by going through the whole file.
_found: dict[int, dict[int, bpy.types.Object]] = {}


def create_landmarks(
    collection: bpy.types.Collection, head: bpy.types.Object, positions: np.ndarray, metre: float = 1.0
) -> bpy.types.Object:
    """Empties at positions (68, 3) of the aligned frame, under one empty that is parented to the head.

    Their places are in metres; the empty that holds them takes them into a mesh of `metre` units a metre.
    """
    root = bpy.data.objects.new(f"{head.name} Landmarks", None)
    root.empty_display_type = "PLAIN_AXES"
    root.empty_display_size = _SIZE
    root.parent = head
    root.scale = (metre, metre, metre)
    collection.objects.link(root)
    for index, (name, position) in enumerate(zip(NAMES, positions.tolist(), strict=True)):
        empty = bpy.data.objects.new(name, None)
        empty.empty_display_type = "SPHERE"
        empty.empty_display_size = _SIZE
        empty.location = position
        empty.parent = root
        empty[_INDEX] = index
        collection.objects.link(empty)
    return root


def landmark_index(candidate: bpy.types.Object) -> int | None:
    """Which landmark an object is; None where it is none."""
    index = candidate.get(_INDEX)
    return index if isinstance(index, int) and 0 <= index < len(NAMES) else None


def hide_landmarks(head: bpy.types.Object, hidden: bool = True) -> None:
    """Hides landmarks in the view layer, or shows them. Hidden ones are still followed."""
    landmarks = [landmark for _, landmark in landmarks_of(head)]
    with suppress(RuntimeError):  # they are not in this view layer
        for root in {landmark.parent for landmark in landmarks}:
            root.hide_set(True)
        for landmark in landmarks:
            landmark.hide_set(hidden)


def landmarks_of(head: bpy.types.Object) -> Iterator[tuple[int, bpy.types.Object]]:
    """The landmarks that a head still has, with their indices; not those of heads that hang on it, nor copies.

    To find them Blender goes through the whole file, so those that were found before are asked first.
    """
    known = _found.get(head.session_uid)
    if not known or not all(_is_still(landmark, index, head) for index, landmark in known.items()):
        known = _found[head.session_uid] = _search(head)
    yield from known.items()


def root_of_landmarks(head: bpy.types.Object) -> bpy.types.Object | None:
    """The empty that holds a head's landmarks; None where they were deleted."""
    found = next(iter(_found.get(head.session_uid, {}).items()), None)
    if found is None or not _is_still(found[1], found[0], head):  # one is asked, which is quicker than all
        found = next(landmarks_of(head), None)
    return None if found is None else found[1].parent


def forget_landmarks() -> None:
    """Before datablocks change places: in another file, and in an undo step."""
    _found.clear()


def _search(head: bpy.types.Object) -> dict[int, bpy.types.Object]:
    found: dict[int, bpy.types.Object] = {}
    for child in head.children_recursive:
        index = landmark_index(child)
        if index is not None and head_of_landmark(child) == head:
            found.setdefault(index, child)
    return found


def _is_still(landmark: bpy.types.Object, index: int, head: bpy.types.Object) -> bool:
    try:
        return landmark_index(landmark) == index and head_of_landmark(landmark) == head
    except ReferenceError:  # it was deleted
        return False


def head_of_landmark(landmark: bpy.types.Object) -> bpy.types.Object | None:
    """The object that a landmark hangs on, by way of the empty that holds all of them."""
    return landmark.parent.parent if landmark.parent else None


def landmark_positions(head: bpy.types.Object) -> np.ndarray:
    """(68, 3) of the aligned frame, as they lie now; NaN where one was deleted."""
    positions = np.full((len(NAMES), 3), np.nan)
    for index, landmark in landmarks_of(head):
        positions[index] = landmark.location
    return positions
