"""What a position map's texels are too few to hold.

Rims of ears, nostrils and lids are narrower than a texel of the network's map: sampled by it they come out as saw
teeth. The pack knows them of the mean head; every head has them about the same, turned and scaled as it is.
"""

import numpy as np

from ..geometry.place import seen_by_parallel_rays
from ..geometry.position_map import PositionMap
from ..packs.topology import Topology


def with_detail(position_map: PositionMap, topology: Topology) -> PositionMap:
    """A photo-space position map at the resolution of the pack's detail, with that detail.

    Args:
        position_map: of the network's resolution; itself where the pack has no detail.
    """
    if topology.detail is None:
        return position_map
    fit = seen_by_parallel_rays(position_map, topology)
    into_photo = (fit.scale * fit.rotation * np.array([[1], [-1], [1]])).astype(np.float32)
    size = len(topology.detail)
    return PositionMap(position_map.at_size(size) + topology.detail @ into_photo.T)
