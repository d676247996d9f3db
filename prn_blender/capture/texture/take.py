"""A region of one texture taken into another."""

import numpy as np

from ..errors import CaptureError
from ..photo.part import cut
from .match import compared, gains

_SMALL = 256  # pixels of the longer side on which colours are matched


def take(texture: np.ndarray, source: np.ndarray, mask: np.ndarray, match: bool = True) -> np.ndarray:
    """`texture` (T, T, 3) uint8 with what `source` (S, S, 3) uint8, of the same UV, shows where `mask` is.

    Args:
        mask: (M, M) float32 0..1 by UV.
        match: bring the source's colours to the texture's at the region's border.

    Raises:
        CaptureError: a picture is not square, or the mask is empty.
    """
    import cv2

    for picture in (texture, source, mask):
        if picture.shape[0] != picture.shape[1]:
            raise CaptureError("A texture or mask is not square: use those of heads with the same UV.")
    rows, columns = np.nonzero(mask > 0)
    if not len(rows):
        raise CaptureError("The mask is empty: paint white where the other texture shall be.")
    factor = len(texture) / len(mask)
    low, high = np.array([columns.min(), rows.min()]), np.array([columns.max(), rows.max()]) + 1
    target, first = cut(texture, low * factor, high * factor, margin=len(texture) / 64)
    height, width = target.shape[:2]
    # Both are resampled onto the part of the texture that changes: texel centres lie at + 0.5 in either.
    other, share = (_resampled(picture, first, (width, height), len(texture)) for picture in (source, mask))
    if match:
        other = _matched(other, target, share, len(texture))
    result = texture.copy()
    blended = cv2.blendLinear(other, np.ascontiguousarray(target), share, 1 - share)
    result[first[1] : first[1] + height, first[0] : first[0] + width] = blended
    return result


def _resampled(picture: np.ndarray, first: np.ndarray, size: tuple[int, int], texels: int) -> np.ndarray:
    """The part of a picture over UV that begins at a texel (2,) of a texture of `texels` a side."""
    import cv2

    scale = len(picture) / texels
    if scale > 1:  # averaged: a step of warpAffine is a texel of the texture
        picture, scale = cv2.resize(picture, (texels, texels), interpolation=cv2.INTER_AREA), 1.0
    offset = (first + 0.5) * scale - 0.5
    matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _matched(other: np.ndarray, target: np.ndarray, share: np.ndarray, texels: int) -> np.ndarray:
    """`other` (h, w, 3) uint8, a part of a texture of `texels` a side, in the colours of `target` around `share`."""
    import cv2

    factor = min(1.0, _SMALL / max(share.shape))
    size = [max(2, round(side * factor)) for side in share.shape[::-1]]
    small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (other, target, share)]
    factors = gains(small[0].astype(np.float32), small[1].astype(np.float32), compared(small[2], texels * factor))
    return cv2.multiply(other, cv2.resize(factors, share.shape[::-1]), dtype=cv2.CV_8U)
