"""Where the panels stand, and what they have in common."""

import bpy

from . import session


class InViewSidebar:
    """Panels in the sidebar of a 3D View."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = session.TAB


class InImageSidebar:
    """Panels in the sidebar of an Image Editor."""

    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = session.TAB


def settings_layout(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """The same layout, from now on with the names of properties at the left of their values."""
    layout.use_property_split = True
    layout.use_property_decorate = False  # no dots: these are not animated
    return layout


def draw_fact(layout: bpy.types.UILayout, name: str, value: str) -> None:
    """A line that looks like a property but cannot be changed."""
    split = layout.split(factor=0.4)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=name)
    split.label(text=value)
