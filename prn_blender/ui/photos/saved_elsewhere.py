"""The photo's path when the .blend is saved in another folder: Blender remaps its own relative paths, not add-ons'."""

import os
from pathlib import Path

import bpy

# What the panels held before the file was written, by the scene's name.
_before: dict[str, str] = {}


def remapped(path: str, old: str, new: str) -> str:
    """A path relative to the .blend file `old`, so that it means the same file in the .blend file `new`.

    Absolute where both are on different drives.
    """
    file = os.path.normpath(os.path.join(os.path.dirname(old), path.removeprefix("//")))
    try:
        return "//" + Path(os.path.relpath(file, os.path.dirname(new))).as_posix()
    except ValueError:
        return file


@bpy.app.handlers.persistent
def _before_save(path: str, *_arguments) -> None:
    _before.clear()
    old = bpy.data.filepath
    if not path or not old or os.path.dirname(old) == os.path.dirname(path):
        return
    for scene in bpy.data.scenes:
        if scene.library is None and scene.prn_capture.photo.startswith("//"):
            _before[scene.name] = scene.prn_capture.photo
            _set_photo(scene, remapped(scene.prn_capture.photo, old, path))


@bpy.app.handlers.persistent
def _after_save(path: str, *_arguments) -> None:
    """The file that is open stays where it was when a copy was saved, or saving failed."""
    if bpy.data.filepath != path:
        _restore()
    _before.clear()


@bpy.app.handlers.persistent
def _after_failure(*_arguments) -> None:
    _restore()
    _before.clear()


def _restore() -> None:
    for name, photo in _before.items():
        if name in bpy.data.scenes:
            _set_photo(bpy.data.scenes[name], photo)


def _set_photo(scene: bpy.types.Scene, photo: str) -> None:
    """It is the same photo as before, so the choice of its face stays."""
    options = scene.prn_capture
    face = options.face
    options.photo = photo
    options.face = face


_HANDLERS = (("save_pre", _before_save), ("save_post", _after_save), ("save_post_fail", _after_failure))


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
