"""Faces that the finder is not sure of: the networks look whether there is one."""

import numpy as np

from .errors import NoHeadError
from .faces.box import FaceBox
from .networks.head import Network, open_network
from .networks.refine import Refiner, open_refiner
from .packs.pack import ModelPack
from .progress import Progress, silent
from .reconstruct import regress
from .shape.head_model import HeadModel
from .shape.second_pass import look
from .types import Photo, Settings

# Scores below which a face is doubtful: dogs, knots and clouds reach 0.83, half of the faces have more than 0.88.
DOUBTFUL = 0.85
# Millimetres by which the surest fifth of the head may be off: less than 5 where there is a face, else 18 and more but
# for one dog.
NOBODY, SUREST = 10.0, 20


def without_nobody(
    photo: Photo, faces: tuple[FaceBox, ...], pack: ModelPack, settings: Settings, progress: Progress = silent
) -> tuple[FaceBox, ...]:
    """The faces without those in which a pack's second network sees nobody; all of them where a pack has none.

    Raises:
        CaptureError: a network cannot be opened, or stops.
        Cancelled: from `progress`.
    """
    model = pack.head_model
    if pack.second_pass is None or model is None or all(face.score >= DOUBTFUL for face in faces):
        return faces
    network = open_network(pack, settings.provider)
    refiner = open_refiner(pack, network.provider)
    assert refiner is not None  # the pack has one
    seen = []
    for number, face in enumerate(faces):
        progress(number / len(faces), "Looking for faces")
        if face.score >= DOUBTFUL or _is_somebody(photo, face, pack, model, network, refiner):
            seen.append(face)
    return tuple(seen)


def _is_somebody(
    photo: Photo, face: FaceBox, pack: ModelPack, model: HeadModel, network: Network, refiner: Refiner
) -> bool:
    try:
        _, position_map, _ = regress(photo, face, pack, network, passes=1)  # more tell the same
    except NoHeadError:
        return False
    said = look(photo.pixels, position_map, model, refiner.run).said
    known = model.at_size(model.inside, len(said.deviation))
    return float(np.percentile(said.deviation[known], SUREST)) < NOBODY
