"""Esc during a capture leaves the scene as it was, whatever was being done."""

import pytest

from .conftest import HEADS, MODULE, SESSION, choose, click, make_head

SNAPSHOT = """
    def plain(owner, names):
        return {name: str(getattr(owner, name)) for name in names}

    kinds = [name for name in dir(bpy.data) if isinstance(getattr(bpy.data, name), bpy.types.bpy_prop_collection)]
    space, layer = view.spaces.active, context.view_layer
    return dict(
        blocks={
            kind: sorted([block.name, block.users] for block in getattr(bpy.data, kind))
            for kind in kinds
            if kind not in {"window_managers", "screens", "workspaces"}
        },
        objects={
            thing.name: [str(thing.matrix_world), thing.select_get(), thing.visible_get()] for thing in layer.objects
        },
        active=layer.objects.active.name,
        camera=context.scene.camera.name,
        render=plain(context.scene.render, ("resolution_x", "resolution_y", "resolution_percentage")),
        view=plain(space.region_3d, ("view_matrix", "view_perspective")),
        shading=plain(space.shading, ("type", "light", "color_type")),
        alone=space.local_view is not None,
        mode=context.mode,
    )
"""

# The job says what it does next, and waits there where it was told to; then come the steps of the window itself.
STOPS = f"""
    import contextlib, sys, threading, types
    Capture = sys.modules[{MODULE!r} + ".ui.capture.operators"].PRN_OT_reconstruct_from_image
    stops = sys.modules["prn_stops"] = types.SimpleNamespace(
        seen=[], at=None, waits=False, go=threading.Event(), originals=(Capture.prepare, Capture.finish)
    )

    def prepare(operator, context):
        work = stops.originals[0](operator, context)

        def held(progress):
            def report(fraction, text):
                progress(fraction, text)
                if text not in stops.seen:
                    stops.seen.append(text)
                if text == stops.at:
                    stops.waits = True
                    stops.go.wait(300)
            return work(report)

        return held

    def finish(operator, context, result):
        with contextlib.closing(stops.originals[1](operator, context, result)) as steps:
            for number in range(1000):
                while stops.at == number:
                    stops.waits = True
                    yield
                if number not in stops.seen:
                    stops.seen.append(number)
                try:
                    next(steps)
                except StopIteration:
                    return
                yield

    Capture.prepare, Capture.finish = prepare, finish
"""
STOP_AT = """
    import sys
    stops = sys.modules["prn_stops"]
    stops.at, stops.waits = {!r}, False
    stops.go.clear()
"""
WAITS = "__import__('sys').modules['prn_stops'].waits"
CANCELLED = f"{SESSION}.job is None or {SESSION}.job.is_cancelled"
ENDED = "not any(operator.bl_idname.startswith('PRN_') for operator in window.modal_operators)"
GO_ON = "__import__('sys').modules['prn_stops'].go.set()"


@pytest.fixture
def stops(window):
    """The window with a job that can be held at its steps."""
    window.python(STOPS)
    yield window
    window.python(f"""
        import sys
        stops = sys.modules.pop("prn_stops")
        Capture = sys.modules[{MODULE!r} + ".ui.capture.operators"].PRN_OT_reconstruct_from_image
        Capture.prepare, Capture.finish = stops.originals
    """)


def test_escape_at_every_step(stops, photo):
    window = stops
    choose(window, photo)
    button = window.find_button("prn.reconstruct_from_image")
    before = window.python(SNAPSHOT)
    make_head(window)
    steps = window.python("return __import__('sys').modules['prn_stops'].seen")
    words = [step for step in steps if isinstance(step, str)]
    assert len(words) >= 6 and len(steps) > len(words), steps
    window.press_in_viewport("ctrl+z")
    window.wait(f"not {HEADS}")
    choose(window, photo)
    window.python("bpy.ops.outliner.orphans_purge(do_recursive=True)")
    before = window.python(SNAPSHOT)
    for step in steps:
        window.python("bpy.ops.prn.release_memory()")  # so that the model is loaded again
        window.python(STOP_AT.format(step))
        window.desktop.click(*button)
        window.wait(WAITS, seconds=120)
        window.press_in_viewport("Escape")
        window.wait(CANCELLED)
        window.python(GO_ON)
        window.wait(f"{SESSION}.job is None", seconds=120)
        window.wait(ENDED)
        assert window.python(SNAPSHOT) == before, f"after Esc at {step!r}"
    window.python(STOP_AT.format(None))
    assert make_head(window)  # and it goes on working


def test_the_button_cancels(stops, photo):
    window = stops
    choose(window, photo)
    before = window.python(SNAPSHOT)
    window.python(STOP_AT.format("Finding what the photo shows"))  # so that the button is there until it is found
    click(window, "prn.reconstruct_from_image")
    window.wait(WAITS, seconds=120)
    click(window, "prn.cancel")
    window.wait(CANCELLED)
    window.python(GO_ON)
    window.wait(f"not {SESSION}.is_busy", seconds=120)
    assert window.python(SNAPSHOT) == before
