"""The panels of the landmarks, in the sidebars of 3D Views and Image Editors."""

import bpy

from ..head.operators import captured_head
from ..shell.sidebar import InImageSidebar, InViewSidebar
from ..shell.wrapped_text import wrapped
from .operators import PRN_OT_reset_landmarks, why_not_adjustable


class LandmarksPanel:
    """The landmarks of captured heads"""

    bl_label = "Landmarks"

    def draw_header(self, context):
        self.layout.prop(context.scene.prn_capture, "show_landmarks", text="")

    def draw(self, context):
        from ...scene.edit.adjust import is_adjustable, moved_landmarks

        head, layout = captured_head(context), self.layout
        if not is_adjustable(head):
            wrapped(context, layout, why_not_adjustable(head), icon="INFO")
            return
        if context.scene.prn_capture.show_landmarks:  # by the box in the header
            layout.label(text="Move one with G, and the head follows")
            layout.prop(context.scene.prn_capture, "symmetric")
        count = len(moved_landmarks(head))
        if not count:
            return
        layout.label(text="1 landmark adjusted" if count == 1 else f"{count} landmarks adjusted", icon="EMPTY_AXIS")
        row = layout.row(align=True)
        row.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset Selected").only_selected = True
        row.operator(PRN_OT_reset_landmarks.bl_idname, text="Reset All", icon="LOOP_BACK").only_selected = False


class PRN_PT_landmarks(InViewSidebar, LandmarksPanel, bpy.types.Panel):
    """The landmarks of the captured head"""

    bl_parent_id = "PRN_PT_captured"


class PRN_PT_image_landmarks(InImageSidebar, LandmarksPanel, bpy.types.Panel):
    """The landmarks of the heads captured from the image"""

    @classmethod
    def poll(cls, context):
        from ...scene.build.photo_images import photo_in
        from ...scene.record import view_of_photo

        head, photo = captured_head(context), photo_in(context.space_data.image)
        return head is not None and photo is not None and view_of_photo(head, photo) is not None
