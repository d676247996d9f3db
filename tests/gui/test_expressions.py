"""Expressions in the window: chosen before the capture, shown in the panel, played and undone."""

from .conftest import HEADS, SESSION, choose, make_head

KEYS = "bpy.data.objects[{head!r}].data.shape_keys.key_blocks"


def test_a_head_with_expressions_is_played(window, photo, screenshot):
    choose(window, photo)
    window.python("context.scene.prn_capture.expressions = True; context.scene.prn_capture.parts = 'whole'")
    window.python("context.scene.prn_capture.texture_size = '512'")
    head = make_head(window)
    window.wait(f"not {SESSION}.is_busy")
    keys = KEYS.format(head=head)
    assert window.python(f"return len({keys})") == 54
    for group in ("EYES", "BROWS", "MOUTH"):
        window.python(f"context.scene.prn_expressions.group = {group!r}")
        window.python("bpy.ops.wm.call_panel(name='PRN_PT_expressions', keep_open=True)")
        screenshot(f"expressions_{group.lower()}")
        window.desktop.key("Escape")
    window.python("bpy.ops.ed.undo_push(message='Before')")
    window.python("bpy.ops.prn.show_face(face='blink'); bpy.ops.ed.undo_push(message='Blink')")
    assert window.python(f"return {keys}['eyeBlinkLeft'].value") == 1
    screenshot("expressions_blink")
    window.press_in_viewport("ctrl+z")
    window.wait(f"{keys}['eyeBlinkLeft'].value == 0 and {keys}['Photo'].value == 1")
    assert window.python(f"return {HEADS}") == [head]
