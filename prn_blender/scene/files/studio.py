"""A temporary scene in which a head is rendered by Cycles on the CPU, which needs neither window nor GL."""

import math
import tempfile
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler

from ..build.material import base_colour, base_colour_image, new_material
from ..build.parts import is_clear, parts_of_head
from ..edit.frame import frame_in_mesh

SAMPLES = 8  # enough for smooth edges: with one lamp and no bounces there is hardly any noise

# The one lamp, from above and the picture's left; what it leaves dark gets `_SKY` from above and `_GROUND` from below.
_LAMP_ANGLES = (52, 0, -48)  # degrees
_LAMP_SOFTNESS = 6  # degrees
_LAMP_STRENGTH = 4.0
_SKY, _GROUND = 0.20, 0.06
_CLAY = (0.46, 0.455, 0.45, 1)


def create_studio(head: bpy.types.Object, width: int, height: int) -> bpy.types.Scene:
    """A scene with the aligned head and its parts, a camera and soft light, transparent where the head is not.

    All are in their own colours, without light. Its datablocks are the caller's to remove.
    """
    scene = bpy.data.scenes.new("PRN Preview")
    aligned = frame_in_mesh(head).inverted() @ head.matrix_world.inverted()
    for shape in (head, *(part for part in parts_of_head(head) if not is_clear(part))):
        model = shape.copy()
        model.parent = None
        model.matrix_world = aligned @ shape.matrix_world
        model.hide_render = False
        scene.collection.objects.link(model)
        for slot in model.material_slots[:1]:
            slot.link = "OBJECT"
            slot.material = unlit(shape)
    scene.camera = bpy.data.objects.new("PRN Preview", bpy.data.cameras.new("PRN Preview"))
    scene.collection.objects.link(scene.camera)
    light = bpy.data.lights.new("PRN Preview", "SUN")
    light.energy, light.angle = _LAMP_STRENGTH, math.radians(_LAMP_SOFTNESS)
    lamp = bpy.data.objects.new("PRN Preview", light)
    lamp.rotation_euler = Euler([math.radians(angle) for angle in _LAMP_ANGLES])
    scene.collection.objects.link(lamp)

    render = scene.render
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = width, height
    render.film_transparent = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGBA"
    render.image_settings.compression = 0
    scene.view_settings.view_transform = "Standard"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples = SAMPLES
    cycles.max_bounces = 0
    cycles.use_light_tree = False
    cycles.use_denoising = False
    return scene


def clay() -> bpy.types.Material:
    """Plain grey, lit: shows the shape alone."""
    material = _cleared_material("PRN Preview Clay")
    nodes, links = material.node_tree.nodes, material.node_tree.links
    diffuse = nodes.new("ShaderNodeBsdfDiffuse")
    diffuse.inputs["Color"].default_value = _CLAY
    # Light from sky and ground without noise: it glows by how much the surface faces upwards.
    upwards = nodes.new("ShaderNodeSeparateXYZ")
    links.new(nodes.new("ShaderNodeNewGeometry").outputs["Normal"], upwards.inputs["Vector"])
    ambient = nodes.new("ShaderNodeMapRange")
    ambient.inputs["From Min"].default_value = -1.0
    ambient.inputs["To Min"].default_value, ambient.inputs["To Max"].default_value = _GROUND, _SKY
    links.new(upwards.outputs["Z"], ambient.inputs["Value"])
    glow = nodes.new("ShaderNodeEmission")
    links.new(ambient.outputs["Result"], glow.inputs["Strength"])
    both = nodes.new("ShaderNodeAddShader")
    links.new(diffuse.outputs["BSDF"], both.inputs[0])
    links.new(glow.outputs["Emission"], both.inputs[1])
    _finish(material, both.outputs["Shader"])
    return material


def unlit(shape: bpy.types.Object) -> bpy.types.Material:
    """An object's colour without light: a texture already contains the photo's."""
    material = _cleared_material("PRN Preview Unlit")
    nodes = material.node_tree.nodes
    shader = nodes.new("ShaderNodeEmission")
    image = base_colour_image(shape)
    if image is None:
        shader.inputs["Color"].default_value = base_colour(shape)
    else:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Color"])
    _finish(material, shader.outputs["Emission"])
    return material


def shoot(scene: bpy.types.Scene, material: bpy.types.Material | None = None) -> np.ndarray:
    """(H, W, 4) float32 0..1 sRGB with straight alpha: what the studio's camera sees.

    Args:
        material: of all that is seen; without one each has its own colours.
    """
    import cv2

    scene.view_layers[0].material_override = material
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shot.png"
        scene.render.filepath = str(file)
        bpy.ops.render.render(scene=scene.name, write_still=True)
        pixels = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA).astype(np.float32) / 255


def _cleared_material(name: str) -> bpy.types.Material:
    material = new_material(name)
    material.node_tree.nodes.clear()
    return material


def _finish(material: bpy.types.Material, socket: bpy.types.NodeSocket) -> None:
    material.cycles.emission_sampling = "NONE"  # it glows for the camera only, and need not be sampled as a lamp
    output = material.node_tree.nodes.new("ShaderNodeOutputMaterial")
    material.node_tree.links.new(socket, output.inputs["Surface"])
