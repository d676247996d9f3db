"""The pictures in docs/: every state of the panel, in a real Blender.

    python -m tests.gui.screenshots ZIP [NAME...]

ZIP is the extension's, as `build.py zip` makes it. With names, only pictures whose name begins with one of them are
replaced. Nothing but the bundled portrait is shown.
"""

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from . import real_blender
from .real_blender import Blender, Desktop, Machine, Window, show

CHECKOUT = Path(__file__).parents[2]
DOCS = CHECKOUT / "docs"
PORTRAIT = CHECKOUT / "examples" / "astronaut.jpg"
SESSION = "__import__('sys').modules['bl_ext.user_default.prn_head_capture.ui.shell.session'].current"
TAB = "Head Capture"
LIGHT = "Blender_Light.xml"
COLOURS = 256
# What is drawn over the photo has few pixels, so that its colours would be lost.
ACCENTS = ((140, 204, 255), (191, 166, 255), (255, 230, 115), (128, 255, 178), (255, 153, 166), (255, 161, 41))
TALL = (1280, 1400)  # screens on which the whole panel has room
TALLER = (1800, 2500)


class Photographer:
    """Takes pictures of one Blender window and puts them into docs/, small."""

    def __init__(self, window: Window, suffix: str, wanted: tuple[str, ...]):
        self.window = window
        self.suffix = suffix
        self.wanted = wanted

    def panel(self, name: str) -> None:
        """The sidebar of the 3D View, down to where it is empty."""
        if self.wanted and not f"panel-{name}{self.suffix}".startswith(self.wanted):
            return
        left, right, top, bottom = self.window.python("""
            ui = region("UI")
            return [ui.x, ui.x + ui.width, window.height - ui.y - ui.height, window.height - ui.y]
        """)
        picture = self._shot().crop((left, top, right, bottom))
        self._keep(f"panel-{name}{self.suffix}", _without_empty_rows(picture))

    def screen(self, name: str) -> None:
        self._keep(f"{name}{self.suffix}", self._shot())

    def _shot(self) -> Image.Image:
        if not self.window.python(f"return {SESSION}.is_busy"):  # else the bar goes on
            self.window.desktop.wait_until_still()
        taken = self.window.machine.share / "taken.png"
        self.window.desktop.screenshot(taken)
        return Image.open(io.BytesIO(taken.read_bytes())).convert("RGB")

    def _keep(self, name: str, picture: Image.Image) -> None:
        if self.wanted and not name.startswith(self.wanted):
            return
        path = DOCS / f"{name}.png"
        _with_palette(picture).save(path, optimize=True)
        show(f"  {path.relative_to(CHECKOUT)}: {path.stat().st_size // 1024} KB")


def _with_palette(picture: Image.Image) -> Image.Image:
    common = picture.quantize(COLOURS - len(ACCENTS), dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    palette.putpalette([*common.getpalette(), *(value for accent in ACCENTS for value in accent)])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def _without_empty_rows(picture: Image.Image) -> Image.Image:
    """Cut below the last panel: where rows have one colour from there on, apart from the tabs at the right."""
    width, height = picture.size
    inner = picture.crop((8, 0, int(width * 0.85), height))
    last = height - 1
    while last > 0 and len(inner.crop((0, last, inner.width, last + 1)).getcolors(inner.width)) == 1:
        last -= 1
    return picture.crop((0, 0, width, min(height, last + 16)))


def choose(window: Window, photo: str) -> None:
    window.python(f"context.scene.prn_capture.photo = {photo!r}; view.tag_redraw()")
    window.wait(f"{SESSION}.info_of is not None and {SESSION}.info_job is None")


def find_faces(window: Window) -> None:
    window.python("bpy.ops.prn.find_faces('INVOKE_DEFAULT')")
    finish_job(window)


def reconstruct(window: Window) -> None:
    window.python("bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT')")
    finish_job(window)


def finish_job(window: Window) -> None:
    window.wait(f"not {SESSION}.is_busy", seconds=300)


def panel_states(window: Window, photos: dict[str, str], pictures: Photographer) -> None:
    """From nothing to a head with a moved landmark."""
    pictures.panel("start")
    choose(window, photos["text"])
    pictures.panel("error")
    choose(window, photos["no face"])
    reconstruct(window)
    pictures.panel("no-face")
    choose(window, photos["group"])
    find_faces(window)
    pictures.panel("faces")
    choose(window, photos["portrait"])
    pictures.panel("photo")

    window.python(
        "context.scene.prn_capture.texture_size = '8192'; bpy.ops.prn.reconstruct_from_image('INVOKE_DEFAULT')"
    )
    window.wait(f"{SESSION}.is_busy and {SESSION}.job.progress[0] > 0.3", seconds=120)
    pictures.panel("running")
    window.desktop.key("Escape")
    window.python(f"{SESSION}.is_busy and bpy.ops.prn.cancel()")
    finish_job(window)
    window.python("context.scene.prn_capture.texture_size = '2048'")

    reconstruct(window)
    window.wait("context.view_layer.objects.active and context.view_layer.objects.active.name == 'astronaut'")
    window.python("context.scene.prn_capture.show_landmarks = True")
    pictures.panel("captured")
    window.python("""
        bpy.data.objects["jaw_08"].location.z -= 0.008
        bpy.data.objects["astronaut"].select_set(False)
        bpy.data.objects["jaw_08"].select_set(True)
    """)
    pictures.panel("landmark")


def whole_windows(window: Window, photos: dict[str, str], pictures: Photographer) -> None:
    """The head, its landmarks over the photo, and the Image Editor."""
    window.python("bpy.ops.prn.reset_landmarks()")
    window.python("context.view_layer.objects.active = bpy.data.objects['astronaut']")
    pictures.screen("window")
    window.python("context.scene.prn_capture.show_landmarks = True; bpy.ops.prn.view_photo()")
    window.python("""
        view.spaces.active.region_3d.view_camera_zoom = 60
        view.spaces.active.region_3d.view_camera_offset = -0.02, 0.13
    """)
    pictures.screen("landmarks-over-photo")
    drag_landmark(window)
    pictures.screen("landmark-dragged")
    window.desktop.key("Escape")
    window.python("bpy.ops.prn.view_photo()")

    window.python("bpy.ops.prn.open_in_image_editor()")
    pictures.screen("image-editor-landmarks")
    choose(window, photos["group"])
    find_faces(window)
    window.python("bpy.ops.prn.choose_face(index=1); bpy.ops.prn.open_in_image_editor()")
    pictures.screen("image-editor-faces")
    window.python("view.spaces.active.show_region_ui = False")
    open_image_tab(window)
    pictures.screen("image-editor-panel")


def drag_landmark(window: Window) -> None:
    """Moves the chin with G, and leaves it held by the mouse."""
    window.python("""
        for candidate in context.view_layer.objects.selected:
            candidate.select_set(False)
        chin = bpy.data.objects["jaw_08"]
        chin.select_set(True)
        context.view_layer.objects.active = chin
    """)
    x, y = window.python("""
        from bpy_extras.view3d_utils import location_3d_to_region_2d
        main = region("WINDOW")
        chin = bpy.data.objects["jaw_08"].matrix_world.translation
        place = location_3d_to_region_2d(main, view.spaces.active.region_3d, chin)
        return [int(main.x + place.x), int(window.height - main.y - place.y)]
    """)
    height = window.python("return bpy.data.objects['jaw_08'].location.z")
    window.desktop.move(x, y)
    window.desktop.key("g")
    window.wait("any(operator.bl_idname.startswith('TRANSFORM') for operator in window.modal_operators)")
    for down in (10, 20, 30):
        window.desktop.move(x + 3, y + down)
    window.wait(f"bpy.data.objects['jaw_08'].location.z < {height} - 0.003")


def open_image_tab(window: Window) -> None:
    """Shows the extension's tab in the sidebar of the Image Editor."""
    area = "next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == 'IMAGE_EDITOR')"
    sidebar = f"next(part for part in {area}.regions if part.type == 'UI')"
    window.python(f"{area}.spaces.active.show_region_ui = True")
    window.wait(f"{sidebar}.width > 1")
    window.python(f"{sidebar}.active_panel_category = {TAB!r}; {area}.tag_redraw()")
    window.python(f"""
        with context.temp_override(area={area}, region=next(part for part in {area}.regions if part.type == "WINDOW")):
            bpy.ops.image.view_all(fit_view=True)
    """)


def make_photos(machine: Machine) -> dict[str, str]:
    """The bundled portrait, a collage of it, a part of it without the face, and a file that is no photo."""
    portrait = Image.open(PORTRAIT).convert("RGB")
    width, height = portrait.size
    group = Image.new("RGB", (width * 2, height), (150, 150, 150))
    group.paste(portrait, (0, 0))
    for column, row in ((0, 0), (1, 0), (0, 1), (1, 1)):
        small = portrait.resize((width // 2, height // 2))
        group.paste(small, (width + column * width // 2, row * height // 2))
    group.save(machine.share / "collage.jpg")
    portrait.crop((0, height * 5 // 8, width, height)).save(machine.share / "suit.jpg")
    (machine.share / "notes.jpg").write_text("no photo")
    shutil.copyfile(PORTRAIT, machine.share / PORTRAIT.name)
    names = {"portrait": PORTRAIT.name, "group": "collage.jpg", "no face": "suit.jpg", "text": "notes.jpg"}
    return {key: machine.inside(machine.share / name) for key, name in names.items()}


@contextlib.contextmanager
def new_window(blender: Blender, desktop: Desktop, scale: float, theme: str) -> Iterator[Window]:
    """Blender with a scale of its interface and a theme, the sidebar open at the extension's tab."""
    with Window(blender, desktop) as window:
        window.python(f"""
            context.preferences.view.ui_scale = {scale}
            context.preferences.view.smooth_view = 0
            context.preferences.system.use_region_overlap = False
        """)
        window.python("bpy.ops.preferences.reset_default_theme()")  # Blender keeps the theme of the window before
        if theme:
            window.python(f"""
                import os
                folder = bpy.utils.preset_paths("interface_theme")[0]
                path = os.path.join(folder, {theme!r})
                bpy.ops.script.execute_preset(filepath=path, menu_idname="USERPREF_MT_interface_theme_presets")
            """)
        window.open_tab(TAB)
        yield window
        window.quit()


def main(arguments: list[str]) -> None:
    extension, wanted = Path(arguments[0]), tuple(arguments[1:])
    with real_blender.real_blender() as machine:
        blender = Blender(machine, "pictures")
        blender.install(extension)
        photos = make_photos(machine)
        runs = ("", 1.0, "", TALL), ("-large", 2.0, "", TALLER), ("-light", 1.0, LIGHT, TALL)
        for suffix, scale, theme, screen in (
            runs if not wanted or any(name.startswith("panel") for name in wanted) else ()
        ):
            real_blender.SCREEN = screen
            with Desktop(machine) as desktop, new_window(blender, desktop, scale, theme) as window:
                panel_states(window, photos, Photographer(window, suffix, wanted))
                assert "Traceback" not in window.log, window.log
        real_blender.SCREEN = 1280, 900
        with Desktop(machine) as desktop, new_window(blender, desktop, 1.0, "") as window:
            choose(window, photos["portrait"])
            reconstruct(window)
            whole_windows(window, photos, Photographer(window, "", wanted))
            assert "Traceback" not in window.log, window.log


if __name__ == "__main__":
    main(sys.argv[1:])
