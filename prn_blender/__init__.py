"""PRN Head Capture: a photo in, a head in the scene out."""


def register() -> None:
    import bpy  # here and not above, because `capture` also works without Blender

    from . import ui

    for cls in ui.CLASSES:
        bpy.utils.register_class(cls)
    for part in ui.PARTS:
        part.register()


def unregister() -> None:
    import bpy

    from . import ui

    for part in reversed(ui.PARTS):
        part.unregister()
    for cls in reversed(ui.CLASSES):
        bpy.utils.unregister_class(cls)
