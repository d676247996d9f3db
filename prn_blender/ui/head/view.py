"""What a 3D View shows of captured heads."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np
from mathutils import Quaternion, Vector

from ...scene.build.camera import cameras_of
from .operators import camera_of_view, head_of_part, is_photo_viewed

_SOLID_TYPES = {"MESH", "CURVE", "SURFACE", "META", "FONT"}
_FROM_FRONT = Quaternion((0.5**0.5, 0.5**0.5, 0.0, 0.0))  # of a view, at what faces -Y
_ROOM = 1.1  # around what is framed


@dataclass(frozen=True)
class ViewState:
    """How a 3D View looks at things. Blender's undo leaves that as it is, but forgets the view's own camera."""

    rotation: Quaternion
    location: Vector
    distance: float
    perspective: str
    is_local: bool
    camera: str  # its own; empty: the scene's
    shading: tuple[str, str]

    @classmethod
    def of(cls, space: bpy.types.SpaceView3D) -> "ViewState":
        view, shading = space.region_3d, space.shading
        return cls(
            rotation=view.view_rotation.copy(),
            location=view.view_location.copy(),
            distance=view.view_distance,
            perspective=view.view_perspective,
            is_local=space.local_view is not None,
            camera=space.camera.name if space.use_local_camera and space.camera else "",
            shading=(shading.color_type, shading.light),
        )

    def restore(self, space: bpy.types.SpaceView3D) -> None:
        """Local view apart, for which an operator is needed."""
        view, shading = space.region_3d, space.shading
        own = bpy.data.objects.get(self.camera)
        space.use_local_camera = own is not None
        if own is not None:
            space.camera = own
        if view.view_perspective != self.perspective:
            view.view_perspective = self.perspective
        view.view_rotation, view.view_location, view.view_distance = self.rotation, self.location, self.distance
        if shading.type == "SOLID":
            shading.color_type, shading.light = self.shading


@dataclass
class Shown:
    """A view that a capture has changed."""

    heads: tuple[str, ...]
    area: int
    before: ViewState
    after: ViewState
    is_undone: bool = False


_shown: list[Shown] = []


def show_captured(
    context: bpy.types.Context, area: bpy.types.Area, heads: list[bpy.types.Object], from_front: bool = True
) -> None:
    """Frames new, selected heads with their texture; alone where something else stands in the same place.

    A head is made at the origin, where it is often inside of something larger, such as the default cube.
    """
    space = area.spaces.active
    before = ViewState.of(space)
    region = next(region for region in area.regions if region.type == "WINDOW")
    with context.temp_override(area=area, region=region):
        if space.local_view or _is_crowded(context, heads):
            show_alone(context, space, heads)
        if is_photo_viewed_of_others(context, heads):
            bpy.ops.prn.view_photo()
        elif space.region_3d.view_perspective != "CAMERA":
            if from_front:
                space.region_3d.view_rotation = heads[0].matrix_world.to_quaternion() @ _FROM_FRONT
            bpy.ops.view3d.view_selected()
    show_textured(space)
    names = tuple(head.name for head in heads)
    _shown.append(Shown(names, area.as_pointer(), before, ViewState.of(space)))


def is_photo_viewed_of_others(context: bpy.types.Context, heads: list[bpy.types.Object]) -> bool:
    """Whether the view looks through the camera of a capture, which is none of these."""
    if context.space_data.region_3d.view_perspective != "CAMERA" or is_photo_viewed(context):
        return False
    return head_of_part(camera_of_view(context)) is not None


def frame_with_surroundings(context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Frames a head with what it stands in, from outside of which alone something is seen."""
    space = context.space_data
    if space.region_3d.view_perspective == "CAMERA":
        return
    boxes = [_world_box(head), *_crowding(context, [head])]
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    radius = float(np.linalg.norm(high - low)) / 2 * _ROOM
    view = space.region_3d
    view.view_location = Vector((low + high) / 2)
    # Blender's view is as wide as 2 * 36 mm over the lens at the distance.
    view.view_distance = radius * (space.lens / 36.0 + 1.0 if view.is_perspective else 1.0)


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
    return next(_crowding(context, heads), None) is not None


def _crowding(context: bpy.types.Context, heads: list[bpy.types.Object]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The boxes of everything visible that reaches into the bounding box of one of the heads."""
    boxes = [_world_box(head) for head in heads]
    for other in context.visible_objects:
        if other in heads or other.type not in _SOLID_TYPES or other.display_type in {"WIRE", "BOUNDS"}:
            continue
        low, high = _world_box(other)
        if any((low < head_high).all() and (head_low < high).all() for head_low, head_high in boxes):
            yield low, high


def _world_box(candidate: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest corner (3,), in metres of the scene."""
    matrix = np.array(candidate.matrix_world)
    corners = np.array([tuple(corner) for corner in candidate.bound_box]) @ matrix[:3, :3].T + matrix[:3, 3]
    return corners.min(0), corners.max(0)


def _views() -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                yield window, area


def _restore(pointer: int, state: ViewState) -> None:
    for window, area in _views():
        if area.as_pointer() != pointer:
            continue
        space = area.spaces.active
        if space.local_view and not state.is_local:
            region = next(region for region in area.regions if region.type == "WINDOW")
            with bpy.context.temp_override(window=window, area=area, region=region):
                bpy.ops.view3d.localview(frame_selected=False)
        state.restore(space)


@bpy.app.handlers.persistent
def _after_undo(*_arguments) -> None:
    """The view as it was before a capture that was undone; a redone one is shown as it was shown."""
    for shown in reversed(_shown):
        exists = all(name in bpy.data.objects for name in shown.heads)
        if exists == shown.is_undone:
            shown.is_undone = not exists
            # Not while Blender is about to undo: an operator has to leave local view.
            state = shown.after if exists else shown.before
            bpy.app.timers.register(partial(_restore, shown.area, state), first_interval=0)


@bpy.app.handlers.persistent
def _forget(*_arguments) -> None:
    _shown.clear()


def register() -> None:
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.undo_post.remove(_after_undo)
    bpy.app.handlers.redo_post.remove(_after_undo)
    bpy.app.handlers.load_pre.remove(_forget)
    _forget()
