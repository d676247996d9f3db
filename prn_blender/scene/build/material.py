"""The head's material."""

import bpy

from ...capture.types import BASE_COLOR
from .images import TEXTURES, PackedImages


def create_material(name: str, images: PackedImages) -> bpy.types.Material:
    """Matte skin with the textures where they belong; those that the shader has no use for lie beside it."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    # The photo's own highlights are in the texture: a second gloss on top looks like wax.
    shader.inputs["Specular IOR Level"].default_value = 0.0
    shader.inputs["Roughness"].default_value = 1.0

    for row, (texture, image) in enumerate(images.textures.items()):
        use = TEXTURES[texture]
        node = nodes.new("ShaderNodeTexImage")
        node.label = use.shader_input or use.label
        node.location = (-340, 300 * (1 - row))
        node.image = image
        if use.shader_input:
            links.new(node.outputs["Color"], shader.inputs[use.shader_input])
        if texture == BASE_COLOR:
            nodes.active = node  # what the viewport's texture shading shows
    return material


def base_colour_image(head: bpy.types.Object) -> bpy.types.Image | None:
    """The image that feeds the base colour of the head's first material."""
    node = _base_colour_node(head)
    return None if node is None else node.image


def set_base_colour_image(head: bpy.types.Object, image: bpy.types.Image) -> None:
    """Puts another image in its place; the head has one."""
    _base_colour_node(head).image = image


def _base_colour_node(head: bpy.types.Object) -> bpy.types.Node | None:
    material = head.active_material
    if material is None or material.node_tree is None:
        return None
    for node in material.node_tree.nodes:
        if node.type == "BSDF_PRINCIPLED" and node.inputs["Base Color"].is_linked:
            source = node.inputs["Base Color"].links[0].from_node
            return source if source.type == "TEX_IMAGE" else None
    return None
