"""The head's material."""

import bpy

from .images import PackedImages

MATERIAL_NAME = "PRN_Skin"


def create_material(images: PackedImages) -> bpy.types.Material:
    """Matte skin with the texture as base colour; its visibility mask lies beside it, not connected."""
    material = bpy.data.materials.new(MATERIAL_NAME)
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    # The photo's own highlights are in the texture: a second gloss on top looks like wax.
    shader.inputs["Specular IOR Level"].default_value = 0.0
    shader.inputs["Roughness"].default_value = 1.0

    colour = nodes.new("ShaderNodeTexImage")
    colour.label = "Base Color"
    colour.location = (-340, 300)
    colour.image = images.colour
    links.new(colour.outputs["Color"], shader.inputs["Base Color"])

    mask = nodes.new("ShaderNodeTexImage")
    mask.label = "Seen in the Photo"
    mask.location = (-340, 0)
    mask.image = images.mask
    nodes.active = colour  # what the viewport's texture shading shows
    return material


def base_colour_image(head: bpy.types.Object) -> bpy.types.Image | None:
    """The image that feeds the base colour of the head's first material."""
    material = head.active_material
    if material is None or material.node_tree is None:
        return None
    for node in material.node_tree.nodes:
        if node.type == "BSDF_PRINCIPLED" and node.inputs["Base Color"].is_linked:
            source = node.inputs["Base Color"].links[0].from_node
            return getattr(source, "image", None)
    return None
