"""Whether a model pack can be worked with: its arrays fit one another, its network gives heads.

A pack may be damaged, made by another program's author, or meant to do harm; the checksums in it tell nothing of that.
"""

import zipfile
from pathlib import Path

import numpy as np

from ..errors import CaptureError, NoHeadError
from ..geometry.crop import CropRule
from ..geometry.pose import fit_similarity
from ..geometry.position_map import PositionMap
from .topology import OPENINGS, Topology

TOPOLOGY_BYTES = 1 << 28  # unpacked; the largest topologies take a twentieth
UV_RANGE = (-0.01, 1.01)
CROP_SCALE = (0.2, 10.0)
MAP_SIDE = (64, 2048)
HEAD_METRES = (0.02, 2.0)  # of the part of a head that expressions do not move

# Dimensions by name are the same wherever they occur.
SHAPES = {
    "sample_uv": ("vertices", 2, 2),
    "faces": ("faces", 4),
    "loop_uv": ("faces", 4, 2),
    "landmark_uv": (68, 2),
    "canonical": ("vertices", 3),
    "landmark_canonical": (68, 3),
    "origin_canonical": (3,),
    "region": ("vertices",),
    "mirror": ("vertices",),
}
INDICES = {"faces": "vertices", "mirror": "vertices", "region": "regions"}

# Sides of the crop. Heads fill about half of it, and boxes drawn by hand are not that far off.
HEAD_IN_CROP = (0.01, 20.0)
# Share of a head's extent (as squared distances) by which it may differ from the mean head. Faces of AFLW2000-3D stay
# below 0.01, crops without a face lie around 0.2, random maps near 1.
UNLIKE_A_HEAD = 0.5


def require_small(archive: Path) -> None:
    """Raises ValueError where a topology.npz would take more memory than any topology needs."""
    with zipfile.ZipFile(archive) as opened:
        if sum(member.file_size for member in opened.infolist()) > TOPOLOGY_BYTES:
            raise ValueError(f"{archive.name} is far too large")


def require_sound(topology: Topology, rule: CropRule) -> None:
    """Raises ValueError where arrays are of the wrong kind, shape or range, or where the crop has no size."""
    sizes: dict[str | int, int] = {"regions": len(topology.region_names)}
    for name, shape in SHAPES.items():
        array = getattr(topology, name)
        expected = tuple(sizes.setdefault(size, count) for size, count in zip(shape, array.shape, strict=False))
        if array.shape != expected or len(shape) != array.ndim or 0 in array.shape:
            raise ValueError(f"{name} has the wrong shape {array.shape}")
        if array.dtype.kind not in ("iu" if name in INDICES else "f") or not np.isfinite(array).all():
            raise ValueError(f"{name} holds the wrong kind of numbers")
        low, high = UV_RANGE if name.endswith("_uv") else (0, sizes[INDICES[name]] - 1) if name in INDICES else _ANY
        if array.min() < low or array.max() > high:
            raise ValueError(f"{name} is out of range")
    detail = topology.detail
    if detail is not None and not (
        detail.ndim == 3
        and detail.shape[2] == 3
        and MAP_SIDE[0] <= detail.shape[0] == detail.shape[1] <= MAP_SIDE[1]
        and np.isfinite(detail).all()
    ):
        raise ValueError("detail is no map")
    if not all(name in topology.region_names and topology.in_region(name).any() for name in OPENINGS):
        raise ValueError(f"the regions {', '.join(OPENINGS)} are not all there")
    still = topology.canonical[topology.rigid]
    if len(still) < 100 or not HEAD_METRES[0] < np.ptp(still, axis=0).min() < HEAD_METRES[1]:
        raise ValueError("its mean head is none")
    if not (CROP_SCALE[0] <= rule.scale <= CROP_SCALE[1] and abs(rule.shift_y) <= 1):
        raise ValueError("its crop has no sensible size")


_ANY = (-np.inf, np.inf)


def require_head(values: np.ndarray, topology: Topology) -> None:
    """Raises NoHeadError where a network's output (R, R, 3), in crop units, is nothing like a head."""
    some = topology.rigid_sample
    if np.isfinite(values).all():
        found = PositionMap(values).sample(topology.sample_uv[some]).mean(axis=1).astype(np.float64)
        if HEAD_IN_CROP[0] < np.ptp(found, axis=0).max() < HEAD_IN_CROP[1]:
            found *= (1, -1, 1)
            left = found - fit_similarity(topology.canonical[some], found).apply(topology.canonical[some])
            if (left**2).sum() < UNLIKE_A_HEAD * ((found - found.mean(axis=0)) ** 2).sum():
                return
    raise NoHeadError("The network finds nothing like a head at this place: give a box around the whole face.")


def require_distance(distance: float) -> None:
    """Raises CaptureError where a network's distance (metres) of the camera is none."""
    if not 0 < distance < np.inf:
        raise CaptureError("The network finds no distance of the camera: give a focal length, or use another pack.")
