"""The mesh follows its landmarks while they are dragged, and after everything else that may move them."""

import bpy


@bpy.app.handlers.persistent
def _follow_moved(scene, depsgraph) -> None:
    """Live, during a transform: Blender's undo step then holds landmarks and mesh together.

    The change of the mesh that this makes is no change of a landmark, so it ends there.
    """
    from ...scene.build.landmarks import head_of_landmark, landmark_index
    from ...scene.edit.adjust import follow_landmarks
    from ...scene.record import is_captured_head

    moved = (update.id.original for update in depsgraph.updates if update.is_updated_transform)
    landmarks = (moved for moved in moved if isinstance(moved, bpy.types.Object) and landmark_index(moved) is not None)
    for head in filter(is_captured_head, {head_of_landmark(landmark) for landmark in landmarks}):
        follow_landmarks(head, scene.prn_capture.symmetric)


@bpy.app.handlers.persistent
def _before_change(*_arguments) -> None:
    from ...scene.build.landmarks import forget_landmarks

    forget_landmarks()


@bpy.app.handlers.persistent
def _catch_up(*_arguments) -> None:
    """An undo step of *Adjust Last Operation*, or a file saved without the extension, may hold only the landmarks."""
    from ...scene.build.landmarks import forget_landmarks
    from ...scene.edit.adjust import follow_landmarks
    from ...scene.record import is_captured_head

    forget_landmarks()
    for head in filter(is_captured_head, bpy.data.objects):
        follow_landmarks(head)


def _handlers():
    handlers = bpy.app.handlers
    return (
        (handlers.undo_pre, _before_change),
        (handlers.redo_pre, _before_change),
        (handlers.load_pre, _before_change),
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
