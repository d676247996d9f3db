"""Where files are written."""

from pathlib import Path

import bpy


def default_folder() -> Path:
    """What a file browser shows first: the folder of the .blend, the user's own where it is not saved yet."""
    return Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
