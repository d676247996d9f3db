"""The panels of the pins, in the sidebars of 3D Views and Image Editors."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from contextlib import suppress

import bpy

from ...capture.errors import CaptureError
from ..head.operators import captured_head
from ..head.texture import PRN_OT_project_texture
from ..landmarks.operators import why_not_adjustable
from ..photos.image_editor import PRN_OT_open_photo_of_head, editor_of_head
from ..shell.packs import packs_to_choose_from
from ..shell.sidebar import InImageSidebar, InViewSidebar, settings_layout
from ..shell.wrapped_text import wrapped
from .operators import PRN_OT_align_face, PRN_OT_remove_pins, PRN_OT_switch_pins
from .tool import PRN_OT_pin_head


class PinsPanel:
    """Pins between head and photo"""

    bl_label = "Pins"

    def draw(self, context):
        from ...scene.edit.adjust import is_adjustable, moved_landmarks
        from ...scene.edit.pins import count_pins, is_pinnable

        head, layout = captured_head(context), self.layout
        if not is_adjustable(head):
            wrapped(context, layout, why_not_adjustable(head), icon="INFO")
            return
        row = layout.row(align=True)
        row.operator(PRN_OT_pin_head.bl_idname, icon="PINNED")
        if self.bl_space_type == "VIEW_3D":
            is_open = editor_of_head(context.window, head) is not None
            row.operator(PRN_OT_open_photo_of_head.bl_idname, text="", icon="IMAGE_REFERENCE", depress=is_open)
        if is_pinnable(head):
            self._draw_pins(context, head)
        else:
            wrapped(context, layout, _why_not_pinnable(context, head), icon="INFO")
        if count_pins(head) or moved_landmarks(head):
            layout.operator(PRN_OT_project_texture.bl_idname, icon="TEXTURE")

    def _draw_pins(self, context: bpy.types.Context, head: bpy.types.Object) -> None:
        from ...scene.edit.pins import count_pins, pins_of
        from ...scene.record import views_of_head

        layout, options = self.layout, context.scene.prn_pins
        column = settings_layout(layout.column(align=True))
        column.prop(options, "stiffness", slider=True)
        column.prop(options, "follow", slider=True)
        row = layout.row(align=True)
        row.prop(options, "lock_identity", toggle=True, icon="LOCKED" if options.lock_identity else "UNLOCKED")
        row.prop(options, "lock_expression", toggle=True, icon="LOCKED" if options.lock_expression else "UNLOCKED")
        layout.operator(PRN_OT_align_face.bl_idname, icon="FILE_REFRESH")
        count = count_pins(head)
        if not count:
            return
        pins = [pin for view in range(len(views_of_head(head))) for pin in pins_of(head, view)]
        off = sum(not pin.is_on for pin in pins)
        layout.label(text=("1 pin" if count == 1 else f"{count} pins") + (f", {off} off" if off else ""), icon="PINNED")
        row = layout.row(align=True)
        row.operator(PRN_OT_switch_pins.bl_idname, text="All Off").on = False
        row.operator(PRN_OT_switch_pins.bl_idname, text="All On").on = True
        row.operator(PRN_OT_remove_pins.bl_idname, text="Remove All", icon="X")


def _why_not_pinnable(context: bpy.types.Context, head: bpy.types.Object) -> str:
    from ...scene.posed import pack_of_head

    with suppress(CaptureError):  # the pack is not installed any more
        pack = pack_of_head(head, packs_to_choose_from(context)).description
        if not pack.has_head_model:
            return f"The model pack {pack.title} does not know what heads are like: move landmarks instead"
    return "Update the head from its photo, and pins move all of it"


class PRN_PT_pins(InViewSidebar, PinsPanel, bpy.types.Panel):
    """Pins between the captured head and its photo"""

    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}


class PRN_PT_image_pins(InImageSidebar, PinsPanel, bpy.types.Panel):
    """Pins between the image and the heads captured from it"""

    @classmethod
    def poll(cls, context):
        from ...scene.build.photo_images import photo_in
        from ...scene.record import view_of_photo

        head, photo = captured_head(context), photo_in(context.space_data.image)
        return head is not None and photo is not None and view_of_photo(head, photo) is not None
