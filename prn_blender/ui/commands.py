"""The command line and the networks' memory: parts that need the bundled libraries, which may be missing."""

from . import dependencies


def register() -> None:
    dependencies.forget()
    if dependencies.problem():
        return
    try:
        from .. import cli
    except ImportError as error:  # the panel shows it
        dependencies.note_failure(error)
        return
    cli.register()


def unregister() -> None:
    if dependencies.problem():
        return
    from .. import cli
    from ..capture.finder import release_finders
    from ..capture.network import release_networks

    cli.unregister()
    release_networks()
    release_finders()
