"""Which images show which photo."""

from pathlib import Path

import bpy

_PHOTO = "prn_photo"  # on an image that shows a photo upright: the photo's path


def mark_as_photo(image: bpy.types.Image, photo: Path) -> None:
    """Notes that an image shows a photo upright."""
    image[_PHOTO] = str(photo).encode("utf-8", "replace").decode()


def is_marked_as_photo(image: bpy.types.Image) -> bool:
    """Whether the image is known to show its photo upright; one loaded from a file may lie on its side."""
    return _PHOTO in image


def photo_of_image(image: bpy.types.Image | None) -> Path | None:
    """The file that an image shows; None where it shows no file."""
    if image is None:
        return None
    if isinstance(image.get(_PHOTO), str):
        return Path(image[_PHOTO])
    if image.source != "FILE" or not image.filepath:
        return None
    return Path(bpy.path.abspath(image.filepath, library=image.library))
