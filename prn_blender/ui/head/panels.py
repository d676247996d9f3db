"""The panel of the captured head."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

from pathlib import Path

import bpy

from ...capture.types import PROVIDER_LABELS
from ..shell import session
from ..shell.sidebar import InViewSidebar, draw_fact
from ..shell.wrapped_text import wrapped
from .alignments import ALIGNMENTS
from .operators import (
    PRN_OT_align,
    PRN_OT_shade,
    PRN_OT_show_alone,
    PRN_OT_view_photo,
    captured_head,
    is_photo_viewed,
)


class PRN_PT_captured(InViewSidebar, bpy.types.Panel):
    """The captured head"""

    bl_label = "Captured Head"

    @classmethod
    def poll(cls, context):
        return captured_head(context) is not None

    def draw(self, context):
        from ...scene.edit.align import alignment_of

        head, layout = captured_head(context), self.layout
        layout.label(text=head.name, icon="OUTLINER_OB_MESH")
        row = layout.row(align=True)
        for identifier, label, _ in ALIGNMENTS:
            depress = alignment_of(head) == identifier
            row.operator(PRN_OT_align.bl_idname, text=label, depress=depress).alignment = identifier
        row = layout.row(align=True)
        row.operator(PRN_OT_view_photo.bl_idname, text="Camera", icon="VIEW_CAMERA", depress=is_photo_viewed(context))
        row.operator("view3d.view_selected", text="Head", icon="ZOOM_SELECTED")
        row.operator(
            PRN_OT_show_alone.bl_idname, text="Alone", icon="SOLO_OFF", depress=bool(context.space_data.local_view)
        )
        shading = context.space_data.shading
        if shading.type == "SOLID":
            row = layout.row(align=True)
            for label, is_textured in (("Plain", False), ("Textured", True)):
                depress = (shading.color_type == "TEXTURE") == is_textured
                row.operator(PRN_OT_shade.bl_idname, text=label, depress=depress).textured = is_textured


class PRN_PT_facts(InViewSidebar, bpy.types.Panel):
    """What is known of the capture"""

    bl_label = "About"
    bl_parent_id = "PRN_PT_captured"
    bl_options = {"DEFAULT_CLOSED"}
    bl_order = 10

    def draw(self, context):
        from ...scene.record import read_record

        record = read_record(captured_head(context))
        photo = record["photo"]["path"]
        faces = session.current.faces_in(Path(photo))
        column = self.layout.column(align=True)
        column.scale_y = 0.8
        draw_fact(column, "Photo", bpy.path.basename(photo))
        if faces is not None:
            draw_fact(column, "Faces Found", str(len(faces.boxes)))
        draw_fact(column, "Seen in Photo", f"{record['visible_share']:.0%} of the head")
        draw_fact(column, "Model Pack", f"{record['pack']['name']} {record['pack']['version']}")
        draw_fact(column, "Size", _size_told_by(record))
        draw_fact(column, "Time", f"{record.get('waited', sum(record['timings'].values())):.1f} s")
        draw_fact(column, "Computed On", PROVIDER_LABELS.get(record["provider"], record["provider"]))
        if record["provider_fallback"]:
            wrapped(context, self.layout, record["provider_fallback"], icon="INFO")


def _size_told_by(record: dict) -> str:
    settings = record["settings"]
    if settings.get("head_size") == "eyes":
        return f"eyes {settings['eye_mm']:.1f} mm apart"
    return "by the irises" if "irises" in record else "as on average"
