"""`blender --command prn_capture`."""

import bpy

from .batch import main

COMMAND = "prn_capture"

_registered = []


def register() -> None:
    """Makes `blender --command prn_capture` known."""
    _registered.append(
        bpy.utils.register_cli_command(COMMAND, lambda arguments: main(arguments, f"blender --command {COMMAND}"))
    )


def unregister() -> None:
    while _registered:
        bpy.utils.unregister_cli_command(_registered.pop())
