"""Installed, disabled, uninstalled and installed again, and two Blenders at once; what is left behind: nothing."""

import shutil

import pytest

from .conftest import HEADS, MODULE, choose, make_head
from .real_blender import Blender, Desktop, Window

# Every function of ours, so that it can still be asked about when its module is gone.
REMEMBER = f"""
    import sys, types
    sys.modules["prn_remembered"] = [
        thing
        for name, module in list(sys.modules.items())
        if name.startswith({MODULE!r})
        for thing in vars(module).values()
        if isinstance(thing, types.FunctionType) and thing.__module__.startswith({MODULE!r})
    ]
    return len(sys.modules["prn_remembered"])
"""
TRACES = f"""
    import sys, threading

    def ours(thing):
        return str(getattr(thing, "__module__", "")).startswith({MODULE!r})

    kinds = [kind for kind in (getattr(bpy.types, name) for name in dir(bpy.types)) if isinstance(kind, type)]
    handlers = [(name, getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers)]
    keymaps = context.window_manager.keyconfigs.addon.keymaps
    return dict(
        classes=[kind.__name__ for kind in kinds if "PRN_" in kind.__name__ or ours(kind)],
        operators=dir(bpy.ops.prn),
        properties=[
            f"{{kind.__name__}}.{{name}}"
            for kind in kinds
            if issubclass(kind, bpy.types.ID)
            for name in dir(kind)
            if name.startswith("prn_")
        ],
        handlers=[name for name, functions in handlers if isinstance(functions, list) and any(map(ours, functions))],
        menus=[
            kind.__name__
            for kind in kinds
            if any(map(ours, getattr(getattr(kind, "draw", None), "_draw_funcs", ())))
        ],
        timers=[f.__name__ for f in sys.modules["prn_remembered"] if bpy.app.timers.is_registered(f)],
        keys=[item.idname for keymap in keymaps for item in keymap.keymap_items if item.idname.startswith("prn.")],
        threads=[thread.name for thread in threading.enumerate() if "PRN" in thread.name],
    )
"""
INSTALLED = f"{MODULE!r} in context.preferences.addons.keys()"


def test_disable_enable_uninstall_and_install_again(machine, blender, desktop, extension_zip, photo):
    """Ten times, with a capture in between, in a Blender of its own."""
    second = copy_of(blender, "uninstaller")
    with Window(second, desktop) as window:
        for round_number in range(10):
            if round_number in (0, 9):
                window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
                choose(window, photo)
                make_head(window)
            assert window.python(REMEMBER) > 50
            window.python(f"bpy.ops.preferences.addon_disable(module={MODULE!r})")
            assert_nothing_left(window)
            window.python(f"bpy.ops.preferences.addon_enable(module={MODULE!r})")
            assert window.python("return hasattr(bpy.types.Scene, 'prn_capture')")
            uninstall(window)
            assert_nothing_left(window)
            files = [path for path in second.resources.rglob("*") if path.name in {"prn_head_capture", "cv2", "PIL"}]
            assert not files
            window.python(
                f"bpy.ops.extensions.package_install_files(filepath={extension_zip!r}, repo='user_default')",
                seconds=120,
            )
            assert window.python(f"return {INSTALLED}")
        window.quit()
        window.assert_console_clean()


def uninstall(window: Window) -> None:
    """What *Uninstall* in the extension's menu does."""
    window.python("""
        repositories = context.preferences.extensions.repos
        index = next(i for i, repository in enumerate(repositories) if repository.module == "user_default")
        bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="prn_head_capture")
    """)
    assert not window.python(f"return {INSTALLED}")


def assert_nothing_left(window: Window) -> None:
    left = {kind: found for kind, found in window.python(TRACES).items() if found}
    assert not left, f"left behind: {left}"


def copy_of(blender: Blender, user: str) -> Blender:
    """Another user's Blender with the same preferences and extensions."""
    other = Blender(blender.machine, user)
    shutil.copytree(blender.resources, other.resources, dirs_exist_ok=True)
    return other


@pytest.mark.parametrize("users", ["one", "two"])
def test_two_blenders_at_once(users, machine, blender, desktop, photo):
    """Two windows of one user, or of two, capture at the same time."""
    other = blender if users == "one" else copy_of(blender, "neighbour")
    with Desktop(machine) as second_desktop, Window(blender, desktop) as first, Window(other, second_desktop) as second:
        for window in (first, second):
            window.open_tab(window.python("return bpy.types.PRN_PT_capture.bl_category"))
            choose(window, photo)
        buttons = [window.find_button("prn.reconstruct_from_image") for window in (first, second)]
        for window, button in zip((first, second), buttons, strict=True):
            window.desktop.click(*button)
        heads = [window.wait(HEADS, seconds=180)[0] for window in (first, second)]
        shapes = [
            window.python(
                f"return [round(c, 6) for v in list(bpy.data.objects[{head!r}].data.vertices)[::500] for c in v.co]"
            )
            for window, head in zip((first, second), heads, strict=True)
        ]
        assert shapes[0] == shapes[1]
        for window in (first, second):
            window.quit()
            window.assert_console_clean()
