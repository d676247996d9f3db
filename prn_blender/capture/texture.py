"""The photo projected into UV space."""

from dataclasses import dataclass

import numpy as np

from .photo import Photo
from .position_map import PositionMap
from .topology import Topology


@dataclass(frozen=True)
class Texture:
    """Colour and visibility by UV; row 0 is v = 0, the top."""

    colour: np.ndarray  # (T, T, 3) uint8 sRGB
    mask: np.ndarray  # (T, T) uint8, 255 where the photo shows the surface

    @property
    def size(self) -> int:
        return self.mask.shape[0]


def project_texture(
    photo: Photo, position_map: PositionMap, topology: Topology, visibility: np.ndarray, size: int, fill: bool
) -> Texture:
    """The head's texture from the photo.

    Args:
        visibility: (V,) of the vertices.
        size: texture pixels per side.
        fill: continue the texture where the photo does not show the head; otherwise such texels stay black.
    """
    raise NotImplementedError
