"""Nothing half done: datablocks made in a block that fails, or that was only a means, are removed again."""

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

_KINDS = (
    *("objects", "collections", "meshes", "armatures", "materials", "node_groups", "images", "cameras", "lights"),
    *("worlds", "scenes"),
)


def _datablocks() -> set[bpy.types.ID]:
    return {datablock for kind in _KINDS for datablock in getattr(bpy.data, kind)}


@contextmanager
def undone_on_error(scene: bpy.types.Scene) -> Iterator[None]:
    """After an exception in the block `bpy.data`, the scene's camera and its render size are as before."""
    before = _datablocks()
    camera, render = scene.camera, scene.render
    size = {name: getattr(render, name) for name in _RENDER_SIZE}
    try:
        yield
    except BaseException:
        bpy.data.batch_remove(_datablocks() - before)
        scene.camera = camera
        for name, value in size.items():
            setattr(render, name, value)
        raise


@contextmanager
def discarded() -> Iterator[None]:
    """Every datablock made in the block is removed at its end."""
    before = _datablocks()
    try:
        yield
    finally:
        bpy.data.batch_remove(_datablocks() - before)


_RENDER_SIZE = (
    "resolution_x",
    "resolution_y",
    "resolution_percentage",
    "pixel_aspect_x",
    "pixel_aspect_y",
)
