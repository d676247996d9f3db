"""`python -m prn_blender`: captures heads without a window, with Blender's Python module."""

import sys

from .cli import main

sys.exit(main(sys.argv[1:], "python -m prn_blender"))
