"""The photo, or several of one person, projected into UV space."""

from collections.abc import Sequence

import numpy as np

from ..errors import CaptureError
from ..packs.topology import Topology
from ..progress import Progress, part_of, silent
from ..types import View
from .complete import make_fill
from .guide import GUIDE_SIZE
from .laid import Laid
from .merge import merge
from .tiles import Samples, make_textures


def project_textures(
    views: Sequence[View],
    topology: Topology,
    size: int,
    fill: bool,
    progress: Progress = silent,
    rims_move: bool = False,
) -> dict[str, np.ndarray]:
    """The textures by name: `BASE_COLOR`, as the first view has the colours, and `MASK` of where a photo shows it.

    Args:
        topology: the standard one.
        size: texture pixels per side, a multiple of 256.
        fill: continue the texture where no photo shows the head; otherwise such texels stay black.
        rims_move: lids will close and lips meet: their rims are continued, for photos show eyes and teeth there.

    Raises:
        CaptureError: the size is no multiple of 256.
        Cancelled: from `progress`.
    """
    if size < GUIDE_SIZE or size % GUIDE_SIZE:
        raise CaptureError(f"The texture size {size} is no multiple of {GUIDE_SIZE}: choose 512, 1024, 2048 or more.")
    laid = []
    for number, view in enumerate(views):
        progress(0.2 * number / len(views), "Comparing the photos" if len(views) > 1 else "Projecting the texture")
        laid.append(Laid.of(view, topology, rims_move))
    samples: Samples
    if len(laid) == 1:
        samples, colour, trusted = laid[0].projection(size), laid[0].colour, laid[0].trusted
    else:
        samples, colour, trusted = merge(laid, size)
    completion = make_fill(laid[0].guide, colour, trusted) if fill else None
    return make_textures(samples, trusted.texels, completion, size, part_of(progress, 0.2, 1.0, 0, 1))
