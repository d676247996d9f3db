"""The whole way from a photo to a `Capture`."""

from dataclasses import dataclass

import numpy as np

from .camera import Camera
from .crop import Crop
from .faces import FaceBox
from .pack import ModelPack
from .photo import Photo
from .pose import Similarity
from .position_map import PositionMap
from .progress import Progress, silent
from .texture import Texture


@dataclass(frozen=True)
class Settings:
    """What the user can choose."""

    texture_size: int = 2048
    fill: bool = True  # continue the texture where the photo does not show the head
    passes: int = 2  # network passes; from the second on the crop follows the landmarks
    projection: str = "exif"  # "exif": perspective where EXIF tells the focal length; "focal"; "orthographic"
    focal_mm: float = 50.0  # 35 mm equivalent, with projection "focal"
    provider: str = "auto"  # or an onnxruntime execution provider


@dataclass(frozen=True)
class HeadMesh:
    """The head in its aligned frame: metres, Blender axes, facing -Y, origin midway between the eyes."""

    vertices: np.ndarray  # (V, 3) float32, in the topology's order
    landmarks: np.ndarray  # (68, 3) float32
    visibility: np.ndarray  # (V,) float32 0..1, seen in the photo


@dataclass(frozen=True)
class Capture:
    """A photo turned into a head: everything the scene needs."""

    photo: Photo
    face_box: FaceBox
    pack: ModelPack
    settings: Settings
    crop: Crop  # of the last pass
    position_map: PositionMap
    camera: Camera
    pose: Similarity  # aligned frame -> camera space; scale 1
    head: HeadMesh
    landmarks_in_photo: np.ndarray  # (68, 3) photo space
    texture: Texture
    provider: str  # the execution provider that the session really used
    timings: dict[str, float]  # seconds by step


def reconstruct(
    photo: Photo, face_box: FaceBox, pack: ModelPack, settings: Settings, progress: Progress = silent
) -> Capture:
    """One face of a photo to a head.

    Raises:
        CaptureError: the box lies outside of the photo, or the network cannot run.
        Cancelled: from `progress`.
    """
    raise NotImplementedError
