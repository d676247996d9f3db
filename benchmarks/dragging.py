"""How quickly a head follows a dragged pin in a real Blender's window.

    .venv/bin/python benchmarks/dragging.py [PHOTO] [--topology game] [--parts simple] [--expressions] [--pins 10]
        [--editor view] [--window 1280x900] [--antialiasing 8] [--json]

A real Blender (as in tests/gui) gets the extension from its zip in dist/ (`python3 build.py zip`), captures the photo's
head, shows it with its texture through its camera, and a pin is dragged with the mouse along a circle while others
hold. A step is what the tool does for one move of the mouse: the fit, the mesh, landmarks and camera. A frame is a
redraw of the editor with all that the head needs for it. Without a graphics card drawing takes most of the time:
"drawing alone" has the mesh change as often as Blender can show it, without a fit, and "of a header" redraws next to
nothing: what is left is Blender's putting the window together, beyond which no frame rate goes.

In the Image Editor, which then has the 3D View's place, the head's landmarks follow; the 3D View is as low as the
timeline.
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
PROBE = """
    import importlib, sys, time
    Tool = importlib.import_module("{module}.ui.pins.tool").PRN_OT_pin_head
    frames, steps = [], []
    sys.modules["prn_probe"] = (frames, steps)
    follow = Tool._follow_mouse

    def timed(tool, context, one):
        started, used = time.perf_counter(), time.thread_time()
        follow(tool, context, one)
        steps.append((started, time.perf_counter(), time.thread_time() - used))

    Tool._follow_mouse = timed
    space = getattr(bpy.types, {space!r})
    space.draw_handler_add(lambda: frames.append(time.perf_counter()), (), "WINDOW", "POST_PIXEL")
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
    context.preferences.system.viewport_aa = {antialiasing!r}
    bpy.ops.prn.view_photo()
    bpy.ops.prn.shade(textured=True)
    head = {head}
    with context.temp_override(active_object=head):
        pinned = pinning.pinned_head(context, head)
    chosen = [pinned.landmark_pin(0, index) for index in {landmarks}]
    pinned.set_pins(0, chosen)
"""
OPEN_IMAGE = """
    (low,) = (area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    image = next(image for image in bpy.data.images if "prn_photo" in image)
    low.ui_type, view.ui_type = "VIEW_3D", "IMAGE_EDITOR"
    view.spaces.active.image = image
"""
START = """
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    main = next(part for part in area.regions if part.type == "WINDOW")
    if area.type == "IMAGE_EDITOR":
        with context.temp_override(window=window, area=area, region=main):
            bpy.ops.image.view_all(fit_view=True)
    def tool():
        window = bpy.context.window_manager.windows[0]
        with bpy.context.temp_override(window=window, area=area, region=main):
            bpy.ops.prn.pin_head("INVOKE_DEFAULT")
    bpy.app.timers.register(tool, first_interval=0.1)
"""
PLACE = """
    import importlib, sys
    canvas = importlib.import_module("{module}.ui.pins.canvas")
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    main = next(part for part in area.regions if part.type == "WINDOW")
    (shown,) = canvas.heads_in(context, area)
    x, y = shown.landmarks()[{landmark}]
    return [round(main.x + x), round(window.height - main.y - y), area.width, area.height]
"""
ALONE = """
    import sys
    head = {head}
    area = max(window.screen.areas, key=lambda area: area.width * area.height)
    main = next(part for part in area.regions if part.type == "WINDOW")
    def change():
        head.data.vertices[0].co.x += 1e-7
        head.data.update()
        main.tag_redraw()
        return None if sys.modules["prn_probe"][1] else 0.0
    bpy.app.timers.register(change)
"""
STOP = """
    import sys
    sys.modules["prn_probe"][1].append((0, 0, 0))
"""
HEADER = """
    import time
    with context.temp_override(window=window, area=view, region=region("HEADER")):
        started = time.perf_counter()
        bpy.ops.wm.redraw_timer(type="DRAW_SWAP", iterations=20)
    return 20 / (time.perf_counter() - started)
"""
# Chin (dragged first), brows, eyes, nose, mouth, jaw.
LANDMARKS = (8, 19, 24, 36, 45, 30, 48, 54, 4, 12, 27, 33, 51, 57, 21, 22, 39, 42, 6, 10)


def measure(window: Window, photo: str, chosen: argparse.Namespace) -> dict[str, float]:
    window.python(
        f"chosen = context.scene.prn_capture; chosen.topology = {chosen.topology!r}; chosen.parts = {chosen.parts!r}; "
        f"chosen.expressions = {chosen.expressions}; chosen.photo = {photo!r}"
    )
    window.python("bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT')")
    window.wait(f"{HEAD} is not None", seconds=180)
    time.sleep(4)
    is_image = chosen.editor == "image"
    window.python(PROBE.format(module=MODULE, space="SpaceImageEditor" if is_image else "SpaceView3D"))
    landmarks = LANDMARKS[: chosen.pins + 1]
    window.python(PREPARE.format(module=MODULE, head=HEAD, landmarks=landmarks, antialiasing=chosen.antialiasing))
    if is_image:
        window.python(OPEN_IMAGE)
    time.sleep(2)
    window.python(START)
    time.sleep(2)
    x, y, width, height = window.python(PLACE.format(module=MODULE, landmark=LANDMARKS[0]))
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
    header = window.python(HEADER)
    return {
        "editor, pixels wide": width,
        "editor, pixels high": height,
        "steps": len(steps),
        "a step, ms of a processor, median": 1000 * float(np.median(steps[:, 2])),
        "a step, ms, median": float(np.median(milliseconds)),
        "a step, ms, 95 %": float(np.percentile(milliseconds, 95)),
        "steps a second": len(steps) / (last - first),
        "frames a second": len(during) / (last - first),
        "longest between frames, ms": 1000 * float(np.diff(during).max()),
        "frames a second, drawing alone": len(alone) / float(np.ptp(alone)),
        "frames a second, of a header": header,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=CHECKOUT / "examples" / "astronaut.jpg")
    parser.add_argument("--topology", default="game")
    parser.add_argument("--parts", default="simple")
    parser.add_argument("--expressions", action="store_true")
    parser.add_argument("--pins", type=int, default=10, help="that hold, beside the dragged one (default: %(default)s)")
    parser.add_argument("--editor", choices=("view", "image"), default="view", help="where (default: %(default)s)")
    parser.add_argument("--window", default="1280x900", help="its pixels (default: %(default)s)")
    parser.add_argument(
        "--antialiasing", choices=("OFF", "FXAA", "8"), default="8", help="of the 3D View (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()
    width, height = map(int, arguments.window.split("x"))
    with window_for(arguments.photo, (width, height)) as (window, photo):
        version = window.python("return bpy.app.version_string")
        result = measure(window, photo, arguments)
        window.desktop.screenshot(CHECKOUT / "dist" / "gui" / "dragging.png")
    print(f"Blender {version}, {arguments.topology}, {arguments.parts}, {arguments.pins} pins hold")
    for name, value in result.items():
        print(f"{name:<36}{value:>9.1f}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
