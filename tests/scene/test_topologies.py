"""Every topology as a Blender object: built, exported, and the same in every capture."""

import json

import bpy
import numpy as np
import pytest
from mathutils.bvhtree import BVHTree

from prn_blender.capture.faces import choose_faces, find_faces
from prn_blender.capture.pack import default_pack_folder, load_pack
from prn_blender.capture.photo import load_photo
from prn_blender.capture.reconstruct import Settings, reconstruct
from prn_blender.cli import main
from prn_blender.scene.alignment import PHOTOGRAPHED, set_alignment
from prn_blender.scene.build import build
from prn_blender.scene.export import export_fbx, export_glb
from prn_blender.scene.record import read_record
from prn_blender.ui.properties import TOPOLOGIES

from .conftest import PORTRAIT, SHOTS, coordinates

NAMES = ("standard", "low", "game", "detailed", "sculpt")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("triangles", [False, True])
def test_built_head_is_whole(make_capture, name, triangles):
    capture = make_capture(SHOTS["landscape"], name=name)
    head = build(capture, bpy.context, triangles=triangles)
    topology, mesh = capture.topology, head.data
    assert not mesh.validate()
    assert len(mesh.vertices) == len(topology.canonical)
    assert len(mesh.polygons) == len(topology.faces) * (1 + triangles)
    groups = [group.name for group in head.vertex_groups]
    assert groups == list(topology.region_names)
    assert [vertex.groups[0].group for vertex in mesh.vertices] == topology.region.tolist()
    visibility = np.empty(len(mesh.vertices), np.float32)
    mesh.attributes["visibility"].data.foreach_get("value", visibility)
    np.testing.assert_allclose(visibility, capture.head.visibility)
    assert read_record(head)["settings"]["topology"] == name


def test_captured_topologies_lie_on_each_other():
    """One photo in every topology: the same pose, camera, landmarks and texture, vertices on one surface."""
    pack, photo = load_pack(), load_photo(PORTRAIT)
    box = choose_faces(find_faces(photo), "largest")[0]
    captures = {name: reconstruct(photo, box, pack, Settings(texture_size=256, topology=name)) for name in NAMES}
    standard = captures["standard"]
    tree = BVHTree.FromPolygons(standard.head.vertices.tolist(), standard.topology.triangles.tolist())
    for name, capture in captures.items():
        assert capture.topology is pack.choose_topology(name)
        assert len(capture.head.visibility) == len(capture.head.vertices) == len(capture.topology.canonical)
        np.testing.assert_array_equal(capture.pose.matrix, standard.pose.matrix)
        np.testing.assert_array_equal(capture.head.landmarks, standard.head.landmarks)
        np.testing.assert_array_equal(capture.texture.colour, standard.texture.colour)
        assert capture.camera == standard.camera and capture.visible_share == standard.visible_share
        above = capture.head.vertices[capture.head.vertices[:, 2] > -0.08]
        off = np.array([tree.find_nearest(point)[3] for point in above[:: max(1, len(above) // 2000)].tolist()])
        assert np.median(off) < 0.0003 and np.quantile(off, 0.95) < 0.003
        assert abs(capture.head.visibility.mean() - standard.head.visibility.mean()) < 0.2


@pytest.mark.parametrize("name", ["low", "game", "detailed"])
def test_exported_and_aligned(make_capture, tmp_path, name):
    capture = make_capture(SHOTS["portrait"], name=name)
    head = build(capture, bpy.context)
    export_glb(bpy.context, head, tmp_path / "head.glb")
    export_fbx(bpy.context, head, tmp_path / "head.fbx")
    set_alignment(head, PHOTOGRAPHED)
    bpy.context.view_layer.update()
    np.testing.assert_allclose(coordinates(head.data), capture.topology.canonical, atol=1e-6)

    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "head.glb"))
    mesh = next(item.data for item in bpy.context.scene.objects if item.type == "MESH")
    assert len(mesh.polygons) == 2 * len(capture.topology.faces)


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
    head = next(item for item in bpy.data.objects if item.name == "PRN_Head")
    assert len(head.data.polygons) == 4912
    assert main([str(PORTRAIT), "-o", str(tmp_path), "--topology", "fancy"], "test") == 2
    assert "no topology 'fancy'" in capsys.readouterr().out


def test_panel_offers_what_the_pack_has():
    pack = load_pack(default_pack_folder())
    assert [identifier for identifier, *_ in TOPOLOGIES] == ["standard", *pack.levels]
    for identifier, _, description in TOPOLOGIES:
        assert f"{len(pack.choose_topology(identifier).faces):,} quads" in description
