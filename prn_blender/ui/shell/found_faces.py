"""The faces of a photo, as panels and overlays show them."""

from dataclasses import dataclass

import numpy as np

from ...capture.faces.box import FaceBox


@dataclass(frozen=True)
class FoundFaces:
    """The faces of a photo, best first."""

    boxes: tuple[FaceBox, ...]
    thumbnails: tuple[np.ndarray, ...]  # (h, w, 4) float32 each, bottom row first
