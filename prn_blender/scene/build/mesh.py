"""The head's mesh datablock."""

import bpy
import numpy as np

from ...capture.packs.topology import Topology
from ...capture.types import HeadMesh


def create_mesh(name: str, head: HeadMesh, triangles: bool = False, metre: float = 1.0) -> bpy.types.Mesh:
    """A smooth mesh with the topology's UVs and a point attribute `visibility`.

    Args:
        triangles: the topology's fixed triangles instead of its quads.
        metre: Blender units a metre.
    """
    topology = head.topology
    faces = topology.triangles if triangles else topology.faces
    loop_uv = topology.triangle_uv if triangles else topology.loop_uv
    corners = np.ones(faces.shape, bool) if triangles else topology.is_corner
    flipped = np.array([0, 1], np.float32) + loop_uv * np.array([1, -1], np.float32)
    mesh = smooth_mesh(name, head.vertices * metre, faces, corners, flipped)
    visibility = mesh.attributes.new("visibility", "FLOAT", "POINT")
    visibility.data.foreach_set("value", np.ascontiguousarray(head.visibility, np.float32))
    return mesh


def smooth_mesh(
    name: str, vertices: np.ndarray, faces: np.ndarray, corners: np.ndarray, uv: np.ndarray
) -> bpy.types.Mesh:
    """A smooth mesh with UVs.

    Args:
        vertices: (V, 3) in Blender units.
        faces: (F, N) vertices.
        corners: (F, N) bool, false for a corner that a face does not have.
        uv: (F, N, 2) v upwards.
    """
    sizes = corners.sum(axis=1)
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.loops.add(int(sizes.sum()))
    mesh.loops.foreach_set("vertex_index", faces[corners].astype(np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", uv[corners].astype(np.float32).ravel())
    mesh.shade_smooth()
    return mesh


def add_region_groups(head: bpy.types.Object, topology: Topology) -> None:
    """One vertex group per region of the topology; every vertex is in exactly one."""
    for name in topology.region_names:
        members = np.flatnonzero(topology.in_region(name)).tolist()
        head.vertex_groups.new(name=name).add(members, 1.0, "REPLACE")
