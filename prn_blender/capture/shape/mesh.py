"""A head's surface as a mesh. Levels of detail are calls of it."""

from dataclasses import replace

import numpy as np

from ..errors import CaptureError
from ..geometry.position_map import PositionMap
from ..geometry.visibility import vertex_visibility
from ..packs.pack import ModelPack
from ..packs.topology import Topology
from ..types import WHOLE, Capture, HeadMesh, View
from .expression_parts import turned
from .expressions import Expressions, PhotoExpression, expressions_of, on_surface, photo_expression
from .eyeball import STRAIGHT
from .parts import Part, PartsModel, clear_of_eyes, opened, parts_of
from .size import enlarged


def mesh_of(capture: Capture, topology: Topology, copied: PhotoExpression | None = None) -> HeadMesh:
    """The mesh of a capture's head with any topology of its pack, with parts and expressions where the settings ask for
    them.

    Args:
        copied: that of another head of the pack, which is then among the expressions.
    """
    seen = np.max([_visibility(view, topology, capture.pack.topology) for view in capture.views], axis=0)
    surface = PositionMap(capture.head.surface)
    return _mesh(capture, topology, surface, seen, capture.settings.expressions, copied)


def vertices_in_view(capture: Capture, topology: Topology, number: int) -> np.ndarray:
    """(V, 3) float32 metres: those of `mesh_of` with the expression of one of the capture's photos."""
    view = capture.views[number]
    surface = PositionMap(view.to_head(view.position_map.values))
    return _mesh(capture, topology, surface, np.ones(len(topology.canonical), np.float32), expressions=False).vertices


def _mesh(
    capture: Capture,
    topology: Topology,
    surface: PositionMap,
    seen: np.ndarray,
    expressions: bool,
    copied: PhotoExpression | None = None,
) -> HeadMesh:
    mesh = HeadMesh(topology, topology.vertices(surface), seen)
    parts = capture.pack.parts if capture.settings.parts == WHOLE else None
    if parts is not None:
        mesh = with_parts(mesh, surface.sample(parts.anchor_uv), parts, capture.look.gaze)
    if expressions:
        mesh = replace(mesh, expressions=_expressions(capture, mesh, copied))
    return mesh if parts is None else _opened(mesh)


def with_parts(mesh: HeadMesh, anchors: np.ndarray, model: PartsModel, gaze: np.ndarray) -> HeadMesh:
    """The mesh with what a whole head has besides its skin, and its lids on the eyeballs.

    Args:
        anchors: (K, 3) the head's surface at the model's anchors, metres, aligned frame.
        gaze: (2, 2) as of `Look`.
    """
    parts = turned(parts_of(model, anchors, mesh.vertices, mesh.topology), gaze)
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


def _expressions(capture: Capture, mesh: HeadMesh, copied: PhotoExpression | None) -> Expressions:
    pack = capture.pack
    assert pack.expressions is not None  # told before the work
    first, fitted = capture.views[0], capture.fitted
    size = 1.0 if fitted is None else enlarged(first.camera.metres_per_px, fitted.found.views[0].size)
    photo, gaze = _photo_expression(pack, first.expression, size), capture.look.gaze
    worn = _worn(pack, copied)
    return expressions_of(pack.expressions, pack.parts, mesh.topology, mesh.vertices, mesh.parts, photo, gaze, worn)


def expressions_of_mesh(
    pack: ModelPack,
    topology: Topology,
    vertices: np.ndarray,
    coefficients: np.ndarray | None,
    gaze: np.ndarray = STRAIGHT.gaze,
    size: float = 1.0,
    copied: PhotoExpression | None = None,
) -> Expressions:
    """The expressions of a mesh that exists, as those of a capture.

    Args:
        vertices: (V, 3) metres, aligned frame, of the topology, with or without what closes eyes and mouth.
        coefficients: of the photo's expression, as the capture's record has them; None where it has none.
        gaze: (2, 2) as of `Look`, from there too.
        size: how many times as large as its fit the head is.
        copied: that of another head of the pack, which becomes a key, too.

    Raises:
        CaptureError: the pack has no expressions, or the vertices are others.
    """
    if pack.expressions is None:
        raise CaptureError(f"The model pack {pack.name} has no expressions: capture the photo with another pack.")
    kept = opened(topology)[1]
    is_open = len(vertices) == len(kept)
    if not is_open and len(vertices) != len(topology.canonical):
        raise CaptureError("The head's vertices are no longer those that were captured: capture the photo again.")
    whole, parts = vertices, tuple[Part, ...]()
    if is_open:
        whole = topology.canonical.copy()
        whole[kept] = vertices
        if pack.parts is not None:
            parts = turned(parts_of(pack.parts, on_surface(topology, pack.parts).on(whole), whole, topology), gaze)
    photo = _photo_expression(pack, coefficients, size)
    worn = _worn(pack, copied)
    found = expressions_of(pack.expressions, pack.parts, topology, whole, parts, photo, gaze, worn)
    return found.kept(kept) if is_open else found


def _photo_expression(pack: ModelPack, coefficients: np.ndarray | None, size: float = 1.0) -> np.ndarray | None:
    """As of `photo_expression`, of a head that is `size` times as large as its fit."""
    model = pack.head_model
    return None if model is None or coefficients is None else size * photo_expression(model, coefficients)


def _worn(pack: ModelPack, copied: PhotoExpression | None) -> tuple[np.ndarray, np.ndarray] | None:
    """As `expressions_of` wants it."""
    field = None if copied is None else _photo_expression(pack, copied.coefficients)
    return None if copied is None or field is None else (field, copied.gaze)


def _visibility(view: View, topology: Topology, standard: Topology) -> np.ndarray:
    """(V,) how well a view shows the topology's vertices."""
    if topology is standard:
        return view.visibility
    vertices = topology.vertices(view.position_map)
    return vertex_visibility(vertices, topology.triangles, view.photo.width, view.photo.height)
