"""Pins on captured heads: put, dragged, turned off and removed over the photo, and what may follow them."""

from . import operators, panels, properties, tool

CLASSES = (
    tool.PRN_OT_pin_head,
    operators.PRN_OT_switch_pins,
    operators.PRN_OT_remove_pins,
    operators.PRN_OT_align_face,
    properties.PRN_PG_pins,
    panels.PRN_PT_pins,
    panels.PRN_PT_image_pins,
)
PARTS = (properties,)
