"""Every topology as a Blender object: built, exported, and the same in every capture."""

import json

import bpy
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.packs.pack import PREFERRED_TOPOLOGY, default_pack_folder, load_pack
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.types import BASE_COLOR, Settings
from prn_blender.cli.batch import main
from prn_blender.scene.build.assemble import build
from prn_blender.scene.edit.align import PHOTOGRAPHED, set_alignment
from prn_blender.scene.export.formats import FBX, GLTF
from prn_blender.scene.export.head import export_head
from prn_blender.scene.record import read_record
from prn_blender.ui.capture.properties import topology_items

from .conftest import PORTRAIT, SHOTS, coordinates, mesh_in

NAMES = ("standard", "low", "game", "detailed", "sculpt")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("triangles", [False, True])
def test_built_head_is_whole(make_capture, name, triangles):
    capture = make_capture(SHOTS["landscape"], name=name)
    head = build(capture, bpy.context, triangles=triangles)
    topology, mesh = mesh_in(capture).topology, head.data
    assert not mesh.validate()
    assert len(mesh.vertices) == len(topology.canonical)
    assert len(mesh.polygons) == len(topology.faces) * (1 + triangles)
    groups = [group.name for group in head.vertex_groups]
    assert groups == list(topology.region_names)
    assert [vertex.groups[0].group for vertex in mesh.vertices] == topology.region.tolist()
    visibility = np.empty(len(mesh.vertices), np.float32)
    mesh.attributes["visibility"].data.foreach_get("value", visibility)
    np.testing.assert_allclose(visibility, mesh_in(capture).visibility)
    assert read_record(head)["settings"]["topology"] == name


def test_captured_topologies_lie_on_each_other():
    """One photo in every topology: the same pose, camera, landmarks and texture, vertices on one surface."""
    pack, photo = load_pack(), load_photo(PORTRAIT)
    box = choose_faces(find_faces(photo), "largest")[0]
    captures = {name: reconstruct(photo, box, pack, Settings(texture_size=256, topology=name)) for name in NAMES}
    standard = captures["standard"]
    grid = mesh_in(standard)
    tree = BVHTree.FromPolygons(grid.vertices.tolist(), grid.topology.triangles.tolist())
    for name, capture in captures.items():
        mesh = mesh_in(capture)
        assert mesh.topology is pack.choose_topology(name)
        assert len(mesh.visibility) == len(mesh.vertices) == len(mesh.topology.canonical)
        np.testing.assert_array_equal(capture.views[0].pose.matrix, standard.views[0].pose.matrix)
        np.testing.assert_array_equal(capture.head.landmarks, standard.head.landmarks)
        np.testing.assert_array_equal(capture.textures[BASE_COLOR], standard.textures[BASE_COLOR])
        assert capture.views[0].camera == standard.views[0].camera
        assert capture.views[0].visible_share == standard.views[0].visible_share
        above = mesh.vertices[mesh.vertices[:, 2] > -0.08]
        off = np.array([tree.find_nearest(point)[3] for point in above[:: max(1, len(above) // 2000)].tolist()])
        assert np.median(off) < 0.0003 and np.quantile(off, 0.95) < 0.003
        assert abs(mesh.visibility.mean() - grid.visibility.mean()) < 0.2


@pytest.mark.parametrize("name", ["low", "game", "detailed"])
def test_exported_and_aligned(make_capture, tmp_path, name):
    capture = make_capture(SHOTS["portrait"], name=name)
    head = build(capture, bpy.context)
    export_head(bpy.context, head, tmp_path / "head.glb", GLTF)
    export_head(bpy.context, head, tmp_path / "head.fbx", FBX)
    set_alignment(head, PHOTOGRAPHED)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(coordinates(head.data), mesh_in(capture).topology.canonical, atol=1e-6)

    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    mesh = next(item.data for item in bpy.context.scene.objects if item.type == "MESH")
    assert len(mesh.polygons) == 2 * len(mesh_in(capture).topology.faces)


def test_two_captures_share_faces_and_order(make_capture):
    meshes = [build(make_capture(SHOTS[shot], name="game"), bpy.context).data for shot in ("landscape", "orthographic")]
    corners = [[loop.vertex_index for loop in mesh.loops] for mesh in meshes]
    uvs = [[tuple(corner.vector) for corner in mesh.uv_layers["UVMap"].uv] for mesh in meshes]
    assert corners[0] == corners[1] and uvs[0] == uvs[1]


def test_command_line_chooses_the_topology(tmp_path, capsys):
    assert main([str(PORTRAIT), "-o", str(tmp_path), "--topology", "game", "--texture-size", "512"], "test") == 0
    described = json.loads((tmp_path / "capture.json").read_text(encoding="utf-8"))
    assert described["record"]["settings"]["topology"] == "game"
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "head.blend"))
    head = next(item for item in bpy.data.objects if item.name == "astronaut")
    assert len(head.data.polygons) == 4912
    assert main([str(PORTRAIT), "-o", str(tmp_path), "--topology", "fancy"], "test") == 2
    assert "no topology 'fancy'" in capsys.readouterr().out


def test_panel_offers_what_the_pack_has():
    pack = load_pack(default_pack_folder())
    items = topology_items(None, bpy.context)
    assert items[0][0] == PREFERRED_TOPOLOGY == "game"  # the first is what nothing else was chosen for
    assert {identifier for identifier, *_ in items} == {choice.name for choice in pack.topologies}
    for identifier, _, description in items:
        assert f"{len(pack.choose_topology(identifier).faces):,} quads" in description
