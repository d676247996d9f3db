"""The choices for textures of other heads, kept with the scene."""

import bpy

from ...capture.texture.regions import REGIONS
from ..head.operators import is_other_head

PAINTED = "MASK"
REGION_ITEMS = (
    *((name, label, f"{label}, as the landmarks show it") for name, label in REGIONS.items()),
    (PAINTED, "Painted Mask", "An image in the same UV, white where the other texture shall be"),
)


class PRN_PG_textures(bpy.types.PropertyGroup):
    """Where the other texture is from, and what of it is taken."""

    source: bpy.props.EnumProperty(
        name="From",
        description="Where the other texture is from",
        items=(("HEAD", "Head", "Another captured head"), ("IMAGE", "Image", "An image in the same UV")),
    )
    head: bpy.props.PointerProperty(
        name="Other Head",
        description="A head captured with the same model pack",
        type=bpy.types.Object,
        poll=is_other_head,
    )
    image: bpy.props.PointerProperty(name="Other Image", description="A texture in the same UV", type=bpy.types.Image)
    region: bpy.props.EnumProperty(name="Region", description="What is taken", items=REGION_ITEMS, default="face")
    mask: bpy.props.PointerProperty(
        name="Mask",
        description="An image in the same UV, white where the other texture shall be",
        type=bpy.types.Image,
    )
    match: bpy.props.BoolProperty(
        name="Match Colours",
        description="Bring the other texture to the colours that this one has around the region",
        default=True,
    )


def register() -> None:
    bpy.types.Scene.prn_textures = bpy.props.PointerProperty(type=PRN_PG_textures)


def unregister() -> None:
    del bpy.types.Scene.prn_textures
