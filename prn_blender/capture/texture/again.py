"""The photo or photos projected once more, onto a head whose shape was changed."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..faces.box import FaceBox
from ..geometry.crop import Crop
from ..geometry.position_map import PositionMap
from ..geometry.raster import nearest_inside, rasterise
from ..packs.pack import ModelPack
from ..pictures.posed import PosedHead
from ..progress import Progress, part_of, silent
from ..reconstruct import seen_in
from ..types import Photo, View
from .guide import GUIDE_SIZE
from .project import project_textures


def project_again(
    shown: Sequence[tuple[Photo, PosedHead]],
    pack: ModelPack,
    size: int,
    fill: bool,
    progress: Progress = silent,
    rims_move: bool = False,
) -> dict[str, np.ndarray]:
    """The textures by name, as of `project_textures`, of a head with the UV layout of the pack.

    Args:
        shown: each of its photos, with the head's shape as it is in that now, and camera and pose.
        rims_move: as of `project_textures`.

    Raises:
        CaptureError: a photo shows hardly anything of the head.
        Cancelled: from `progress`.
    """
    views = []
    for number, (photo, head) in enumerate(shown):
        progress(0.1 + 0.2 * number / len(shown), "Finding what the photo shows")
        view = _view(photo, head, pack)
        views.append(replace(view, visibility=seen_in(view, pack)))
    return project_textures(views, pack.topology, size, fill, part_of(progress, 0.3, 1.0, 0, 1), rims_move)


def _view(photo: Photo, head: PosedHead, pack: ModelPack) -> View:
    """The head in a photo, its visibility still to be found."""
    in_photo = head.camera.to_photo_space(head.pose.apply(head.vertices))
    position_map = PositionMap(by_uv(in_photo, head.triangles, head.triangle_uv, GUIDE_SIZE))
    landmarks = pack.topology.landmarks(position_map)
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    centre_x, centre_y = ((low + high) / 2).tolist()
    return View(
        photo=photo,
        face_box=FaceBox(*low.tolist(), *high.tolist()),
        crop=Crop(centre_x, centre_y, float((high - low).max())),
        position_map=position_map,
        camera=head.camera,
        focal_from="",
        pose=head.pose,
        visibility=np.ones(len(pack.topology.canonical), np.float32),
        landmarks=landmarks,
    )


def by_uv(values: np.ndarray, triangles: np.ndarray, triangle_uv: np.ndarray, size: int) -> np.ndarray:
    """(size, size, 3) float32: values (V, 3) of a mesh's vertices by UV; beside the mesh those of the nearest texel."""
    fragments = rasterise(triangle_uv * size, size, size)
    image = np.zeros((size, size, values.shape[1]), np.float32)
    image[fragments.row, fragments.column] = fragments.interpolate(values, triangles)
    domain = np.zeros((size, size), bool)
    domain[fragments.row, fragments.column] = True
    return image.reshape(size * size, -1)[nearest_inside(domain)]
