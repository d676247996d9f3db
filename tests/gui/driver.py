"""Runs inside Blender (`--python driver.py`): executes the Python that the tests put into this file's folder.

A request is a file `request-N.py` with the body of a function; the answer is `reply-N.json` with its value or its
traceback. A timer does it, so the window's own events go on in between.
"""

import json
import textwrap
import traceback
from pathlib import Path

import bpy

MAILBOX = Path(__file__).parent
INTERVAL = 0.02
served = 0


def region(kind):
    """A region of the 3D View."""
    return next(region for region in view_area().regions if region.type == kind)


def view_area():
    """The largest 3D View."""
    areas = [area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D"]
    return max(areas, key=lambda area: area.width * area.height)


def python_command_under_mouse():
    """The Python command of the sidebar's button that the mouse is over; empty where it is over none."""
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0], area=view_area(), region=region("UI")):
        if not bpy.ops.ui.copy_python_command_button.poll():
            return ""
        manager.clipboard = ""
        bpy.ops.ui.copy_python_command_button()
    return manager.clipboard


def execute(code):
    window, view = bpy.context.window_manager.windows[0], view_area()
    scope = dict(globals(), window=window, view=view, context=bpy.context)
    exec("def request():\n" + textwrap.indent(code or "pass", "    "), scope)  # noqa: S102 - what this script is for
    with bpy.context.temp_override(window=window, area=view, region=region("WINDOW")):
        return scope["request"]()


def serve():
    global served
    request = MAILBOX / f"request-{served + 1}.py"
    if not request.exists():
        return INTERVAL
    served += 1
    answer = {"value": None, "error": None}
    try:
        answer["value"] = execute(request.read_text())
    except Exception:  # noqa: BLE001 - the test that asked shows it
        answer["error"] = traceback.format_exc()
    partial = MAILBOX / f"reply-{served}.partial"
    partial.write_text(json.dumps(answer))
    partial.rename(MAILBOX / f"reply-{served}.json")
    return INTERVAL


bpy.app.timers.register(serve, persistent=True)  # persistent: it goes on after another file is loaded
