"""What other programs get: read back by Blender's own importers."""

import json
import math
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion
from mathutils.kdtree import KDTree

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.types import WHOLE
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.landmarks import landmarks_of
from prn_blender.scene.build.material import base_colour_image
from prn_blender.scene.edit.align import PHOTOGRAPHED, set_alignment
from prn_blender.scene.export import formats
from prn_blender.scene.export.check import Report
from prn_blender.scene.export.formats import FBX, FORMATS, GLTF, OBJ, USD, Format
from prn_blender.scene.export.head import check_head, export_head
from prn_blender.scene.export.images import TextureChoice
from prn_blender.scene.export.prepare import parts_of

from .conftest import SHOTS, both_packs, coordinates, mesh_in, with_prnet
from .test_build import everything

ALL = with_prnet("kind", FORMATS.values(), [GLTF])
ALL_WITH_BOTH = with_prnet("kind", FORMATS.values(), FORMATS.values())
OWN = with_prnet("kind", FORMATS.values(), [])
RIGGED = with_prnet("kind", [GLTF, FBX, USD], [GLTF])
OWN_RIGGED = with_prnet("kind", [GLTF, FBX, USD], [])


def imported(path: Path) -> list[bpy.types.Object]:
    """Everything in an exported file, in an empty scene."""
    bpy.ops.wm.read_homefile(use_empty=True)
    name = str(path)
    match path.suffix:
        case ".glb":
            bpy.ops.import_scene.gltf(filepath=name, bone_heuristic="BLENDER")
        case ".fbx":
            bpy.ops.import_scene.fbx(filepath=name)
        case ".obj":
            bpy.ops.wm.obj_import(filepath=name)
        case _:
            bpy.ops.wm.usd_import(filepath=name)
    bpy.context.view_layer.update()
    return [
        item for item in bpy.context.scene.objects if item.name != "Icosphere"
    ]  # what the importer draws bones with


def reimported(path: Path) -> bpy.types.Object:
    """The only mesh of an exported file."""
    items = imported(path)
    (mesh,) = (item for item in items if item.type == "MESH")
    assert {item.type for item in items} <= {"MESH", "ARMATURE", "EMPTY"}  # no camera
    assert len(items) <= 4  # no landmarks
    return mesh


def exported(
    head: bpy.types.Object, folder: Path, kind: Format, choice: TextureChoice | None = None
) -> bpy.types.Object:
    """The head as another program gets it."""
    path = folder / f"head{kind.suffixes[0]}"
    export_head(bpy.context, head, path, kind, choice or TextureChoice())
    return reimported(path)


def world_points(head: bpy.types.Object) -> np.ndarray:
    """(V, 3) as they are shown: modified, posed and shaped."""
    shown = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = shown.to_mesh()
    matrix = np.array(shown.matrix_world)
    points = coordinates(mesh) @ matrix[:3, :3].T + matrix[:3, 3]
    shown.to_mesh_clear()
    return points


def height(head: bpy.types.Object) -> float:
    return float(np.ptp(world_points(head)[:, 2]))


def image_of(head: bpy.types.Object) -> bpy.types.Image:
    return next(
        node.image
        for node in head.active_material.node_tree.nodes
        if node.type == "TEX_IMAGE" and node.outputs["Color"].is_linked
    )


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """(H, W, 4)"""
    width, height = image.size
    return np.array(image.pixels[:]).reshape(height, width, 4)


def surface(head: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """(L, 3) world position and (L, 3) texture colour of every face corner."""
    mesh, matrix = head.data, np.array(head.matrix_world)
    points = np.array([vertex.co for vertex in mesh.vertices]) @ matrix[:3, :3].T + matrix[:3, 3]
    pixels = pixels_of(image_of(head))
    height, width = pixels.shape[:2]
    vertex = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", vertex)
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    columns, rows = np.clip((uv.reshape(-1, 2) * (width, height)).astype(int), 0, (width - 1, height - 1)).T
    return points[vertex], pixels[rows, columns, :3]


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(N,) distance of each of points (N, 3) to the nearest of the others: file formats split and reorder vertices."""
    tree = KDTree(len(others))
    for index, place in enumerate(others.tolist()):
        tree.insert(place, index)
    tree.balance()
    return np.array([tree.find(point)[2] for point in points.tolist()])


def assert_same_shape(points: np.ndarray, expected: np.ndarray, tolerance: float = 2e-5) -> None:
    assert nearest(points, expected).max() < tolerance
    assert nearest(expected, points).max() < tolerance


def warnings(report: Report) -> list[str]:
    """Those of the head; PRNet's mean face, which nobody's is, has faces without area."""
    return [text for text in report.warnings if "without area" not in text]


@pytest.fixture
def head(make_capture) -> bpy.types.Object:
    return build(make_capture(SHOTS["landscape"], name="game"), bpy.context)


@ALL_WITH_BOTH
def test_exported_head_is_aligned_textured_and_alone(capture, topology, tmp_path, kind):
    head = build(capture, bpy.context, alignment=PHOTOGRAPHED)
    bpy.data.collections["landscape"].hide_viewport = True
    expected_colours = surface(head)[1]
    folder = tmp_path / "out"
    path = folder / f"head{kind.suffixes[0]}"
    export_head(bpy.context, head, path, kind)
    beside = {"OBJ": {"head.mtl", "head_basecolor.png"}, "USD": {"head_basecolor.png"}}.get(kind.identifier, set())
    assert {file.name for file in folder.iterdir()} == {path.name, *beside}

    found = reimported(path)
    assert found.name == "landscape"
    points, colours = surface(found)
    corner_points = mesh_in(capture).vertices[topology.faces[topology.is_corner]]
    assert np.allclose(points.min(0), corner_points.min(0), atol=1e-4)
    assert np.allclose(points.max(0), corner_points.max(0), atol=1e-4)
    # position by position the same colours: nearest corner of the original for a sample of the imported ones
    for index in np.linspace(0, len(points) - 1, 200).astype(int):
        distance = np.linalg.norm(corner_points - points[index], axis=1)
        same_place = expected_colours[distance < 1e-5]
        assert len(same_place) and np.abs(same_place - colours[index]).max(axis=1).min() < 0.05


@ALL
def test_export_and_check_leave_everything_as_it_was(head, tmp_path, kind):
    set_alignment(head, PHOTOGRAPHED)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    units = bpy.context.scene.unit_settings
    units.scale_length = 0.01
    before, matrix = everything(), head.matrix_world.copy()
    export_head(bpy.context, head, tmp_path / f"head{kind.suffixes[0]}", kind)
    report = check_head(bpy.context, head, kind)
    assert not report.errors and report.written
    assert everything() == before
    assert bpy.context.view_layer.objects.active == cube
    assert [item for item in bpy.context.view_layer.objects if item.select_get()] == [cube]
    assert head.matrix_world == matrix
    assert units.system == "METRIC" and units.scale_length == pytest.approx(0.01)


@ALL
def test_a_failed_export_says_so(head, tmp_path, kind):
    before = everything()
    (tmp_path / "no_folder").write_text("")
    with pytest.raises(CaptureError, match="cannot be written"):
        export_head(bpy.context, head, tmp_path / "no_folder" / "head", kind)
    assert everything() == before
    assert bpy.context.view_layer.objects.active == head and head.name == "landscape"


def test_a_file_that_cannot_be_replaced_is_one_line(head, tmp_path):
    before = everything()
    (tmp_path / "head.glb").mkdir()
    with pytest.raises(CaptureError, match="^[^\\n]+cannot be written[^\\n]+$"):
        export_head(bpy.context, head, tmp_path / "head.glb")
    assert everything() == before and [file.name for file in tmp_path.glob("head*")] == ["head.glb"]


# What the artist did to the head


def hide_in_every_way(head: bpy.types.Object) -> None:
    head.hide_select = True
    head.hide_set(True)
    head.hide_viewport = head.hide_render = True
    bpy.context.view_layer.layer_collection.children["landscape"].exclude = True


@ALL
@pytest.mark.parametrize("hide", [lambda head: setattr(head, "hide_select", True), hide_in_every_way])
def test_a_head_that_cannot_be_selected_is_exported(head, tmp_path, kind, hide):
    expected = coordinates(head.data)
    hide(head)
    found = exported(head, tmp_path, kind)
    assert_same_shape(world_points(found), expected)


@ALL
def test_a_head_in_local_view_is_exported(capture, tmp_path, kind):
    """The operator runs in the 3D View it was called from, which shows nothing else then."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    head = build(capture, bpy.context)
    expected = coordinates(head.data)
    area = next(area for area in bpy.context.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(area=area, region=region):
        bpy.ops.view3d.localview(frame_selected=False)
        assert area.spaces.active.local_view
        export_head(bpy.context, head, tmp_path / f"head{kind.suffixes[0]}", kind)
    assert_same_shape(world_points(reimported(tmp_path / f"head{kind.suffixes[0]}")), expected)


@ALL
def test_a_file_without_the_head_is_never_called_written(head, tmp_path, kind, monkeypatch):
    """Whatever an exporter passes over: here, all that is selected."""
    path = tmp_path / f"head{kind.suffixes[0]}"
    path.write_bytes(b"the good file from before")

    def forgetful(target: Path) -> None:
        bpy.ops.object.select_all(action="DESELECT")
        kind.write(target)
        if not target.exists():  # some write no file then
            target.write_bytes(b"#usda 1.0\n" if kind is USD else b"\0" * 200)

    lacking = formats.Format(**{**vars(kind), "write": forgetful, "suffixes": (path.suffix,)})
    with pytest.raises(CaptureError, match="^[^\\n]+$"):
        export_head(bpy.context, head, path, lacking)
    assert path.read_bytes() == b"the good file from before"


@pytest.mark.parametrize("when", ["before the capture", "after the capture"])
@pytest.mark.parametrize("scale", [0.01, 0.001])
@ALL
def test_files_are_in_metres_whatever_the_scene_is_in(make_capture, tmp_path, kind, scale, when):
    units = bpy.context.scene.unit_settings
    if when == "before the capture":
        units.scale_length = scale
    head = build(make_capture(SHOTS["landscape"], name="game"), bpy.context)
    expected = head.dimensions.z * (scale if when == "before the capture" else 1)
    units.scale_length = scale
    report = check_head(bpy.context, head, kind)
    assert any("unit scale" in text for text in report.warnings) == (when == "after the capture")
    found = exported(head, tmp_path, kind)
    assert height(found) == pytest.approx(expected, rel=1e-4)
    assert 0.15 < expected < 0.3


@ALL
def test_a_head_scaled_to_the_scene_is_as_large_as_the_scene_shows_it(head, tmp_path, kind):
    """The unit scale was changed after the capture, and the artist did what that asks for."""
    expected = head.dimensions.z
    bpy.context.scene.unit_settings.scale_length = 0.01
    head.scale = (100, 100, 100)
    assert not warnings(check_head(bpy.context, head, kind))
    assert height(exported(head, tmp_path, kind)) == pytest.approx(expected, rel=1e-4)


@ALL
@pytest.mark.parametrize("applied", [False, True])
def test_the_scale_of_the_head_is_kept(head, tmp_path, kind, applied):
    expected = 0.85 * coordinates(head.data)
    head.scale = (0.85, 0.85, 0.85)
    if applied:
        bpy.context.view_layer.update()
        bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    report = check_head(bpy.context, head, kind)
    assert any("85%" in text for text in report.warnings)
    assert_same_shape(world_points(exported(head, tmp_path, kind)), expected)


@ALL
@pytest.mark.parametrize("landmarks", ["kept", "deleted"])
@pytest.mark.parametrize("change", ["rotation", "origin", "all"])
def test_applied_transforms_neither_turn_nor_shift_the_file(head, tmp_path, kind, change, landmarks):
    expected = coordinates(head.data)
    head.location, head.rotation_euler = (1, 2, 3), (0.3, 0.2, 0.8)
    bpy.context.view_layer.update()
    if change == "origin":
        bpy.ops.object.origin_set(type="ORIGIN_CURSOR")
    else:
        bpy.ops.object.transform_apply(location=change == "all", rotation=True, scale=False)
    if landmarks == "deleted":
        for _, landmark in list(landmarks_of(head)):
            bpy.data.objects.remove(landmark)
    assert_same_shape(world_points(exported(head, tmp_path, kind)), expected, 1e-5)


@ALL
@pytest.mark.parametrize("saved", ["painted", "painted and packed", "file gone"])
def test_paint_is_in_every_file(head, tmp_path, kind, saved):
    image = base_colour_image(head)
    pixels = pixels_of(image)
    pixels[10:20, 5:25, :3] = (1, 0, 1)
    image.pixels.foreach_set(pixels.ravel().astype(np.float32))
    if saved == "painted and packed":
        image.pack()
    elif saved == "file gone":  # unpacked by the artist, then moved; Blender still has it
        image.filepath_raw = str(tmp_path / "gone.png")
        image.save()
        image.unpack(method="REMOVE") if image.packed_file else None
        (tmp_path / "gone.png").unlink()
    shown = pixels_of(image)
    found = exported(head, tmp_path, kind)
    assert np.abs(pixels_of(image_of(found))[..., :3] - shown[..., :3]).max() < 1e-6


@ALL
@pytest.mark.parametrize(("texture", "begin"), [("JPEG", b"\xff\xd8\xff"), ("WEBP", b"RIFF"), ("PNG", b"\x89PNG")])
def test_textures_are_written_as_asked(head, tmp_path, kind, texture, begin):
    path = tmp_path / f"head{kind.suffixes[0]}"
    shown = pixels_of(base_colour_image(head))
    export_head(bpy.context, head, path, kind, TextureChoice(texture, 90))
    data = path.read_bytes() if kind.holds_textures else next(tmp_path.glob("head_basecolor.*")).read_bytes()
    assert begin in data
    assert data.startswith(begin) or kind.holds_textures
    found = image_of(reimported(path))
    assert found.file_format == texture
    assert np.abs(pixels_of(found)[..., :3] - shown[..., :3]).mean() < (1e-6 if texture == "PNG" else 0.02)


@pytest.mark.parametrize("texture", ["JPEG", "WEBP"])
def test_quality_makes_the_file_smaller(head, tmp_path, texture):
    image = base_colour_image(head)
    image.scale(512, 512)
    noise = np.random.default_rng(0).uniform(0, 1, (512 * 512, 4)).astype(np.float32)
    noise[:, 3] = 1
    image.pixels.foreach_set(noise.ravel())
    sizes = {}
    for quality in (95, 40):
        export_head(bpy.context, head, tmp_path / f"{quality}.glb", GLTF, TextureChoice(texture, quality))
        sizes[quality] = (tmp_path / f"{quality}.glb").stat().st_size
    export_head(bpy.context, head, tmp_path / "png.glb", GLTF)
    assert sizes[40] < 0.8 * sizes[95] < 0.8 * (tmp_path / "png.glb").stat().st_size


@both_packs
def test_transparent_parts_stay_transparent(head, tmp_path):
    image = bpy.data.images.new("Lace", 16, 16, alpha=True)
    pixels = np.ones((16, 16, 4), np.float32)
    pixels[:8, :, 3] = 0
    image.pixels.foreach_set(pixels.ravel())
    node = next(
        node for node in head.active_material.node_tree.nodes if node.type == "TEX_IMAGE" and node.outputs[0].links
    )
    node.image = image
    shader = head.active_material.node_tree.nodes["Principled BSDF"]
    head.active_material.node_tree.links.new(node.outputs["Alpha"], shader.inputs["Alpha"])
    report = check_head(bpy.context, head, GLTF, TextureChoice("JPEG"))
    assert any("transparent" in text for text in report.warnings)
    found = image_of(exported(head, tmp_path, GLTF, TextureChoice("JPEG")))
    assert np.ptp(pixels_of(found)[..., 3]) == 1


def add_rig(head: bpy.types.Object, metre: float = 1.0) -> bpy.types.Object:
    """Neck and jaw, with weights; the jaw open."""
    data = bpy.data.armatures.new("Bones")
    rig = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    for name, start, end in (("neck", (0, 0.05, -0.15), (0, 0.05, 0)), ("jaw", (0, 0, -0.05), (0, -0.08, -0.09))):
        bone = data.edit_bones.new(name)
        bone.head, bone.tail = np.multiply(metre, start), np.multiply(metre, end)
        bone.parent = data.edit_bones.get("neck") if name == "jaw" else None
    bpy.ops.object.mode_set(mode="OBJECT")
    points = coordinates(head.data) / metre
    is_jaw = (points[:, 2] < -0.06) & (points[:, 1] < 0)
    head.vertex_groups.new(name="neck").add(np.flatnonzero(~is_jaw).tolist(), 1.0, "REPLACE")
    head.vertex_groups.new(name="jaw").add(np.flatnonzero(is_jaw).tolist(), 1.0, "REPLACE")
    head.parent = rig
    head.modifiers.new("Armature", "ARMATURE").object = rig
    rig.pose.bones["jaw"].rotation_mode = "XYZ"
    rig.pose.bones["jaw"].rotation_euler.x = 0.3
    rig.pose.bones["neck"].location.y = 0.01 * metre
    bpy.context.view_layer.objects.active = head
    bpy.context.view_layer.update()
    return rig


def skinned(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(V, 3) in rest and (V, 3) posed, of the first mesh of a GLB: glTF 2.0, 3.7.3.3."""
    data = path.read_bytes()
    length = int.from_bytes(data[12:16], "little")
    document, buffer = json.loads(data[20 : 20 + length]), data[28 + length :]
    types = {5121: np.uint8, 5123: np.uint16, 5126: np.float32}

    def values(index: int) -> np.ndarray:
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        start, kind = view.get("byteOffset", 0) + accessor.get("byteOffset", 0), types[accessor["componentType"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}[accessor["type"]]
        return np.frombuffer(buffer, kind, accessor["count"] * width, start).reshape(-1, width)

    nodes = document["nodes"]
    parent = {child: index for index, node in enumerate(nodes) for child in node.get("children", ())}

    def world(index: int) -> np.ndarray:
        x, y, z, w = nodes[index].get("rotation", (0, 0, 0, 1))
        own = Matrix.LocRotScale(nodes[index].get("translation"), Quaternion((w, x, y, z)), nodes[index].get("scale"))
        return world(parent[index]) @ np.array(own) if index in parent else np.array(own)

    node = next(node for node in nodes if "skin" in node)
    skin = document["skins"][node["skin"]]
    attributes = document["meshes"][node["mesh"]]["primitives"][0]["attributes"]
    inverse_binds = values(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = np.stack([world(joint) for joint in skin["joints"]]) @ inverse_binds
    points = np.column_stack([values(attributes["POSITION"]), np.ones(len(values(attributes["POSITION"])))])
    chosen, weights = values(attributes["JOINTS_0"]), values(attributes["WEIGHTS_0"])
    posed = np.einsum("vk,vkij,vj->vi", weights, joints[chosen], points)
    return tuple(np.column_stack([p[:, 0], -p[:, 2], p[:, 1]]) for p in (points, posed))  # Z up, as in Blender


@RIGGED
@pytest.mark.parametrize("state", ["plain", "turned and moved", "scaled", "other unit"])
def test_rig_and_weights_are_exported(make_capture, tmp_path, kind, state):
    unit = 0.01 if state == "other unit" else 1.0
    bpy.context.scene.unit_settings.scale_length = unit
    head = build(make_capture(SHOTS["landscape"], name="game"), bpy.context)
    rest = coordinates(head.data) * unit
    rig = add_rig(head, 1 / unit)
    shown = world_points(head) * unit
    if state == "turned and moved":
        rig.location, rig.rotation_euler = (0.4, 1, 2), (0.2, 0.1, 0.9)
    factor = 0.85 if state == "scaled" else 1.0
    rig.scale = (factor, factor, factor)
    bpy.context.view_layer.update()

    path = tmp_path / f"head{kind.suffixes[0]}"
    report = export_head(bpy.context, head, path, kind)
    assert "Rig: 2 bones" in report.written
    items = imported(path)
    (found,) = (item for item in items if item.type == "MESH")
    (skeleton,) = (item for item in items if item.type == "ARMATURE")
    assert {bone.name for bone in skeleton.data.bones} == {"neck", "jaw"}
    for name, weight in (("neck", 1000), ("jaw", 100)):
        group = found.vertex_groups[name].index
        assert (
            sum(member.group == group and member.weight > 0.9 for v in found.data.vertices for member in v.groups)
            > weight
        )
    if kind is GLTF:  # Blender's importer guesses another rest pose than the file has
        in_rest, posed = skinned(path)
    else:
        posed = world_points(found)
        for bone in skeleton.pose.bones:
            bone.matrix_basis.identity()
        bpy.context.view_layer.update()
        in_rest = world_points(found)
    assert any("holds no pose" in text for text in report.warnings) != kind.holds_pose
    assert_same_shape(posed, factor * (shown if kind.holds_pose else rest), 1e-4)
    assert_same_shape(in_rest, factor * rest, 1e-4)


@both_packs
def test_a_format_without_rigs_has_the_pose(head, tmp_path):
    add_rig(head)
    shown = world_points(head)
    report = check_head(bpy.context, head, OBJ)
    assert any("no rig" in text for text in report.warnings)
    assert_same_shape(world_points(exported(head, tmp_path, OBJ)), shown)


@both_packs
def test_constraints_and_drivers_pose_the_exported_rig(head, tmp_path):
    rig = add_rig(head)
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.rotation_euler.z = 0.5
    constraint = rig.pose.bones["neck"].constraints.new("COPY_ROTATION")
    constraint.target, constraint.mix_mode = target, "AFTER"
    rig.location.x = 1
    bpy.context.view_layer.update()
    shown = world_points(head) - np.array((1, 0, 0))
    for kind in (GLTF, FBX):
        export_head(bpy.context, head, tmp_path / f"head{kind.suffixes[0]}", kind)
    assert_same_shape(skinned(tmp_path / "head.glb")[1], shown, 1e-4)
    assert_same_shape(world_points(reimported(tmp_path / "head.fbx")), shown, 1e-4)


def add_smile(head: bpy.types.Object) -> np.ndarray:
    """A shape key at a half; the offsets (V, 3) of the full one."""
    head.shape_key_add(name="Basis")
    key = head.shape_key_add(name="Smile")
    offsets = np.zeros((len(head.data.vertices), 3), np.float32)
    offsets[coordinates(head.data)[:, 2] < -0.05] = (0, -0.01, 0.02)
    key.data.foreach_set("co", (coordinates(head.data) + offsets).ravel())
    key.value = 0.5
    return offsets


@RIGGED
@pytest.mark.parametrize("modifier", ["none", "SUBSURF"])
def test_shape_keys_and_modifiers_are_both_exported(head, tmp_path, kind, modifier):
    add_smile(head)
    if modifier != "none":
        head.modifiers.new("Subdivision", modifier).levels = 1
        head.modifiers["Subdivision"].render_levels = 2  # what is shown counts
    shapes = {}
    for value in (0.0, 0.5, 1.0):
        head.data.shape_keys.key_blocks["Smile"].value = value
        bpy.context.view_layer.update()
        shapes[value] = world_points(head)
    head.data.shape_keys.key_blocks["Smile"].value = 0.5
    report = check_head(bpy.context, head, kind)
    assert ["values" in text for text in warnings(report)] == [True] * (kind is USD)
    assert any("1 shape key" in line for line in report.written)
    assert any("Subdivision" in finding.text for finding in report.findings) == (modifier != "none")
    found = exported(head, tmp_path, kind)
    (smile,) = (block for block in found.data.shape_keys.key_blocks[1:])
    assert smile.name.startswith("Smile")
    assert kind is USD or smile.value == pytest.approx(0.5)  # USD has values only as animation
    for value, shape in shapes.items():
        smile.value = value
        bpy.context.view_layer.update()
        assert_same_shape(world_points(found), shape, 5e-5)


@ALL
def test_modifiers_are_the_same_in_every_format(head, tmp_path, kind):
    modifier = head.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels, modifier.render_levels = 1, 2
    switched_off = head.modifiers.new("Off", "SOLIDIFY")
    switched_off.show_viewport = False
    bpy.context.view_layer.update()
    shown = world_points(head)
    assert_same_shape(world_points(exported(head, tmp_path, kind)), shown)


@OWN_RIGGED
def test_shape_keys_that_a_modifier_makes_impossible_are_told(head, tmp_path, kind):
    add_smile(head)
    head.modifiers.new("Decimate", "DECIMATE").ratio = 0.5
    bpy.context.view_layer.update()
    shown = world_points(head)
    report = check_head(bpy.context, head, kind)
    assert any("Decimate" in text and "Shape keys" in text for text in report.warnings)
    found = exported(head, tmp_path, kind)
    assert found.data.shape_keys is None
    assert_same_shape(world_points(found), shown, 5e-5)


@RIGGED
def test_rig_shape_keys_and_modifiers_together(head, tmp_path, kind):
    add_smile(head)
    add_rig(head)
    head.modifiers.new("Subdivision", "SUBSURF").levels = 1
    report = check_head(bpy.context, head, kind)
    assert len(report.warnings) == (not kind.holds_pose) + (not kind.holds_values)
    found = exported(head, tmp_path, kind)
    assert len(found.data.shape_keys.key_blocks) == 2
    assert {"neck", "jaw"} <= {group.name for group in found.vertex_groups}
    bpy.context.view_layer.update()


def test_an_exporter_that_is_switched_off_is_told(head, tmp_path):
    import addon_utils

    path = tmp_path / "out" / "head.fbx"
    path.parent.mkdir()
    path.write_text("from before")
    addon_utils.disable("io_scene_fbx")
    try:
        (problem,) = check_head(bpy.context, head, FBX).errors
        assert "enable the add-on 'FBX format'" in problem
        with pytest.raises(CaptureError, match="FBX is switched off"):
            export_head(bpy.context, head, path, FBX)
    finally:
        addon_utils.enable("io_scene_fbx")
    assert [file.read_text() for file in path.parent.iterdir()] == ["from before"]
    assert not check_head(bpy.context, head, FBX).errors


def test_a_blender_built_without_a_format_is_told(head, tmp_path):
    """Debian's has no USD."""
    kind = replace(USD, operator="wm.no_such_export")
    with pytest.raises(CaptureError, match="built without USD: choose another format"):
        export_head(bpy.context, head, tmp_path / "out" / "head.usdc", kind)
    assert not list(tmp_path.glob("out/*"))


@both_packs
def test_a_format_without_shape_keys_has_the_shape(head, tmp_path):
    add_smile(head)
    bpy.context.view_layer.update()
    shown = world_points(head)
    assert any("no shape keys" in text for text in check_head(bpy.context, head, OBJ).warnings)
    assert_same_shape(world_points(exported(head, tmp_path, OBJ)), shown)


@ALL
def test_what_is_being_edited_is_exported(head, tmp_path, kind):
    import bmesh

    bpy.context.view_layer.objects.active = head
    bpy.ops.object.mode_set(mode="EDIT")
    mesh = bmesh.from_edit_mesh(head.data)
    bmesh.ops.translate(mesh, verts=mesh.verts, vec=(0, 0, 0.05))
    bmesh.ops.delete(mesh, geom=[face for face in mesh.faces if face.calc_center_median().y > 0.05], context="FACES")
    bmesh.update_edit_mesh(head.data)
    expected = np.array([vertex.co for vertex in mesh.verts])
    path = tmp_path / f"head{kind.suffixes[0]}"
    export_head(bpy.context, head, path, kind)
    assert head.mode == "EDIT" and bpy.context.mode == "EDIT_MESH"
    assert bpy.context.view_layer.objects.active == head
    assert_same_shape(world_points(reimported(path)), expected)


@both_packs
@pytest.mark.parametrize("mode", ["SCULPT", "VERTEX_PAINT", "WEIGHT_PAINT", "TEXTURE_PAINT"])
def test_export_in_other_modes(head, tmp_path, mode):
    expected = coordinates(head.data)
    bpy.context.view_layer.objects.active = head
    bpy.ops.object.mode_set(mode=mode)
    export_head(bpy.context, head, tmp_path / "head.glb")
    assert head.mode == mode
    assert_same_shape(world_points(reimported(tmp_path / "head.glb")), expected)


@ALL
def test_a_linked_head_is_exported(head, tmp_path, kind):
    expected = coordinates(head.data)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.collections = ["landscape"]
    bpy.context.scene.collection.children.link(wanted.collections[0])
    linked = wanted.collections[0].objects["landscape"]
    before = everything()
    path = tmp_path / f"head{kind.suffixes[0]}"
    export_head(bpy.context, linked, path, kind)
    assert everything() == before
    assert_same_shape(world_points(reimported(path)), expected)


@ALL
def test_a_part_of_the_capture_goes_along_and_other_meshes_are_named(head, tmp_path, kind):
    from prn_blender.scene.record import mark_as_part

    def child(name: str) -> bpy.types.Object:
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.012, segments=8, ring_count=6, location=(0.03, -0.01, 0))
        made = bpy.context.object
        made.name = made.data.name = name
        made.parent = head
        return made

    mark_as_part(child("Eye"), head)
    child("Glasses")
    report = check_head(bpy.context, head, kind)
    assert any("Glasses" in finding.text for finding in report.findings)
    path = tmp_path / f"head{kind.suffixes[0]}"
    export_head(bpy.context, head, path, kind)
    # Blender 5.2 numbers what it reads from USD, where the head and its parent have one name.
    names = {item.name.removesuffix(".001") for item in imported(path) if item.type == "MESH"}
    assert names == {"landscape", "Eye"}


@OWN
def test_a_whole_head_is_exported_with_its_parts(make_capture, tmp_path, kind):
    captured = make_capture(SHOTS["landscape"], name="game")
    captured = replace(captured, settings=replace(captured.settings, parts=WHOLE))
    bpy.context.scene.unit_settings.scale_length = 0.01
    head = build(captured, bpy.context, alignment=PHOTOGRAPHED)
    set_alignment(head, "FRONTAL")
    bpy.context.view_layer.update()
    expected = {part.name: world_points(part) / 100 for part in parts_of(head)}
    pivots = {part.name: np.array(part.matrix_world.translation) / 100 for part in parts_of(head)}
    set_alignment(head, PHOTOGRAPHED)
    bpy.data.collections["landscape"].hide_viewport = True
    assert len(expected) > 5
    path = tmp_path / f"head{kind.suffixes[0]}"
    report = export_head(bpy.context, head, path, kind)
    assert not report.warnings
    found = {item.data.name if kind is USD else item.name: item for item in imported(path) if item.type == "MESH"}
    assert len(found) == len(expected)
    for name, points in expected.items():
        item = found.get(name) or found[name.replace(" ", "_")]
        assert_same_shape(world_points(item), points)
        if kind is not OBJ:  # has no origins
            np.testing.assert_allclose(item.matrix_world.translation, pivots[name], atol=1e-5)


@OWN
def test_a_whole_head_is_exported_as_one_mesh(make_capture, tmp_path, kind):
    captured = make_capture(SHOTS["landscape"], name="game")
    head = build(replace(captured, settings=replace(captured.settings, parts=WHOLE)), bpy.context)
    expected = np.concatenate([world_points(part) for part in parts_of(head)])
    materials = {slot.material.name for part in parts_of(head) for slot in part.material_slots}
    before = set(bpy.data.objects), set(bpy.data.meshes), set(bpy.data.materials)
    path = tmp_path / f"head{kind.suffixes[0]}"
    report = export_head(bpy.context, head, path, kind, joined=True)
    assert not report.warnings
    assert (set(bpy.data.objects), set(bpy.data.meshes), set(bpy.data.materials)) == before
    [item] = [item for item in imported(path) if item.type == "MESH"]
    assert_same_shape(world_points(item), expected)
    assert len(item.material_slots) == len(materials)


def test_a_head_with_a_rig_is_not_exported_as_one_mesh(make_capture, tmp_path):
    captured = make_capture(SHOTS["landscape"], name="game")
    head = build(replace(captured, settings=replace(captured.settings, parts=WHOLE)), bpy.context)
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    head.modifiers.new("Rig", "ARMATURE").object = rig
    report = check_head(bpy.context, head, GLTF, joined=True)
    assert "has a rig" in " ".join(report.warnings)


# The check


def texts(report: Report, level: str) -> str:
    return " | ".join(report.of(level))


def test_a_head_as_captured_is_without_fault(capture):
    head = build(capture, bpy.context)
    report = check_head(bpy.context, head)
    assert report.findings == ()
    assert report.written[0] == f"landscape: {len(head.data.polygons):,} faces, {len(head.data.vertices):,} vertices"
    assert "Base Color: 64 x 64, PNG" in report.written[1]
    assert report.written[-1] == f"{100 * head.dimensions.z:.2f} cm high"


def remove_faces(head):
    head.data.clear_geometry()


def remove_uv(head):
    head.data.uv_layers.remove(head.data.uv_layers.active)


def break_vertices(head):
    head.data.vertices[3].co.x = math.nan


def lose_texture(head):
    image = bpy.data.images.new("lost", 4, 4)
    image.source, image.filepath = "FILE", "/nowhere/lost.png"
    image.reload()
    base = head.active_material.node_tree.nodes["Principled BSDF"].inputs["Base Color"]
    base.links[0].from_node.image = image


@ALL
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (remove_faces, "has no faces"),
        (remove_uv, "no UV map"),
        (break_vertices, "without a place"),
        (lose_texture, "lost cannot be read"),
    ],
)
def test_errors_stop_the_export(head, tmp_path, kind, harm, message):
    harm(head)
    before = everything()
    assert message in texts(check_head(bpy.context, head, kind), "ERROR")
    path = tmp_path / f"head{kind.suffixes[0]}"
    path.write_bytes(b"older")
    with pytest.raises(CaptureError, match=message):
        export_head(bpy.context, head, path, kind)
    assert path.read_bytes() == b"older"
    assert everything() == before


def remove_material(head):
    head.data.materials.clear()


def put_node_between(head):
    tree = head.active_material.node_tree
    base = tree.nodes["Principled BSDF"].inputs["Base Color"]
    node, source = tree.nodes.new("ShaderNodeGamma"), base.links[0].from_socket
    tree.links.new(source, node.inputs["Color"])
    tree.links.new(node.outputs["Color"], base)


def flatten_face(head):
    corners = list(head.data.polygons[0].vertices)
    for vertex in corners:
        head.data.vertices[vertex].co = head.data.vertices[corners[0]].co


def rig_without_weights(head):
    add_rig(head)
    for name in ("neck", "jaw"):
        head.vertex_groups.remove(head.vertex_groups[name])


def rig_with_loose_vertices(head):
    add_rig(head)
    head.vertex_groups["jaw"].remove(range(len(head.data.vertices)))


def make_huge(head):
    head.scale = (10, 10, 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_material, "no material"),
        (put_node_between, "goes through Gamma"),
        (flatten_face, "without area"),
        (rig_without_weights, "no weights"),
        (rig_with_loose_vertices, "hang on no bone"),
        (make_huge, "look at its scale"),
    ],
)
def test_warnings_do_not_stop_the_export(head, tmp_path, change, message):
    assert message not in texts(check_head(bpy.context, head), "WARNING")
    change(head)
    assert message in texts(check_head(bpy.context, head), "WARNING")
    assert message in texts(export_head(bpy.context, head, tmp_path / "head.glb"), "WARNING")
    assert (tmp_path / "head.glb").is_file()
