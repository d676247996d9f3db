"""What the artist set on a head's expressions, and what moves them, for a mesh that takes the place of the head's."""

import bpy

from ...capture.shape.combinations import COMBINATIONS
from ...capture.shape.expressions import COPIED, PHOTO
from .expressions import VIEW_KEYS, add_combinations, has_expressions, set_key_values

_SET = ("mute", "slider_min", "slider_max")  # beside the value


def carry_sliders(before: bpy.types.Mesh, head: bpy.types.Object, values: dict[str, float]) -> None:
    """Gives the expressions of a head's new mesh what those of its mesh before had: values, faces that were added as
    keys, animation and drivers; and what followed the keys follows the new ones.

    Args:
        values: the expressions', as of `key_values`; none where it had none.
    """
    if not values or not has_expressions(head):
        return
    old, new = before.shape_keys, head.data.shape_keys
    add_combinations(head, [name for name in values if name in COMBINATIONS])
    for name in values:
        if name in new.key_blocks:
            for setting in _SET:
                setattr(new.key_blocks[name], setting, getattr(old.key_blocks[name], setting))
    _carry_animation(old, new)
    whole_faces = (COPIED, *before.get(VIEW_KEYS, ()))
    if any(values.get(name) and name not in new.key_blocks for name in whole_faces):  # the head's own instead
        values = values | {PHOTO: 1.0}
    set_key_values(head, values)
    for user in bpy.data.user_map(subset=[old])[old]:
        for animated in (user, getattr(user, "node_tree", None)):
            _follow_instead(animated, old, new)


def _carry_animation(old: bpy.types.Key, new: bpy.types.Key) -> None:
    """Action and drivers of shape keys to those of the same names."""
    animation = old.animation_data
    if animation is None:
        return
    carried = new.animation_data_create()
    carried.action = animation.action
    if getattr(animation, "action_slot", None) is not None:  # from Blender 4.4 on
        carried.action_slot = animation.action_slot
    for driver in animation.drivers:
        carried.drivers.from_existing(src_driver=driver)
    _follow_instead(new, old, new)


def _follow_instead(animated: bpy.types.ID | None, old: bpy.types.Key, new: bpy.types.Key) -> None:
    """Lets drivers that follow shape keys follow others."""
    animation = getattr(animated, "animation_data", None)
    for curve in animation.drivers if animation is not None else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == old:
                    target.id = new
