"""Projected normalised coordinate code: each pixel's colour says which place of the mean head it shows.

Source: X. Zhu et al., Face alignment across large poses: a 3D solution, CVPR 2016, equations 7 and 8.
"""

import numpy as np

from ..packs.topology import Topology
from ..texture.guide import draw as draw_over_uv
from .draw import draw
from .posed import PosedHead


def pncc_image(head: PosedHead, topology: Topology) -> np.ndarray:
    """(H, W, 3) uint8, black where the photo shows no head.

    Args:
        topology: the pack's standard one.
    """
    import cv2

    code = normalised_coordinates(topology)
    image = np.zeros((head.camera.height, head.camera.width, 3), np.uint8)
    for tile in draw(head):
        place = tile.interpolate(head.triangle_uv) * len(code) - np.float32(0.5)
        colour = cv2.remap(code, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shown = tile.is_head
        image[tile.area][shown] = np.rint(colour[shown] * 255).astype(np.uint8)
    return image


def normalised_coordinates(topology: Topology) -> np.ndarray:
    """(G, G, 3) float32 0..1 by UV: of the mean head's box from its right to its left, bottom to top, back to front."""
    axes = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    low, high = (limit(topology.canonical @ axes.T, axis=0) for limit in (np.min, np.max))
    return ((draw_over_uv(topology).canonical @ axes.T - low) / (high - low)).astype(np.float32)
