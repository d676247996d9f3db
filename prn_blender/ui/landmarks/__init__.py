"""The landmarks of captured heads."""

from . import handlers, operators, overlay, panels

CLASSES = (
    operators.PRN_OT_reset_landmarks,
    panels.PRN_PT_landmarks,
    panels.PRN_PT_image_landmarks,
)
PARTS = (handlers, overlay)
