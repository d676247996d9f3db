"""*Check Head*: what an export would write, and what is wrong with it; every export begins with it."""

from collections.abc import Iterator
from dataclasses import dataclass

import bpy
import numpy as np

from ..build.material import principled
from .findings import ERROR, INFO, WARNING, Finding, error, warning
from .formats import Format
from .images import TextureChoice, TextureFiles
from .prepare import Prepared

_HEIGHTS = (0.1, 0.5)  # metres, between which a head with its neck is
_INFLUENCES = 4  # bones a vertex, that game engines read


@dataclass(frozen=True)
class Report:
    """What a check found: findings, the worst first, and what will be written, line by line."""

    findings: tuple[Finding, ...]
    written: tuple[str, ...]

    def of(self, level: str) -> tuple[str, ...]:
        return tuple(finding.text for finding in self.findings if finding.level == level)

    @property
    def errors(self) -> tuple[str, ...]:
        return self.of(ERROR)

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.of(WARNING)


def report_on(prepared: Prepared, textures: TextureFiles, kind: Format, choice: TextureChoice) -> Report:
    """Looks through what will be written."""
    findings = [error(kind.why_not)] if kind.why_not else []
    findings += [*prepared.findings, *_about_textures(kind, choice, textures)]
    for item in prepared.meshes:
        findings += _about_mesh(item)
        findings += _about_materials(item)
        findings += _about_weights(item)
    findings += _about_faces(prepared)
    if not kind.holds_pose:
        findings += [
            warning(f"{kind.label} holds no pose in this Blender: {rig.name} is written in its rest position")
            for rig in prepared.armatures
            if any(not np.allclose(bone.matrix_basis, np.eye(4), atol=1e-5) for bone in rig.pose.bones)
        ]
    if not kind.holds_values and any(_has_values(item.data) for item in prepared.meshes):
        text = f"{kind.label} holds shape keys without their values: the file shows the head with all of them at 0"
        findings.append(warning(text))
    findings += _about_size(prepared)
    order = (ERROR, WARNING, INFO)
    findings = sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.level))
    return Report(tuple(findings), tuple(_written(prepared, textures)))


def _about_mesh(item: bpy.types.Object) -> Iterator[Finding]:
    mesh, name = item.data, item.name
    if not mesh.polygons:
        yield error(f"{name} has no faces: undo what removed them, or capture the photo again.")
        return
    points = _points(mesh)
    if not np.isfinite(points).all():
        yield error(f"{name} has vertices without a place: undo what was done to its mesh, or switch a modifier off.")
        return
    if not mesh.uv_layers and _shows_image(item):
        yield error(f"{name} has no UV map, so its texture cannot be shown: undo what removed it.")


def _about_faces(prepared: Prepared) -> Iterator[Finding]:
    """Of the head, which comes first: the parts are as the add-on makes them, lashes with hairs of no width."""
    item = prepared.meshes[0]
    mesh, name = item.data, item.name
    areas = np.empty(len(mesh.polygons), np.float32)
    mesh.polygons.foreach_get("area", areas)
    empty = int((areas[: prepared.head_faces] < 1e-12).sum())  # square metres
    if empty:
        yield warning(f"{name} has {empty:,} faces without area: Mesh, Clean Up, Degenerate Dissolve removes them")
    loose = len(mesh.vertices) - len(np.unique(_corners(mesh)))
    if loose:
        yield warning(f"{name} has {loose:,} vertices without a face: Mesh, Clean Up, Delete Loose removes them")


def _about_materials(item: bpy.types.Object) -> Iterator[Finding]:
    materials = [material for material in item.data.materials if material is not None]
    if not materials:
        yield warning(f"{item.name} has no material, so the file has no texture")
    for material in materials:
        shader = principled(material)
        if shader is None:
            yield warning(f"{material.name} has no Principled BSDF: other programs may show something else")
            continue
        link = next(iter(shader.inputs["Base Color"].links), None)
        if link is not None and link.from_node.type != "TEX_IMAGE":
            yield warning(
                f"The base colour of {material.name} goes through {link.from_node.name}, which files cannot hold: "
                "bake it into the image"
            )


def _about_weights(item: bpy.types.Object) -> Iterator[Finding]:
    rigs = [modifier.object for modifier in item.modifiers if modifier.type == "ARMATURE"]
    if not rigs:
        return
    bones = {bone.name for rig in rigs for bone in rig.data.bones if bone.use_deform}
    groups = {group.index for group in item.vertex_groups if group.name in bones}
    counts = np.array(
        [sum(member.group in groups and member.weight > 0 for member in vertex.groups) for vertex in item.data.vertices]
    )
    if not counts.any():
        yield warning(f"{item.name} has an armature but no weights: Object, Parent, With Automatic Weights makes them")
    elif (counts == 0).any():
        yield warning(
            f"{item.name} has {int((counts == 0).sum()):,} vertices that hang on no bone: they will stay behind"
        )
    if (counts > _INFLUENCES).any():
        many = int((counts > _INFLUENCES).sum())
        yield warning(f"{item.name} has {many:,} vertices on more than {_INFLUENCES} bones: engines may leave some out")


def _about_size(prepared: Prepared) -> Iterator[Finding]:
    height = _height(prepared)
    if np.isfinite(height) and height and not _HEIGHTS[0] <= height <= _HEIGHTS[1]:
        yield warning(f"The head is {_length(height)} high in the file: look at its scale and the scene's unit scale")


def _about_textures(kind: Format, choice: TextureChoice, textures: TextureFiles) -> Iterator[Finding]:
    if textures.files and choice.format not in kind.texture_formats:
        others = " or ".join(kind.texture_formats)
        yield warning(f"Few programs read {choice.format} in {kind.label}: choose {others}")


def _written(prepared: Prepared, textures: TextureFiles) -> Iterator[str]:
    for item in prepared.meshes:
        mesh = item.data
        keys = len(mesh.shape_keys.key_blocks) - 1 if mesh.shape_keys else 0
        shapes = f", {_count(keys, 'shape key')}" if keys else ""
        yield f"{item.name}: {len(mesh.polygons):,} faces, {len(mesh.vertices):,} vertices{shapes}"
    for rig in prepared.armatures:
        yield f"{rig.name}: {_count(len(rig.data.bones), 'bone')}"
    for file in textures.files:
        kind, size = file.path.suffix[1:].upper(), _bytes(file.path.stat().st_size)
        yield f"{file.use}: {file.width} x {file.height}, {kind}, {size}"
    yield f"{_length(_height(prepared))} high"


def _has_values(mesh: bpy.types.Mesh) -> bool:
    return mesh.shape_keys is not None and any(key.value for key in mesh.shape_keys.key_blocks[1:])


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _height(prepared: Prepared) -> float:
    """Metres"""
    points = _points(prepared.meshes[0].data)
    return float(np.ptp(points[:, 2])) if len(points) else 0.0


def _shows_image(item: bpy.types.Object) -> bool:
    trees = [material.node_tree for material in item.data.materials if material is not None and material.node_tree]
    return any(node.type == "TEX_IMAGE" for tree in trees for node in tree.nodes)


def _points(mesh: bpy.types.Mesh) -> np.ndarray:
    """(V, 3)"""
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def _corners(mesh: bpy.types.Mesh) -> np.ndarray:
    """(L,) the vertex of every corner"""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners


def _length(metres: float) -> str:
    return f"{100 * metres:.2f} cm" if 0.01 <= metres < 1 else f"{metres:.4g} m"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count > 1e5 else f"{count / 1e3:.1f} kB"
