"""How quickly a head follows a dragged pin in a real Blender's window.

    .venv/bin/python benchmarks/dragging.py [PHOTO] [--topology game] [--parts simple] [--expressions] [--pins 10]
        [--json]

A real Blender (as in tests/gui) gets the extension from its zip in dist/ (`python3 build.py zip`), captures the photo's
head, shows it with its texture through its camera, and a pin is dragged with the mouse along a circle while others
hold. A step is what the tool does for one move of the mouse: the fit, the mesh, landmarks and camera. A frame is a
redraw of the 3D View with all that the head needs for it. Without a graphics card drawing takes most of the time:
"drawing alone" has the mesh change as often as Blender can show it, without a fit.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks.real_window import window_for
from tests.gui.real_blender import Window

HEAD = "next((block for block in bpy.data.objects if 'prn_capture' in block), None)"
MODULE = "bl_ext.user_default.prn_head_capture"
MOVES, PAUSE, RADIUS = 400, 0.05, 14  # of the mouse: how many, seconds between them, pixels of the circle
PROBE = f"""
    import importlib, sys, time
    Tool = importlib.import_module("{MODULE}.ui.pins.tool").PRN_OT_pin_head
    frames, steps = [], []
    sys.modules["prn_probe"] = (frames, steps)
    follow = Tool._follow_mouse

    def timed(tool, context, one):
        started, used = time.perf_counter(), time.thread_time()
        follow(tool, context, one)
        steps.append((started, time.perf_counter(), time.thread_time() - used))

    Tool._follow_mouse = timed
    bpy.types.SpaceView3D.draw_handler_add(lambda: frames.append(time.perf_counter()), (), "WINDOW", "POST_PIXEL")
"""
TAKE = """
    import sys
    taken = [list(part) for part in sys.modules["prn_probe"]]
    for part in sys.modules["prn_probe"]:
        part.clear()
    return taken
"""
PREPARE = """
    import importlib, sys
    pinning = importlib.import_module("{module}.ui.pins.pinned")
    context.preferences.view.smooth_view = 0
    bpy.ops.prn.view_photo()
    bpy.ops.prn.shade(textured=True)
    head = {head}
    with context.temp_override(active_object=head):
        pinned = pinning.pinned_head(context, head)
    chosen = [pinned.landmark_pin(0, index) for index in {landmarks}]
    pinned.set_pins(0, chosen)
    def tool():
        window = bpy.context.window_manager.windows[0]
        with bpy.context.temp_override(window=window, area=view_area(), region=region("WINDOW")):
            bpy.ops.prn.pin_head("INVOKE_DEFAULT")
    bpy.app.timers.register(tool, first_interval=0.1)
"""
PLACE = """
    import importlib, sys
    canvas = importlib.import_module("{module}.ui.pins.canvas")
    (shown,) = canvas.heads_in(context, view)
    x, y = shown.landmarks()[{landmark}]
    main = region("WINDOW")
    return [round(main.x + x), round(window.height - main.y - y)]
"""
ALONE = """
    import sys
    head = {head}
    def change():
        head.data.vertices[0].co.x += 1e-7
        head.data.update()
        region("WINDOW").tag_redraw()
        return None if sys.modules["prn_probe"][1] else 0.0
    bpy.app.timers.register(change)
"""
STOP = """
    import sys
    sys.modules["prn_probe"][1].append((0, 0, 0))
"""
# Chin (dragged first), brows, eyes, nose, mouth, jaw.
LANDMARKS = (8, 19, 24, 36, 45, 30, 48, 54, 4, 12, 27, 33, 51, 57, 21, 22, 39, 42, 6, 10)


def measure(window: Window, photo: str, topology: str, parts: str, expressions: bool, pins: int) -> dict[str, float]:
    window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
    window.python(
        f"chosen = context.scene.prn_capture; chosen.topology = {topology!r}; chosen.parts = {parts!r}; "
        f"chosen.expressions = {expressions}; chosen.photo = {photo!r}"
    )
    window.python("bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT')")
    window.wait(f"{HEAD} is not None", seconds=180)
    time.sleep(4)
    window.python(PROBE)
    window.python(PREPARE.format(module=MODULE, head=HEAD, landmarks=LANDMARKS[: pins + 1]))
    time.sleep(2)
    x, y = window.python(PLACE.format(module=MODULE, landmark=LANDMARKS[0]))
    angles = np.linspace(0, 4 * np.pi, MOVES)
    path = [(x, y), *((round(x + RADIUS * np.sin(a)), round(y + RADIUS * (1 - np.cos(a)))) for a in angles)]
    window.python(TAKE)
    window.desktop.drag_along(path, PAUSE)
    time.sleep(1)
    frames, steps = (np.array(part) for part in window.python(TAKE))
    window.desktop.key("Escape")
    first, last = steps[0, 0], steps[-1, 1]
    during = frames[(frames > first) & (frames < last)]
    milliseconds = 1000 * (steps[:, 1] - steps[:, 0])
    window.python(ALONE.format(head=HEAD))
    time.sleep(3)
    alone = np.array(window.python(TAKE)[0])
    window.python(STOP)
    return {
        "steps": len(steps),
        "a step, ms of a processor, median": 1000 * float(np.median(steps[:, 2])),
        "a step, ms, median": float(np.median(milliseconds)),
        "a step, ms, 95 %": float(np.percentile(milliseconds, 95)),
        "steps a second": len(steps) / (last - first),
        "frames a second": len(during) / (last - first),
        "longest between frames, ms": 1000 * float(np.diff(during).max()),
        "frames a second, drawing alone": len(alone) / float(np.ptp(alone)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=CHECKOUT / "examples" / "astronaut.jpg")
    parser.add_argument("--topology", default="game")
    parser.add_argument("--parts", default="simple")
    parser.add_argument("--expressions", action="store_true")
    parser.add_argument("--pins", type=int, default=10, help="that hold, beside the dragged one (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()
    with window_for(arguments.photo) as (window, photo):
        version = window.python("return bpy.app.version_string")
        chosen = arguments.topology, arguments.parts, arguments.expressions, arguments.pins
        result = measure(window, photo, *chosen)
        window.desktop.screenshot(CHECKOUT / "dist" / "gui" / "dragging.png")
    print(f"Blender {version}, {arguments.topology}, {arguments.parts}, {arguments.pins} pins hold")
    for name, value in result.items():
        print(f"{name:<36}{value:>9.1f}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
