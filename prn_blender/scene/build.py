"""A `Capture` into the scene."""

import bpy

from ..capture.deformation import anchors_of
from ..capture.reconstruct import Capture
from .adjustment import prepare_adjustment
from .alignment import FRONTAL, set_alignment
from .camera import create_camera, look_through
from .encoded import encode_images
from .images import PackedImages, as_name, pack_images
from .landmarks import create_landmarks
from .material import create_material
from .mesh import add_region_groups, create_mesh
from .parts import create_parts
from .record import store_record
from .transaction import undone_on_error

HEAD_NAME = "PRN_Head"


def build(
    capture: Capture,
    context: bpy.types.Context,
    alignment: str = FRONTAL,
    triangles: bool = False,
    images: PackedImages | None = None,
) -> bpy.types.Object:
    """A collection with head, landmarks and camera; the head becomes the active object, the camera the scene's.

    If anything fails, nothing that was made stays.

    Args:
        triangles: the topology's fixed triangles instead of its quads.
        images: the capture's, where the caller has made them; they also stay where something fails.

    Returns:
        the head object.
    """
    scene = context.scene
    stem = as_name(capture.photo.path.stem)
    with undone_on_error(scene):
        images = images or pack_images(capture, encode_images(capture))
        collection = bpy.data.collections.new(f"PRN Capture {stem}")
        landmark_collection = bpy.data.collections.new(f"PRN Landmarks {stem}")  # hides all of them with one click
        collection.children.link(landmark_collection)

        topology = capture.topology
        mesh = create_mesh(HEAD_NAME, capture.head, topology, triangles)
        mesh.materials.append(create_material(images))
        head = bpy.data.objects.new(HEAD_NAME, mesh)
        collection.objects.link(head)
        add_region_groups(head, topology)
        store_record(head, capture)
        create_landmarks(landmark_collection, head, capture.head.landmarks)
        prepare_adjustment(mesh, capture.head.landmarks, anchors_of(topology))

        create_parts(collection, head, capture.parts)

        camera = create_camera(capture.camera, images.photo)
        collection.objects.link(camera)
        set_alignment(head, alignment)

        scene.collection.children.link(collection)
        look_through(scene, camera, capture.camera.width, capture.camera.height)
        context.view_layer.update()
    _select_only(context, head)
    return head


def _select_only(context: bpy.types.Context, head: bpy.types.Object) -> None:
    for selected in context.view_layer.objects.selected:
        selected.select_set(False)
    context.view_layer.objects.active = head
    head.select_set(True)
