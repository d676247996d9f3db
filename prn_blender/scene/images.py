"""The image datablocks of a capture, packed into the .blend."""

from dataclasses import dataclass

import bpy

from ..capture.reconstruct import Capture
from .encoded import EncodedImages
from .photo_images import mark_as_photo


@dataclass(frozen=True)
class PackedImages:
    """What the material and the camera of a capture show."""

    colour: bpy.types.Image
    mask: bpy.types.Image
    photo: bpy.types.Image

    def remove(self) -> None:
        bpy.data.batch_remove([self.colour, self.mask, self.photo])


def pack_images(capture: Capture, encoded: EncodedImages) -> PackedImages:
    """The images of a capture, named after its photo."""
    path = capture.photo.path
    photo = packed_image(as_name(path.name), encoded.photo)
    mark_as_photo(photo, path)
    return PackedImages(
        packed_image(f"{as_name(path.stem)}_basecolor.png", encoded.colour),
        packed_image(f"{as_name(path.stem)}_mask.png", encoded.mask, "Non-Color"),
        photo,
    )


def as_name(file_name: str) -> str:
    """A file name that is no valid Unicode is no name for Blender."""
    return file_name.encode("utf-8", "replace").decode()


def decode(image: bpy.types.Image) -> None:
    """Does now what Blender would do when it first shows the image, 0.1 s for 2048 x 2048 pixels."""
    tuple(image.size)  # has Blender read the file


def packed_image(name: str, data: bytes, color_space: str = "sRGB") -> bpy.types.Image:
    """An image whose file `data` lies in the .blend.

    Packing an encoded file is many times faster than `Image.pixels` followed by `Image.pack`.
    """
    image = bpy.data.images.new(name, 1, 1)
    image.pack(data=data, data_len=len(data))
    image.source = "FILE"
    try:
        image.colorspace_settings.name = color_space
    except TypeError:  # a studio's own OCIO configuration may not know the name
        pass
    return image
