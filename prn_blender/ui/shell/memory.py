"""The memory that the networks occupy."""

import bpy

from . import session


class PRN_OT_release_memory(bpy.types.Operator):
    """Free the memory that the network occupies, on the graphics card too; the next capture loads it again"""

    bl_idname = "prn.release_memory"
    bl_label = "Release Model Memory"

    @classmethod
    def poll(cls, context):
        return session.is_free_for(cls)

    def execute(self, context):
        from ...capture.networks.session import release_networks

        release_networks()
        self.report({"INFO"}, "The model's memory is free")
        return {"FINISHED"}
