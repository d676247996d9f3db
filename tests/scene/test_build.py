"""The head in the scene: mesh, attributes, material, landmarks; and nothing when something fails."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import bmesh
import bpy
import numpy as np
import pytest

from prn_blender.capture.types import MASK
from prn_blender.scene.build.assemble import build

from .conftest import SHOTS, both_packs, coordinates, mesh_in


def corners(mesh: bpy.types.Mesh) -> tuple[np.ndarray, np.ndarray]:
    """(L,) vertex of every face corner, (L, 2) its UV."""
    vertex = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertex)
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    return vertex, uv.reshape(-1, 2)


def everything() -> dict[str, list[str]]:
    """The names of all datablocks by kind."""
    kinds = (name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection))
    return {kind: sorted(datablock.name_full for datablock in getattr(bpy.data, kind)) for kind in kinds}


@pytest.mark.parametrize("triangles", [False, True])
def test_mesh_is_closed_except_the_neck_and_faces_outwards(capture, topology, triangles):
    mesh = build(capture, bpy.context, triangles=triangles).data
    assert {len(polygon.vertices) for polygon in mesh.polygons} == ({3} if triangles else {4})
    assert not mesh.validate(verbose=True)
    shape = bmesh.new()
    shape.from_mesh(mesh)
    shape.normal_update()
    boundary = [edge for edge in shape.edges if edge.is_boundary]
    assert all(edge.is_manifold or edge.is_boundary for edge in shape.edges)
    assert all(edge.is_contiguous for edge in shape.edges if edge.is_manifold)
    assert len(shape.verts) - len(shape.edges) + len(shape.faces) == 1  # a disc: one hole, no handle
    uses = Counter(vertex for edge in boundary for vertex in edge.verts)
    assert boundary and set(uses.values()) == {2}
    lowest_landmark = topology.landmark_canonical[:, 2].min()
    assert max(vertex.co.z for vertex in uses) < lowest_landmark
    before = [face.normal.copy() for face in shape.faces]
    bmesh.ops.recalc_face_normals(shape, faces=shape.faces)
    assert all(face.normal.dot(normal) > 0 for face, normal in zip(shape.faces, before, strict=True))
    bmesh.ops.holes_fill(shape, edges=boundary)
    assert 0.002 < shape.calc_volume(signed=True) < 0.01  # cubic metres: a head has 3 to 6 litres
    shape.free()


@both_packs
def test_head_is_in_metres_and_frontal(capture, topology):
    head = build(capture, bpy.context)
    assert np.array_equal(np.array(head.matrix_world), np.eye(4))
    points = coordinates(head.data)
    eyes = [points[topology.in_region(name)].mean(0) for name in ("eye_left", "eye_right")]
    assert np.allclose(np.mean(eyes, axis=0), 0, atol=1e-3)
    assert 0.055 < eyes[0][0] - eyes[1][0] < 0.07  # the subject's left eye at +X
    nose = points[points[:, 1].argmin()]
    assert abs(nose[0]) < 0.005 and -0.06 < nose[2] < 0
    assert all(polygon.use_smooth for polygon in head.data.polygons)


@both_packs
def test_attributes_and_groups_follow_the_vertices(capture, topology):
    head = build(capture, bpy.context)
    attribute = head.data.attributes["visibility"]
    assert (attribute.domain, attribute.data_type) == ("POINT", "FLOAT")
    values = np.empty(len(head.data.vertices), np.float32)
    attribute.data.foreach_get("value", values)
    assert np.array_equal(values, mesh_in(capture).visibility)
    assert [group.name for group in head.vertex_groups] == list(topology.region_names)
    memberships = [[(group.group, group.weight) for group in vertex.groups] for vertex in head.data.vertices]
    assert memberships == [[(region, 1.0)] for region in topology.region]


@both_packs
def test_texture_is_where_the_topology_wants_it(capture, topology):
    """The fixture's texture says its own u in red and its own v, downwards, in green."""
    head = build(capture, bpy.context)
    image = head.active_material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].links[0].from_node.image
    size = image.size[0]
    pixels = np.array(image.pixels[:]).reshape(size, size, 4)
    _, uv = corners(head.data)
    columns, rows = np.clip((uv * size).astype(int), 0, size - 1).T
    said = pixels[rows, columns, :2]  # Blender's rows count from the bottom
    assert np.abs(said - topology.loop_uv[topology.is_corner]).max() < 1.5 / size


def test_mirrored_corners_have_mirrored_uvs(capture, topology):
    vertex, uv = corners(build(capture, bpy.context).data)
    face = np.repeat(np.arange(len(vertex) // 4), 4)
    vertices_of_face = vertex.reshape(-1, 4)
    face_by_vertices = {frozenset(row): index for index, row in enumerate(vertices_of_face.tolist())}
    mirrored_face = [face_by_vertices[frozenset(row)] for row in topology.mirror[vertices_of_face].tolist()]
    uv_by_corner = dict(zip(zip(face.tolist(), vertex.tolist(), strict=True), uv, strict=True))
    opposite = np.array(
        [uv_by_corner[mirrored_face[f], m] for f, m in zip(face, topology.mirror[vertex].tolist(), strict=True)]
    )
    assert np.allclose(opposite, uv * (-1, 1) + (1, 0), atol=1e-5)


@both_packs
def test_two_captures_have_the_same_topology(make_capture):
    first = build(make_capture(SHOTS["landscape"]), bpy.context).data
    second = build(make_capture(SHOTS["orthographic"]), bpy.context).data
    for a, b in zip(corners(first), corners(second), strict=True):
        assert np.array_equal(a, b)
    assert [tuple(p.vertices) for p in first.polygons] == [tuple(p.vertices) for p in second.polygons]


@both_packs
def test_material_is_skin_and_images_are_packed(capture):
    head = build(capture, bpy.context)
    material = head.active_material
    assert material.name == "landscape Skin"
    shader = material.node_tree.nodes["Principled BSDF"].inputs
    assert 0.4 < shader["Roughness"].default_value < 0.7
    assert 0 < shader["Specular IOR Level"].default_value < 0.5  # the photo's highlights are in the texture
    assert 0 < shader["Subsurface Weight"].default_value < 0.3
    assert shader["Subsurface Scale"].default_value * max(shader["Subsurface Radius"].default_value) < 0.006  # metres
    spaces = {
        node.image.name: node.image.colorspace_settings.name
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE"
    }
    assert spaces == {"landscape Texture": "sRGB", "landscape Seen in the Photo": "Non-Color"}
    assert all(image.packed_file for image in bpy.data.images if image.users)
    mask = bpy.data.images["landscape Seen in the Photo"]
    stored = np.array(mask.pixels[:]).reshape(*capture.textures[MASK].shape, 4)[::-1, :, 0]
    assert np.array_equal(stored * 255, capture.textures[MASK])


@both_packs
def test_landmarks_are_named_empties_that_hide_as_one(capture, topology):
    head = build(capture, bpy.context)
    root = next(child for child in head.children if child.type == "EMPTY")
    assert root.parent == head and len(root.children) == 68
    by_index = sorted(root.children, key=lambda empty: int(empty.name[-2:]))
    assert all(empty.type == "EMPTY" and empty.empty_display_size < 0.005 for empty in by_index)
    names = [empty.name for empty in by_index]
    assert (
        names[0] == "jaw_00" and names[16] == "jaw_16" and names[33] == "nose_base_33" and names[67] == "lips_inner_67"
    )
    assert names[36] == "eye_right_36" and by_index[36].matrix_world.translation.x < 0  # the subject's right
    assert names[45] == "eye_left_45" and by_index[45].matrix_world.translation.x > 0
    places = np.array([empty.matrix_world.translation for empty in by_index])
    assert np.allclose(places, topology.landmark_canonical, atol=1e-6)
    collection = bpy.data.collections["landscape Landmarks"]
    assert set(collection.objects) == {root, *root.children}
    collection.hide_viewport = True
    bpy.context.view_layer.update()
    assert not any(empty.visible_get() for empty in by_index) and head.visible_get()


@both_packs
def test_collection_is_named_after_the_photo_and_the_head_is_active(capture):
    head = build(capture, bpy.context)
    collection = bpy.data.collections["landscape"]
    assert collection.name in bpy.context.scene.collection.children
    assert {item.name for item in collection.objects} == {"landscape", "landscape Camera"}
    assert bpy.context.view_layer.objects.active == head
    assert [item for item in bpy.context.view_layer.objects if item.select_get()] == [head]
    render = bpy.context.scene.render
    assert (render.resolution_x, render.resolution_y, render.resolution_percentage) == (1200, 800, 100)


@both_packs
@pytest.mark.parametrize("stem", ["名前 with spaces 😀", "x" * 200, "no\udcff unicode"])
def test_any_file_name_will_do(make_capture, tmp_path, stem):
    head = build(make_capture(replace(SHOTS["landscape"], stem=stem)), bpy.context)
    assert all(image.packed_file and image.size[0] for image in bpy.data.images)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    assert head.users_collection[0].name


def _without_photo(capture):
    view = capture.views[0]
    return replace(capture, views=(replace(view, photo=replace(view.photo, path=Path("/nowhere/shot.png"))),))


BROKEN = {
    "visibility of another length": lambda c: replace(c, head=replace(c.head, visibility=c.head.visibility[:-1])),
    "a landmark too few": lambda c: replace(c, head=replace(c.head, landmarks=c.head.landmarks[:-1])),
    "no mask": lambda c: replace(c, texture=replace(c.texture, mask=None)),
    "a record that Blender cannot store": lambda c: replace(c, timings={"network": object()}),
    "the photo is gone": _without_photo,
}


@both_packs
@pytest.mark.parametrize("reason", BROKEN)
def test_a_failure_leaves_everything_as_it_was(make_capture, reason):
    earlier = build(make_capture(SHOTS["portrait"]), bpy.context)
    scene = bpy.context.scene
    scene.render.resolution_percentage = 50
    scene.render.pixel_aspect_x = 2.0
    before, camera = everything(), scene.camera
    with pytest.raises((RuntimeError, TypeError, ValueError, AttributeError, OSError)):
        build(BROKEN[reason](make_capture(SHOTS["landscape"])), bpy.context)
    assert everything() == before
    assert scene.camera == camera and bpy.context.view_layer.objects.active == earlier
    render = scene.render
    assert (render.resolution_x, render.resolution_y, render.resolution_percentage) == (900, 1350, 50)
    assert (render.pixel_aspect_x, render.pixel_aspect_y) == (2.0, 1.0)
