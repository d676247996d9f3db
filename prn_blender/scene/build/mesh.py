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
    sizes = corners.sum(axis=1)

    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(head.vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(head.vertices * metre, np.float32).ravel())
    mesh.loops.add(int(sizes.sum()))
    mesh.loops.foreach_set("vertex_index", faces[corners].astype(np.int32))
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", (np.cumsum(sizes) - sizes).astype(np.int32))
    mesh.update(calc_edges=True)

    flipped = np.array([0, 1], np.float32) + loop_uv[corners] * np.array([1, -1], np.float32)
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", flipped.astype(np.float32).ravel())
    visibility = mesh.attributes.new("visibility", "FLOAT", "POINT")
    visibility.data.foreach_set("value", np.ascontiguousarray(head.visibility, np.float32))
    mesh.shade_smooth()
    return mesh


def add_region_groups(head: bpy.types.Object, topology: Topology) -> None:
    """One vertex group per region of the topology; every vertex is in exactly one."""
    for name in topology.region_names:
        members = np.flatnonzero(topology.in_region(name)).tolist()
        head.vertex_groups.new(name=name).add(members, 1.0, "REPLACE")
