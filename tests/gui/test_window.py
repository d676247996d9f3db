"""The main job in a real window, with a real mouse and keyboard."""

from .conftest import HEADS, SESSION, choose, click, make_head

KINDS = ("objects", "collections", "meshes", "materials", "images", "cameras", "texts", "node_groups")
CONTENT = f"return {{kind: sorted(block.name for block in getattr(bpy.data, kind)) for kind in {KINDS}}}"


def test_the_tab_is_found_and_a_photo_chosen_and_captured(window, photo, screenshot):
    """From nothing, as the README says: N, the tab, the button, the file browser, the next button."""
    tab = window.python("return bpy.types.PRN_PT_capture.bl_category")
    window.python("region('UI').active_panel_category = 'Item'; view.spaces.active.show_region_ui = False")
    window.wait("region('UI').width <= 1")
    window.press_in_viewport("n")
    left, top, width, height = window.region("VIEW_3D", "UI")
    for y in range(top + 30, top + height, 24):  # Blender does not tell where its tabs are
        window.desktop.click(left + width - 12, y)
        if window.python("return region('UI').active_panel_category") == tab:
            break
    click(window, "prn.choose_photo")
    window.choose_in_file_browser(photo)
    window.wait(f"{SESSION}.info is not None")
    assert window.python("return context.scene.prn_capture.photo") == photo
    screenshot("photo_chosen")
    head = make_head(window)
    window.python("view.spaces.active.shading.color_type = 'TEXTURE'; view.tag_redraw()")
    found = window.python(f"""
        head = bpy.data.objects[{head!r}]
        empties = [block for block in bpy.data.objects if block.type == "EMPTY"]
        landmarks = [block for block in empties if block.empty_display_type != "IMAGE"]
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
    assert found["camera"] == [1920, 1080]  # the scene has a camera of its own
    assert found["active"] == head
    screenshot("captured")


def test_undo_and_redo(window, photo):
    choose(window, photo)
    before = window.python(CONTENT)
    make_head(window)
    after = window.python(CONTENT)
    window.press_in_viewport("ctrl+z")
    window.wait(f"not {HEADS}")
    undone = window.python(CONTENT)
    assert undone["objects"] == before["objects"]
    assert undone["collections"] == before["collections"]
    window.press_in_viewport("ctrl+shift+z")
    window.wait(HEADS)
    assert window.python(CONTENT)["objects"] == after["objects"]
    assert len(window.python(f"return {HEADS}")) == 1


def test_save_reload_and_go_on(window, photo, machine):
    choose(window, photo)
    first = make_head(window)
    saved = machine.inside(machine.share / "saved.blend")
    coordinates = (
        f"return [round(c, 6) for vertex in bpy.data.objects[{first!r}].data.vertices[:50] for c in vertex.co]"
    )
    before = window.python(coordinates)
    window.python(f"bpy.ops.wm.save_as_mainfile(filepath={saved!r})")
    window.python("bpy.ops.wm.read_homefile()")
    window.wait(f"not {HEADS}")
    window.python(f"bpy.ops.wm.open_mainfile(filepath={saved!r})")
    window.wait(HEADS)
    assert window.python(coordinates) == before
    window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
    choose(window, photo)
    click(window, "prn.reconstruct_from_image", "new_head=True")
    window.wait(f"len({HEADS}) == 2", seconds=180)
    assert len(window.python(f"return {HEADS}")) == 2


def test_a_dropped_photo_is_chosen(window, photo, screenshot):
    """A file dragged from another program: Blender asks what is meant, the last entry but one is ours."""
    window.desktop.drop_file(photo, *window.viewport_middle())
    window.desktop.key("End")
    screenshot("dropped")
    window.desktop.key("Up")
    window.desktop.key("Return")
    window.wait(f"context.scene.prn_capture.photo == {photo!r}")
    window.wait(f"{SESSION}.info is not None")
    assert make_head(window)


def test_a_dropped_photo_becomes_a_head_at_once(window, photo):
    """By the last entry of what Blender asks."""
    window.desktop.drop_file(photo, *window.viewport_middle())
    window.desktop.key("End")
    window.desktop.key("Return")
    window.wait(HEADS, seconds=180)
    assert window.python("return context.scene.prn_capture.photo") == photo


def test_a_dropped_photo_is_a_reference_image_while_another_tab_is_open(window, photo):
    window.open_tab("View")
    window.desktop.drop_file(photo, *window.viewport_middle())
    window.wait("any(block.empty_display_type == 'IMAGE' for block in bpy.data.objects if block.type == 'EMPTY')")
    assert not window.python("return context.scene.prn_capture.photo")
