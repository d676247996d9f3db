"""The mesh follows its landmarks while they are dragged, and after everything else that may move them."""

import bpy


@bpy.app.handlers.persistent
def _follow_moved(scene, depsgraph) -> None:
    """Live, during a transform: Blender's undo step then holds landmarks and mesh together.

    The change of the mesh that this makes is no change of a landmark, so it ends there.
    """
    moved = [update.id for update in depsgraph.updates if update.is_updated_transform]
    if not moved:
        return
    from ...scene.build.landmarks import head_of_landmark, landmark_index
    from ...scene.edit.adjust import follow_landmarks
    from ...scene.record import is_captured_head

    landmarks = [datablock.original for datablock in moved if isinstance(datablock, bpy.types.Object)]
    heads = {head_of_landmark(landmark) for landmark in landmarks if landmark_index(landmark) is not None}
    for head in filter(is_captured_head, heads):
        follow_landmarks(head)


@bpy.app.handlers.persistent
def _catch_up(*_arguments) -> None:
    """An undo step of *Adjust Last Operation*, or a file saved without the extension, may hold only the landmarks."""
    from ...scene.edit.adjust import follow_landmarks
    from ...scene.record import is_captured_head

    for head in filter(is_captured_head, bpy.data.objects):
        follow_landmarks(head)


def _handlers():
    handlers = bpy.app.handlers
    return (
        (handlers.depsgraph_update_post, _follow_moved),
        (handlers.undo_post, _catch_up),
        (handlers.redo_post, _catch_up),
        (handlers.load_post, _catch_up),
    )


def register() -> None:
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    for handlers, handler in _handlers():
        handlers.remove(handler)
