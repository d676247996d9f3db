"""A real Blender with a window, started and clicked by programs.

The bpy wheel has no window. So the GUI tests run the Blender of a newer Debian in a chroot, or the one that the
environment variable BLENDER names, on an X server without a screen (Xvfb) and with software OpenGL.

The chroot is built once (minutes, 1.5 GB) under ~/.cache/prn-head-capture. Everything in it runs in a mount and
process namespace of its own, which the kernel clears away with its first process, and that dies with the tests:
nothing stays mounted or running.

`python tests/gui/real_blender.py` builds the chroot ahead of the tests and prints its progress.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "prn-head-capture"
SUITE = os.environ.get("PRN_GUI_SUITE", "trixie")  # trixie: Blender 4.3; sid: the newest
SCREEN = (1280, 900)
# Blender, what its Python scripts import (python3-cattr from 5.1 on), and the display side. With OpenBLAS, as numpy has
# it in Blender's own builds (the reference BLAS is eight times as slow), but without threads, which would wait for the
# cores that drawing takes.
PACKAGES = (
    *("blender", "python3-numpy", "libopenblas0-serial", "python3-requests", "python3-zstandard", "python3-cattr"),
    *("xvfb", "xauth", "libgl1", "libegl1", "libgl1-mesa-dri", "xdotool", "imagemagick", "python3-xlib"),
)
DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
DISPLAY_TOOLS = ("Xvfb", "xdotool", "import")
# Seconds: Blender highlights the button under the mouse before it takes a click, and does not tell when it has.
HOVER = 0.4
# And an input takes keys a moment after it was clicked.
TYPING = 0.5
CORNER = (100, 100)  # where a window is moved to whose place Blender chose badly


class NoRealBlender(Exception):
    """Why no Blender with a window can be had here, in one line."""


def show(text: str) -> None:
    """Progress, for builds that take minutes."""
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Machine:
    """Where Blender and its display run: a chroot, or this machine itself (`root` is then "/")."""

    root: Path
    blender: str
    share: Path  # a folder for files that both sides use, seen from here

    def inside(self, path: Path) -> str:
        """A path under `share` as the programs there see it."""
        return "/" + str(path.relative_to(self.root))

    def command(self, *arguments: str, **environment: str) -> list[str]:
        """The command line that runs a program there; it dies with the process that starts it."""
        if self.root == Path("/"):
            return [*DIES_WITH_PARENT, "env", *(f"{name}={value}" for name, value in environment.items()), *arguments]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **environment}
        return [
            *DIES_WITH_PARENT,
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", f"--mount-proc={self.root / 'proc'}"),
            *("chroot", str(self.root), "env", "-i"),
            *(f"{name}={value}" for name, value in environment.items()),
            *arguments,
        ]


@contextlib.contextmanager
def real_blender() -> Iterator[Machine]:
    """The machine with a Blender, with an empty share that goes away afterwards.

    Raises:
        NoRealBlender: there is none, and none can be made.
    """
    named = os.environ.get("BLENDER")
    root = Path("/") if named else debian_chroot()
    if named:
        missing = [tool for tool in (named, "setpriv", *DISPLAY_TOOLS) if not shutil.which(tool)]
        if subprocess.run(["python3", "-c", "import Xlib"], check=False, capture_output=True).returncode:
            missing.append("python3-xlib")
        if missing:
            raise NoRealBlender(f"BLENDER is set, but not found on this machine: {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="prn-gui-", dir=None if named else root / "tmp") as share:
        yield Machine(root, named or "blender", Path(share))


def debian_chroot() -> Path:
    """The chroot with Blender, built where it is missing.

    Raises:
        NoRealBlender: it cannot be built here.
    """
    root = CACHE / f"real-blender-{SUITE}"
    if not sys.platform.startswith("linux"):
        raise NoRealBlender("the chroot with a real Blender needs Linux; name a Blender in BLENDER")
    if os.geteuid() != 0:
        raise NoRealBlender("the chroot with a real Blender needs root; name a Blender in BLENDER")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"real-blender-{SUITE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs at once must not build the same folder
        stamp = root / "etc" / "prn-packages.json"
        installed = set(json.loads(stamp.read_text())) if stamp.is_file() else set()
        if not installed:
            _build_chroot(root, stamp)
        elif not installed.issuperset(PACKAGES):
            show("  installing what these tests need beside Blender")
            _install(root)
            stamp.write_text(json.dumps(PACKAGES))
    return root


def _build_chroot(root: Path, stamp: Path) -> None:
    if not shutil.which("debootstrap"):
        if not shutil.which("apt-get"):
            raise NoRealBlender("the chroot with a real Blender needs debootstrap; name a Blender in BLENDER")
        show("  installing debootstrap")
        _run(["apt-get", "update", "-qq"])
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap"])
    partial = root.with_name(root.name + ".partial")
    for leftover in (root, partial):
        shutil.rmtree(leftover, ignore_errors=True)
    show(f"  debootstrap {SUITE} (about a minute)")
    # In a mount namespace, so that an interrupted debootstrap leaves nothing mounted.
    _run(["unshare", "--mount", "debootstrap", "--variant=minbase", SUITE, str(partial), *_debian_mirror()])
    # A mirror may be a frozen snapshot, whose index has expired by its own date.
    (partial / "etc/apt/apt.conf.d/99prn").write_text(
        'Acquire::Check-Valid-Until "false"; Acquire::Check-Date "false"; '
        'APT::Install-Recommends "false"; Dpkg::Use-Pty "0";\n'
    )
    (partial / "etc/mtab").symlink_to("/proc/self/mounts")  # else Blender warns
    show("  installing Blender and a display there (about two minutes)")
    _install(partial)
    (partial / stamp.relative_to(root)).write_text(json.dumps(PACKAGES))
    partial.rename(root)


def _install(root: Path) -> None:
    machine = Machine(root, "blender", root / "tmp")
    _run(machine.command("apt-get", "update", "-qq"))
    _run(machine.command("apt-get", "install", "-y", "-qq", *PACKAGES, DEBIAN_FRONTEND="noninteractive"))
    _run(machine.command("apt-get", "clean"))


def _debian_mirror() -> list[str]:
    """This Debian's own mirror, or nothing (debootstrap then takes its default)."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    lines = sources.read_text().splitlines() if sources.is_file() else []
    return [line.split()[1] for line in lines if line.startswith("URIs:")][:1]


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise NoRealBlender(f"building the chroot failed at {' '.join(command)[:200]}:\n{tail}")


def wait_for(condition, seconds: float, what: str, pause: float = 0.05):
    """The first true value of condition(), asked after every pause in seconds; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


@dataclass
class Desktop:
    """An X server without a screen, with a mouse and a keyboard."""

    machine: Machine
    size: tuple[int, int] = SCREEN
    number: int = 0
    process: subprocess.Popen | None = field(default=None, repr=False)
    # Waits until Blender has handled what was done so far; set by its window.
    wait_until_handled: Callable[[], None] = field(default=lambda: None, repr=False)

    def __enter__(self) -> Self:
        read, write = os.pipe()
        geometry = f"{self.size[0]}x{self.size[1]}x24"
        command = self.machine.command(
            *("Xvfb", "-displayfd", str(write), "-screen", "0", geometry, "-nolisten", "tcp")
        )
        log = (self.machine.share / "xvfb.log").open("w")
        self.process = subprocess.Popen(command, pass_fds=[write], stdout=log, stderr=log)
        os.close(write)
        with os.fdopen(read) as answer:
            line = answer.readline()  # ends with Xvfb, so this never waits for a dead one
        if not line:
            raise NoRealBlender(f"Xvfb does not start: {(self.machine.share / 'xvfb.log').read_text()[-300:]}")
        self.number = int(line)
        return self

    def __exit__(self, *exception) -> None:
        self.process.kill()
        self.process.wait()

    def _tool(self, *arguments: str) -> None:
        command = self.machine.command(*arguments, DISPLAY=f":{self.number}")
        subprocess.run(command, check=True, timeout=60, capture_output=True)

    def move(self, x: int, y: int) -> None:
        """Moves the mouse in two steps, since Blender misses a jump; (0, 0) is the screen's top-left corner."""
        self._tool("xdotool", "mousemove", str(x - 1), str(y), "sleep", "0.05", "mousemove", str(x), str(y))

    def click(self, x: int, y: int, modifier: str = "") -> None:
        self.move(x, y)
        time.sleep(HOVER)
        if not modifier:
            self._tool("xdotool", "click", "1")
            return
        # Blender asks which keys are down, and where the mouse is, when it gets to the click.
        self._tool("xdotool", "keydown", modifier, "click", "1")
        self.wait_until_handled()
        self._tool("xdotool", "keyup", modifier)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Drags with the left button, in the small steps of a hand."""
        (left, top), (right, bottom) = start, end
        path = [(left + (right - left) * part // 6, top + (bottom - top) * part // 6) for part in range(1, 7)]
        self.drag_along([start, *path], 0.1)

    def drag_along(self, path: list[tuple[int, int]], pause: float) -> None:
        """Drags with the left button from place to place, with a pause in seconds at each."""
        self.move(*path[0])
        time.sleep(HOVER)
        steps = [word for x, y in path[1:] for word in ("mousemove", str(x), str(y), "sleep", str(pause))]
        self._tool("xdotool", "mousedown", "1")
        self.wait_until_handled()
        self._tool("xdotool", *steps, "sleep", "0.4", "mouseup", "1")

    def drop_file(self, path: str, x: int, y: int) -> None:
        """Drags a file, by its path there, from another program's window to a place and drops it."""
        source = self.machine.share / "drag_source.py"
        shutil.copyfile(Path(__file__).with_name("drag_source.py"), source)
        command = self.machine.command("python3", self.machine.inside(source), path, DISPLAY=f":{self.number}")
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
            try:
                assert program.stdout.readline() == "ready\n", program.stdout.read()
                self.drag((20, 20), (x, y))
                answer, _ = program.communicate(timeout=30)
                assert answer == "dropped\n", answer
            finally:
                program.kill()

    def show_window(self, title: str) -> None:
        """Moves a window to where all of it is on the screen; Blender opens some partly outside of it."""
        x, y = map(str, CORNER)
        self._tool("xdotool", "search", "--sync", "--onlyvisible", "--name", title, "windowmove", x, y)

    def type(self, text: str) -> None:
        """Types over what the mouse is over."""
        self._tool("xdotool", "type", "--delay", "20", text)

    def key(self, name: str) -> None:
        """Presses a key, by xdotool's name for it, over what the mouse is over."""
        self._tool("xdotool", "key", name)

    def wait_until_still(self, seconds: float = 20) -> None:
        """Waits until the screen shows the same as just before: panels glide to their places, and menus open."""
        shown = self.pixels()

        def is_still() -> bool:
            nonlocal shown
            before, shown = shown, self.pixels()
            return shown == before

        wait_for(is_still, seconds, "the screen to come to rest")

    def pixels(self) -> bytes:
        """What the screen shows."""
        there = self.machine.share / "screen.ppm"
        self._tool("import", "-window", "root", f"ppm:{self.machine.inside(there)}")
        return there.read_bytes()

    def screenshot(self, path: Path) -> None:
        there = self.machine.share / "screenshot.png"
        self._tool("import", "-window", "root", self.machine.inside(there))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(there, path)


class Blender:
    """A user's Blender with preferences and extensions of its own."""

    def __init__(self, machine: Machine, user: str):
        self.machine = machine
        self.resources = machine.share / user
        self.resources.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        return {
            "BLENDER_USER_RESOURCES": self.machine.inside(self.resources),
            "TMPDIR": self.machine.inside(self.machine.share),
            "LIBGL_ALWAYS_SOFTWARE": "1",
        }

    def run(self, *arguments: str) -> str:
        """Runs Blender without a window to its end; its output. AssertionError where it fails."""
        command = self.machine.command(self.machine.blender, *arguments, **self.environment)
        done = subprocess.run(
            command,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=300,
        )
        assert done.returncode == 0, f"{' '.join(arguments)[:300]} failed:\n{done.stdout[-3000:]}"
        return done.stdout

    def install(self, extension_zip: Path) -> None:
        """Installs an extension zip by Blender's command line."""
        there = self.machine.share / extension_zip.name
        shutil.copyfile(extension_zip, there)
        output = self.run(
            *("--command", "extension", "install-file", "-r", "user_default", "-e", self.machine.inside(there))
        )
        assert "Traceback" not in output and "rror:" not in output, output
        self.dismiss_splash()

    def dismiss_splash(self) -> None:
        """The next windows open without the splash screen."""
        self.run(
            *("--background", "--python-exit-code", "1", "--python-expr"),
            "import bpy; bpy.context.preferences.view.show_splash = False; bpy.ops.wm.save_userpref()",
        )


class Window:
    """A running Blender window that a `Desktop`'s mouse and keyboard reach and that runs Python on request."""

    def __init__(self, blender: Blender, desktop: Desktop):
        self.blender = blender
        self.desktop = desktop
        self.machine = blender.machine
        self._requests = 0
        self._reviewed = 0  # characters of the log
        self._buttons: dict[tuple[str, str], tuple[tuple[int, int], str]] = {}  # where they were, and their commands

    def __enter__(self) -> Self:
        self._mailbox = Path(tempfile.mkdtemp(prefix="mailbox-", dir=self.machine.share))
        driver = self._mailbox / "driver.py"
        shutil.copyfile(Path(__file__).with_name("driver.py"), driver)
        command = self.machine.command(
            *(self.machine.blender, "--window-geometry", "0", "0", *map(str, self.desktop.size)),
            *("--python", self.machine.inside(driver)),
            **self.blender.environment,
            DISPLAY=f":{self.desktop.number}",
            PYTHONUNBUFFERED="1",
        )
        self._log_file = self._mailbox / "blender.log"
        log = self._log_file.open("w")
        self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self.python("return True", seconds=180)
        self._of_window_behind = self.desktop.wait_until_handled
        self.desktop.wait_until_handled = self._wait_until_handled
        return self

    def __exit__(self, *exception) -> None:
        self.desktop.wait_until_handled = self._of_window_behind
        self._process.kill()
        self._process.wait()

    def quit(self) -> None:
        """Leaves Blender as its menu does. AssertionError where it crashes on the way."""
        self.python("bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1)")
        wait_for(lambda: self._process.poll() is not None, 60, "Blender to quit")
        assert self._process.returncode == 0, f"quitting ended with {self._process.returncode}:\n{self.log[-3000:]}"

    @property
    def log(self) -> str:
        """What Blender printed so far."""
        return self._log_file.read_text(errors="replace")

    @property
    def is_open(self) -> bool:
        return self._process.poll() is None

    def assert_console_clean(self, *expected: str) -> None:
        """Blender has printed no error since this was last asked, except those that contain an expected text."""
        printed = self.log[self._reviewed :]
        self._reviewed += len(printed)
        suspicious = [line for line in printed.splitlines() if "Traceback" in line or "Error" in line]
        complaints = [line for line in suspicious if not any(text in line for text in expected)]
        assert not complaints, printed

    def python(self, code: str, seconds: float = 60):
        """Runs the body of a function in Blender, between two events; what it returns, which must fit into JSON.

        `bpy`, `context`, `window` and `view` (the 3D View's area) are defined there. Raises AssertionError with
        the traceback where it fails.
        """
        self._requests += 1
        request = self._mailbox / f"request-{self._requests}"
        reply = self._mailbox / f"reply-{self._requests}.json"
        request.with_suffix(".partial").write_text(textwrap.dedent(code))
        request.with_suffix(".partial").rename(request.with_suffix(".py"))

        def answer() -> dict | None:
            assert self._process.poll() is None, f"Blender ended with {self._process.returncode}:\n{self.log[-3000:]}"
            return json.loads(reply.read_text()) if reply.exists() else None

        answered = wait_for(answer, seconds, f"Blender to run {code.strip()[:100]!r}", pause=0.005)
        assert answered["error"] is None, answered["error"]
        return answered["value"]

    def _wait_until_handled(self) -> None:
        """A request may be answered before the input that came with it is handled: at the second one that is over."""
        for _ in range(2):
            self.python("return True")

    def wait(self, expression: str, seconds: float = 60):
        """Waits until a Python expression is true in Blender; its value."""
        return wait_for(lambda: self.python(f"return {expression}"), seconds, expression)

    def show_other(self, title: str) -> None:
        """Moves another window of this Blender to where all of it is on the screen, and waits until Blender knows."""
        self.desktop.show_window(title)
        self.wait(f"any(other.x == {CORNER[0]} for other in list(context.window_manager.windows)[1:])")

    def close_other_windows(self) -> None:
        """Closes all windows but the first; there is no window manager whose button could do it."""
        self.python("""
            for other in list(context.window_manager.windows)[1:]:
                with context.temp_override(window=other):
                    bpy.ops.wm.window_close()
        """)

    def region(self, editor: str, *kinds: str) -> tuple[int, int, int, int]:
        """Where a region of an editor is, in the newest window that has one: left, top, width, height on the screen.

        Of several kinds the first that is there.
        """
        return tuple(
            self.wait(
                f"""next(([w.x + r.x, {SCREEN[1]} - w.y - r.y - r.height, r.width, r.height]
                for kind in {kinds} for w in reversed(context.window_manager.windows) for a in w.screen.areas
                for r in a.regions if a.type == {editor!r} and r.type == kind and r.width > 1), None)"""
            )
        )

    def choose_in_file_browser(self, path: str) -> None:
        """Chooses a file, by its path there, in the file browser that Blender has just opened, and closes it so.

        It must be the only file in its folder.
        """
        folder, _, name = path.rpartition("/")
        self.browse_to(folder)
        left, top, _, _ = self.region("FILE_BROWSER", "WINDOW")
        for _ in range(5):  # Blender 5 does not take the first click after the folder
            self.desktop.click(left + 60, top + 40)  # the first file
            with contextlib.suppress(AssertionError):
                self.wait(
                    "[a for w in context.window_manager.windows for a in w.screen.areas if a.type == 'FILE_BROWSER']"
                    f"[0].spaces.active.params.filename == {name!r}",
                    seconds=3,
                )
                break
        self.confirm_file_browser()

    def browse_to(self, folder: str) -> None:
        """Goes to a folder, by its path there, in the file browser that Blender has just opened."""
        self.show_other("File View")
        left, top, width, height = self.region("FILE_BROWSER", "UI")
        self.desktop.click(left + width // 3, top + height // 2)  # the folder
        time.sleep(TYPING)
        self.desktop.key("ctrl+a")
        self.desktop.type(folder + "/")
        self.desktop.key("Return")
        self.wait(
            "[a for w in context.window_manager.windows for a in w.screen.areas if a.type == 'FILE_BROWSER']"
            f"[0].spaces.active.params.directory.decode().rstrip('/') == {folder!r}"
        )

    def confirm_file_browser(self) -> None:
        """Presses the button in its corner, which closes the file browser."""
        windows = self.python("return len(context.window_manager.windows)")
        left, top, width, height = self.region("FILE_BROWSER", "EXECUTE")
        for _ in range(5):  # as above
            self.desktop.click(left + width - 70, top + height // 2)
            with contextlib.suppress(AssertionError):
                return self.wait(f"len(context.window_manager.windows) < {windows}", seconds=3)
        raise AssertionError("the file browser does not close")

    def press_in_viewport(self, key: str) -> None:
        """Presses a key with the mouse over the 3D View."""
        self.desktop.move(*self.viewport_middle())
        self.desktop.key(key)

    def viewport_middle(self) -> tuple[int, int]:
        """The middle of what the sidebar leaves of the 3D View."""
        return tuple(
            self.python(f"""
                sidebar = region("UI")
                right = sidebar.x if sidebar.width > 1 else view.x + view.width
                return [(view.x + right) // 2, {SCREEN[1]} - view.y - view.height // 2]
            """)
        )

    def open_tab(self, category: str) -> None:
        """Opens the sidebar of the 3D View at a tab."""
        self.python("view.spaces.active.show_region_ui = True")
        self.wait("region('UI').width > 1")
        self.python(f"region('UI').active_panel_category = {category!r}; view.tag_redraw()")
        self.wait(f"region('UI').active_panel_category == {category!r}")

    def find_button(self, operator: str, argument: str = "") -> tuple[int, int]:
        """The middle of an operator's button in the sidebar, found with the mouse, in screen pixels.

        Of several the first whose command contains `argument`.

        Blender tells which button is under the mouse only through *Copy Python Command*.
        """
        known, command = self._buttons.get((operator, argument), (None, ""))
        if known and self._has_under_mouse(known, f"python_command_under_mouse() == {command!r}", seconds=0.5):
            return known
        is_it = f"is_button({operator!r}, {argument!r})"
        for seconds in (0.03, 0.3):  # between two looks: on a busy machine the mouse may be late
            self.python(f"Search({operator!r}, {argument!r}, {seconds})")
            self.wait("Search.current.is_over", seconds=180)
            found = self.python("return Search.current.found")
            if found and self._has_under_mouse(tuple(found), is_it, seconds=5):
                self._buttons[operator, argument] = tuple(found), self.python("return python_command_under_mouse()")
                return tuple(found)
        raise AssertionError(f"no button for {operator} {argument} in the sidebar")

    def _has_under_mouse(self, place: tuple[int, int], expression: str, seconds: float) -> bool:
        """Whether an expression of what is under the mouse becomes true once it has come to a place."""
        self.desktop.move(*self.viewport_middle())  # off the sidebar: else a button on which it rests may be meant
        self.desktop.move(*place)
        with contextlib.suppress(AssertionError):
            return bool(self.wait(expression, seconds))
        return False


if __name__ == "__main__":
    try:
        with real_blender() as found:
            show(f"  a real Blender is ready: {found.blender} in {found.root}")
    except NoRealBlender as reason:
        sys.exit(f"  no real Blender: {reason}")
