"""The head's material."""

import bpy

from ...capture.types import BASE_COLOR
from .images import TEXTURES, PackedImages

# Skin, with less gloss than it has: the photo's own highlights are in the texture, and a second gloss of full strength
# looks like wax. Programs that know neither the specular level nor light below the surface show the same at the
# default specular level.
_ROUGHNESS = 0.55
_SPECULAR = 0.35  # 0.5 is a surface with an index of refraction of 1.5, skin's of 1.4 is 0.35
_SUBSURFACE = 0.15  # the share of the light that goes through the skin: the photo's blur is in the texture too
_SUBSURFACE_REACH = 0.004  # metres, of red light; green and blue reach less far
_SUBSURFACE_COLOURS = (1.0, 0.35, 0.2)


def create_material(name: str, images: PackedImages, metre: float = 1.0) -> bpy.types.Material:
    """Skin with the textures where they belong; those that the shader has no use for lie beside it.

    Args:
        metre: Blender units a metre.
    """
    material = new_material(name)
    nodes, links, shader = material.node_tree.nodes, material.node_tree.links, principled(material)
    shader.inputs["Roughness"].default_value = _ROUGHNESS
    shader.inputs["Specular IOR Level"].default_value = _SPECULAR
    shader.inputs["Subsurface Weight"].default_value = _SUBSURFACE
    shader.inputs["Subsurface Radius"].default_value = _SUBSURFACE_COLOURS
    shader.inputs["Subsurface Scale"].default_value = _SUBSURFACE_REACH * metre

    for row, (texture, image) in enumerate(images.textures.items()):
        use = TEXTURES[texture]
        node = nodes.new("ShaderNodeTexImage")
        node.label = use.node_label
        node.location = (-340, 300 * (1 - row))
        node.image = image
        if use.shader_input:
            links.new(node.outputs["Color"], shader.inputs[use.shader_input])
        if texture == BASE_COLOR:
            nodes.active = node  # what the viewport's texture shading shows
    return material


def new_material(name: str) -> bpy.types.Material:
    """With the nodes that Blender gives it."""
    material = bpy.data.materials.new(name)
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    return material


def principled(material: bpy.types.Material | None) -> bpy.types.ShaderNode | None:
    """The first Principled BSDF of a material; None where there is none."""
    return next(iter(_nodes(material, "BSDF_PRINCIPLED")), None)


def texture_nodes(material: bpy.types.Material | None) -> dict[str, bpy.types.ShaderNodeTexImage]:
    """A captured material's image textures by their labels."""
    return {node.label: node for node in _nodes(material, "TEX_IMAGE") if node.label}


def base_colour_image(head: bpy.types.Object) -> bpy.types.Image | None:
    """The image that feeds the base colour of the head's first material."""
    node = _base_colour_node(head)
    return None if node is None else node.image


def base_colour(shape: bpy.types.Object) -> tuple[float, float, float, float]:
    """The plain base colour of an object's first material, linear; white where there is none."""
    shader = principled(shape.active_material)
    return (1.0, 1.0, 1.0, 1.0) if shader is None else tuple(shader.inputs["Base Color"].default_value)


def set_base_colour_image(head: bpy.types.Object, image: bpy.types.Image) -> None:
    """Puts another image in its place; the head has one."""
    _base_colour_node(head).image = image


def _base_colour_node(head: bpy.types.Object) -> bpy.types.Node | None:
    for node in _nodes(head.active_material, "BSDF_PRINCIPLED"):
        if node.inputs["Base Color"].is_linked:
            source = node.inputs["Base Color"].links[0].from_node
            return source if source.type == "TEX_IMAGE" else None
    return None


def _nodes(material: bpy.types.Material | None, kind: str) -> list[bpy.types.Node]:
    tree = None if material is None else material.node_tree
    return [] if tree is None else [node for node in tree.nodes if node.type == kind]
