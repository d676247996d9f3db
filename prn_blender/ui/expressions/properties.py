"""What the panel of the expressions shows and asks for, kept with the scene."""

import bpy

from ..head.operators import is_other_head

GROUPS = (
    ("EYES", "Eyes", "Lids and gaze"),
    ("BROWS", "Brows", "Brows, cheeks and nose"),
    ("MOUTH", "Mouth", "Jaw, lips and tongue"),
)
_STARTS = {"EYES": ("eye",), "BROWS": ("brow", "cheek", "nose"), "MOUTH": ("jaw", "mouth", "tongue")}


class PRN_PG_expressions(bpy.types.PropertyGroup):
    """Which sliders are shown, and whose expression is copied."""

    group: bpy.props.EnumProperty(name="Group", description="Which sliders are shown", items=GROUPS, default="EYES")
    source: bpy.props.PointerProperty(
        name="Other Head",
        description="The captured head whose expression this one is to wear",
        type=bpy.types.Object,
        poll=is_other_head,
    )

    def shows(self, name: str) -> bool:
        """Whether an expression is in the group."""
        return name.startswith(_STARTS[self.group])


def register() -> None:
    bpy.types.Scene.prn_expressions = bpy.props.PointerProperty(type=PRN_PG_expressions)


def unregister() -> None:
    del bpy.types.Scene.prn_expressions
