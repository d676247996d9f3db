"""Captured heads for other programs."""

from . import operators, panels

CLASSES = (operators.PRN_OT_check_head, operators.PRN_OT_export_head, panels.PRN_PT_export)
PARTS = ()
