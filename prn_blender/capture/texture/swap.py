"""Another face in the photo: a texture on this head, through the photo's camera, blended into the photo."""

import numpy as np

from ..errors import CaptureError
from ..geometry.visibility import smoothstep
from ..photo.part import cut, reduce
from ..pictures.draw import Tile, Window, draw
from ..pictures.posed import PosedHead
from ..progress import Progress, silent
from .match import compared, gains

# Cosines between which the other face fades in: towards the silhouette a texture smears, and the photo's hair begins.
FACING = (0.12, 0.4)
_SMALL = 256  # pixels across the head on which colours are matched


def swap_face(
    pixels: np.ndarray, head: PosedHead, texture: np.ndarray, mask: np.ndarray, progress: Progress = silent
) -> np.ndarray:
    """The photo (H, W, 3) uint8 with another face, at its full resolution.

    Args:
        texture: (T, T, 3) uint8 of the other, in the UV of `head`.
        mask: (M, M) float32 0..1 by UV: what of the head becomes the other's.

    Raises:
        CaptureError: the photo shows nothing of that part of the head.
        Cancelled: from `progress`.
    """
    import cv2

    progress(0.0, "Matching the colours")
    texture = _as_fine_as_photo(texture, head)
    window, factors = _match(pixels, head, texture, mask)

    result = np.ascontiguousarray(pixels).copy()
    for tile in draw(head):
        progress(tile.area[0].stop / len(pixels), "Drawing the face")
        share = _share(tile, head, mask)
        if not share.any():
            continue
        rows, columns = (
            (np.arange(part.start, part.stop, dtype=np.float32) + np.float32(0.5 - window.corner[axis]))
            * np.float32(window.scale[axis])
            - np.float32(0.5)
            for part, axis in zip(tile.area, (1, 0), strict=True)
        )
        light = cv2.remap(factors, *np.meshgrid(columns, rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        colour = cv2.multiply(_sampled(tile, head, texture), light, dtype=cv2.CV_8U)
        result[tile.area] = cv2.blendLinear(colour, np.ascontiguousarray(result[tile.area]), share, 1 - share)
    return result


def _match(pixels: np.ndarray, head: PosedHead, texture: np.ndarray, mask: np.ndarray) -> tuple[Window, np.ndarray]:
    """A small window around the head, and the factors (h, w, 3) on the other face's colours in it."""
    low, high = head.in_photo.min(axis=0), head.in_photo.max(axis=0)
    part, corner = cut(pixels, low, high, margin=4)
    small = reduce(part, _SMALL / max(part.shape[:2]))
    height, width = small.shape[:2]
    window = Window(corner, width, height, np.array([width / part.shape[1], height / part.shape[0]]))
    drawn, share = np.zeros(small.shape, np.float32), np.zeros((height, width), np.float32)
    coarse = reduce(texture, float(window.scale.max()))
    for tile in draw(head, window):
        drawn[tile.area] = _sampled(tile, head, coarse)
        share[tile.area] = _share(tile, head, mask)
    if share.max(initial=0.0) < 0.5:
        raise CaptureError("The photo shows nothing of this part of the head: choose another region.")
    return window, gains(drawn, small.astype(np.float32), compared(share, max(share.shape) / 2))


def _as_fine_as_photo(texture: np.ndarray, head: PosedHead) -> np.ndarray:
    """The texture reduced to about the photo's resolution: sampled finer it would alias."""
    corners, uv = head.in_photo[head.triangles], head.triangle_uv * len(texture)
    seen = head.visibility[head.triangles].min(axis=1) > 0.5
    if not seen.any():
        return texture
    pixels, texels = (float(np.abs(_areas(places[seen])).sum()) for places in (corners, uv))
    return reduce(texture, float(np.sqrt(pixels / max(texels, 1e-9))) * 1.5)


def _areas(corners: np.ndarray) -> np.ndarray:
    """(T,) of triangles (T, 3, 2), with a sign."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


def _share(tile: Tile, head: PosedHead, mask: np.ndarray) -> np.ndarray:
    """(h, w) float32 0..1: how far each pixel becomes the other's."""
    facing = tile.interpolate(head.facing[head.triangles])
    share = _sampled(tile, head, mask) * smoothstep(facing, *FACING) * tile.is_head
    return share.astype(np.float32)


def _sampled(tile: Tile, head: PosedHead, picture: np.ndarray) -> np.ndarray:
    """(h, w, …) of a picture over UV (T, T, …)."""
    import cv2

    place = tile.interpolate(head.triangle_uv) * len(picture) - np.float32(0.5)
    return cv2.remap(picture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def swap_mask(region: np.ndarray, shown: np.ndarray | None) -> np.ndarray:
    """What of a region's mask (M, M) float32 by UV the photo shows: hair before the face and the like stay.

    Args:
        shown: (T, T) uint8, the head's own `MASK` texture; None where there is none.
    """
    import cv2

    if shown is None:
        return region
    return region * (cv2.resize(shown, region.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255)
