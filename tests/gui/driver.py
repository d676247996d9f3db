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


def is_button(operator, argument):
    """Whether the mouse is over the button of an operator, with an argument that contains a text."""
    command = python_command_under_mouse()
    return command.startswith(f"bpy.ops.{operator}(") and argument in command


class Search:
    """Looks for a button of the sidebar with the mouse, step by step between Blender's events."""

    current = None

    def __init__(self, operator, argument, seconds):
        Search.current = self
        self.wanted = operator, argument
        self.seconds = seconds
        self.hits = []
        self.found = None  # the button's middle on the screen
        self.is_over = False
        ui = region("UI")
        columns = [ui.x + ui.width * sixths // 6 for sixths in (3, 1, 5, 2, 4)]
        rows = range(ui.y + ui.height - 4, ui.y, -10)
        # Off the sidebar first: else a button on which the mouse rests would seem to be where it goes first.
        self.path = iter([(ui.x - ui.width, ui.y + ui.height // 2)] + [(x, y) for x in columns for y in rows])
        self.point = None
        bpy.app.timers.register(self.step)

    def step(self):
        if self.point is not None and is_button(*self.wanted):
            self.hits.append(self.point)
        elif self.hits:
            return self.end()
        self.point = next(self.path, None)
        if self.point is None:
            return self.end()
        bpy.context.window_manager.windows[0].cursor_warp(*self.point)
        return self.seconds

    def end(self):
        if self.hits:
            x, top, bottom = self.hits[0][0], self.hits[0][1], self.hits[-1][1]
            height = bpy.context.window_manager.windows[0].height
            self.found = [x, height - (top + bottom) // 2]
        self.is_over = True


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
    try:
        answer = json.dumps({"value": execute(request.read_text()), "error": None})
    except Exception:  # noqa: BLE001 - the test that asked shows it
        answer = json.dumps({"value": None, "error": traceback.format_exc()})
    partial = MAILBOX / f"reply-{served}.partial"
    partial.write_text(answer)
    partial.rename(MAILBOX / f"reply-{served}.json")
    return INTERVAL


bpy.app.timers.register(serve, persistent=True)  # persistent: it goes on after another file is loaded
