"""The camera contract: seen through the created camera, the head lies on the photo."""

import bpy
import cv2
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.camera import capture_camera
from prn_blender.scene.edit.align import FRONTAL, PHOTOGRAPHED, set_alignment

from .conftest import SHOTS, both_packs, coordinates

pytestmark = both_packs


def on_render(scene: bpy.types.Scene, camera: bpy.types.Object, points: np.ndarray) -> np.ndarray:
    """(N, 2) pixels from the top-left corner, of points (N, 3) in world space, as Blender projects them."""
    to_camera = camera.matrix_world.normalized().inverted()  # as it is, before anything is updated
    size = scene.render.resolution_x, scene.render.resolution_y
    projection = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=size[0], y=size[1])
    x, y, _, w = (
        np.array(projection, float) @ np.array(to_camera, float) @ np.column_stack([points, np.ones(len(points))]).T
    )
    return np.stack([(1 + x / w) * size[0] / 2, (1 - y / w) * size[1] / 2], axis=1)


def world_vertices(head: bpy.types.Object) -> np.ndarray:
    """(V, 3)"""
    matrix = np.array(head.matrix_world)
    return coordinates(head.data) @ matrix[:3, :3].T + matrix[:3, 3]


def assert_on_photo(found: np.ndarray, expected: np.ndarray):
    error = np.linalg.norm(found - expected, axis=1)
    assert np.median(error) < 0.1
    assert error.max() < 0.5


@pytest.mark.parametrize("name", SHOTS)
def test_points_are_projected_as_by_blenders_own_script(make_capture, name):
    head = build(make_capture(SHOTS[name]), bpy.context)
    scene, points = bpy.context.scene, world_vertices(head)[::200]
    view = np.array([world_to_camera_view(scene, scene.camera, Vector(point)) for point in points])
    expected = np.stack([view[:, 0], 1 - view[:, 1]], axis=1) * (scene.render.resolution_x, scene.render.resolution_y)
    assert np.abs(on_render(scene, scene.camera, points) - expected).max() < 0.01


@pytest.mark.parametrize("alignment", [FRONTAL, PHOTOGRAPHED])
@pytest.mark.parametrize("name", SHOTS)
def test_vertices_project_onto_their_photo_pixels(make_capture, topology, name, alignment):
    head = build(make_capture(SHOTS[name]), bpy.context, alignment=alignment)
    found = on_render(bpy.context.scene, bpy.context.scene.camera, world_vertices(head))
    assert_on_photo(found, SHOTS[name].pixels(topology.canonical))


def test_landmark_empties_project_onto_their_photo_pixels(make_capture, topology):
    shot = SHOTS["portrait"]
    build(make_capture(shot), bpy.context, alignment=PHOTOGRAPHED)
    root = bpy.data.objects["portrait Landmarks"]
    points = np.array([empty.matrix_world.translation for empty in sorted(root.children, key=lambda e: e.name[-2:])])
    found = on_render(bpy.context.scene, bpy.context.scene.camera, points)
    assert_on_photo(found, shot.pixels(topology.landmark_canonical))


@pytest.mark.parametrize("name", ["portrait", "orthographic"])
def test_a_render_shows_a_vertex_where_the_photo_does(make_capture, topology, name):
    """The renderer itself, not only Blender's formula: a small light sphere at the nose tip."""
    shot = SHOTS[name]
    head = build(make_capture(shot), bpy.context)
    head.hide_render = True
    tip = topology.landmark_canonical[30]
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.004, location=tip)
    glow = bpy.data.materials.new("glow")
    if glow.node_tree is None:  # before Blender 5
        glow.use_nodes = True
    glow.node_tree.nodes.clear()
    emission = glow.node_tree.nodes.new("ShaderNodeEmission")
    output = glow.node_tree.nodes.new("ShaderNodeOutputMaterial")
    glow.node_tree.links.new(emission.outputs[0], output.inputs[0])
    bpy.context.object.data.materials.append(glow)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False
    scene.render.filepath = bpy.app.tempdir + "nose.png"
    bpy.ops.render.render(write_still=True)
    picture = cv2.imread(scene.render.filepath, cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (shot.height, shot.width)
    rows, columns = np.nonzero(picture > 127)
    centre = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
    assert np.linalg.norm(centre - shot.pixels(tip[None])[0]) < 0.5


def test_photo_is_the_packed_background(make_capture):
    capture = make_capture(SHOTS["portrait"])
    head = build(capture, bpy.context)
    camera = capture_camera(head)
    assert camera is bpy.context.scene.camera and camera.data.show_background_images
    image = camera.data.background_images[0].image
    assert bytes(image.packed_file.data) == capture.views[0].photo.path.read_bytes()
    assert tuple(image.size) == (capture.views[0].photo.width, capture.views[0].photo.height)


def test_photo_that_blender_reads_otherwise_is_packed_upright(make_capture):
    capture = make_capture(SHOTS["portrait"], as_stored=False)
    build(capture, bpy.context)
    image = bpy.context.scene.camera.data.background_images[0].image
    height, width = capture.views[0].photo.pixels.shape[:2]
    assert tuple(image.size) == (width, height)
    shown = np.array(image.pixels[:]).reshape(height, width, 4)[::-1, :, :3] * 255
    assert np.abs(shown - capture.views[0].photo.pixels).mean() < 4


def test_near_and_far_heads_lie_within_the_clip_range(make_capture, topology):
    for shot in SHOTS.values():
        head = build(make_capture(shot), bpy.context)
        camera = capture_camera(head)
        depth = -(topology.canonical @ shot.rotation.T + shot.position)[:, 2]
        assert camera.data.clip_start < depth.min() and depth.max() < camera.data.clip_end


def test_switching_and_moving_keeps_the_head_on_the_photo(make_capture, topology):
    shot = SHOTS["landscape"]
    head = build(make_capture(shot), bpy.context)
    head.location = (0.4, -1.0, 0.2)
    head.rotation_euler = (0.3, 0.2, 0.1)
    for alignment in (PHOTOGRAPHED, FRONTAL):
        set_alignment(head, alignment)
        bpy.context.view_layer.update()
        assert np.allclose(head.matrix_world.translation, (0.4, -1.0, 0.2))
        found = on_render(bpy.context.scene, bpy.context.scene.camera, world_vertices(head))
        assert_on_photo(found, shot.pixels(topology.canonical))


@pytest.mark.parametrize("children", ["head", "camera", "head and camera"])
def test_switching_within_parents_keeps_the_head_on_the_photo(make_capture, topology, children):
    shot = SHOTS["landscape"]
    head = build(make_capture(shot), bpy.context)
    camera = capture_camera(head)
    if "head" in children:
        head.parent = body = bpy.data.objects.new("Body", None)
        bpy.context.scene.collection.objects.link(body)
        body.location, body.rotation_euler = (1.0, 2.0, 0.5), (0.1, 0.2, 1.5)
    if "camera" in children:
        camera.parent = head
        camera.matrix_parent_inverse = head.matrix_world.inverted()
    for alignment in (PHOTOGRAPHED, FRONTAL):
        set_alignment(head, alignment)
        bpy.context.view_layer.update()
        found = on_render(bpy.context.scene, camera, world_vertices(head))
        assert_on_photo(found, shot.pixels(topology.canonical))
