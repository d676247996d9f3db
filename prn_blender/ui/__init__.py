"""Operators, panels, properties, preferences and the background job, by subject."""

from . import capture, export, expressions, head, landmarks, menus, photos, pictures, pins, shell, textures, views

_SUBJECTS = (shell, photos, capture, head, views, pins, expressions, landmarks, export, pictures, textures)

CLASSES = (*(cls for subject in _SUBJECTS for cls in subject.CLASSES), menus.PRN_MT_captured_head)
# Modules with a register() and an unregister() of their own.
PARTS = (*(part for subject in _SUBJECTS for part in subject.PARTS), menus)
