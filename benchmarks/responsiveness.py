"""How smooth Blender's window stays while a head is captured: the gaps between redraws, in a real window.

    .venv/bin/python benchmarks/responsiveness.py [PHOTO] [--texture 2048] [--captures 3] [--json]

A real Blender (as in tests/gui) gets the extension from its zip in dist/ (`python3 build.py zip`) and captures by a
mouse click. The sidebar with the progress bar is redrawn as fast as Blender can; what is measured is the time between
two redraws, by the step that takes most of it. Without a graphics card a redraw alone takes long: see the lines
"idle" and, with the 3D View redrawn as well, as it is whenever something changes, "idle, 3D View too", which are
measured in the same window before anything runs.
"""

import argparse
import itertools
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))

from benchmarks.real_window import window_for
from tests.gui.real_blender import Window

IDLE = "idle"
VIEWPORT = "idle, 3D View too"
PHOTO = "showing the photo"
VIEW = "first views of the head"
SETTLED = 1.5  # seconds after a capture that count as first views

PROBE = f"""
    import sys, time
    module = next(name for name in sys.modules if name.endswith(".prn_head_capture.ui.capture.operators"))
    Capture = sys.modules[module].PRN_OT_reconstruct_from_image
    redraws, steps = [], [(time.perf_counter(), {IDLE!r})]
    sys.modules["prn_probe"] = (redraws, steps)  # stays when another file is loaded

    original_prepare, original_show = Capture.prepare, Capture.show

    def prepare(operator, context):
        work = original_prepare(operator, context)
        def reported(progress):
            def report(fraction, text):
                steps.append((time.perf_counter(), text))
                progress(fraction, text)
            return work(report)
        return reported

    def show(operator, context):
        steps.append((time.perf_counter(), {VIEW!r}))
        original_show(operator, context)

    Capture.prepare, Capture.show = prepare, show

    def redraw_again():
        region("UI").tag_redraw()
        if steps and steps[-1][1] == {VIEWPORT!r}:
            region("WINDOW").tag_redraw()
        if steps and steps[-1][1] == {VIEW!r} and time.perf_counter() > steps[-1][0] + {SETTLED}:
            steps.append((time.perf_counter(), ""))
        return 0.005
    bpy.app.timers.register(redraw_again, persistent=True)
    bpy.types.SpaceView3D.draw_handler_add(lambda: redraws.append(time.perf_counter()), (), "UI", "POST_PIXEL")
"""
STEP = """
    import sys, time
    sys.modules["prn_probe"][1].append((time.perf_counter(), {!r}))
"""
TAKE = """
    import sys
    taken = [list(part) for part in sys.modules["prn_probe"]]
    for part in sys.modules["prn_probe"]:
        part.clear()
    return taken
"""


@dataclass(frozen=True)
class Gaps:
    """Times between redraws by step, in milliseconds."""

    by_step: dict[str, list[float]]

    @classmethod
    def between(cls, redraws: list[float], steps: list[tuple[float, str]]):
        """Every gap belongs to the step that takes most of it."""
        starts, names = [start for start, _ in steps], [name for _, name in steps]
        ends = [*starts[1:], np.inf]
        by_step: dict[str, list[float]] = {name: [] for name in names if name}
        for start, end in itertools.pairwise(redraws):
            shares = [min(end, last) - max(start, first) for first, last in zip(starts, ends, strict=True)]
            name = names[int(np.argmax(shares))]
            if name and max(shares) > 0:
                by_step[name].append((end - start) * 1000)
        return cls({name: gaps for name, gaps in by_step.items() if gaps})

    def of(self, *steps: str) -> list[float]:
        return [gap for name in steps for gap in self.by_step.get(name, [])]

    @property
    def working(self) -> list[float]:
        """While the job runs, the building of the objects included."""
        return self.of(*(name for name in self.by_step if name not in (IDLE, VIEWPORT, PHOTO, VIEW)))


def figures(gaps: list[float]) -> dict[str, float]:
    return {"redraws": len(gaps), "longest_ms": max(gaps), "p95_ms": float(np.percentile(gaps, 95))}


def restart(window: Window, photo: str, texture: str) -> None:
    """A new file with the photo chosen; what was loaded for the first capture stays loaded."""
    window.python("bpy.ops.wm.read_homefile()")
    window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
    window.python(f"context.scene.prn_capture.texture_size = {texture!r}; context.scene.prn_capture.photo = {photo!r}")
    time.sleep(2)


def measure(window: Window, photo: str, texture: str, captures: int) -> dict[str, dict[str, dict[str, float]]]:
    """Figures by step for the first capture of this Blender and for the later ones."""
    window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
    window.python(PROBE)
    time.sleep(2)
    window.python(STEP.format(VIEWPORT))
    time.sleep(2)
    window.python(STEP.format(PHOTO))
    window.python(f"context.scene.prn_capture.texture_size = {texture!r}; context.scene.prn_capture.photo = {photo!r}")
    time.sleep(2)
    runs: list[list[Gaps]] = [[], []]
    for number in range(captures + 1):
        if number:
            restart(window, photo, texture)
        button = window.find_button("prn.reconstruct_from_image")
        if number:
            window.python(TAKE)
            window.python(STEP.format(IDLE))
            time.sleep(1)
        window.python(STEP.format(""))
        window.desktop.click(*button)
        time.sleep(1)
        window.wait("any(name.startswith('astronaut') for name in bpy.data.objects.keys())", 120)
        time.sleep(SETTLED + 0.5)
        runs[min(number, 1)].append(Gaps.between(*window.python(TAKE)))
    return {title: summed_up(gaps) for title, gaps in zip(("first capture", "later captures"), runs, strict=True)}


def summed_up(runs: list[Gaps]) -> dict[str, dict[str, float]]:
    steps = list(dict.fromkeys(name for run in runs for name in run.by_step))
    result = {name: figures([gap for run in runs for gap in run.of(name)]) for name in steps}
    result["while the job runs"] = figures([gap for run in runs for gap in run.working])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, nargs="?", default=CHECKOUT / "examples" / "astronaut.jpg")
    parser.add_argument("--texture", default="2048", help="pixels of a side (default: %(default)s)")
    parser.add_argument("--captures", type=int, default=3, help="after the first one (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON on the last line")
    arguments = parser.parse_args()
    with window_for(arguments.photo) as (window, photo):
        version, cores = window.python("import os; return [bpy.app.version_string, os.cpu_count()]")
        result = measure(window, photo, arguments.texture, arguments.captures)
    print(f"Blender {version}, {cores} CPU cores, texture {arguments.texture}, photo {arguments.photo.name}")
    for title, steps in result.items():
        print(f"\n{title:<40}{'redraws':>9}{'longest':>9}{'95 %':>9}   (milliseconds)")
        for name, row in steps.items():
            print(f"{name:<40}{row['redraws']:>9}{row['longest_ms']:>9.0f}{row['p95_ms']:>9.0f}")
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
