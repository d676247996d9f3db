"""Whether the bundled libraries are there, without loading them."""

from functools import cache
from importlib.util import find_spec

_MODULES = {"numpy": "numpy", "PIL": "Pillow", "cv2": "OpenCV", "onnxruntime": "onnxruntime"}


@cache
def problem() -> str:
    """One line about what is missing; empty when nothing is."""
    missing = [name for module, name in _MODULES.items() if find_spec(module) is None]
    if not missing:
        return ""
    return f"Not installed: {', '.join(missing)}. Install the extension again from its zip for this platform."


def forget() -> None:
    """Looks again at the next question."""
    problem.cache_clear()
