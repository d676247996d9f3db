"""Eyes, lashes, teeth and the mouth's inside as objects of their own under the head."""

import bpy
import numpy as np

from ...capture.shape.expressions import PHOTO
from ...capture.shape.eyeball import Look
from ...capture.shape.parts import Part
from ..record import mark_as_part
from .encode import eye_file
from .images import packed_image
from .material import base_colour_image, new_material, principled
from .mesh import smooth_mesh

_PART = "prn_part"  # on each object: its kind
PART_NAME = "prn_part_name"  # and which part it is: there are two eyes
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
    collection: bpy.types.Collection, head: bpy.types.Object, parts: tuple[Part, ...], look: Look, metre: float = 1.0
) -> list[bpy.types.Object]:
    """An object for each part, its origin where it turns around, one material for each kind.

    Args:
        look: of the eyes; the parts are turned by its gaze already.
        metre: Blender units a metre.
    """
    materials = {kind: _create_material(kind, look) for kind in dict.fromkeys(part.kind for part in parts)}
    shapes = []
    for part in parts:
        mesh = smooth_mesh(part.name, metre * (part.vertices - part.pivot), part.faces, part.faces >= 0, part.uv)
        mesh.materials.append(materials[part.kind])
        shape = bpy.data.objects.new(part.name, mesh)
        shape.parent = head
        shape.location = (metre * part.pivot).tolist()
        shape[_PART] = part.kind
        shape[PART_NAME] = part.name
        mark_as_part(shape, head)
        collection.objects.link(shape)
        shapes.append(shape)
    name_parts(head, shapes, parts)
    return shapes


def name_parts(head: bpy.types.Object, shapes: list[bpy.types.Object], parts: tuple[Part, ...]) -> None:
    """Names objects after the head and the parts that they show, with their meshes, materials and images; where others
    have these names, Blender adds a number."""
    for shape, part in zip(shapes, parts, strict=True):
        shape.name = shape.data.name = f"{head.name} {part.name}"
        image = base_colour_image(shape)
        for look in filter(None, (shape.active_material, image)):
            look.name = f"{head.name} {part.kind.capitalize()}"


def parts_of_head(head: bpy.types.Object) -> list[bpy.types.Object]:
    """The parts that were made with a head and hang on it still."""
    return [child for child in head.children if _PART in child]


def place_parts(shapes: list[bpy.types.Object], parts: tuple[Part, ...], metre: float) -> None:
    """Changes objects to the shape of the same parts of a head that has changed, but for those that the artist gave
    other vertices.

    Args:
        metre: Blender units a metre.
    """
    by_name = {part.name: part for part in parts}
    for shape in shapes:
        part = by_name.get(shape.get(PART_NAME, ""))
        if part is None or len(shape.data.vertices) != len(part.vertices):
            continue
        points = np.ascontiguousarray(metre * (part.vertices - part.pivot), np.float32).ravel()
        before, values = np.empty((2, len(points)), np.float32)
        keys = shape.data.shape_keys.key_blocks if shape.data.shape_keys else {}
        (keys[PHOTO].points if PHOTO in keys else shape.data.vertices).foreach_get("co", before)
        for moving in (*(key.points for key in keys), shape.data.vertices):
            moving.foreach_get("co", values)
            moving.foreach_set("co", values + points - before)
        shape.data.update()
        shape.location = (metre * part.pivot).tolist()


def is_clear(part: bpy.types.Object) -> bool:
    """Whether one sees through a part."""
    return LOOKS[part[_PART]][2] > 0


def remove_parts(parts: list[bpy.types.Object]) -> None:
    """With their meshes, materials and images, where nothing else uses these."""
    meshes = {part.data for part in parts}
    materials = {slot.material for part in parts for slot in part.material_slots if slot.material}
    images = {image for part in parts if (image := base_colour_image(part)) is not None}
    for unused in (parts, meshes, materials, images):
        bpy.data.batch_remove([block for block in unused if isinstance(block, bpy.types.Object) or not block.users])


def _create_material(kind: str, look: Look) -> bpy.types.Material:
    colour, roughness, transmission = LOOKS[kind]
    material = new_material(kind)
    shader = principled(material)
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Transmission Weight"].default_value = transmission
    material.diffuse_color = (*colour, 1.0)  # the viewport's solid shading
    if kind == "cornea":
        shader.inputs["Alpha"].default_value = 0.08  # engines without refraction see through it as well
        material.diffuse_color = (*colour, 0.0)
    if kind == "eye":
        picture = material.node_tree.nodes.new("ShaderNodeTexImage")
        picture.location = (-340, 300)
        picture.image = packed_image(kind, eye_file(look.iris))
        material.node_tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    return material
