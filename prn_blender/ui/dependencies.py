"""Whether the bundled libraries are there."""

from functools import cache
from importlib.util import find_spec

_MODULES = {"numpy": "numpy", "PIL": "Pillow", "cv2": "OpenCV", "onnxruntime": "onnxruntime"}

_failed_import = ""


@cache
def _missing() -> str:
    return ", ".join(name for module, name in _MODULES.items() if find_spec(module) is None)


def problem() -> str:
    """One line about what is missing or broken; empty while nothing is known to be."""
    if _missing():
        return f"Not installed: {_missing()}. Install the extension again from its zip for this platform."
    if _failed_import:
        return f"A part of the extension does not load: {_failed_import}. Install it again, then restart Blender."
    return ""


def note_failure(error: ImportError) -> None:
    """Remembers why a library that is there did not load."""
    global _failed_import
    _failed_import = str(error).strip().splitlines()[0]


def forget() -> None:
    """Looks again at the next question."""
    global _failed_import
    _failed_import = ""
    _missing.cache_clear()
