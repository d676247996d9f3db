"""The canonical head of a pack before the camera of a `Shot`."""

import numpy as np

from prn_blender.capture.geometry.camera import Camera
from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.packs.pack import ModelPack
from prn_blender.capture.pictures.posed import PosedHead

from .conftest import Shot


def camera_of(shot: Shot) -> Camera:
    distance = -shot.position[2]
    metres_per_px = distance / shot.focal_px if shot.focal_px else 0.001
    return Camera(shot.width, shot.height, shot.focal_px, distance, metres_per_px, shot.width / 2, shot.height / 2)


def posed_head(pack: ModelPack, shot: Shot) -> PosedHead:
    """With every vertex seen."""
    topology = pack.topology
    return PosedHead(
        camera=camera_of(shot),
        pose=Similarity(1.0, shot.rotation, np.array(shot.position)),
        vertices=topology.canonical,
        triangles=topology.triangles,
        triangle_uv=topology.triangle_uv,
        visibility=np.ones(len(topology.canonical), np.float32),
        landmarks=topology.landmark_canonical,
    )
