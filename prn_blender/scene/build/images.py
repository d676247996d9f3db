"""The image datablocks of a capture, packed into the .blend."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import bpy

from ...capture.types import BASE_COLOR, MASK, Capture, Photo
from ..names import as_name
from .encode import EncodedImages
from .photo_images import mark_as_photo, shared_image


@dataclass(frozen=True)
class TextureUse:
    """What a texture is in Blender."""

    label: str
    color_space: str
    shader_input: str = ""  # of the Principled BSDF; without one the texture only lies beside it

    @property
    def node_label(self) -> str:
        """By which its node is found in a material."""
        return self.shader_input or self.label


TEXTURES = {
    BASE_COLOR: TextureUse("Texture", "sRGB", "Base Color"),
    MASK: TextureUse("Seen in the Photo", "Non-Color"),
}


@dataclass(frozen=True)
class PackedImages:
    """What the material and the camera of a capture show."""

    textures: dict[str, bpy.types.Image]  # by the capture's names
    photo: bpy.types.Image  # one for all captures of it
    is_photo_new: bool  # it was made for this capture
    others: tuple[bpy.types.Image, ...] = ()  # the capture's further photos
    new_others: tuple[bpy.types.Image, ...] = ()  # those of them that were made for this capture

    def remove(self) -> None:
        """Removes what was made for this capture."""
        photos = [self.photo, *self.new_others] if self.is_photo_new else self.new_others
        bpy.data.batch_remove([*self.textures.values(), *photos])


def pack_images(capture: Capture, encoded: EncodedImages) -> PackedImages:
    """The images of a capture, named after its photo; the photo itself is the one that other captures of it show."""
    photo = capture.views[0].photo
    textures = packed_textures(photo.path.stem, encoded.textures)
    shared = shared_image(photo)
    others, new_others = [], []
    for view, data in zip(capture.views[1:], encoded.others, strict=True):
        other = shared_image(view.photo)
        if other is None:
            other = packed_photo(view.photo, data)
            new_others.append(other)
        others.append(other)
    return PackedImages(
        textures,
        shared or packed_photo(photo, encoded.photo),
        is_photo_new=shared is None,
        others=tuple(others),
        new_others=tuple(new_others),
    )


def packed_textures(stem: str, encoded: Mapping[str, bytes]) -> dict[str, bpy.types.Image]:
    """Images of textures, both by the capture's names, named after the photo's file."""
    textures = {}
    for name, data in encoded.items():
        image = textures[name] = packed_image(name, data, TEXTURES[name].color_space)
        image.filepath_raw = f"//{as_name(stem)}_{name}.png"  # where it is unpacked to, and its name in exports
    name_textures(stem, textures)
    return textures


def name_textures(stem: str, textures: Mapping[str, bpy.types.Image]) -> None:
    """Gives textures their names; where others have these, Blender adds a number."""
    for name, image in textures.items():
        image.name = f"{as_name(stem)} {TEXTURES[name].label}"


def packed_photo(photo: Photo, encoded: bytes) -> bpy.types.Image:
    """An image that shows the upright photo."""
    image = packed_image(as_name(photo.path.name), encoded)
    mark_as_photo(image, photo)
    return image


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
    with suppress(TypeError):  # a studio's own OCIO configuration may not know the name
        image.colorspace_settings.name = color_space
    return image
