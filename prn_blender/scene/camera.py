"""The photo's camera in Blender."""

import bpy

from ..capture.camera import Camera
from .record import is_captured_head

# 35 mm film: makes the lens read as the 35 mm equivalent.
_SENSOR_WIDTH = 36.0  # mm

_MARK = "prn_camera"


def create_camera(camera: Camera, photo: bpy.types.Image) -> bpy.types.Object:
    """A camera object with the lens of `camera` and the upright photo behind what it sees."""
    data = bpy.data.cameras.new("PRN_Camera")
    set_lens(data, camera, (0, 0, camera.width, camera.height))
    data.display_size = 0.1
    data.passepartout_alpha = 0.8

    background = data.background_images.new()
    background.image = photo
    background.frame_method = "STRETCH"
    background.alpha = 1.0
    data.show_background_images = True

    camera_object = bpy.data.objects.new("PRN_Camera", data)
    camera_object[_MARK] = True
    return camera_object


def set_lens(data: bpy.types.Camera, camera: Camera, window: tuple[float, float, float, float]) -> None:
    """Makes a render show what `camera` sees in a window (left, top, right, bottom) of the photo."""
    left, top, right, bottom = window
    longer = max(right - left, bottom - top)
    data.sensor_fit = "AUTO"  # lens, scale and shift then belong to the window's longer side
    data.sensor_width = _SENSOR_WIDTH
    if camera.is_perspective:
        data.type = "PERSP"
        data.lens = _SENSOR_WIDTH * camera.focal_px / longer
    else:
        data.type = "ORTHO"
        data.ortho_scale = camera.metres_per_px * longer
    data.shift_x = ((left + right) - camera.width) / 2 / longer
    data.shift_y = (camera.height - (top + bottom)) / 2 / longer
    data.clip_start = camera.distance / 100
    data.clip_end = camera.distance * 100


def look_through(scene: bpy.types.Scene, camera_object: bpy.types.Object, width: int, height: int) -> None:
    """Makes it the scene's camera and the photo's size in pixels the render size."""
    scene.camera = camera_object
    scene.render.resolution_x = width
    scene.render.resolution_y = height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0


def capture_camera(head: bpy.types.Object) -> bpy.types.Object | None:
    """The camera of a captured head: the one in its collection; None where it was deleted or not appended."""
    for collection in head.users_collection:
        for candidate in collection.objects:
            if candidate.type == "CAMERA" and _MARK in candidate:
                return candidate
    return None


def heads_of_camera(camera: bpy.types.Object | None) -> list[bpy.types.Object]:
    """The captured heads in the collections of a capture's camera, usually one; none for any other object."""
    if camera is None or _MARK not in camera:
        return []
    return [part for collection in camera.users_collection for part in collection.objects if is_captured_head(part)]
