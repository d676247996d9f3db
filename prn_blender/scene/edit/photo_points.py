"""Landmarks of captured heads in the pixels of the photo, and back."""

import bpy
import numpy as np

from ...capture.geometry.camera import Camera
from ...capture.geometry.pose import Similarity
from ..build.views import landmark_offsets
from ..record import is_captured_head, view_of_photo, views_of_head
from .adjust import landmark_places


def heads_of_photo(scene: bpy.types.Scene, photo: str) -> list[bpy.types.Object]:
    """The heads that were captured from a photo, told by its checksum, or with its help, and are shown."""
    return [
        candidate
        for candidate in scene.objects
        if is_captured_head(candidate) and candidate.visible_get() and view_of_photo(candidate, photo) is not None
    ]


def landmarks_in_photo(head: bpy.types.Object, view: int = 0) -> np.ndarray:
    """(68, 2) pixels of a view's photo of the landmarks as they lie now."""
    camera, pose = camera_and_pose(head, view)
    return camera.project(pose.apply(landmark_places(head) + landmark_offsets(head, view)))


def location_at(head: bpy.types.Object, location: np.ndarray, place: tuple[float, float], view: int = 0) -> np.ndarray:
    """(3,) of the aligned frame: a landmark at `location` moved to a place (2,) in a view's photo, parallel to it."""
    camera, pose = camera_and_pose(head, view)
    z = pose.apply(np.asarray(location, float))[2]
    metres_per_px = -z / camera.focal_px if camera.is_perspective else camera.metres_per_px
    offset = (np.asarray(place, float) - camera.centre) * (1, -1) * metres_per_px
    return pose.inverse_apply(np.array([*offset, z]))


def camera_and_pose(head: bpy.types.Object, view: int = 0) -> tuple[Camera, Similarity]:
    """The camera of one of a head's photos, and the pose of the head before it, as they were captured.

    Raises:
        CaptureError: the object is no captured head.
    """
    record = views_of_head(head)[view]
    stored = record["camera"]
    camera = Camera(
        width=stored["width"],
        height=stored["height"],
        focal_px=stored.get("focal_px"),
        distance=stored["distance"],
        metres_per_px=stored["metres_per_px"],
        # records of older versions aimed at the photo's middle
        aim_x=stored.get("aim_x", stored["width"] / 2),
        aim_y=stored.get("aim_y", stored["height"] / 2),
    )
    matrix = np.array(record["pose"]["aligned_to_camera"]).reshape(4, 4)
    return camera, Similarity(1.0, matrix[:3, :3], matrix[:3, 3])
