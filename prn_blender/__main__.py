"""`python -m prn_blender`: captures heads without a window, with Blender's Python module."""

import atexit
import os
import sys
from contextlib import suppress

_code = 1


def _leave() -> None:
    """Ends the process before the C++ destructors of Blender 4.2's module, which crash after a glTF export.

    Registered before Blender's own exit function, it runs after that has cleaned up.
    """
    with suppress(OSError):  # nobody may be reading any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(_code)


def main() -> None:
    """Runs the command line of this process."""
    global _code
    atexit.register(_leave)
    from .cli.batch import main as run

    name = os.path.basename(sys.argv[0])
    _code = run(sys.argv[1:], "python -m prn_blender" if name == "__main__.py" else name)


if __name__ == "__main__":
    main()
