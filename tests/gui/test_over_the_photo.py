"""Landmarks and faces over the photo, with a real mouse, in the 3D View and in the Image Editor."""

import numpy as np
import pytest

from .conftest import MODULE, SESSION

HEAD = "next((block for block in bpy.data.objects if 'prn_capture' in block), None)"
MOVED = f"[index for index, value in enumerate({HEAD}.data['prn_landmarks']['pinned']) if value]"
CHIN, CHIN_NUMBERS = "jaw_08", {8}
SHAPE = f"return [coordinate for vertex in {HEAD}.data.vertices for coordinate in vertex.co]"
EDITOR = "next((area for area in context.window_manager.windows[0].screen.areas if area.type == 'IMAGE_EDITOR'), None)"
MAIN = f"next(part for part in {EDITOR}.regions if part.type == 'WINDOW')"
# The photo, which is fitted to its editor once that was drawn, takes up all of its width or of its height.
FITTED = f"""(lambda part, low, high: 0 <= min(low) and high[0] <= part.width and high[1] <= part.height
    and max((high[0] - low[0]) / part.width, (high[1] - low[1]) / part.height) > 0.9)(
    {MAIN}, *({MAIN}.view2d.view_to_region(*corner, clip=False) for corner in ((0, 0), (1, 1))))"""
TRANSFORMS = "any(operator.bl_idname.startswith('TRANSFORM') for operator in window.modal_operators)"


@pytest.fixture
def chosen(window, photo):
    """A window with the photo chosen."""
    window.python(f"context.scene.prn_capture.photo = {photo!r}; view.tag_redraw()")
    window.wait(f"{SESSION}.info is not None")
    return window


@pytest.fixture
def captured(chosen):
    """A window with a captured head, seen through the photo's camera."""
    chosen.python("context.scene.prn_capture.texture_size = '512'")
    chosen.python("bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT')")
    chosen.wait(f"{HEAD} is not None and not {SESSION}.is_busy", seconds=180)
    chosen.python("context.scene.prn_capture.show_landmarks = True")
    chosen.python("context.preferences.view.smooth_view = 0; bpy.ops.prn.view_photo()")
    return chosen


def on_screen(window, photo_x: float, photo_y: float) -> tuple[int, int]:
    """Where the Image Editor shows a pixel of the photo."""
    x, y = window.python(f"""
        region, image = {MAIN}, {EDITOR}.spaces.active.image
        place = region.view2d.view_to_region({photo_x} / image.size[0], 1 - {photo_y} / image.size[1], clip=False)
        return [region.x + place[0], window.height - region.y - place[1]]
    """)
    return x, y


def open_image_editor(window) -> None:
    window.desktop.click(*window.find_button("prn.open_in_image_editor"))
    window.wait(f"{EDITOR} is not None and {EDITOR}.spaces.active.image is not None")
    window.wait(FITTED)


def test_a_landmark_dragged_with_g_takes_the_head_along(captured, screenshot):
    window = captured
    before = window.python(SHAPE)
    x, y = window.python(f"""
        from bpy_extras.view3d_utils import location_3d_to_region_2d
        for candidate in context.view_layer.objects.selected:
            candidate.select_set(False)
        chin = bpy.data.objects[{CHIN!r}]
        chin.select_set(True)
        context.view_layer.objects.active = chin
        main = region("WINDOW")
        place = location_3d_to_region_2d(main, view.spaces.active.region_3d, chin.matrix_world.translation)
        return [int(main.x + place.x), int(window.height - main.y - place.y)]
    """)
    desktop = window.desktop
    desktop.move(x, y)
    desktop.key("g")
    window.wait(TRANSFORMS)
    desktop.move(x, y + 12)
    desktop.move(x, y + 20)
    window.wait(f"{MOVED} and set({MOVED}) <= {CHIN_NUMBERS}")  # while the mouse still holds it
    screenshot("landmark_held")
    desktop.click(x, y + 20)
    window.wait(f"not {TRANSFORMS}")
    after = window.python(SHAPE)
    assert after != before
    lowered = [low - high for high, low in zip(before[2::3], after[2::3], strict=True)]
    assert min(lowered) < -0.002  # metres

    desktop.key("ctrl+z")
    window.wait(f"not {MOVED}")
    assert window.python(SHAPE) == before
    desktop.key("ctrl+shift+z")
    window.wait(MOVED)
    assert window.python(SHAPE) == after
    window.python("bpy.ops.prn.reset_landmarks()")
    assert window.python(SHAPE) == before


def test_a_cancelled_drag_leaves_the_head_as_it_was(captured):
    window = captured
    before = window.python(SHAPE)
    window.python(f"""
        for candidate in context.view_layer.objects.selected:
            candidate.select_set(False)
        bpy.data.objects[{CHIN!r}].select_set(True)
    """)
    x, y = window.python("return [view.x + view.width // 3, window.height - view.y - view.height // 2]")
    window.desktop.move(x, y)
    window.desktop.key("g")
    window.wait(TRANSFORMS)
    window.desktop.move(x + 30, y + 10)
    window.desktop.move(x + 40, y + 20)
    window.wait(MOVED)
    window.desktop.key("Escape")
    window.wait(f"not {MOVED}")
    assert window.python(SHAPE) == before


def test_a_face_box_is_drawn_in_the_image_editor(chosen, screenshot):
    window = chosen
    open_image_editor(window)
    window.python(f"""
        with context.temp_override(area={EDITOR}, region={MAIN}):
            bpy.ops.image.view_zoom(factor=1.5)
    """)
    window.desktop.click(*window.find_button("prn.pick_face"))
    window.wait(f"{SESSION}.is_picking")
    start, end = on_screen(window, 180, 60), on_screen(window, 280, 180)
    window.desktop.move(*start)
    window.desktop.drag(start, end)
    window.wait("context.scene.prn_capture.face == 'BOX'")
    box = window.python("return list(context.scene.prn_capture.box)")
    assert box == pytest.approx([180, 60, 280, 180], abs=3)
    assert not window.python(f"return {SESSION}.is_picking")
    screenshot("image_editor_box")


def test_a_click_in_the_image_editor_picks_a_face(chosen):
    window = chosen
    window.python("bpy.ops.prn.find_faces()")
    box = window.python(f"""
        box = {SESSION}.faces.boxes[0]
        return [box.left, box.top, box.right, box.bottom]
    """)
    open_image_editor(window)
    window.python("context.scene.prn_capture.face = 'ALL'")
    window.desktop.click(*window.find_button("prn.pick_face"))
    window.wait(f"{SESSION}.is_picking")
    window.desktop.click(*on_screen(window, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
    window.wait("context.scene.prn_capture.face == 'INDEX'")
    assert window.python("return context.scene.prn_capture.face_index") == 0


PINS = f"[list(pin['place']) for pin in {HEAD}['prn_capture']['views'][0]['pins']]"


def start_pinning(window, area: str, region: str) -> None:
    window.python(f"""
        def pin():
            window = bpy.context.window_manager.windows[0]
            with bpy.context.temp_override(window=window, area={area}, region={region}):
                bpy.ops.prn.pin_head("INVOKE_DEFAULT")
        bpy.app.timers.register(pin, first_interval=0.1)
    """)
    window.wait(f"{SESSION}.is_picking")


def place_of_landmark(window, index: int) -> list[float]:
    """Pixels of the photo."""
    return window.python(f"""
        import sys
        points = sys.modules[{MODULE!r} + ".scene.edit.photo_points"]
        return points.landmarks_in_photo({HEAD})[{index}].tolist()
    """)


def test_a_landmark_dragged_in_the_image_editor_pins_the_head(captured, screenshot):
    window = captured
    open_image_editor(window)
    before, place = window.python(SHAPE), place_of_landmark(window, 8)
    start_pinning(window, EDITOR, MAIN)
    start = on_screen(window, *place)
    window.desktop.drag(start, (start[0], start[1] + 12))
    window.wait(f"len({PINS}) == 1")
    screenshot("image_editor_pin")
    window.desktop.key("Return")
    window.wait(f"not {SESSION}.is_picking")
    after = window.python(SHAPE)
    ((x, y),) = window.python(f"return {PINS}")
    assert abs(x - place[0]) < 3 and y > place[1] + 3
    assert place_of_landmark(window, 8) == pytest.approx([x, y], abs=0.1)
    window.desktop.key("ctrl+z")
    window.wait(f"not {PINS}")
    assert window.python(SHAPE) == before != after


def test_the_head_is_pinned_and_dragged_in_the_camera_view(captured, screenshot):
    window = captured

    def on_head(photo_x: float, photo_y: float) -> tuple[int, int]:
        x, y = window.python(f"""
            import sys
            canvas = sys.modules[{MODULE!r} + ".ui.pins.canvas"]
            (shown,) = canvas.heads_in(context, view)
            x, y = shown.screen.to_region({photo_x}, {photo_y})
            main = region("WINDOW")
            return [round(main.x + x), round(window.height - main.y - y)]
        """)
        return x, y

    before = window.python(SHAPE)
    brows, nose = (np.mean([place_of_landmark(window, index) for index in two], axis=0) for two in ((19, 24), (30, 30)))
    forehead = (brows + 0.7 * (brows - nose)).tolist()  # far from all landmarks
    window.python("bpy.ops.prn.shade(textured=True)")
    start_pinning(window, "view_area()", "region('WINDOW')")
    start = on_head(*forehead)
    window.desktop.click(*start)
    window.wait(f"len({PINS}) == 1")
    (held,) = window.python(f"return {PINS}")
    assert held == pytest.approx(forehead, abs=2)
    window.desktop.wait_until_still()  # the head follows the pin before it is drawn so
    zoom = (on_head(512, 0)[0] - on_head(0, 0)[0]) / 512
    window.desktop.drag(start, (start[0] - 25, start[1] + 5))
    window.wait(f"abs({PINS}[0][0] - {held[0] - 25 / zoom}) < 2")
    screenshot("camera_view_pin")
    after = window.python(SHAPE)
    assert after != before
    assert window.python(f"return {PINS}[0][1]") == pytest.approx(held[1] + 5 / zoom, abs=2)
    moved = start[0] - 25, start[1] + 5
    window.desktop.wait_until_still()
    window.desktop.move(*moved)
    window.desktop.click(*moved, modifier="ctrl")
    window.wait(f"not {PINS}")
    window.desktop.key("Escape")
    window.wait(f"not {SESSION}.is_picking")
    window.desktop.key("ctrl+z")
    window.wait(f"len({PINS}) == 1")
