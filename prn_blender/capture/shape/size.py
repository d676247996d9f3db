"""How large a head is: by how far its eyes are apart, by its irises, or as heads are on average."""

import numpy as np

from ..geometry.camera import Camera
from ..geometry.pose import Similarity
from ..landmarks import PARTS
from ..types import Settings

_EYES = tuple(part.line for part in PARTS if part.name.startswith("eye"))


def size_factor(landmarks: np.ndarray, settings: Settings, irises: float | None = None) -> float:
    """By which a head of average size is to be enlarged.

    Args:
        landmarks: (68, 3) metres.
        irises: as of `size_by_irises`.
    """
    if settings.head_size != "eyes":
        return irises if settings.head_size == "irises" and irises is not None else 1.0
    right, left = (landmarks[sorted(set(eye))].mean(axis=0) for eye in _EYES)
    return settings.eye_mm / 1000 / float(np.linalg.norm(right - left))


def enlarged(metres_per_px: float, size: float) -> float:
    """How many times as large as its fit a head is.

    Args:
        metres_per_px: of the head's camera.
        size: photo pixels that a metre of the fit takes.
    """
    return metres_per_px * size


def sized(camera: Camera, pose: Similarity, factor: float) -> tuple[Camera, Similarity]:
    """Camera and pose of a head that is the same in the photo, `factor` times as large and as far away."""
    return camera.scaled(factor), Similarity(1.0, pose.rotation, _moved(pose.translation, camera, factor))


def _moved(place: np.ndarray, camera: Camera, factor: float) -> np.ndarray:
    """(3,) in camera space; a camera for parallel rays stays where it is."""
    if camera.is_perspective:
        return place * factor
    still = np.array([0, 0, camera.distance])
    return (place + still) * factor - still
