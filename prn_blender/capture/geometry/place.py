"""Where camera and head stand: the photo's camera in metres, and the head's pose before it."""

from functools import lru_cache

import numpy as np

from ..packs.topology import Topology
from .camera import Camera, focal_from_distance, unit_camera
from .pose import Similarity, fit_similarity, yaw_pitch_roll
from .position_map import BicubicSampler, PositionMap


def in_plane_roll(position_map: PositionMap, topology: Topology) -> float:
    """Radians by which the head is tilted in the picture, as in `Crop.roll`."""
    return float(np.radians(yaw_pitch_roll(seen_by_parallel_rays(position_map, topology).rotation)[2]))


def seen_by_parallel_rays(position_map: PositionMap, topology: Topology) -> Similarity:
    """The canonical head to photo space with y up, as if nothing of it were nearer to the camera."""
    some = topology.rigid_sample
    seen = _rigid_sampler(topology, len(position_map.values)).sample(position_map.values)
    seen = seen.reshape(len(some), 2, 3).mean(axis=1)
    return fit_similarity(topology.canonical[some], seen * (1, -1, 1))


@lru_cache(maxsize=4)
def _rigid_sampler(topology: Topology, resolution: int) -> BicubicSampler:
    """Of both samples of each vertex of `rigid_sample` in maps of a resolution."""
    return BicubicSampler.at(topology.sample_uv[topology.rigid_sample].reshape(-1, 2), resolution)


def place(
    vertices: np.ndarray,
    topology: Topology,
    size: tuple[int, int],
    focal_px: float | None,
    distance: float | None = None,
) -> tuple[Camera, Similarity]:
    """The photo's camera in metres, and the pose of the aligned frame in its space.

    The photo alone does not tell the head's size: it is taken from the canonical head.

    Args:
        vertices: (V, 3) photo space.
        size: the photo's width and height in pixels.
        focal_px: photo pixels, None where it is not known.
        distance: metres from the camera to the head's origin, where the focal length follows from it. With neither the
            camera is orthographic.
    """
    rigid = topology.rigid
    camera = aim(vertices, topology, size, focal_px, distance)
    fit = fit_similarity(topology.canonical[rigid], camera.to_camera_space(vertices[rigid]))
    camera = camera.scaled(1 / fit.scale)
    return camera, pose_between_eyes(camera.to_camera_space(vertices), fit.rotation, topology)


def pose_between_eyes(in_camera: np.ndarray, rotation: np.ndarray, topology: Topology) -> Similarity:
    """The pose of a head's aligned frame: its origin goes between the eyes of this head, not of the canonical one.

    Args:
        in_camera: (V, 3) the head's vertices in camera space, metres.
        rotation: (3, 3) from the canonical head to camera space.
    """
    eyes = topology.eye_weights @ in_camera - rotation @ (topology.eye_weights @ topology.canonical)
    return Similarity(1.0, rotation, eyes)


def aim(
    vertices: np.ndarray, topology: Topology, size: tuple[int, int], focal_px: float | None, distance: float | None
) -> Camera:
    """The photo's camera aimed at the head's origin, before the head's size is known; arguments as of `place`."""
    some = topology.rigid_sample
    canonical, origin, seen = topology.canonical[some], topology.origin_canonical, vertices[some]
    fit = fit_similarity(canonical, seen * (1, -1, 1))  # as if by parallel rays
    aimed_at, scale = fit.apply(origin)[:2] * (1, -1), fit.scale
    for _ in range(3):  # where it aims and what it sees follow from one another
        if distance is not None:
            focal_px = focal_from_distance(distance * scale, *size, aimed_at)
        camera = unit_camera(*size, focal_px, aimed_at)
        if not camera.is_perspective:
            break
        fit = fit_similarity(canonical, camera.to_camera_space(seen))
        aimed_at, scale = camera.project(fit.apply(origin)), fit.scale
    return camera
