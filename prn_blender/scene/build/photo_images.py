"""Which images show which photo: told by the photo's content, because its file may be replaced or gone."""

import os
import re
from pathlib import Path

import bpy

from ...capture.types import PackedPhoto, Photo
from ..names import as_name

_PHOTO = "prn_photo"  # on an image that shows a photo upright: the photo's checksum
_FILE = "prn_photo_file"  # and where it was read from
_FOCAL = "prn_photo_focal"  # its focal length in pixels; 0 where it is not known
_FOCAL_TOLD = "prn_photo_focal_told"


def mark_as_photo(image: bpy.types.Image, photo: Photo) -> None:
    """Notes that an image shows a photo upright."""
    image[_PHOTO] = photo.sha256
    image[_FILE] = as_name(str(photo.path))
    image[_FOCAL] = photo.focal_px or 0.0
    image[_FOCAL_TOLD] = photo.focal_told


def mark_open_images(photo: Photo) -> None:
    """Notes which images that the artist opened show a photo that was read just now.

    They are read anew: Blender goes on showing what a file was when it was opened.
    """
    if not photo.as_stored or photo.content is not None:
        return
    for image in bpy.data.images:
        if (
            photo_in(image) is None
            and not image.is_dirty
            and not image.packed_file
            and file_of_image(image) == photo.path
        ):
            image.reload()
            mark_as_photo(image, photo)


def photo_in(image: bpy.types.Image | None) -> str | None:
    """The checksum of the photo that an image is known to show upright; None for any other image."""
    marked = None if image is None else image.get(_PHOTO)
    return marked if isinstance(marked, str) else None


def image_of_photo(sha256: str) -> bpy.types.Image | None:
    """An image that shows a photo upright, one that holds it if there is one; None where there is none."""
    shown = [image for image in bpy.data.images if photo_in(image) == sha256]
    return max(shown, key=lambda image: bool(image.packed_file), default=None)


def shared_image(photo: Photo) -> bpy.types.Image | None:
    """The image that holds a photo for all captures of it, as it was packed; None where there is none."""
    return next((image for image in bpy.data.images if photo_in(image) == photo.sha256 and _is_as_packed(image)), None)


def image_at(path: Path) -> bpy.types.Image | None:
    """The image in which this .blend holds the photo of a file; None where it holds none, or several of that name.

    The path may be another computer's: then the file's name tells which is meant.
    """
    held = [image for image in bpy.data.images if photo_in(image) is not None and image.packed_file]
    found = [image for image in held if image.get(_FILE) == as_name(str(path))]
    if not found:
        found = [image for image in held if _name_in(str(image.get(_FILE))) == as_name(path.name)]
    return found[0] if len({photo_in(image) for image in found}) == 1 else None


def packed_photo_at(path: Path, sha256: str = "") -> PackedPhoto | None:
    """The photo that this .blend holds of a file that is gone; None where the file is there, or nothing is held.

    Args:
        sha256: the photo's checksum where it is known: copies of a photo in several files share an image.
    """
    if os.path.exists(path):
        return None
    image = image_of_photo(sha256) or image_at(path)
    if image is None or not image.packed_file:
        return None
    return PackedPhoto(
        content=bytes(image.packed_file.data),
        sha256=photo_in(image),
        focal_px=image.get(_FOCAL) or None,
        focal_told=image.get(_FOCAL_TOLD, ""),
    )


def _is_as_packed(image: bpy.types.Image) -> bool:
    return image.library is None and bool(image.packed_file) and not image.is_dirty


def _name_in(path: str) -> str:
    """The file's name in a path of any operating system."""
    return re.split(r"[\\/]", path)[-1]


def file_of_image(image: bpy.types.Image | None) -> Path | None:
    """The file that an image shows; None where it shows no file."""
    if image is None:
        return None
    if photo_in(image) is not None:
        return Path(image[_FILE])
    if image.source != "FILE" or not image.filepath:
        return None
    return Path(bpy.path.abspath(image.filepath, library=image.library))
