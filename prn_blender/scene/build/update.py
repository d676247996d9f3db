"""A head that is there, made anew from its photo: in its place, under its name, with what the artist added to it."""

from dataclasses import asdict, dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from ...capture.errors import CaptureError
from ...capture.faces.box import FaceBox, is_same_face
from ...capture.record import capture_record, look_in, views_in
from ...capture.shape.deformation import anchors_of
from ...capture.shape.expressions import PhotoExpression
from ...capture.shape.mesh import mesh_of
from ...capture.types import Capture, HeadMesh, Settings
from ..edit.adjust import (
    captured_landmarks,
    follow_landmarks,
    landmark_places,
    moved_landmarks,
    prepare_adjustment,
)
from ..edit.align import alignment_of, set_alignment
from ..edit.frame import built_metre, frame_in_mesh
from ..fitted import store_fitted
from ..record import forget_expression, photo_of_head, read_record, replace_record, views_of_head
from .camera import cameras_of, capture_camera, fit_photo_of, set_scene_camera
from .copied import add_copied, copied_expression
from .expressions import add_expressions, has_expressions, key_values
from .images import TEXTURES, PackedImages, name_textures, packed_textures
from .landmarks import landmarks_of
from .material import create_material, texture_nodes
from .mesh import add_region_groups, create_mesh
from .parts import create_parts, name_parts, parts_of_head, remove_parts
from .sliders import carry_sliders
from .views import ViewShape, add_cameras, add_view_keys, cameras_by_photo, view_shapes

_SAME_PLACE = 1e-4  # photo pixels and metres
_SHAPING = ("topology", "parts", "follow", "head_size", "eye_mm")  # settings that change the mesh


@dataclass(frozen=True)
class HeadUpdate:
    """Everything new for a head; nothing of the head is changed yet."""

    head: bpy.types.Object
    capture: Capture
    mesh: HeadMesh
    data: bpy.types.Mesh
    material: bpy.types.Material
    images: PackedImages
    view_shapes: list[ViewShape]
    parts: list[bpy.types.Object]
    parts_before: list[bpy.types.Object]
    copied: PhotoExpression | None  # which the new mesh has among its expressions, too

    @classmethod
    def prepare(
        cls, head: bpy.types.Object, capture: Capture, triangles: bool, mesh: HeadMesh, images: PackedImages
    ) -> "HeadUpdate":
        """Makes the datablocks; what fails, fails here."""
        metre = built_metre(head)
        copied = copied_expression(head) if mesh.expressions is not None and _has_pack(head, capture) else None
        if copied is not None:
            mesh = mesh_of(capture, capture.pack.choose_topology(capture.settings.topology), copied)
        data = create_mesh(head.data.name, mesh, triangles, metre)
        prepare_adjustment(data, capture.head.landmarks, anchors_of(mesh.topology), metre)
        material, before = create_material(f"{head.name} Skin", images, metre), parts_of_head(head)
        parts = create_parts(head.users_collection[0], head, mesh.parts, capture.look, metre)
        since_built = frame_in_mesh(head) @ Matrix.Scale(1 / metre, 4)  # what was applied to the mesh
        data.transform(since_built)
        for part in parts:
            part.matrix_parent_inverse = since_built
        return cls(head, capture, mesh, data, material, images, view_shapes(capture), parts, before, copied)

    def apply(self, context: bpy.types.Context) -> None:
        """Puts the new into the head's place. Landmarks that were moved stay moved, a mesh that would come out the
        same stays with all that the artist did to it, and so does a material that shows the textures."""
        head = self.head
        shown = head.active_material
        textures = texture_nodes(shown)
        unused = {node.image for node in textures.values()} | {self.images.photo, *self.images.others}
        cameras = cameras_by_photo(head)
        keeps_mesh = _gives_same_mesh(head, self.data, self.capture)
        has_forgotten = views_of_head(head)[0].get("expression") is None
        if keeps_mesh:
            bpy.data.meshes.remove(self.data)
            remove_parts(self.parts)
        else:
            self._change_mesh()
        self._change_material(shown, textures)
        replace_record(head, self.capture)
        if keeps_mesh and has_forgotten:
            forget_expression(head)
        store_fitted(head, self.capture.fitted)
        unused |= self._change_cameras(context, cameras)
        bpy.data.batch_remove([image for image in unused if image is not None and not image.users])
        name_textures(self.capture.views[0].photo.path.stem, self.images.textures)
        context.view_layer.update()

    def _change_mesh(self) -> None:
        head, old = self.head, self.head.data
        name, materials, sliders = old.name, list(old.materials), key_values(head)
        pins = moved_landmarks(head)
        offsets = landmark_places(head) - captured_landmarks(head) if pins else None
        in_mesh = np.array(frame_in_mesh(head))
        head.data = self.data
        remove_parts(self.parts_before)
        name_parts(head, self.parts, self.mesh.parts)
        for material in materials:
            self.data.materials.append(material)
        add_region_groups(head, self.mesh.topology)
        for index, landmark in landmarks_of(head):
            place = self.capture.head.landmarks[index]
            landmark.location = place + offsets[index] if index in pins else place
        if self.mesh.expressions is not None:
            add_expressions(head, self.mesh.expressions)
            if self.copied is not None:
                add_copied(head, self.copied, self.mesh.expressions)
        add_view_keys(head, self.view_shapes, in_mesh)
        carry_sliders(old, head, sliders)
        follow_landmarks(head)
        if not old.users:
            bpy.data.meshes.remove(old)
            self.data.name = name

    def _change_material(
        self, shown: bpy.types.Material | None, textures: dict[str, bpy.types.ShaderNodeTexImage]
    ) -> None:
        """Into what the head shows already, where it has a place for each texture."""
        wanted = texture_nodes(self.material)
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
            self.material.name = f"{self.head.name} Skin"

    def _change_cameras(
        self, context: bpy.types.Context, before: dict[str, bpy.types.Object]
    ) -> set[bpy.types.Image | None]:
        """Into those of the new photos; the images that the cameras of photos showed which are no longer among them.

        Args:
            before: the head's cameras by the checksums of their photos.
        """
        head, scene = self.head, context.scene
        add_cameras(head, head.users_collection[0], self.capture, self.images, built_metre(head), before)
        gone = [camera.data for camera in before.values()]
        images = {shown.image for data in gone for shown in data.background_images}
        is_scenes = scene.camera in before.values()
        bpy.data.batch_remove([*before.values(), *gone])
        if is_scenes:
            first = self.capture.views[0].camera
            set_scene_camera(scene, capture_camera(head), first.width, first.height)
        for camera in cameras_of(head).values():
            fit_photo_of(head, scene, camera)
        set_alignment(head, alignment_of(head))
        return images


def head_to_update(capture: Capture, heads: list[bpy.types.Object]) -> bpy.types.Object | None:
    """Of these heads the one that was captured from the same face of the same photo; None where none was."""
    view = capture.views[0]
    for head in heads:
        if head.library or photo_of_head(head) != view.photo.sha256:
            continue
        if is_same_face(FaceBox(**read_record(head)["face_box"]), view.face_box):
            return head
    return None


def _gives_same_mesh(head: bpy.types.Object, data: bpy.types.Mesh, capture: Capture) -> bool:
    """Whether a capture makes the mesh that the head was captured with."""
    before, now = read_record(head), capture_record(capture)
    views = views_in(before), views_in(now)
    settings = asdict(Settings()) | before["settings"]
    return (
        _has_pack(head, capture)
        and all(settings[name] == now["settings"][name] for name in _SHAPING)
        and (has_expressions(head) or not now["settings"]["expressions"])
        and look_in(before).iris == look_in(now).iris
        and np.allclose(look_in(before).gaze, look_in(now).gaze)
        and len(head.data.vertices) == len(data.vertices)
        and len(head.data.polygons) == len(data.polygons)
        and len(views[0]) == len(views[1])
        and all(
            one["photo"]["sha256"] == other["photo"]["sha256"]
            and all(_alike(one[part], other[part]) for part in ("crop", "camera", "pose"))
            for one, other in zip(*views, strict=True)
        )
    )


def _has_pack(head: bpy.types.Object, capture: Capture) -> bool:
    """Whether a head was captured with the capture's model pack."""
    return read_record(head)["pack"]["sha256"] == capture.pack.sha256


def _alike(one: dict, other: dict) -> bool:
    if one.keys() != other.keys():
        return False
    return all(
        one[key] == other[key] if isinstance(one[key], str) else np.allclose(one[key], other[key], atol=_SAME_PLACE)
        for key in one
    )


def texture_places(head: bpy.types.Object) -> dict[str, bpy.types.ShaderNodeTexImage]:
    """Where the head's material shows the textures, by the capture's names; those that only lie beside it may lack.

    Raises:
        CaptureError: it has no place for one that it needs.
    """
    nodes = texture_nodes(head.active_material)
    for use in TEXTURES.values():
        if use.shader_input and use.node_label not in nodes:
            raise CaptureError(
                f"The material of {head.name} has no image texture with the label {use.node_label}: "
                "give that label to one, or update the head from its photo."
            )
    return {name: nodes[use.node_label] for name, use in TEXTURES.items() if use.node_label in nodes}


def replace_textures(head: bpy.types.Object, encoded: dict[str, bytes]) -> None:
    """Puts textures, as PNG files by the capture's names, into the places of those that the head's material shows.

    Raises:
        CaptureError: the material has no place for one that it needs.
    """
    places = texture_places(head)
    stem = Path(read_record(head)["photo"]["path"]).stem
    textures = packed_textures(stem, {name: encoded[name] for name in places if name in encoded})
    unused = {places[name].image for name in textures} - {None}
    for name, image in textures.items():
        places[name].image = image
    bpy.data.batch_remove([image for image in unused if not image.users])
    name_textures(stem, textures)
