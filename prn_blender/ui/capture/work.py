"""What the jobs of the capture compute. No bpy, so that it can run in a thread.

The capture modules load Pillow, OpenCV and onnxruntime; they are imported where they are used, so that Blender can
register the extension quickly, and also where one of them is broken.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from ...capture.errors import Cancelled
from ...capture.faces.box import FaceBox
from ...capture.progress import Progress
from ...capture.types import Capture, HeadMesh, Photo
from ..shell.found_faces import FoundFaces
from ..shell.photo_info import thumbnail

if TYPE_CHECKING:
    from ...capture.run import Request
    from ...scene.build.encode import EncodedImages

FACE_THUMBNAIL = 128  # pixels of the longer side


@dataclass(frozen=True)
class CapturedHeads:
    """What a capture job delivers."""

    captures: tuple[Capture, ...]
    meshes: tuple[HeadMesh, ...]  # of each capture
    images: tuple["EncodedImages", ...]
    faces: FoundFaces | None  # None where a box was given


def search_faces(request: "Request") -> Callable[[Progress], FoundFaces]:
    """Work that finds the faces of a request's photo. Raises CaptureError."""

    def work(progress: Progress) -> FoundFaces:
        from ...capture.packs.pack import load_pack
        from ...capture.progress import part_of
        from ...capture.run import photo_with_faces

        progress(0.1, "Reading the photo")
        pack = load_pack(request.pack)
        found = photo_with_faces(request, pack, request.settings, request.yunet, part_of(progress, 0.3, 1.0, 0, 1))
        return pictured(*found)

    return work


def capture_heads(request: "Request") -> Callable[[Progress], CapturedHeads]:
    """Work that makes one capture for each wanted face. Raises CaptureError."""

    def work(progress: Progress) -> CapturedHeads:
        from ...capture.run import run
        from ...capture.stopwatch import Stopwatch
        from ...scene.build.encode import mesh_and_images, photo_bytes

        captured = run(request, lambda fraction, text: progress(0.9 * fraction, text))
        found = captured.found
        captures, meshes, images = [], [], []
        photo = photo_bytes(found.photo)
        is_left = Event()

        def until_left(fraction: float, text: str) -> None:  # `progress` is for this thread alone
            if is_left.is_set():
                raise Cancelled

        def all_faces() -> FoundFaces | None:
            boxes = found.faces(until_left)
            return None if boxes is None else pictured(found.photo, boxes)

        with ThreadPoolExecutor(max_workers=1) as thread, ExitStack() as leaving:
            leaving.callback(is_left.set)
            faces = thread.submit(all_faces)
            for capture in captured.captures:
                clock = Stopwatch()
                progress(0.9, "Making the mesh and encoding the images")
                mesh, encoded = mesh_and_images(capture, photo)
                meshes.append(mesh)
                images.append(encoded)
                clock.lap("mesh and images")
                captures.append(replace(capture, timings={**capture.timings, **clock.seconds}))
            while wait((faces,), timeout=0.1).not_done:
                progress(0.95, "Looking for faces")
            progress(1.0, "Building the head")
            return CapturedHeads(tuple(captures), tuple(meshes), tuple(images), faces.result())

    return work


def pictured(photo: Photo, boxes: tuple[FaceBox, ...]) -> FoundFaces:
    """The faces of a photo with their pictures."""
    return FoundFaces(boxes, tuple(thumbnail(_cut(photo, box), FACE_THUMBNAIL) for box in boxes))


def _cut(photo: Photo, box: FaceBox) -> np.ndarray:
    """The face with some of its surroundings, square where the photo has room."""
    from ...capture.photo.part import cut

    centre = box.corners.mean(axis=0)
    half = 0.75 * np.ptp(box.corners, axis=0).max()
    return cut(photo.pixels, centre - half, centre + half)[0]
