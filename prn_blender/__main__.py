"""`python -m prn_blender`: captures heads without a window, with Blender's Python module."""

import atexit
import os
import sys

_code = 1


def _leave() -> None:
    """Ends the process before the C++ destructors of Blender 4.2's module, which crash after a glTF export.

    Registered before Blender's own exit function, it runs after that has cleaned up.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_code)


atexit.register(_leave)

from .cli.batch import main

_code = main(sys.argv[1:], "python -m prn_blender")
