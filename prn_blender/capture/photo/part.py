"""Parts of a picture, cut out and reduced."""

import numpy as np

# Of more pixels exact halves are taken first, which are averaged ten times faster than any other part. Parts of that
# size are cut so that they can be halved as often.
MANY, HALVED = 1_000_000, 8


def reduce(pixels: np.ndarray, factor: float) -> np.ndarray:
    """(H, W, 3) uint8 with its sides times `factor`, averaged; unchanged where that would enlarge it."""
    import cv2

    if factor >= 1.0:
        return pixels
    size = [max(1, round(side * factor)) for side in pixels.shape[1::-1]]
    while factor <= 0.5 and pixels.size > 3 * MANY and not any(side % 2 for side in pixels.shape[:2]):
        half = [side // 2 for side in pixels.shape[1::-1]]
        pixels, factor = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), 2 * factor
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def reduce_to(pixels: np.ndarray, longer: int) -> np.ndarray:
    """(H, W, 3) uint8, reduced to at most `longer` pixels a side; unchanged where it is small enough."""
    return reduce(pixels, longer / max(pixels.shape[:2]))


def cut(pixels: np.ndarray, low: np.ndarray, high: np.ndarray, margin: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture (H, W, 3) between two corners (2,) as x, y, at least a pixel, without a copy.

    A large part has a few pixels more where the picture has them.

    Args:
        margin: pixels more on every side.

    Returns:
        the part, and its top-left corner (2,) in the picture, whole pixels.
    """
    limit = np.array([pixels.shape[1], pixels.shape[0]])
    first = np.clip(np.floor(np.asarray(low) - margin).astype(int), 0, limit - 1)
    last = np.clip(np.ceil(np.asarray(high) + margin).astype(int), first + 1, limit)
    if (last - first).prod() > MANY:
        last = np.minimum(last + (first - last) % HALVED, limit)
        first = np.maximum(first - (first - last) % HALVED, 0)
    return pixels[first[1] : last[1], first[0] : last[0]], first


def resample(
    pixels: np.ndarray,
    corner: np.ndarray,
    axes: np.ndarray,
    size: tuple[int, int],
    reduction: float = 1.0,
    beyond: tuple[int, int, int] | None = None,
) -> np.ndarray:
    """A window of a picture, turned and scaled, bilinear.

    Only the part that shows is touched: a whole panorama may be wider than OpenCV can warp.

    Args:
        pixels: (H, W, 3) uint8.
        corner: (2,) where in the picture the window's top-left corner lies.
        axes: (2, 2) columns: a window pixel's step to the right and down, in pixels of the picture.
        size: the window's width and height in pixels.
        reduction: the factor below 1 by which the part is reduced by area averaging first, so that nothing aliases.
        beyond: the colour outside of the picture; without one its edge repeats.

    Returns:
        (height, width, 3) uint8.
    """
    import cv2

    corners = corner + np.array([(0, 0), (size[0], 0), (0, size[1]), size]) @ np.asarray(axes).T
    step = float(np.abs(axes).sum(axis=1).max())
    part, first = cut(pixels, corners.min(axis=0), corners.max(axis=0), margin=2 + step)
    small = reduce(part, reduction)
    factor = np.array(small.shape[1::-1]) / part.shape[1::-1]
    # window pixel + .5 -> picture -> pixel index of the small part
    linear = axes * factor[:, None]
    inverse = np.column_stack([linear, (corner - first) * factor + linear @ (0.5, 0.5) - 0.5])
    return cv2.warpAffine(
        small,
        inverse,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if beyond is None else cv2.BORDER_CONSTANT,
        borderValue=beyond or (0, 0, 0),
    )
