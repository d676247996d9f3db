"""What a 3D View shows of captured heads."""

import bpy
import numpy as np

from ...scene.build.camera import cameras_of

_SOLID_TYPES = {"MESH", "CURVE", "SURFACE", "META", "FONT"}


def show_captured(context: bpy.types.Context, area: bpy.types.Area, heads: list[bpy.types.Object]) -> None:
    """Frames the selected heads with their texture; alone where something else stands in the same place.

    A head is made at the origin, where it is often inside of something larger, such as the default cube.
    """
    space = area.spaces.active
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        if space.local_view or _is_crowded(context, heads):
            show_alone(context, space, heads)
        if space.region_3d.view_perspective != "CAMERA":  # there the photo's camera shows it
            bpy.ops.view3d.view_selected()
    show_textured(space)


def show_alone(context: bpy.types.Context, space: bpy.types.SpaceView3D, heads: list[bpy.types.Object]) -> None:
    """Puts the view into local view with heads, landmarks and cameras and nothing else.

    Without its camera in the local view, Blender does not show the photo behind the head. One of the heads must be
    selected and visible.
    """
    if not space.local_view:
        bpy.ops.view3d.localview(frame_selected=False)
    wanted = {part for head in heads for part in _parts(head)}
    for candidate in context.view_layer.objects:
        candidate.local_view_set(space, candidate in wanted)


def show_textured(space: bpy.types.SpaceView3D) -> None:
    """The texture as it is, without the viewport's light: it already contains the photo's."""
    if space.shading.type == "SOLID":
        space.shading.color_type, space.shading.light = "TEXTURE", "FLAT"


def show_plain(space: bpy.types.SpaceView3D) -> None:
    """The shape alone, lit."""
    if space.shading.type == "SOLID":
        space.shading.color_type = "MATERIAL"
        if space.shading.light == "FLAT":
            space.shading.light = "STUDIO"


def _parts(head: bpy.types.Object) -> set[bpy.types.Object]:
    return {head, *head.children_recursive, *cameras_of(head).values()}


def _is_crowded(context: bpy.types.Context, heads: list[bpy.types.Object]) -> bool:
    """Whether anything visible reaches into the bounding box of one of the heads."""
    boxes = [_world_box(head) for head in heads]
    for other in context.visible_objects:
        if other in heads or other.type not in _SOLID_TYPES or other.display_type in {"WIRE", "BOUNDS"}:
            continue
        low, high = _world_box(other)
        if any((low < head_high).all() and (head_low < high).all() for head_low, head_high in boxes):
            return True
    return False


def _world_box(candidate: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest corner (3,), in metres of the scene."""
    matrix = np.array(candidate.matrix_world)
    corners = np.array([tuple(corner) for corner in candidate.bound_box]) @ matrix[:3, :3].T + matrix[:3, 3]
    return corners.min(0), corners.max(0)
