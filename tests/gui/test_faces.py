"""Which face becomes the head: chosen from its thumbnail, or in a box drawn with the mouse."""

import pytest

from .conftest import CHECKOUT, HEADS, SESSION, choose, click, make_head

BOX = "return list(bpy.data.objects[{!r}]['prn_capture']['face_box'].to_dict().values())[:4]"


@pytest.fixture(scope="session")
def two_faces(machine) -> str:
    """The portrait, and to the right of it, smaller, its mirror image; by its path in Blender."""
    from PIL import Image, ImageOps

    with Image.open(CHECKOUT / "examples" / "astronaut.jpg") as portrait:
        face = portrait.convert("RGB").crop((100, 0, 400, 300))
    picture = Image.new("RGB", (640, 400), (90, 90, 90))
    picture.paste(face, (20, 50))
    picture.paste(ImageOps.mirror(face).resize((240, 240)), (370, 80))
    there = machine.share / "two_faces.png"
    picture.save(there)
    return machine.inside(there)


@pytest.fixture(scope="session")
def no_face(machine) -> str:
    """A picture of nothing, by its path in Blender."""
    from PIL import Image

    there = machine.share / "no_face.png"
    Image.linear_gradient("L").convert("RGB").resize((600, 400)).save(there)
    return machine.inside(there)


def test_another_face_is_picked_by_its_thumbnail(window, two_faces, screenshot):
    choose(window, two_faces)
    click(window, "prn.find_faces")
    window.wait(f"{SESSION}.faces is not None", seconds=120)
    boxes = window.python(f"return [[b.left, b.top, b.right, b.bottom] for b in {SESSION}.faces.boxes]")
    right = [index for index, box in enumerate(boxes) if (box[0] + box[2]) / 2 > 370]
    assert right and len(right) < len(boxes), boxes
    screenshot("faces")
    click(window, "prn.choose_face", f"index={right[0]}")
    window.wait("context.scene.prn_capture.face == 'INDEX'")
    head = make_head(window)
    assert window.python(BOX.format(head)) == pytest.approx(boxes[right[0]])
    assert window.python(f"return len({HEADS})") == 1


def test_without_a_face_a_box_is_drawn(window, no_face, screenshot):
    choose(window, no_face)
    click(window, "prn.reconstruct_from_image")
    window.wait(f"{SESSION}.error and {SESSION}.no_face", seconds=120)
    assert "No face" in window.python(f"return {SESSION}.error")
    assert not window.python(f"return {HEADS}")
    screenshot("no_face")
    click(window, "prn.pick_face")
    x, y = window.viewport_middle()
    window.desktop.drag((x - 90, y - 100), (x + 90, y + 100))
    window.wait("context.scene.prn_capture.face == 'BOX'")
    left, top, right, bottom = box = window.python("return list(context.scene.prn_capture.box)")
    assert 0 < left < 300 < right < 600 and 0 < top < 200 < bottom < 400
    assert (right - left) / (bottom - top) == pytest.approx(90 / 100, rel=0.05)
    head = make_head(window)
    assert window.python(BOX.format(head)) == pytest.approx(box)
    window.assert_console_clean("No face found")
