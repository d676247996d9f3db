"""A photo with heads over it, in an Image Editor or in a 3D View that looks through the photo's camera."""

from dataclasses import dataclass

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d

from ..head.operators import camera_of_view
from ..photos.drawing import PhotoOnScreen


@dataclass(frozen=True)
class HeadOnScreen:
    """A captured head over one of its photos."""

    head: bpy.types.Object
    view: int  # which of its photos
    screen: PhotoOnScreen

    def landmarks(self) -> np.ndarray:
        """(68, 2) region pixels."""
        from ...scene.edit.photo_points import landmarks_in_photo

        return self.screen.points_to_region(landmarks_in_photo(self.head, self.view))


def heads_in(context: bpy.types.Context, area: bpy.types.Area) -> list[HeadOnScreen]:
    """The heads whose landmarks or pins can be moved over the photo that an area shows."""
    from ...scene.edit.adjust import is_adjustable

    region = next(part for part in area.regions if part.type == "WINDOW")
    if area.type == "IMAGE_EDITOR":
        shown = _in_image_editor(context, area, region)
    elif area.type == "VIEW_3D":
        shown = _in_camera_view(context, area, region)
    else:
        shown = []
    return [one for one in shown if is_adjustable(one.head)]


def _in_image_editor(context: bpy.types.Context, area: bpy.types.Area, region: bpy.types.Region) -> list[HeadOnScreen]:
    from ...scene.build.photo_images import photo_in
    from ...scene.edit.photo_points import heads_of_photo
    from ...scene.record import view_of_photo, views_of_head

    photo, found = photo_in(area.spaces.active.image), []
    for head in [] if photo is None else heads_of_photo(context.scene, photo):
        view = view_of_photo(head, photo)
        size = views_of_head(head)[view]["photo"]
        found.append(
            HeadOnScreen(head, view, PhotoOnScreen.in_image_editor(region.view2d, size["width"], size["height"]))
        )
    return found


def _in_camera_view(context: bpy.types.Context, area: bpy.types.Area, region: bpy.types.Region) -> list[HeadOnScreen]:
    from ...scene.build.camera import heads_of_camera, view_of_camera
    from ...scene.record import views_of_head

    space = area.spaces.active
    with context.temp_override(area=area, region=region):
        camera = camera_of_view(context)
    if space.region_3d.view_perspective != "CAMERA" or camera is None:
        return []
    found = []
    for head in heads_of_camera(camera):
        if head.visible_get(viewport=space):
            view = view_of_camera(camera)
            size = views_of_head(head)[view]["photo"]
            screen = photo_in_camera_view(context.scene, region, space.region_3d, camera, size["width"], size["height"])
            found.append(HeadOnScreen(head, view, screen))
    return found


def photo_in_camera_view(
    scene: bpy.types.Scene,
    region: bpy.types.Region,
    view: bpy.types.RegionView3D,
    camera: bpy.types.Object,
    width: int,
    height: int,
) -> PhotoOnScreen:
    """A photo (pixels) behind what its camera sees: as wide as the camera's frame, around the same middle."""
    frame = [camera.matrix_world @ corner for corner in camera.data.view_frame(scene=scene)]
    corners = np.array([location_3d_to_region_2d(region, view, corner, default=(0, 0)) for corner in frame])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    zoom = max(1e-6, (right - left) / width)
    return PhotoOnScreen(left, (bottom + top) / 2 - zoom * height / 2, zoom, width, height)
