"""A `Capture` into the scene."""

from collections.abc import Sequence

import bpy
import numpy as np

from ...capture.shape.deformation import anchors_of
from ...capture.types import Capture, HeadMesh
from ..edit.adjust import prepare_adjustment
from ..edit.align import FRONTAL, set_alignment
from ..fitted import store_fitted
from ..names import as_name
from ..record import store_record
from ..transaction import undone_on_error
from ..units import metre_in
from .camera import cameras_of, capture_camera, fit_photo_of, has_own_camera, set_scene_camera
from .encode import mesh_and_images
from .expressions import add_expressions
from .images import PackedImages, pack_images
from .landmarks import create_landmarks, hide_landmarks
from .material import create_material
from .mesh import add_region_groups, create_mesh
from .parts import create_parts
from .views import add_cameras, add_view_keys, view_shapes


def build(
    capture: Capture,
    context: bpy.types.Context,
    alignment: str = FRONTAL,
    triangles: bool = False,
    mesh: HeadMesh | None = None,
    images: PackedImages | None = None,
    location: Sequence[float] = (0.0, 0.0, 0.0),
    takes_camera: bool | None = None,
) -> bpy.types.Object:
    """A collection with head, landmarks and a camera for each photo; the head becomes the active object.

    If anything fails, nothing that was made stays.

    Args:
        triangles: the topology's fixed triangles instead of its quads.
        mesh: that of the capture's settings, where the caller has made it and the images.
        images: the capture's, where the caller has made them and the mesh; they also stay where something fails.
        location: of the head, in units of the scene.
        takes_camera: whether the photo's camera becomes the scene's, and its size the render size; None: where the
            scene has no camera of its own.

    Returns:
        the head object.
    """
    scene = context.scene
    view = capture.views[0]
    name = as_name(view.photo.path.stem)
    with undone_on_error(scene):
        if mesh is None or images is None:
            mesh, encoded = mesh_and_images(capture)
            images = pack_images(capture, encoded)
        metre = metre_in(scene)
        collection = bpy.data.collections.new(name)
        landmark_collection = bpy.data.collections.new(f"{name} Landmarks")  # hides all of them with one click
        collection.children.link(landmark_collection)

        data = create_mesh(name, mesh, triangles, metre)
        data.materials.append(create_material(f"{name} Skin", images, metre))
        head = bpy.data.objects.new(name, data)
        collection.objects.link(head)
        add_region_groups(head, mesh.topology)
        store_record(head, capture)
        store_fitted(head, capture.fitted)
        create_landmarks(landmark_collection, head, capture.head.landmarks, metre)
        prepare_adjustment(data, capture.head.landmarks, anchors_of(mesh.topology), metre)

        create_parts(collection, head, mesh.parts, capture.look, metre)
        if mesh.expressions is not None:
            add_expressions(head, mesh.expressions)
        add_view_keys(head, view_shapes(capture), np.diag([metre, metre, metre, 1.0]))
        add_cameras(head, collection, capture, images, metre)
        head.location = location
        set_alignment(head, alignment)

        scene.collection.children.link(collection)
        camera = capture_camera(head)
        if takes_camera or (takes_camera is None and not has_own_camera(scene)):
            set_scene_camera(scene, camera, view.camera.width, view.camera.height)
        for other in cameras_of(head).values():
            fit_photo_of(head, scene, other)
        context.view_layer.update()
        hide_landmarks(head)
    _select_only(context, head)
    return head


def _select_only(context: bpy.types.Context, head: bpy.types.Object) -> None:
    for selected in context.view_layer.objects.selected:
        selected.select_set(False)
    context.view_layer.objects.active = head
    head.select_set(True)
