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
# Of the head's size: narrower folds between lips and under the nose, seen edge on, do not show the photo's face.
_FOLD = 0.02


def swap_face(
    pixels: np.ndarray,
    head: PosedHead,
    texture: np.ndarray,
    mask: np.ndarray,
    shown: np.ndarray | None = None,
    progress: Progress = silent,
) -> np.ndarray:
    """The photo (H, W, 3) uint8 with another face, at its full resolution.

    Args:
        texture: (T, T, 3) uint8 of the other, in the UV of `head`.
        mask: (M, M) float32 0..1 by UV: what of the head becomes the other's.
        shown: (T, T) uint8, the head's own `MASK` texture: hair before the face and the like stay, but for what is as
            narrow as a fold (`_FOLD`). None: nothing does.

    Raises:
        CaptureError: the photo shows nothing of that part of the head.
        Cancelled: from `progress`.
    """
    import cv2

    progress(0.0, "Matching the colours")
    texture = _as_fine_as_photo(texture, head)
    if shown is not None:
        shown = cv2.resize(shown, mask.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    window, factors, unfolded = _match(pixels, head, texture, mask, shown)

    result = np.ascontiguousarray(pixels).copy()
    for tile in draw(head):
        progress(tile.area[0].stop / len(pixels), "Drawing the face")
        rows, columns = (
            (np.arange(part.start, part.stop, dtype=np.float32) + np.float32(0.5 - window.corner[axis]))
            * np.float32(window.scale[axis])
            - np.float32(0.5)
            for part, axis in zip(tile.area, (1, 0), strict=True)
        )
        light, filled = (
            cv2.remap(small, *np.meshgrid(columns, rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for small in (factors, unfolded)
        )
        share = _sampled(tile, head, mask) * np.maximum(_seen(tile, head, shown), filled) * tile.is_head
        if not share.any():
            continue
        colour = cv2.multiply(_sampled(tile, head, texture), light, dtype=cv2.CV_8U)
        result[tile.area] = cv2.blendLinear(colour, np.ascontiguousarray(result[tile.area]), share, 1 - share)
    return result


def _match(
    pixels: np.ndarray, head: PosedHead, texture: np.ndarray, mask: np.ndarray, shown: np.ndarray | None
) -> tuple[Window, np.ndarray, np.ndarray]:
    """A small window around the head, and in it the factors (h, w, 3) on the other face's colours, and how far each
    pixel (h, w) shows the head, folds left out."""
    import cv2

    low, high = head.in_photo.min(axis=0), head.in_photo.max(axis=0)
    part, corner = cut(pixels, low, high, margin=4)
    small = reduce(part, _SMALL / max(part.shape[:2]))
    height, width = small.shape[:2]
    window = Window(corner, width, height, np.array([width / part.shape[1], height / part.shape[0]]))
    drawn = np.zeros(small.shape, np.float32)
    chosen, seen = np.zeros((2, height, width), np.float32)
    coarse = reduce(texture, float(window.scale.max()))
    for tile in draw(head, window):
        drawn[tile.area] = _sampled(tile, head, coarse)
        chosen[tile.area] = _sampled(tile, head, mask) * tile.is_head
        seen[tile.area] = _seen(tile, head, shown)
    fold = round(_FOLD * max(seen.shape)) | 1  # pixels, odd
    unfolded = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (fold, fold)))
    share = chosen * unfolded
    if share.max(initial=0.0) < 0.5:
        raise CaptureError("The photo shows nothing of this part of the head: choose another region.")
    factors = gains(drawn, small.astype(np.float32), compared(share, max(share.shape) / 2))
    return window, factors, unfolded


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


def _seen(tile: Tile, head: PosedHead, shown: np.ndarray | None) -> np.ndarray:
    """(h, w) float32 0..1: how far each pixel shows the head, from before and with nothing before it."""
    seen = smoothstep(tile.interpolate(head.facing[head.triangles]), *FACING) * tile.is_head
    return (seen if shown is None else seen * _sampled(tile, head, shown)).astype(np.float32)


def _sampled(tile: Tile, head: PosedHead, picture: np.ndarray) -> np.ndarray:
    """(h, w, …) of a picture over UV (T, T, …)."""
    import cv2

    place = tile.interpolate(head.triangle_uv) * len(picture) - np.float32(0.5)
    return cv2.remap(picture, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
