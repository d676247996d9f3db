"""A head's surface as a mesh. Levels of detail are calls of it."""

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.visibility import vertex_visibility
from ..packs.topology import Topology
from ..types import Capture, HeadMesh, View


def mesh_of(capture: Capture, topology: Topology) -> HeadMesh:
    """The mesh of a capture's head, with any topology of its pack."""
    seen = [_visibility(view, topology, capture.pack.topology) for view in capture.views]
    return HeadMesh(
        topology=topology,
        vertices=topology.vertices(PositionMap(capture.head.surface)),
        visibility=np.max(seen, axis=0),
    )


def _visibility(view: View, topology: Topology, standard: Topology) -> np.ndarray:
    """(V,) how well a view shows the topology's vertices."""
    if topology is standard:
        return view.visibility
    vertices = topology.vertices(view.position_map)
    return vertex_visibility(vertices, topology.triangles, view.photo.width, view.photo.height)
