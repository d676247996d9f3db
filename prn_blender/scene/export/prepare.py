"""What is exported: stand-ins for a head and its rig, as the artist sees them, in metres and in the aligned frame.

All formats get the same: Blender's exporters each have a way of their own with modifiers, shape keys, units, hidden
objects and painted textures, so here are none of these left for them to judge.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import bpy
import numpy as np
from mathutils import Matrix, Vector

from ..edit.frame import built_metre, frame_in_mesh
from ..record import belong_together, is_captured_head
from ..transaction import discarded
from ..units import metre_in
from .findings import Finding, information, warning
from .images import TextureFiles

_SAME_SIZE = 1e-4


@dataclass
class Prepared:
    """Stand-ins in the scene, selected and alone, with the names of what they stand for."""

    meshes: list[bpy.types.Object] = field(default_factory=list)
    armatures: list[bpy.types.Object] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    head_faces: int = 0  # of the first mesh, whose other faces are those of joined parts

    @property
    def objects(self) -> list[bpy.types.Object]:
        return [*self.armatures, *self.meshes]


@contextmanager
def prepared(
    context: bpy.types.Context,
    head: bpy.types.Object,
    textures: TextureFiles,
    keeps_rig: bool,
    keeps_shapes: bool,
    joined: bool = False,
) -> Iterator[Prepared]:
    """Stand-ins for a captured head, what belongs to it, and the armatures that deform it; then all is as before.

    Args:
        keeps_rig: with armatures and weights; otherwise posed as it is.
        keeps_shapes: with shape keys; otherwise with the shape that they make.
        joined: as one mesh with a material for each part.

    Raises:
        CaptureError: a texture cannot be read or written.
    """
    bpy.ops.ed.flush_edits()  # what is being edited or sculpted is not in the mesh yet
    metre = metre_in(context.scene)
    with ExitStack() as restore:
        restore.enter_context(_selection_restored(context))
        restore.enter_context(_in_metres(context.scene))
        names = restore.enter_context(_names_lent())
        restore.enter_context(discarded())
        yield _Preparation(context, head, textures, keeps_rig, keeps_shapes, joined, names).prepare(metre)


def parts_of(head: bpy.types.Object) -> list[bpy.types.Object]:
    """The meshes of a capture: the head, and those that belong to it and hang on it."""
    return [head, *(child for child in head.children_recursive if _is_part(child, head))]


class _Preparation:
    def __init__(self, context, head, textures, keeps_rig, keeps_shapes, joined, names) -> None:
        self._context, self._head, self._textures = context, head, textures
        self._keeps_rig, self._keeps_shapes, self._joined, self._names = keeps_rig, keeps_shapes, joined, names
        self._materials: dict[bpy.types.Material, bpy.types.Material] = {}
        self._without_shapes: list[str] = []  # names of what has shape keys, in a format that has none
        self._rigs: dict[bpy.types.Object, bpy.types.Object] = {}  # armatures to their stand-ins
        self._result = Prepared()

    def prepare(self, metre: float) -> Prepared:
        result = self._result
        probe = self._probe(self._head)
        self._to_file = self._from_world_to_file(self._evaluated(probe).matrix_world.copy(), metre)
        bpy.data.objects.remove(probe)
        for part in parts_of(self._head):
            if part != self._head and (part.hide_get() or part.hide_viewport):
                result.findings.append(information(f"{part.name} is hidden and not written"))
            else:
                result.meshes.append(self._mesh_stand_in(part))
        if self._without_shapes:
            names, verb = ", ".join(self._without_shapes), "is" if len(self._without_shapes) == 1 else "are"
            result.findings.append(warning(f"This format has no shape keys: {names} {verb} written as shown"))
        others = [child.name for child in self._head.children_recursive if _is_mesh_of_artist(child, self._head)]
        if others:
            result.findings.append(information(f"Not part of the head, so not written: {', '.join(others)}"))
        result.armatures.extend(self._rigs.values())
        result.head_faces = len(result.meshes[0].data.polygons)
        if self._joined:
            self._join()
        result.findings.extend(self._textures.findings)
        self._context.view_layer.update()
        objects = self._context.view_layer.objects
        for item in list(objects.selected):
            item.select_set(False)
        for item in result.objects:
            item.select_set(True)
        objects.active = result.meshes[0]
        self._context.view_layer.update()
        return result

    def _join(self) -> None:
        """Makes all meshes one: materials become its slots, shape keys of one name one."""
        meshes = self._result.meshes
        if len(meshes) < 2:
            return
        if self._rigs:
            text = (
                "The head has a rig, with which the other parts have no weights: they are written as their own objects"
            )
            self._result.findings.append(warning(text))
        else:
            self._context.view_layer.update()
            shown = {"active_object": meshes[0], "object": meshes[0]}
            with self._context.temp_override(
                **shown, selected_objects=meshes, selected_editable_objects=meshes, area=None, region=None
            ):
                bpy.ops.object.join()
            del meshes[1:]

    def _from_world_to_file(self, world: Matrix, metre: float) -> Matrix:
        """The aligned frame stays, as large as it is seen; in metres, of which one is `metre` units of the scene.

        A head that was neither scaled nor built for this scene's unit is as large as it was captured.
        """
        in_mesh, built, result = frame_in_mesh(self._head), built_metre(self._head), self._result
        sizes = np.array((world @ in_mesh).to_scale())
        if np.allclose(sizes, built, rtol=_SAME_SIZE) and not np.isclose(metre, built, rtol=_SAME_SIZE):
            shown = 100 * built / metre
            result.findings.append(
                warning(
                    f"The scene's unit scale was changed after the capture, so the scene shows {shown:.3g}% of the "
                    "head's size: the file has the captured size"
                )
            )
            metre = built
        scale = sizes / metre
        if not np.allclose(scale, 1, rtol=_SAME_SIZE):
            shown = " x ".join(f"{100 * value:.4g}%" for value in (scale[:1] if np.ptp(scale) < _SAME_SIZE else scale))
            result.findings.append(warning(f"The head is scaled: the file has it at {shown} of its captured size"))
            return Matrix.Diagonal((*scale.tolist(), 1)) @ in_mesh.inverted() @ world.inverted()
        return in_mesh.inverted() @ world.inverted()

    def _probe(self, part: bpy.types.Object) -> bpy.types.Object:
        """A copy of an object of its own data in the scene, visible, in which its modifiers can be switched."""
        probe = part.copy()
        probe.data = part.data.copy()
        probe.animation_data_clear()
        probe.hide_viewport = probe.hide_select = probe.hide_render = False
        self._context.scene.collection.objects.link(probe)
        probe.hide_set(False)
        return probe

    def _evaluated(self, item: bpy.types.Object) -> bpy.types.Object:
        self._context.view_layer.update()
        return item.evaluated_get(self._context.evaluated_depsgraph_get())

    def _mesh_stand_in(self, part: bpy.types.Object) -> bpy.types.Object:
        probe = self._probe(part)
        keys = probe.data.shape_keys
        if keys is not None:
            _set_shown_values(part, keys)
        armatures = []
        if self._keeps_rig:
            armatures = _deforming_armatures(part)
            for modifier in probe.modifiers:
                if modifier.type == "ARMATURE":
                    modifier.show_viewport = False
            if armatures and probe.parent_type == "ARMATURE":
                world = self._evaluated(probe).matrix_world.copy()
                probe.parent = None
                probe.matrix_world = world
        elif _deforming_armatures(part):
            self._result.findings.append(warning(f"This format has no rig: {part.name} is written as it is posed"))
        if keys is not None and not self._keeps_shapes:
            self._without_shapes.append(part.name)

        mesh = self._shown_mesh(part, probe, keys)
        matrix = self._to_file @ self._evaluated(probe).matrix_world
        bpy.data.objects.remove(probe)
        origin = Vector() if part == self._head else matrix.translation.copy()  # a part turns around its own
        matrix.translation -= origin
        if not np.allclose(matrix, np.eye(4), atol=1e-7):
            mesh.transform(matrix, shape_keys=True)
            if matrix.is_negative:
                mesh.flip_normals()
        stand_in = bpy.data.objects.new(part.name, mesh)
        stand_in.location = origin
        self._names.lend(part, stand_in)
        self._names.lend(part.data, mesh)
        for group in part.vertex_groups:
            if group.name not in stand_in.vertex_groups:
                stand_in.vertex_groups.new(name=group.name)
        self._context.scene.collection.objects.link(stand_in)
        self._set_materials(part, mesh)
        for armature in armatures:
            rig = self._rig_stand_in(armature)
            stand_in.modifiers.new("Armature", "ARMATURE").object = rig
            stand_in.parent = stand_in.parent or rig
        if not armatures and part != self._head:
            stand_in.parent = self._result.meshes[0]
        return stand_in

    def _shown_mesh(
        self, part: bpy.types.Object, probe: bpy.types.Object, keys: bpy.types.Key | None
    ) -> bpy.types.Mesh:
        """The mesh with all modifiers that are left, and its shape keys where they are kept."""
        applied = [modifier.name for modifier in probe.modifiers if modifier.show_viewport]
        if applied:
            self._result.findings.append(information(f"Modifiers of {part.name} are applied: {', '.join(applied)}"))
        if keys is None or not self._keeps_shapes:
            return self._evaluated_mesh(probe)
        if not applied and keys.use_relative:
            return probe.data.copy()
        values = [block.value for block in keys.key_blocks]
        shapes = self._modified_shapes(probe, keys) if keys.use_relative else None
        if shapes is None:
            for block, value in zip(keys.key_blocks, values, strict=True):
                block.value = value
            why = f"with {', '.join(applied)}" if keys.use_relative else "that are not relative"
            self._result.findings.append(
                warning(f"Shape keys {why} cannot be kept: {part.name} is written as it is shown; apply the modifiers")
            )
            return self._evaluated_mesh(probe)
        return self._mesh_with_shapes(probe, keys, values, shapes)

    def _evaluated_mesh(self, probe: bpy.types.Object) -> bpy.types.Mesh:
        evaluated = self._evaluated(probe)
        return bpy.data.meshes.new_from_object(
            evaluated, preserve_all_data_layers=True, depsgraph=self._context.evaluated_depsgraph_get()
        )

    def _modified_shapes(self, probe: bpy.types.Object, keys: bpy.types.Key) -> list[np.ndarray] | None:
        """(V * 3,) of the modified mesh with each shape key alone, the basis first; None where their faces differ."""
        for block in keys.key_blocks:
            block.mute, block.slider_min, block.slider_max, block.value = False, 0.0, 1.0, 0.0
        shapes, faces = [], set()
        for index, block in enumerate(keys.key_blocks):
            block.value = float(index > 0)
            mesh = self._evaluated_mesh(probe)
            block.value = 0.0
            shape, corners = np.empty(3 * len(mesh.vertices), np.float32), np.empty(len(mesh.loops), np.int32)
            mesh.vertices.foreach_get("co", shape)
            mesh.loops.foreach_get("vertex_index", corners)
            shapes.append(shape)
            faces.add((len(shape), corners.tobytes()))
            bpy.data.meshes.remove(mesh)
        return shapes if len(faces) == 1 else None

    def _mesh_with_shapes(self, probe, keys, values, shapes) -> bpy.types.Mesh:
        mesh = self._evaluated_mesh(probe)  # all shape keys are at 0
        carrier = bpy.data.objects.new(mesh.name, mesh)
        for block, value, shape in zip(keys.key_blocks, values, shapes, strict=True):
            made = carrier.shape_key_add(name=block.name, from_mix=False)
            made.points.foreach_set("co", shape)
            made.value = value
        bpy.data.objects.remove(carrier)
        return mesh

    def _set_materials(self, part: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
        shown = [slot.material for slot in part.material_slots]
        mesh.materials.clear()
        for material in shown:
            if material is not None and material not in self._materials:
                copy = self._materials[material] = self._textures.copied_material(material)
                self._names.lend(material, copy)
            mesh.materials.append(self._materials.get(material))

    def _rig_stand_in(self, armature: bpy.types.Object) -> bpy.types.Object:
        """The armature in the file's frame with its bones posed as they are, without what poses them."""
        if armature in self._rigs:
            return self._rigs[armature]
        shown = armature.evaluated_get(self._context.evaluated_depsgraph_get())
        matrix = self._to_file @ shown.matrix_world
        rig = bpy.data.objects.new(armature.name, armature.data.copy())
        self._rigs[armature] = rig
        self._names.lend(armature, rig)
        self._names.lend(armature.data, rig.data)
        rig.data.animation_data_clear()
        self._context.scene.collection.objects.link(rig)
        basis = {bone.name: _basis_of(bone) for bone in shown.pose.bones}
        if not np.allclose(matrix, np.eye(4), atol=1e-7):
            rig.data.transform(matrix)
        self._context.view_layer.update()  # makes the pose
        for bone in rig.pose.bones:
            bone.matrix_basis = basis[bone.name]
            bone.location *= matrix.median_scale
        return rig


def _basis_of(bone: bpy.types.PoseBone) -> Matrix:
    """What of its own a bone's pose needs without constraints and drivers."""
    parent = bone.parent
    above = {"parent_matrix": parent.matrix, "parent_matrix_local": parent.bone.matrix_local} if parent else {}
    return bone.bone.convert_local_to_pose(bone.matrix, bone.bone.matrix_local, invert=True, **above)


def _set_shown_values(part: bpy.types.Object, keys: bpy.types.Key) -> None:
    """The values of shape keys as they are shown, without what drives them."""
    shown = part.data.shape_keys
    keys.animation_data_clear()
    for index, (block, original) in enumerate(zip(keys.key_blocks, shown.key_blocks, strict=True)):
        block.value = 0.0 if original.mute else original.value
        if part.show_only_shape_key:
            block.value = float(index == part.active_shape_key_index)
        block.mute = False


def _deforming_armatures(part: bpy.types.Object) -> list[bpy.types.Object]:
    """The armatures that deform an object, by a modifier that is shown or as its parent."""
    found = [
        modifier.object
        for modifier in part.modifiers
        if modifier.type == "ARMATURE" and modifier.object is not None and modifier.show_viewport
    ]
    if part.parent is not None and part.parent.type == "ARMATURE" and part.parent_type == "ARMATURE":
        found.append(part.parent)
    return list(dict.fromkeys(found))


def _is_part(child: bpy.types.Object, head: bpy.types.Object) -> bool:
    return child.type == "MESH" and belong_together(child, head) and not is_captured_head(child)


def _is_mesh_of_artist(child: bpy.types.Object, head: bpy.types.Object) -> bool:
    return child.type == "MESH" and not _is_part(child, head) and child.visible_get()


class _Names:
    """The names of datablocks, lent to their stand-ins. Those from other files need not be lent: they are free here."""

    def __init__(self) -> None:
        self._names: dict[bpy.types.ID, str] = {}

    def lend(self, original: bpy.types.ID, stand_in: bpy.types.ID) -> None:
        name = self._names.get(original, original.name)
        if original.library is None and original not in self._names:
            self._names[original] = name
            original.name = f"{name[:40]} being exported"
        stand_in.name = name

    def restore(self) -> None:
        for original, name in self._names.items():
            original.name = name


@contextmanager
def _names_lent() -> Iterator[_Names]:
    names = _Names()
    try:
        yield names
    finally:
        names.restore()


@contextmanager
def _in_metres(scene: bpy.types.Scene) -> Iterator[None]:
    """Exporters read the scene's unit, each in its own way."""
    units = scene.unit_settings
    before = units.system, units.scale_length
    try:
        units.system, units.scale_length = "METRIC", 1.0
        yield
    finally:
        units.system, units.scale_length = before


@contextmanager
def _selection_restored(context: bpy.types.Context) -> Iterator[None]:
    objects = context.view_layer.objects
    selected, active = list(objects.selected), objects.active
    try:
        yield
    finally:
        for other in selected:
            other.select_set(True)
        objects.active = active
