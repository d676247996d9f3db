"""What the window shows after a capture, and what a click more does."""

from .conftest import HEADS, SESSION, choose, click, make_head

VIEW = """
    space = view.spaces.active
    turned = space.region_3d
    return dict(
        rotation=[round(value, 4) for value in turned.view_rotation],
        location=[round(value, 4) for value in turned.view_location],
        distance=round(turned.view_distance, 4),
        perspective=turned.view_perspective,
        shading=[space.shading.color_type, space.shading.light],
        alone=space.local_view is not None,
    )
"""
EDITORS = "sum(area.type == 'IMAGE_EDITOR' for area in window.screen.areas)"
VIEW_WIDTH = "view.width"


def test_a_new_head_is_seen_from_its_front_and_undo_brings_the_old_view_back(window, photo, screenshot):
    choose(window, photo)
    window.python("view.spaces.active.region_3d.view_rotation = (0.3, 0.2, 0.5, 0.8)")
    before = window.python(VIEW)
    head = make_head(window)
    window.wait(f"not {SESSION}.is_busy and view.spaces.active.local_view is not None")  # in the default cube
    after = window.python(VIEW)
    assert after["rotation"] == [0.7071, 0.7071, 0, 0] and after["shading"] == ["TEXTURE", "FLAT"]
    size = max(window.python(f"return list(bpy.data.objects[{head!r}].dimensions)"))
    assert size < after["distance"] < 5 * size
    assert window.python("return context.scene.camera.name") == "Camera"  # the scene's own
    screenshot("first_view")
    window.press_in_viewport("ctrl+z")
    window.wait(f"not {HEADS} and view.spaces.active.local_view is None")
    window.wait("view.spaces.active.shading.color_type != 'TEXTURE'")
    assert window.python(VIEW) == before
    window.press_in_viewport("ctrl+shift+z")
    window.wait(f"{HEADS} and view.spaces.active.shading.color_type == 'TEXTURE'")
    assert window.python(VIEW)["rotation"] == after["rotation"]


def test_one_button_opens_and_closes_the_photo(window, photo, screenshot):
    choose(window, photo)
    editors, width = window.python(f"return [{EDITORS}, {VIEW_WIDTH}]")
    click(window, "prn.open_in_image_editor")
    window.wait(f"{EDITORS} == {editors + 1}")
    screenshot("photo_beside_the_view")
    click(window, "prn.open_in_image_editor")
    window.wait(f"{EDITORS} == {editors} and {VIEW_WIDTH} == {width}")


def test_a_head_is_updated_or_a_new_one_made(window, photo, screenshot):
    choose(window, photo)
    head = make_head(window)
    vertices = window.python(f"return len(bpy.data.objects[{head!r}].data.vertices)")
    window.python("context.scene.prn_capture.topology = 'low'")
    click(window, "prn.reconstruct_from_image", "()")  # not the one beside it, which has an argument
    window.wait(f"len(bpy.data.objects[{head!r}].data.vertices) != {vertices}", seconds=180)
    window.wait(f"not {SESSION}.is_busy")
    assert window.python(f"return {HEADS}") == [head]
    screenshot("updated")
    looks_through = "view.spaces.active.use_local_camera and view.spaces.active.camera.name"
    window.python("bpy.ops.prn.view_photo()")
    camera = window.wait(looks_through)
    click(window, "prn.reconstruct_from_image", "new_head=True")
    window.wait(f"len({HEADS}) == 2 and not {SESSION}.is_busy", seconds=180)
    places = window.python("return sorted(round(o.location.x, 3) for o in bpy.data.objects if 'prn_capture' in o)")
    assert places == [0, 0.4]
    assert window.python(f"return {looks_through}") not in {camera, False}
    window.press_in_viewport("ctrl+z")
    window.wait(f"len({HEADS}) == 1 and ({looks_through}) == {camera!r}")


def test_landmarks_are_dots_when_asked_for(window, photo, screenshot):
    choose(window, photo)
    make_head(window)
    shown = "[block.name for block in context.visible_objects if 'prn_landmark' in block]"
    assert not window.python(f"return {shown}")
    window.python("context.scene.prn_capture.show_landmarks = True")
    assert len(window.python(f"return {shown}")) == 68
    screenshot("landmarks_on_head")


def test_the_photo_lies_behind_the_head_without_the_scenes_camera(window, photo, screenshot):
    choose(window, photo)
    head = make_head(window)
    click(window, "prn.view_photo")
    window.wait("view.spaces.active.region_3d.view_perspective == 'CAMERA'")
    window.wait(f"view.spaces.active.camera.name.startswith({head!r})")
    assert window.python("return [context.scene.camera.name, context.scene.render.resolution_x]") == ["Camera", 1920]
    screenshot("over_the_photo_with_another_camera")
    click(window, "prn.view_photo")
    window.wait("view.spaces.active.region_3d.view_perspective != 'CAMERA'")
