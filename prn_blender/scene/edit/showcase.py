"""A small animation that shows each of a head's expressions once."""

import bpy

from ...capture.errors import CaptureError
from ...capture.shape.expression_model import NAMES
from ...capture.shape.expressions import PHOTO
from ..build.expressions import expression_keys, show_face

_TEST = "prn_test"  # on the action
STEP = 10  # frames from one expression to the next


def has_test(head: bpy.types.Object) -> bool:
    """Whether the head shows its expressions one after the other."""
    keys = head.data.shape_keys
    action = keys.animation_data.action if keys is not None and keys.animation_data else None
    return action is not None and _TEST in action


def add_test(head: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """From the scene's first frame on, of which the preview range shows just this.

    Raises:
        CaptureError: the shape keys are animated already.
    """
    keys = head.data.shape_keys
    if keys.animation_data is not None and keys.animation_data.action is not None:
        raise CaptureError(f"The shape keys of {head.name} are animated already: unlink their action first.")
    start = scene.frame_start
    photo = keys.key_blocks.get(PHOTO)
    for frame, value in ((start, 1.0), (start + STEP, 0.0)):
        if photo is not None:
            photo.value = value
            photo.keyframe_insert("value", frame=frame)
    shown = expression_keys(head)
    for number, name in enumerate(NAMES, 1):
        if name in shown:
            for frame, value in ((number, 0.0), (number + 0.5, 1.0), (number + 1, 0.0)):
                shown[name].value = value
                shown[name].keyframe_insert("value", frame=start + frame * STEP)
    action = keys.animation_data.action
    action.name = f"{head.name} Expressions Test"
    action[_TEST] = True
    scene.frame_preview_start, scene.frame_preview_end = start, start + (len(NAMES) + 1) * STEP
    scene.use_preview_range = True
    scene.frame_set(start)


def remove_test(head: bpy.types.Object, scene: bpy.types.Scene) -> None:
    """Takes the animation away; the head looks as in the photo."""
    keys = head.data.shape_keys
    action = keys.animation_data.action
    keys.animation_data.action = None
    if not action.users:
        bpy.data.actions.remove(action)
    show_face(head, {PHOTO: 1.0})
    scene.use_preview_range = False
