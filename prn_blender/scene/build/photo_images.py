"""Which images show which photo: told by the photo's content, because its file may be replaced or gone."""

from pathlib import Path

import bpy

from ...capture.types import Photo
from ..names import as_name

_PHOTO = "prn_photo"  # on an image that shows a photo upright: the photo's checksum
_FILE = "prn_photo_file"  # and where it was read from


def mark_as_photo(image: bpy.types.Image, photo: Photo) -> None:
    """Notes that an image shows a photo upright."""
    image[_PHOTO] = photo.sha256
    image[_FILE] = as_name(str(photo.path))


def mark_open_images(photo: Photo) -> None:
    """Notes which images that the artist opened show a photo that was read just now.

    They are read anew: Blender goes on showing what a file was when it was opened.
    """
    if not photo.as_stored:
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
    """The image that shows a photo upright; None where there is none."""
    return next((image for image in bpy.data.images if photo_in(image) == sha256), None)


def file_of_image(image: bpy.types.Image | None) -> Path | None:
    """The file that an image shows; None where it shows no file."""
    if image is None:
        return None
    if photo_in(image) is not None:
        return Path(image[_FILE])
    if image.source != "FILE" or not image.filepath:
        return None
    return Path(bpy.path.abspath(image.filepath, library=image.library))
