"""The 68 landmarks as empties."""

import bpy
import numpy as np

# First index and part, in the iBUG order; left and right are the subject's.
_PARTS = (
    (0, "jaw"),
    (17, "brow_right"),
    (22, "brow_left"),
    (27, "nose_bridge"),
    (31, "nose_base"),
    (36, "eye_right"),
    (42, "eye_left"),
    (48, "lips_outer"),
    (60, "lips_inner"),
)
LANDMARK_NAMES = tuple(
    f"{next(part for first, part in reversed(_PARTS) if index >= first)}_{index:02}" for index in range(68)
)

_SIZE = 0.0015  # metres


def create_landmarks(
    collection: bpy.types.Collection, head: bpy.types.Object, positions: np.ndarray
) -> bpy.types.Object:
    """Empties at positions (68, 3) of the aligned frame, under one empty that is parented to the head."""
    root = bpy.data.objects.new("PRN_Landmarks", None)
    root.empty_display_type = "PLAIN_AXES"
    root.empty_display_size = _SIZE
    root.parent = head
    collection.objects.link(root)
    for name, position in zip(LANDMARK_NAMES, positions.tolist(), strict=True):
        empty = bpy.data.objects.new(name, None)
        empty.empty_display_type = "SPHERE"
        empty.empty_display_size = _SIZE
        empty.location = position
        empty.parent = root
        collection.objects.link(empty)
    return root
