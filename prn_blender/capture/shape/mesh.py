"""A head's surface as a mesh. Levels of detail are calls of it."""

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.visibility import vertex_visibility
from ..packs.topology import Topology
from ..types import WHOLE, Capture, HeadMesh, View
from .parts import PartsModel, clear_of_eyes, opened, parts_of


def mesh_of(capture: Capture, topology: Topology) -> HeadMesh:
    """The mesh of a capture's head with any topology of its pack, and its parts where the settings ask for them."""
    seen = [_visibility(view, topology, capture.pack.topology) for view in capture.views]
    return _mesh(capture, topology, PositionMap(capture.head.surface), np.max(seen, axis=0))


def vertices_in_view(capture: Capture, topology: Topology, number: int) -> np.ndarray:
    """(V, 3) float32 metres: those of `mesh_of` with the expression of one of the capture's photos."""
    view = capture.views[number]
    surface = PositionMap(view.to_head(view.position_map.values))
    return _mesh(capture, topology, surface, np.ones(len(topology.canonical), np.float32)).vertices


def _mesh(capture: Capture, topology: Topology, surface: PositionMap, seen: np.ndarray) -> HeadMesh:
    mesh = HeadMesh(topology, topology.vertices(surface), seen)
    model = capture.pack.parts if capture.settings.parts == WHOLE else None
    return mesh if model is None else whole(mesh, surface.sample(model.anchor_uv), model)


def whole(mesh: HeadMesh, anchors: np.ndarray, model: PartsModel) -> HeadMesh:
    """The mesh with its eyes and mouth open and what lies in them.

    Args:
        anchors: (K, 3) the head's surface at the model's anchors, metres, aligned frame.
    """
    parts = parts_of(model, anchors, mesh.vertices, mesh.topology)
    vertices = clear_of_eyes(mesh.vertices, mesh.topology, parts)
    topology, kept = opened(mesh.topology)
    return HeadMesh(topology, vertices[kept].astype(np.float32), mesh.visibility[kept], parts)


def _visibility(view: View, topology: Topology, standard: Topology) -> np.ndarray:
    """(V,) how well a view shows the topology's vertices."""
    if topology is standard:
        return view.visibility
    vertices = topology.vertices(view.position_map)
    return vertex_visibility(vertices, topology.triangles, view.photo.width, view.photo.height)
