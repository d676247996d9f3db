"""A head that is there, made anew from its photo: in its place, under its name, with what the artist added to it."""

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix

from ...capture.faces.box import FaceBox
from ...capture.record import capture_record
from ...capture.shape.deformation import anchors_of
from ...capture.types import Capture, HeadMesh
from ..edit.adjust import (
    captured_landmarks,
    follow_landmarks,
    landmark_places,
    moved_landmarks,
    prepare_adjustment,
)
from ..edit.align import alignment_of, set_alignment
from ..edit.frame import built_metre, frame_in_mesh
from ..record import photo_of_head, read_record, replace_record
from .camera import capture_camera, create_camera, fit_photo_of, set_lens
from .images import TEXTURES, PackedImages
from .landmarks import landmarks_of
from .material import create_material
from .mesh import add_region_groups, create_mesh
from .parts import create_parts, parts_of_head, remove_parts
from .photo_images import photo_in

SAME_FACE = 0.3  # of two boxes: what they share, over what they cover together
_SAME_PLACE = 1e-4  # photo pixels and metres


@dataclass(frozen=True)
class HeadUpdate:
    """Everything new for a head; nothing of the head is changed yet."""

    head: bpy.types.Object
    capture: Capture
    mesh: HeadMesh
    data: bpy.types.Mesh
    material: bpy.types.Material
    images: PackedImages
    parts_before: list[bpy.types.Object]

    @classmethod
    def prepare(
        cls, head: bpy.types.Object, capture: Capture, triangles: bool, mesh: HeadMesh, images: PackedImages
    ) -> "HeadUpdate":
        """Makes the datablocks; what fails, fails here."""
        metre = built_metre(head)
        data = create_mesh(head.data.name, mesh, triangles, metre)
        prepare_adjustment(data, capture.head.landmarks, anchors_of(mesh.topology), metre)
        material, before = create_material(f"{head.name} Skin", images, metre), parts_of_head(head)
        create_parts(head.users_collection[0], head, mesh.parts, metre)
        since_built = frame_in_mesh(head) @ Matrix.Scale(1 / metre, 4)  # what was applied to the mesh
        data.transform(since_built)
        for part in parts_of_head(head):
            if part not in before:
                part.matrix_parent_inverse = since_built
        return cls(head, capture, mesh, data, material, images, before)

    def apply(self, context: bpy.types.Context) -> None:
        """Puts the new into the head's place. Landmarks that were moved stay moved, a mesh that would come out the
        same stays with all that the artist did to it, and so does a material that shows the textures."""
        head = self.head
        shown = head.active_material
        textures = _texture_nodes(shown) if shown else {}
        unused = {node.image for node in textures.values()} | {self.images.photo}
        if _gives_same_mesh(head, self.data, self.capture):
            bpy.data.meshes.remove(self.data)
            remove_parts([part for part in parts_of_head(head) if part not in self.parts_before])
        else:
            self._change_mesh()
            remove_parts(self.parts_before)
        self._change_material(shown, textures)
        replace_record(head, self.capture)
        self._change_camera(context)
        bpy.data.batch_remove([image for image in unused if image is not None and not image.users])
        context.view_layer.update()

    def _change_mesh(self) -> None:
        head, old = self.head, self.head.data
        name, materials = old.name, list(old.materials)
        pins = moved_landmarks(head)
        offsets = landmark_places(head) - captured_landmarks(head) if pins else None
        head.data = self.data
        for material in materials:
            self.data.materials.append(material)
        add_region_groups(head, self.mesh.topology)
        for index, landmark in landmarks_of(head):
            place = self.capture.head.landmarks[index]
            landmark.location = place + offsets[index] if index in pins else place
        follow_landmarks(head)
        if not old.users:
            bpy.data.meshes.remove(old)
            self.data.name = name

    def _change_material(
        self, shown: bpy.types.Material | None, textures: dict[str, bpy.types.ShaderNodeTexImage]
    ) -> None:
        """Into what the head shows already, where it has a place for each texture."""
        wanted = _texture_nodes(self.material)
        if shown is not None and shown.library is None and wanted.keys() <= textures.keys():
            for label, node in wanted.items():
                textures[label].image = node.image
            bpy.data.materials.remove(self.material)
            return
        materials = self.head.data.materials
        if shown is None:
            materials.append(self.material)
            return
        materials[self.head.active_material_index] = self.material
        if not shown.users:
            bpy.data.materials.remove(shown)

    def _change_camera(self, context: bpy.types.Context) -> None:
        head, view = self.head, self.capture.views[0]
        camera = capture_camera(head)
        if camera is None:
            camera = create_camera(head, view.camera, self.images.photo, built_metre(head))
            head.users_collection[0].objects.link(camera)
        else:
            set_lens(camera.data, view.camera, (0, 0, view.camera.width, view.camera.height))
            for background in camera.data.background_images:
                if photo_in(background.image) != photo_of_head(head):
                    background.image = self.images.photo
        fit_photo_of(head, context.scene, camera)
        set_alignment(head, alignment_of(head))


def head_to_update(capture: Capture, heads: list[bpy.types.Object]) -> bpy.types.Object | None:
    """Of these heads the one that was captured from the same face of the same photo; None where none was."""
    view = capture.views[0]
    for head in heads:
        if head.library or photo_of_head(head) != view.photo.sha256:
            continue
        if _overlap(FaceBox(**read_record(head)["face_box"]), view.face_box) > SAME_FACE:
            return head
    return None


def _overlap(one: FaceBox, other: FaceBox) -> float:
    """What two boxes share, over what they cover together."""
    low = np.maximum(one.corners.min(axis=0), other.corners.min(axis=0))
    high = np.minimum(one.corners.max(axis=0), other.corners.max(axis=0))
    shared = np.prod(np.maximum(high - low, 0))
    return float(shared / (one.area + other.area - shared))


def _gives_same_mesh(head: bpy.types.Object, data: bpy.types.Mesh, capture: Capture) -> bool:
    """Whether a capture makes the mesh that the head was captured with."""
    before, now = read_record(head), capture_record(capture)
    return (
        before["pack"]["sha256"] == now["pack"]["sha256"]
        and all(before["settings"].get(name) == now["settings"][name] for name in ("topology", "parts"))
        and len(head.data.vertices) == len(data.vertices)
        and len(head.data.polygons) == len(data.polygons)
        and all(_alike(before[part], now[part]) for part in ("crop", "camera", "pose"))
    )


def _alike(one: dict, other: dict) -> bool:
    if one.keys() != other.keys():
        return False
    return all(
        one[key] == other[key] if isinstance(one[key], str) else np.allclose(one[key], other[key], atol=_SAME_PLACE)
        for key in one
    )


def replace_textures(head: bpy.types.Object, textures: dict[str, bpy.types.Image]) -> None:
    """Puts images, by the capture's names, into the places of those that the head's material shows."""
    nodes = _texture_nodes(head.active_material) if head.active_material else {}
    places = {name: nodes.get(TEXTURES[name].shader_input or TEXTURES[name].label) for name in textures}
    unused = {node.image for node in places.values() if node is not None} - {None}
    for name, node in places.items():
        if node is not None:
            node.image = textures[name]
    bpy.data.batch_remove([image for image in unused | set(textures.values()) if not image.users])


def _texture_nodes(material: bpy.types.Material) -> dict[str, bpy.types.ShaderNodeTexImage]:
    """A captured material's image textures by their labels."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    return {node.label: node for node in nodes if node.type == "TEX_IMAGE" and node.label}
