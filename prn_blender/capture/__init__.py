"""Photo to `Capture`: plain functions over numpy arrays and frozen dataclasses, without bpy."""
