"""Errors in words for the artist."""

from ...capture.errors import CaptureError


def one_line(error: Exception) -> str:
    """An error in words for the artist."""
    if isinstance(error, CaptureError):
        return str(error)
    if isinstance(error, ImportError):
        return f"A part of the extension does not load ({error}): install the extension again."
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}."
    if isinstance(error, MemoryError):
        return "Not enough memory: choose a smaller texture size or photo."
    return f"Unexpected error ({type(error).__name__}: {error}): the system console shows the details."
