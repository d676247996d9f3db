"""Eyes, lashes, teeth and the mouth's inside as objects of their own under the head."""

import bpy
import numpy as np

from ...capture.shape.eye_texture import eye_texture
from ...capture.shape.parts import Part
from ..record import mark_as_part

EYE_PIXELS = 1024
_PART = "prn_part"  # on each object: its kind
# Base colour (linear), roughness, how much light goes through.
LOOKS = {
    "eye": ((0.8, 0.8, 0.8), 0.15, 0.0),
    "cornea": ((1.0, 1.0, 1.0), 0.0, 1.0),
    "lashes": ((0.012, 0.009, 0.008), 0.6, 0.0),
    "teeth": ((0.78, 0.72, 0.60), 0.25, 0.0),
    "gums": ((0.45, 0.13, 0.12), 0.35, 0.0),
    "mouth": ((0.25, 0.06, 0.06), 0.4, 0.0),
    "sockets": ((0.40, 0.14, 0.12), 0.4, 0.0),
}


def create_parts(
    collection: bpy.types.Collection, head: bpy.types.Object, parts: tuple[Part, ...], metre: float = 1.0
) -> None:
    """An object for each part, its origin where it turns around, one material for each kind.

    Args:
        metre: Blender units a metre.
    """
    materials: dict[str, bpy.types.Material] = {}
    for part in parts:
        if part.kind not in materials:
            materials[part.kind] = _create_material(part.kind)
        mesh = _create_mesh(head.name, part, metre)
        mesh.materials.append(materials[part.kind])
        shape = bpy.data.objects.new(mesh.name, mesh)
        shape.parent = head
        shape.location = (metre * part.pivot).tolist()
        shape[_PART] = part.kind
        mark_as_part(shape, head)
        collection.objects.link(shape)


def parts_of_head(head: bpy.types.Object) -> list[bpy.types.Object]:
    """The parts that were made with a head and hang on it still."""
    return [child for child in head.children if _PART in child]


def is_clear(part: bpy.types.Object) -> bool:
    """Whether one sees through a part."""
    return LOOKS[part[_PART]][2] > 0


def remove_parts(parts: list[bpy.types.Object]) -> None:
    """With their meshes and materials, where nothing else uses these."""
    meshes = {part.data for part in parts}
    materials = {slot.material for part in parts for slot in part.material_slots if slot.material}
    for unused in (parts, meshes, materials):
        bpy.data.batch_remove([block for block in unused if isinstance(block, bpy.types.Object) or not block.users])


def _create_mesh(head_name: str, part: Part, metre: float) -> bpy.types.Mesh:
    corners = part.faces >= 0
    counts = corners.sum(axis=1)
    mesh = bpy.data.meshes.new(f"{head_name} {part.name}")
    mesh.vertices.add(len(part.vertices))
    mesh.vertices.foreach_set("co", (metre * (part.vertices - part.pivot)).astype(np.float32).ravel())
    mesh.loops.add(int(counts.sum()))
    mesh.loops.foreach_set("vertex_index", part.faces[corners].astype(np.int32))
    mesh.polygons.add(len(part.faces))
    mesh.polygons.foreach_set("loop_start", np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32))
    mesh.update(calc_edges=True)
    mesh.uv_layers.new(name="UVMap").uv.foreach_set("vector", part.uv[corners].astype(np.float32).ravel())
    mesh.shade_smooth()
    return mesh


def _create_material(kind: str) -> bpy.types.Material:
    colour, roughness, transmission = LOOKS[kind]
    material = bpy.data.materials.new(f"PRN_{kind.capitalize()}")
    if material.node_tree is None:  # before Blender 5
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Transmission Weight"].default_value = transmission
    if kind == "cornea":
        shader.inputs["Alpha"].default_value = 0.08  # engines without refraction see through it as well
    if kind == "eye":
        picture = nodes.new("ShaderNodeTexImage")
        picture.location = (-340, 300)
        picture.image = _eye_image()
        links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    return material


def _eye_image() -> bpy.types.Image:
    image = bpy.data.images.new("PRN_Eye", EYE_PIXELS, EYE_PIXELS)
    pixels = np.ones((EYE_PIXELS, EYE_PIXELS, 4), np.float32)
    pixels[..., :3] = eye_texture(EYE_PIXELS)[::-1] / np.float32(255)
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    return image
