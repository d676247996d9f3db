"""Entries in Blender's menus, through which the menu search finds them too."""

import bpy

from .capture_operators import PRN_OT_reconstruct_from_image


def _add_mesh(self, context):
    self.layout.separator()
    self.layout.operator(PRN_OT_reconstruct_from_image.bl_idname, text="Head from Photo", icon="USER")


def register() -> None:
    bpy.types.VIEW3D_MT_mesh_add.append(_add_mesh)


def unregister() -> None:
    bpy.types.VIEW3D_MT_mesh_add.remove(_add_mesh)
