"""Files that are complete or not there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ...capture.errors import CaptureError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Write to the path given, of the same type in the same folder; at the end it takes the place of `path`.

    After an exception nothing stays of it, and an older file at `path` is untouched.

    Raises:
        CaptureError: nothing can be written there.
    """
    temporary = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        with unwritable_told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch()
            yield temporary
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_file(path: Path, data: bytes) -> None:
    """A file of these bytes. Raises CaptureError where nothing can be written there."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def filled_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder whose files move to `folder` at the end, all of them or none.

    After an exception nothing of it stays, and older files in `folder` are as they were.

    Raises:
        CaptureError: nothing can be written there.
    """
    missing = [place for place in (folder, *folder.parents) if not os.path.exists(place)]
    try:
        with unwritable_told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            temporary = tempfile.TemporaryDirectory(dir=folder, prefix=".prn_capture_")
        with temporary as name:
            new, old = Path(name, "new"), Path(name, "old")
            new.mkdir()
            old.mkdir()
            yield new
            with unwritable_told(folder):
                _move_all(new, folder, old)
    except BaseException:
        with suppress(OSError):
            for place in missing:
                place.rmdir()
        raise


def _move_all(new: Path, folder: Path, old: Path) -> None:
    """Moves the files of `new` into `folder`, and what stands in their place to `old`; undone where one fails."""
    with ExitStack() as undo:
        for file in sorted(new.iterdir()):
            target = folder / file.name
            if target.is_dir() and not target.is_symlink():
                raise IsADirectoryError(f"{target.name} is a folder there")
            if os.path.lexists(target):
                os.replace(target, old / file.name)
                undo.callback(os.replace, old / file.name, target)
            os.replace(file, target)
            undo.callback(os.replace, target, file)
        undo.pop_all()


@contextmanager
def unwritable_told(place: Path) -> Iterator[None]:
    """An operating system's error about a file or folder in words for the artist."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise CaptureError(f"{place} cannot be written ({reason}): choose another folder.") from error
