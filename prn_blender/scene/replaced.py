"""Files that are complete or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..capture.errors import CaptureError


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Write to the path given, of the same type in the same folder; at the end it takes the place of `path`.

    After an exception nothing stays of it, and an older file at `path` is untouched.

    Raises:
        CaptureError: nothing can be written there.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch()
    except OSError as error:
        raise CaptureError(f"{path} cannot be written ({error.strerror}): choose another folder.") from error
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()
