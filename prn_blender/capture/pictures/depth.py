"""How far the head is from the camera, by pixel."""

from dataclasses import dataclass

import numpy as np

from .draw import draw
from .posed import PosedHead


@dataclass(frozen=True)
class Depth:
    """The depth image of a photo.

    With a perspective camera it is the distance along the camera's axis. By parallel rays only differences mean
    something: the head's origin then lies as far away as the camera is put.
    """

    metres: np.ndarray  # (H, W) float32, 0 where the photo shows no head
    near: float  # metres
    far: float

    def levels(self) -> np.ndarray:
        """(H, W) uint16: 65535 at `near`, 1 at `far`, evenly between; 0 where there is no head."""
        share = (self.far - self.metres) / max(self.far - self.near, 1e-9)
        return np.where(self.metres > 0, np.rint(1 + share * 65534), 0).astype(np.uint16)


def depth_image(head: PosedHead) -> Depth:
    """The depth of a head in its photo."""
    metres = np.zeros((head.camera.height, head.camera.width), np.float32)
    near, far = np.inf, 0.0
    for tile in draw(head):
        shown = tile.is_head
        if shown.any():
            metres[tile.area][shown] = tile.depth[shown]
            near, far = min(near, float(tile.depth[shown].min())), max(far, float(tile.depth[shown].max()))
    return Depth(metres, near if far else 0.0, far)
