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


def test_an_expression_is_copied_with_a_click_and_undone(window, photo, screenshot):
    choose(window, photo)
    window.python("context.scene.prn_capture.texture_size = '512'")
    source = make_head(window)
    window.wait(f"not {SESSION}.is_busy")
    window.python(
        "chosen = context.scene.prn_capture; chosen.expressions = True; chosen.topology = 'low'\n"
        "bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT', new_head=True)"
    )
    window.wait(f"len({HEADS}) == 2 and not {SESSION}.is_busy", seconds=180)
    (head,) = (name for name in window.python(f"return {HEADS}") if name != source)
    keys = KEYS.format(head=head)
    window.python(
        f"context.scene.prn_expressions.source = bpy.data.objects[{source!r}]\n"
        "bpy.ops.prn.show_face(face='Neutral'); bpy.ops.ed.undo_push(message='Neutral')"
    )
    window.python(
        """
        def copy():
            window = bpy.context.window_manager.windows[0]
            with bpy.context.temp_override(window=window, area=view_area(), region=region('WINDOW')):
                bpy.ops.prn.copy_expression('INVOKE_DEFAULT')
        bpy.app.timers.register(copy, first_interval=0.1)
        """
    )
    window.wait(f"'Copied' in {keys} and {keys}['Copied'].value == 1", seconds=60)
    window.wait(f"not {SESSION}.is_busy")
    screenshot("expressions_copied")
    window.press_in_viewport("ctrl+z")
    window.wait(f"'Copied' not in {keys}")
