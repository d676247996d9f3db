"""Operators on the landmarks of a captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ...capture.landmarks import COUNT
from ..head.operators import HeadOperator, captured_head
from ..shell import session


class PRN_OT_reset_landmarks(HeadOperator, bpy.types.Operator):
    """Put landmarks back to where they were captured, and the head with them"""

    bl_idname = "prn.reset_landmarks"
    bl_label = "Reset Landmarks"
    bl_options = {"REGISTER", "UNDO"}
    changes_head = True

    only_selected: bpy.props.BoolProperty(
        name="Selected Only", description="Only the landmarks that are selected", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context, properties):
        if properties.only_selected:
            return "Put the selected landmarks back to where they were captured, and the head with them"
        return "Put all landmarks back to where they were captured: the head is again as it was"

    @classmethod
    def poll(cls, context):
        from ...scene.edit.adjust import is_adjustable

        if not super().poll(context):
            return False
        if not is_adjustable(captured_head(context)):
            cls.poll_message_set(why_not_adjustable(captured_head(context)))
            return False
        return True

    def execute(self, context):
        from ...scene.build.landmarks import landmarks_of
        from ...scene.edit.adjust import reset_landmarks

        head = captured_head(context)
        indices = list(range(COUNT))
        if self.only_selected:
            indices = [index for index, landmark in landmarks_of(head) if landmark.select_get()]
            if not indices:
                self.report({"WARNING"}, "No landmark is selected")
                return {"CANCELLED"}
        reset_landmarks(head, indices)
        session.tag_redraw()
        return {"FINISHED"}


def why_not_adjustable(head: bpy.types.Object) -> str:
    """For an artist, in one line."""
    from ...scene.edit.adjust import shares_mesh
    from ...scene.edit.frame import hang_in_mesh_space

    if head.data.library:
        return "The head's mesh is linked from another file: make it local"
    if head.data.is_editmode:
        return "Leave Edit Mode"
    if shares_mesh(head):
        return "Another head has the same mesh: make it single-user (Object, Relations, Make Single User)"
    if not hang_in_mesh_space(head):
        return "The landmarks were moved away from the head: clear the transforms of the empty that holds them"
    return "The head's vertices are no longer those that were captured: capture the photo again"
