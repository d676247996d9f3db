"""What other programs get: read back by Blender's own importers."""

import bpy
import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.scene.build.assemble import build
from prn_blender.scene.edit.align import PHOTOGRAPHED
from prn_blender.scene.export.formats import export_fbx, export_glb

from .conftest import both_packs
from .test_build import everything


def reimported(path) -> bpy.types.Object:
    """The only mesh of an exported file, in an empty scene."""
    bpy.ops.wm.read_homefile(use_empty=True)
    if path.suffix == ".glb":
        bpy.ops.import_scene.gltf(filepath=str(path))
    else:
        bpy.ops.import_scene.fbx(filepath=str(path))
    bpy.context.view_layer.update()
    meshes = [item for item in bpy.data.objects if item.type == "MESH"]
    assert len(meshes) == len(bpy.context.scene.objects) == 1  # no camera, no landmarks
    return meshes[0]


def surface(head: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """(L, 3) world position and (L, 3) texture colour of every face corner."""
    mesh, matrix = head.data, np.array(head.matrix_world)
    points = np.array([vertex.co for vertex in mesh.vertices]) @ matrix[:3, :3].T + matrix[:3, 3]
    image = next(
        node.image
        for node in head.active_material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.outputs["Color"].is_linked
    )
    width, height = image.size
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)
    vertex = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertex)
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    columns, rows = np.clip((uv.reshape(-1, 2) * (width, height)).astype(int), 0, (width - 1, height - 1)).T
    return points[vertex], pixels[rows, columns, :3]


@both_packs
@pytest.mark.parametrize(("suffix", "export"), [(".glb", export_glb), (".fbx", export_fbx)])
def test_exported_head_is_aligned_textured_and_alone(capture, topology, tmp_path, suffix, export):
    head = build(capture, bpy.context, alignment=PHOTOGRAPHED)
    bpy.data.collections["landscape"].hide_viewport = True
    expected_colours = surface(head)[1]
    export(bpy.context, head, tmp_path / f"head{suffix}")
    assert [file.name for file in tmp_path.iterdir() if file.stem != "landscape"] == [f"head{suffix}"]

    found = reimported(tmp_path / f"head{suffix}")
    assert found.name == "landscape"
    points, colours = surface(found)
    corner_points = topology.canonical[topology.faces[topology.is_corner]]
    assert np.allclose(points.min(0), corner_points.min(0), atol=1e-4)
    assert np.allclose(points.max(0), corner_points.max(0), atol=1e-4)
    # position by position the same colours: nearest corner of the original for a sample of the imported ones
    for index in np.linspace(0, len(points) - 1, 200).astype(int):
        distance = np.linalg.norm(corner_points - points[index], axis=1)
        same_place = expected_colours[distance < 1e-5]
        assert len(same_place) and np.abs(same_place - colours[index]).max(axis=1).min() < 0.05


@pytest.mark.parametrize(("suffix", "export"), [(".glb", export_glb), (".fbx", export_fbx)])
def test_export_leaves_the_scene_as_it_was(capture, tmp_path, suffix, export):
    head = build(capture, bpy.context, alignment=PHOTOGRAPHED)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    before, matrix = everything(), head.matrix_world.copy()
    export(bpy.context, head, tmp_path / f"head{suffix}")
    assert everything() == before
    assert bpy.context.view_layer.objects.active == cube
    assert [item for item in bpy.context.view_layer.objects if item.select_get()] == [cube]
    assert head.matrix_world == matrix


@pytest.mark.parametrize("export", [export_glb, export_fbx])
def test_a_failed_export_says_so(capture, tmp_path, export):
    head = build(capture, bpy.context)
    before = everything()
    (tmp_path / "no_folder").write_text("")
    with pytest.raises(CaptureError, match="cannot be written"):
        export(bpy.context, head, tmp_path / "no_folder" / "head")
    assert everything() == before
    assert bpy.context.view_layer.objects.active == head and head.name == "landscape"


def test_an_error_of_the_exporter_is_one_line(capture, tmp_path):
    head = build(capture, bpy.context)
    before = everything()
    (tmp_path / ".head.part.glb").mkdir()
    with pytest.raises(CaptureError, match="^[^\\n]+$"):
        export_glb(bpy.context, head, tmp_path / "head.glb")
    assert everything() == before and not (tmp_path / "head.glb").exists()
