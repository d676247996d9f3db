"""Pictures as PNG files."""

import numpy as np


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3), uint8 or uint16, RGB, as a PNG file."""
    import cv2

    ordered = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else pixels
    # Without parameters OpenCV takes its quick ones; any compression level given makes it slower.
    return cv2.imencode(".png", ordered)[1].tobytes()
