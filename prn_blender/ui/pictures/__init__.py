"""What is drawn and measured of a captured head in its photo."""

from . import operators, panels

CLASSES = (operators.PRN_OT_draw_picture, operators.PRN_OT_save_measured, panels.PRN_PT_pictures)
PARTS = ()
