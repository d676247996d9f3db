"""The image files of a capture. Encoding takes most of the time of a build and needs no Blender: do it in a thread."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

from ...capture.shape.eye_texture import eye_texture
from ...capture.shape.mesh import mesh_of
from ...capture.types import WHOLE, Capture, HeadMesh, Photo
from .png import png_bytes

EYE_PIXELS = 1024


@dataclass(frozen=True)
class EncodedImages:
    """Complete image files."""

    textures: dict[str, bytes]  # PNG, by the capture's names
    photo: bytes  # as Blender shall see it: upright
    others: tuple[bytes, ...] = ()  # the capture's further photos


def mesh_and_images(capture: Capture, photo: bytes | None = None) -> tuple[HeadMesh, EncodedImages]:
    """The mesh that a capture's settings ask for, made while its images are encoded.

    Args:
        photo: as of `encode_images`.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        images = thread.submit(encode_images, capture, photo)
        mesh = mesh_of(capture, capture.pack.choose_topology(capture.settings.topology))
        return mesh, images.result()


def encode_images(capture: Capture, photo: bytes | None = None) -> EncodedImages:
    """May raise OSError where the photo's file is gone.

    Args:
        photo: its `photo_bytes` where there are several captures of it.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:  # one after the other: each is deflated by all processors
        textures = {name: thread.submit(png_bytes, pixels) for name, pixels in capture.textures.items()}
        if capture.settings.parts == WHOLE:
            thread.submit(eye_file, capture.look.iris)  # kept for the build
        if photo is None:
            photo = photo_bytes(capture.views[0].photo)
        others = tuple(photo_bytes(view.photo) for view in capture.views[1:])
        return EncodedImages({name: encoded.result() for name, encoded in textures.items()}, photo, others)


@lru_cache(maxsize=8)
def eye_file(iris: tuple[float, float, float]) -> bytes:
    """The eyeballs' picture as a PNG file, its iris in an sRGB colour."""
    return png_bytes(eye_texture(EYE_PIXELS, iris))


def photo_bytes(photo: Photo) -> bytes:
    """The original file where Blender reads it upright, else an upright copy; what a .blend held stays what it is."""
    import cv2

    if photo.content is not None:
        return photo.content
    if photo.as_stored:
        return photo.path.read_bytes()
    upright = cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
