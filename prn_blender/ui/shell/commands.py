"""The command line and the networks' memory: parts that need the bundled libraries, which may be missing."""

from . import dependencies


def register() -> None:
    dependencies.forget()
    if dependencies.problem():
        return
    try:
        from ...cli import blender_command
    except ImportError as error:  # the panel shows it
        dependencies.note_failure(error)
        return
    blender_command.register()


def unregister() -> None:
    if dependencies.problem():
        return
    from ...capture.networks.session import release_networks
    from ...cli import blender_command

    blender_command.unregister()
    release_networks()
