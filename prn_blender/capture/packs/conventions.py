"""What the numbers mean that a pack's network gives: from them to a position map in crop units."""

from dataclasses import dataclass

import numpy as np

from ..geometry.place import seen_by_parallel_rays
from ..geometry.position_map import PositionMap
from .topology import Topology

XY = ("crop", "pixel")
Z = ("crop", "from_back")
PROJECTIONS = ("perspective", "orthographic")
SCALES = (1e-3, 1e5)


@dataclass(frozen=True)
class MapConvention:
    """The table `[position_map]` of a pack.toml."""

    # "crop": sides of the crop, (0, 0) its top-left corner. "pixel": the network's pixels by their index, so that
    # whole numbers are their centres.
    xy: str
    # In the unit of xy, larger is nearer. "crop": 0 at the head's origin. "from_back": 0 somewhere behind the surface.
    z: str
    # "perspective": z goes along the line of sight. "orthographic": the network was taught with parallel rays, and
    # what it gives is a head only seen along them.
    projection: str
    scale: float = 1.0  # the network's numbers times this are what the rest says

    @classmethod
    def read(cls, described: dict) -> "MapConvention | None":
        """From the table; None where it says anything that is not known here."""
        try:
            convention = cls(**described)
            known = convention.xy in XY and convention.z in Z and convention.projection in PROJECTIONS
            return convention if known and SCALES[0] <= convention.scale <= SCALES[1] else None
        except TypeError:
            return None

    @property
    def is_perspective(self) -> bool:
        return self.projection == "perspective"

    def in_crop_units(self, values: np.ndarray, input_size: int) -> np.ndarray:
        """(R, R, 3) float32 in sides of the crop, from what the network gives (R, R, 3) for `input_size` pixels."""
        if self.xy == "crop":
            return values if self.scale == 1 else values * np.float32(self.scale)
        scaled = values * np.float32(self.scale / input_size)
        scaled[..., :2] += np.float32(0.5 / input_size)
        return scaled

    def from_origin(self, values: np.ndarray, topology: Topology) -> np.ndarray:
        """(R, R, 3) in crop units with z relative to the head's origin, which parallel rays to the head tell."""
        if self.z == "crop":
            return values
        fit = seen_by_parallel_rays(PositionMap(values), topology)
        return values - np.array([0, 0, fit.apply(topology.origin_canonical)[2]], np.float32)
