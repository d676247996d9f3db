"""Captured heads of the scene as they lie in their photos, and their textures, for work in a thread."""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..capture.errors import CaptureError
from ..capture.faces.box import FaceBox
from ..capture.packs.installed import InstalledPack
from ..capture.pictures.posed import PosedHead
from ..capture.record import pins_in
from ..capture.types import MASK
from .build.expressions import photographed
from .build.images import TEXTURES
from .build.landmarks import landmark_positions
from .build.material import base_colour_image, texture_nodes
from .build.photo_images import image_of_photo, packed_photo_at
from .build.views import key_of_view, landmark_offsets
from .edit.frame import frame_in_mesh
from .edit.photo_points import camera_and_pose
from .export.images import shown_pixels
from .record import read_record, views_of_head

if TYPE_CHECKING:
    from ..capture.run import OtherPhoto

# Reads a picture (H, W, 3) uint8 sRGB; in any thread.
Picture = Callable[[], np.ndarray]


def posed_head(head: bpy.types.Object, view: int = 0) -> PosedHead:
    """A captured head in one of its photos, with what the artist changed on its mesh and landmarks, and with that
    photo's expression.

    Raises:
        CaptureError: the object is no captured head, or its mesh has no UVs or faces.
    """
    camera, pose = camera_and_pose(head, view)
    mesh = head.data
    mesh.calc_loop_triangles()
    if not mesh.uv_layers.active or not len(mesh.loop_triangles):
        raise CaptureError(f"{head.name} has no faces with UVs: capture the photo again.")
    triangles = _read(mesh.loop_triangles, "vertices", 3, np.int32)
    loops = _read(mesh.loop_triangles, "loops", 3, np.int32)
    uv = _read(mesh.uv_layers.active.uv, "vector", 2)[loops]
    visibility = mesh.attributes.get("visibility")
    seen = np.ones(len(mesh.vertices), np.float32)
    if visibility is not None and visibility.domain == "POINT" and visibility.data_type == "FLOAT":
        visibility.data.foreach_get("value", seen)
    return PosedHead(
        camera=camera,
        pose=pose,
        vertices=vertices_of_head(head, view),
        triangles=triangles,
        triangle_uv=np.array([0, 1]) + uv * (1, -1),
        visibility=seen,
        landmarks=landmark_positions(head) + landmark_offsets(head, view),
    )


def vertices_of_head(head: bpy.types.Object, view: int = 0) -> np.ndarray:
    """(V, 3) metres of the aligned frame, with the expression of one of its photos."""
    frame, key = np.array(frame_in_mesh(head)), key_of_view(head, view)
    shown = photographed(head.data) if key is None else key.points
    return (_read(shown, "co", 3) - frame[:3, 3]) @ np.linalg.inv(frame[:3, :3]).T


def pack_of_head(head: bpy.types.Object, packs: list[InstalledPack]) -> InstalledPack:
    """The one of some installed packs that a head was captured with; to be loaded in a thread.

    Raises:
        CaptureError: it is not installed.
    """
    told = read_record(head)["pack"]
    identity = f"{told['name']} {told['version']}"
    for pack in packs:
        if pack.identity == identity:
            return pack
    raise CaptureError(
        f"The model pack {identity} of {head.name} is not installed: install it, or capture the photo again."
    )


def require_same_uv(one: bpy.types.Object, other: bpy.types.Object) -> None:
    """Raises CaptureError unless two heads were captured with the same model pack: then they have the same UVs."""
    packs = [read_record(head)["pack"] for head in (one, other)]
    if len({(pack["name"], pack["version"]) for pack in packs}) > 1:
        raise CaptureError(
            f"{one.name} and {other.name} were captured with different model packs, so their UVs differ: "
            "capture one of them again with the pack of the other."
        )


def photo_of(head: bpy.types.Object, view: int = 0) -> Picture:
    """One of the photos that a head was captured from, upright: the image in this file, else the photo's own file.

    Raises:
        CaptureError: neither is there any more; that of the file is found out where the picture is asked for.
    """
    told = views_of_head(head)[view]["photo"]
    image = image_of_photo(told["sha256"])
    if image is not None:
        return picture_of(image)
    path, sha256, name = Path(told["path"]), told["sha256"], head.name

    def read() -> np.ndarray:
        from ..capture.photo.read import load_photo

        photo = load_photo(path)
        if photo.sha256 != sha256:
            raise CaptureError(f"{path.name} is no longer the photo of {name}: capture it again.")
        return photo.pixels

    return read


def photos_of(head: bpy.types.Object) -> "list[OtherPhoto]":
    """The photos that a head was captured from, with its place in each, to capture them again."""
    from ..capture.run import OtherPhoto

    return [
        OtherPhoto(
            Path(view["photo"]["path"]),
            box=astuple(FaceBox(**view["face_box"])),
            by_hand=view.get("by_hand", False),
            packed=packed_photo_at(Path(view["photo"]["path"]), view["photo"]["sha256"]),
            pins=pins_in(view),
        )
        for view in views_of_head(head)
    ]


def texture_of(head: bpy.types.Object) -> bpy.types.Image:
    """The image of a head's colours.

    Raises:
        CaptureError: its material has none.
    """
    image = base_colour_image(head)
    if image is None:
        raise CaptureError(f"{head.name} has no image as its base colour: choose an image instead.")
    return image


def seen_of(head: bpy.types.Object) -> Picture | None:
    """What of a head's texture the photo shows, white; None where its material has no such image."""
    node = texture_nodes(head.active_material).get(TEXTURES[MASK].node_label)
    return None if node is None or node.image is None else picture_of(node.image)


def picture_of(image: bpy.types.Image) -> Picture:
    """An image's pixels. What lies in the .blend as a file is decoded where the picture is asked for.

    Raises:
        CaptureError: the image has no pixels.
    """
    if image.packed_file and not image.is_dirty and image.source == "FILE":
        data, name = bytes(image.packed_file.data), image.name
        return lambda: _decoded(data, name)
    width, height = image.size
    if not width or not height:
        raise CaptureError(f"The image {image.name} cannot be read: choose another one.")
    shown = shown_pixels(image).reshape(height, width, 4)[::-1, :, :3]
    return lambda: np.rint(shown * 255).astype(np.uint8)


def _decoded(data: bytes, name: str) -> np.ndarray:
    import cv2

    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if pixels is None:
        raise CaptureError(f"The image {name} cannot be read: choose another one.")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _read(collection: bpy.types.bpy_prop_collection, name: str, count: int, kind: type = np.float32) -> np.ndarray:
    """(N, count)"""
    values = np.empty(len(collection) * count, kind)
    collection.foreach_get(name, values)
    return values.reshape(-1, count)
