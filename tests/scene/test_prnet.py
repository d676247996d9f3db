"""PRNet's pack in Blender: its mesh is a face with an open border, of quads and a few triangles."""

import bmesh
import bpy
import numpy as np
import pytest

from prn_blender.scene.build.assemble import build

from .conftest import SHOTS


@pytest.fixture(scope="session")
def pack(prnet):
    return prnet


@pytest.mark.parametrize(("triangles", "sizes"), [(False, {4: 43425, 3: 57}), (True, {3: 86907})])
def test_mesh_is_one_face_that_looks_ahead(make_capture, topology, triangles, sizes):
    mesh = build(make_capture(SHOTS["orthographic"]), bpy.context, triangles=triangles).data
    assert not mesh.validate(verbose=True)
    count = np.bincount([len(polygon.vertices) for polygon in mesh.polygons])
    assert {size: count[size] for size in np.flatnonzero(count)} == sizes
    shape = bmesh.new()
    shape.from_mesh(mesh)
    assert all(edge.is_manifold or edge.is_boundary for edge in shape.edges)
    assert all(edge.is_contiguous for edge in shape.edges if edge.is_manifold)
    assert sum(edge.is_boundary for edge in shape.edges) == 825
    assert len(shape.verts) - len(shape.edges) + len(shape.faces) == 1
    assert all(vertex.link_faces for vertex in shape.verts)
    forwards = np.array([face.normal.y < 0 for face in shape.faces])
    assert forwards.mean() > 0.85
    shape.free()
