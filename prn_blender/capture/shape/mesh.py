"""A head's surface as a mesh. Levels of detail are calls of it."""

from dataclasses import replace

import numpy as np

from ..geometry.position_map import PositionMap
from ..geometry.visibility import vertex_visibility
from ..packs.topology import Topology
from ..types import WHOLE, Capture, HeadMesh, View
from .expressions import Expressions, expressions_of, photo_expression
from .parts import PartsModel, clear_of_eyes, opened, parts_of


def mesh_of(capture: Capture, topology: Topology) -> HeadMesh:
    """The mesh of a capture's head with any topology of its pack, with parts and expressions where the settings ask for
    them."""
    seen = [_visibility(view, topology, capture.pack.topology) for view in capture.views]
    surface = PositionMap(capture.head.surface)
    mesh = HeadMesh(topology, topology.vertices(surface), np.max(seen, axis=0))
    parts = capture.pack.parts if capture.settings.parts == WHOLE else None
    if parts is not None:
        mesh = _with_parts(mesh, surface, parts)
    if capture.settings.expressions:
        mesh = replace(mesh, expressions=_expressions(capture, mesh))
    return mesh if parts is None else _opened(mesh)


def _with_parts(mesh: HeadMesh, surface: PositionMap, model: PartsModel) -> HeadMesh:
    parts = parts_of(model, surface.sample(model.anchor_uv), mesh.vertices, mesh.topology)
    return replace(mesh, vertices=clear_of_eyes(mesh.vertices, mesh.topology, parts), parts=parts)


def _opened(mesh: HeadMesh) -> HeadMesh:
    """The mesh without what closes its eyes and its mouth."""
    topology, kept = opened(mesh.topology)
    expressions = None if mesh.expressions is None else mesh.expressions.kept(kept)
    return replace(
        mesh,
        topology=topology,
        vertices=mesh.vertices[kept],
        visibility=mesh.visibility[kept],
        expressions=expressions,
    )


def _expressions(capture: Capture, mesh: HeadMesh) -> Expressions:
    pack, coefficients = capture.pack, capture.views[0].expression
    assert pack.expressions is not None  # told before the work
    photo = None
    if pack.head_model is not None and coefficients is not None:
        photo = photo_expression(pack.head_model, coefficients)
    return expressions_of(pack.expressions, pack.parts, mesh.topology, mesh.vertices, mesh.parts, photo)


def _visibility(view: View, topology: Topology, standard: Topology) -> np.ndarray:
    """(V,) how well a view shows the topology's vertices."""
    if topology is standard:
        return view.visibility
    vertices = topology.vertices(view.position_map)
    return vertex_visibility(vertices, topology.triangles, view.photo.width, view.photo.height)
