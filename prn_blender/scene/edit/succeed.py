"""A head made anew takes the place of the one before."""

import bpy

from ..build.camera import cameras_of
from ..build.landmarks import landmarks_of
from ..record import belong_together
from .align import alignment_of, set_alignment


def succeed(new: bpy.types.Object, old: bpy.types.Object) -> None:
    """Puts a head where another stands, under its name, gives it what hangs on that, and removes the other.

    The artist's own objects that hang on the old head hang on the new one; changes to the old mesh are lost.
    """
    own = own_objects(old)
    collections = {collection for part in own for collection in part.users_collection}
    new.parent, new.matrix_parent_inverse = old.parent, old.matrix_parent_inverse
    new.location, new.scale = old.location, old.scale
    set_alignment(new, alignment_of(old))
    for child in old.children:
        if child not in own:
            child.parent = new  # keeps its place, which is relative
    name = old.name
    blocks = {part.data for part in own if part.data is not None}
    bpy.data.batch_remove(own)
    bpy.data.batch_remove([block for block in blocks if not block.users])
    empty = [collection for collection in collections if not collection.all_objects]
    bpy.data.batch_remove(empty)
    new.name = name


def own_objects(head: bpy.types.Object) -> set[bpy.types.Object]:
    """What a capture made: the head, its landmarks and the empty that holds them, its parts and its cameras."""
    landmarks = {landmark for _, landmark in landmarks_of(head)}
    roots = {landmark.parent for landmark in landmarks}
    parts = {child for child in head.children_recursive if belong_together(child, head)}
    return {head, *landmarks, *roots, *parts, *cameras_of(head).values()}
