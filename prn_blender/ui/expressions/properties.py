"""Which sliders the panel shows, kept with the scene."""

import bpy

GROUPS = (
    ("EYES", "Eyes", "Lids and gaze"),
    ("BROWS", "Brows", "Brows, cheeks and nose"),
    ("MOUTH", "Mouth", "Jaw, lips and tongue"),
)
_STARTS = {"EYES": ("eye",), "BROWS": ("brow", "cheek", "nose"), "MOUTH": ("jaw", "mouth", "tongue")}


class PRN_PG_expressions(bpy.types.PropertyGroup):
    """What the panel shows."""

    group: bpy.props.EnumProperty(name="Group", description="Which sliders are shown", items=GROUPS, default="EYES")

    def shows(self, name: str) -> bool:
        """Whether an expression is in the group."""
        return name.startswith(_STARTS[self.group])


def register() -> None:
    bpy.types.Scene.prn_expressions = bpy.props.PointerProperty(type=PRN_PG_expressions)


def unregister() -> None:
    del bpy.types.Scene.prn_expressions
