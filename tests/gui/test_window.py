"""The main job in a real window, with a real mouse and keyboard."""

import pytest

BUTTON = "prn.reconstruct_from_image"
MODULE = "bl_ext.user_default.prn_head_capture"
KINDS = ("objects", "collections", "meshes", "materials", "images", "cameras", "texts", "node_groups")
CONTENT = f"return {{kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in {KINDS}}}"
HEADS = "[block.name for block in bpy.data.objects if block.type == 'MESH' and len(block.data.vertices) > 10000]"


def choose(window, photo: str) -> None:
    """Chooses a photo, and waits until the panel shows it."""
    window.python(f"context.scene.prn_capture.photo = {photo!r}; view.tag_redraw()")
    window.wait(f"__import__('sys').modules[{MODULE!r} + '.ui.session'].current.info is not None")


def click_button(window) -> None:
    window.desktop.click(*window.find_button(BUTTON))


def press_in_viewport(window, key: str) -> None:
    """Presses a key with the mouse over the middle of the 3D View."""
    x, y = window.python("return [view.x + view.width // 3, window.height - view.y - view.height // 2]")
    window.desktop.move(x, y)
    window.desktop.key(key)


def make_head(window, photo: str) -> str:
    """Captures with a click; the name of the head object."""
    choose(window, photo)
    before = len(window.python(f"return {HEADS}"))
    click_button(window)
    return window.wait(f"len({HEADS}) > {before} and {HEADS}[-1]", seconds=120)


def test_a_click_makes_a_head(window, photo, screenshot):
    choose(window, photo)
    screenshot("photo_chosen")
    head = make_head(window, photo)
    window.python("view.spaces.active.shading.color_type = 'TEXTURE'; view.tag_redraw()")
    found = window.python(f"""
        head = bpy.data.objects[{head!r}]
        landmarks = [block for block in bpy.data.objects if block.type == "EMPTY" and block.empty_display_type != "IMAGE"]
        images = [node.image for node in head.active_material.node_tree.nodes if node.type == "TEX_IMAGE"]
        return dict(
            uv_maps=len(head.data.uv_layers),
            height=head.dimensions.z,
            landmarks=len(landmarks),
            packed=[image.packed_file is not None for image in images],
            sizes=[list(image.size) for image in images],
            camera=[context.scene.render.resolution_x, context.scene.render.resolution_y],
            active=context.view_layer.objects.active.name,
        )
    """)
    assert found["uv_maps"] == 1
    assert 0.2 < found["height"] < 0.4  # metres, with the neck
    assert found["landmarks"] >= 68
    assert found["packed"] and all(found["packed"])
    assert [2048, 2048] in found["sizes"]
    assert found["camera"] == [512, 512]
    assert found["active"] == head
    screenshot("captured")


def test_undo_and_redo(window, photo):
    choose(window, photo)
    before = window.python(CONTENT)
    make_head(window, photo)
    after = window.python(CONTENT)
    press_in_viewport(window, "ctrl+z")
    window.wait(f"not {HEADS}")
    undone = window.python(CONTENT)
    assert undone["objects"] == before["objects"]
    assert undone["collections"] == before["collections"]
    press_in_viewport(window, "ctrl+shift+z")
    window.wait(HEADS)
    assert window.python(CONTENT)["objects"] == after["objects"]
    assert len(window.python(f"return {HEADS}")) == 1


def test_escape_leaves_the_scene_as_it_was(window, photo):
    choose(window, photo)
    window.python("context.scene.prn_capture.texture_size = '8192'")
    before = window.python(CONTENT)
    click_button(window)
    window.wait(f"__import__('sys').modules[{MODULE!r} + '.ui.session'].current.is_busy")
    press_in_viewport(window, "Escape")
    window.wait(f"not __import__('sys').modules[{MODULE!r} + '.ui.session'].current.is_busy")
    assert window.python(CONTENT) == before
    head = make_head(window, photo)  # and it goes on working
    assert head


def test_save_reload_and_go_on(window, photo, machine):
    make_head(window, photo)
    saved = machine.inside(machine.share / "saved.blend")
    coordinates = "[round(c, 6) for vertex in bpy.data.objects[{0!r}].data.vertices[:50] for c in vertex.co]"
    first = window.python(f"return {HEADS}")[0]
    before = window.python(f"return {coordinates.format(first)}")
    window.python(f"bpy.ops.wm.save_as_mainfile(filepath={saved!r})")
    window.python("bpy.ops.wm.read_homefile()")
    window.wait(f"not {HEADS}")
    window.python(f"bpy.ops.wm.open_mainfile(filepath={saved!r})")
    window.wait(HEADS)
    assert window.python(f"return {coordinates.format(first)}") == before
    window.open_tab("PRN")
    second = make_head(window, photo)
    assert second != first
    assert len(window.python(f"return {HEADS}")) == 2


@pytest.mark.parametrize("rounds", [10])
def test_disable_and_enable(window, photo, rounds):
    for _ in range(rounds):
        window.python(f"bpy.ops.preferences.addon_disable(module={MODULE!r})")
        assert not window.python("return hasattr(bpy.types.Scene, 'prn_capture')")
        window.python(f"bpy.ops.preferences.addon_enable(module={MODULE!r})")
        assert window.python("return hasattr(bpy.types.Scene, 'prn_capture')")
    window.open_tab("PRN")
    assert make_head(window, photo)
