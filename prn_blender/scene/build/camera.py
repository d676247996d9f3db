"""The photo's camera in Blender."""

import bpy

from ...capture.geometry.camera import Camera
from ..record import belong_together, has_identity, is_captured_head, mark_as_part, views_of_head

# 35 mm film: makes the lens read as the 35 mm equivalent.
_SENSOR_WIDTH = 36.0  # mm
_SAME_SHAPE = 1e-3
_VIEW = "prn_view"  # on the cameras: of which of the capture's photos; the first where it is not told


def create_camera(
    head: bpy.types.Object,
    camera: Camera,
    photo: bpy.types.Image,
    metre: float = 1.0,
    view: int = 0,
    name: str = "",
) -> bpy.types.Object:
    """The camera object of a captured head, with the lens of `camera` and the upright photo behind what it sees.

    Args:
        metre: Blender units a metre.
        view: which of the capture's photos it is of.
        name: of the photo; without one it is named after the head.
    """
    name = f"{name or head.name} Camera"
    data = bpy.data.cameras.new(name)
    set_lens(data, camera, (0, 0, camera.width, camera.height))
    data.display_size = 0.1 * metre
    data.passepartout_alpha = 0.8

    background = data.background_images.new()
    background.image = photo
    background.frame_method = "STRETCH"
    background.alpha = 1.0
    data.show_background_images = True

    camera_object = bpy.data.objects.new(name, data)
    mark_as_part(camera_object, head)
    number_camera(camera_object, view)
    return camera_object


def set_lens(data: bpy.types.Camera, camera: Camera, window: tuple[float, float, float, float]) -> None:
    """Makes a picture show what `camera` sees in a window (left, top, right, bottom) of the photo.

    A picture of another shape has the window's width, and more or less above and below.
    """
    left, top, right, bottom = window
    width, longer = right - left, max(right - left, bottom - top)
    data.sensor_fit = "HORIZONTAL"  # scale and shift then belong to the width
    data.sensor_width = _SENSOR_WIDTH * width / longer
    if camera.is_perspective:
        data.type = "PERSP"
        data.lens = _SENSOR_WIDTH * camera.focal_px / longer
    else:
        data.type = "ORTHO"
    set_reach(data, camera, width)
    data.shift_x = ((left + right) - camera.width) / 2 / width
    data.shift_y = (camera.height - (top + bottom)) / 2 / width


def set_reach(data: bpy.types.Camera, camera: Camera, width: float, metre: float = 1.0) -> None:
    """What of a camera is in units of the scene.

    Args:
        width: of what it sees, in photo pixels.
        metre: Blender units a metre of the head.
    """
    if data.type == "ORTHO":
        data.ortho_scale = metre * camera.metres_per_px * width
    data.clip_start = metre * camera.distance / 100
    data.clip_end = metre * camera.distance * 100


def set_scene_camera(scene: bpy.types.Scene, camera_object: bpy.types.Object, width: int, height: int) -> None:
    """Makes it the scene's camera and the photo's size in pixels the render size."""
    scene.camera = camera_object
    scene.render.resolution_x = width
    scene.render.resolution_y = height
    scene.render.resolution_percentage = 100
    scene.render.pixel_aspect_x = scene.render.pixel_aspect_y = 1.0
    fit_photo(scene, camera_object, width, height)


def has_own_camera(scene: bpy.types.Scene) -> bool:
    """Whether a scene has a camera that is no capture's, as its camera or bound to a marker."""
    cameras = {scene.camera, *(marker.camera for marker in scene.timeline_markers)}
    return any(not has_identity(camera) for camera in cameras if camera is not None)


def fit_photo(scene: bpy.types.Scene, camera_object: bpy.types.Object, width: int, height: int) -> None:
    """Lays the photo (pixels) behind what the camera sees, whatever the shape of the scene's pictures."""
    render = scene.render
    shape = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    is_photos = abs(shape * height / width - 1) < _SAME_SHAPE
    for background in camera_object.data.background_images:
        # The photo is as wide as the frame, as the lens is: it covers a wider frame, and fits into a higher one.
        background.frame_method = "STRETCH" if is_photos else "CROP" if shape > width / height else "FIT"
    camera_object.data.show_passepartout = is_photos  # else it would darken parts of the photo


def fit_photo_of(head: bpy.types.Object, scene: bpy.types.Scene, camera_object: bpy.types.Object) -> None:
    """`fit_photo` with the size that the head's record tells of the camera's photo."""
    photo = views_of_head(head)[view_of_camera(camera_object)]["photo"]
    fit_photo(scene, camera_object, photo["width"], photo["height"])


def capture_camera(head: bpy.types.Object, view: int = 0) -> bpy.types.Object | None:
    """The camera of one of a captured head's photos; None where it was deleted or not appended.

    A copy of head and camera belongs together as the originals do: by their collection, else in the order of the names.
    """
    cameras = [camera for camera in _of_same_capture(head, "CAMERA") if view_of_camera(camera) == view]
    if len(cameras) < 2:
        return next(iter(cameras), None)
    heads = list(filter(is_captured_head, _of_same_capture(cameras[0], "MESH")))
    return cameras[min(heads.index(head), len(cameras) - 1)] if head in heads else cameras[0]


def number_camera(camera: bpy.types.Object, view: int) -> None:
    """Notes which of its capture's photos a camera is of."""
    camera[_VIEW] = view


def view_of_camera(camera: bpy.types.Object) -> int:
    """Which of its capture's photos a camera is of."""
    view = camera.get(_VIEW, 0)
    return view if isinstance(view, int) else 0


def cameras_of(head: bpy.types.Object) -> dict[int, bpy.types.Object]:
    """The cameras that a captured head still has, by view."""
    cameras = ((view, capture_camera(head, view)) for view in range(len(views_of_head(head))))
    return {view: camera for view, camera in cameras if camera is not None}


def heads_of_camera(camera: bpy.types.Object | None) -> list[bpy.types.Object]:
    """The captured heads whose camera an object is, usually one; none for any other object."""
    if camera is None or camera.type != "CAMERA":
        return []
    heads = filter(is_captured_head, _of_same_capture(camera, "MESH"))
    return [head for head in heads if capture_camera(head, view_of_camera(camera)) == camera]


def _of_same_capture(part: bpy.types.Object, kind: str) -> list[bpy.types.Object]:
    """The objects of a kind that belong to an object's capture, by name: those in its collections if there are any.

    The whole file is searched only where they were moved apart.
    """
    if not has_identity(part):
        return []
    name = part.name  # Blender finds a name many times faster than Python goes through the objects
    around = [collection for collection in bpy.data.collections if collection.objects.get(name) == part]
    beside = {other for collection in around for other in collection.objects}
    found = [other for other in beside if other.type == kind and belong_together(other, part)]
    if not found:
        alike = (other for other in bpy.data.objects if other.type == kind and belong_together(other, part))
        found = [other for other in alike if other.users_collection]
    return sorted(found, key=lambda other: other.name)
