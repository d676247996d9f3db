"""What the artist set on a head's expressions, and what moves them, for a mesh that takes the place of the head's."""

import bpy

from ...capture.shape.combinations import COMBINATIONS
from ...capture.shape.expressions import COPIED, PHOTO
from .expressions import VIEW_KEYS, add_combinations, has_expressions, set_key_values

_SET = ("mute", "slider_min", "slider_max")  # beside the value
_OF_ACTION = ("action_blend_type", "action_extrapolation", "action_influence", "use_nla")
_OF_TRACK = ("name", "mute", "lock", "select", "is_solo")
# Of a strip; what it lies in is set at once, and the end, which follows from the rest, last.
_OF_STRIP = (
    *("action_frame_start", "action_frame_end", "scale", "repeat", "use_sync_length", "use_reverse"),
    *("extrapolation", "blend_type", "blend_in", "blend_out", "use_auto_blend", "mute", "select"),
    "frame_end",
)


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
    """Action, strips and drivers of shape keys to those of the same names."""
    animation = old.animation_data
    if animation is None:
        return
    carried = new.animation_data_create()
    carried.action = animation.action
    _carry(animation, carried, _OF_ACTION)
    for track in animation.nla_tracks:
        strips = [strip for strip in track.strips if strip.action is not None]
        copied = carried.nla_tracks.new()
        for strip in strips:
            _carry(strip, copied.strips.new(strip.name, round(strip.frame_start), strip.action), _OF_STRIP)
        _carry(track, copied, _OF_TRACK)
    for driver in animation.drivers:
        carried.drivers.from_existing(src_driver=driver)
    _follow_instead(new, old, new)


def _carry(one: bpy.types.bpy_struct, other: bpy.types.bpy_struct, names: tuple[str, ...]) -> None:
    """Gives properties of one to another one that has the same action."""
    if getattr(one, "action_slot", None) is not None:  # from Blender 4.4 on
        other.action_slot = one.action_slot
    for name in names:
        setattr(other, name, getattr(one, name))


def _follow_instead(animated: bpy.types.ID | None, old: bpy.types.Key, new: bpy.types.Key) -> None:
    """Lets drivers that follow shape keys follow others."""
    animation = getattr(animated, "animation_data", None)
    for curve in animation.drivers if animation is not None else ():
        for variable in curve.driver.variables:
            for target in variable.targets:
                if target.id == old:
                    target.id = new
