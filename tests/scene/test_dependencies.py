"""Other add-ons' libraries in the way: real ones, installed further up in the search path, as the panel meets them."""

import subprocess
import sys
import textwrap
from pathlib import Path

import bpy
import numpy as np
import pytest

from prn_blender.scene.build.assemble import build

from .conftest import CHECKOUT

LAST_FOR_NUMPY_1 = "opencv-python-headless==4.7.0.72"  # its one wheel for all Pythons is built for NumPy 1


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """installed(requirement): a folder with this package and nothing else, from the package index."""

    def install(requirement: str) -> Path:
        folder = tmp_path_factory.mktemp("site")
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:", "--no-compile"]
        done = subprocess.run(
            [*command, "--target", str(folder), requirement], check=False, capture_output=True, text=True
        )
        if "No matching distribution" in done.stderr:
            pytest.skip(f"{requirement} is not to be had for this Python")
        assert done.returncode == 0, done.stderr
        return folder

    return install


def problem_with(folder: Path, before: str = "") -> tuple[str, str]:
    """What the panel says, first after registration, then after a capture was tried, with `folder` before all else."""
    code = f"""
        import sys
        sys.path.insert(0, {str(folder)!r})
        {before}
        import bpy, prn_blender
        prn_blender.register()
        from prn_blender.ui.shell import dependencies
        print("first:", dependencies.problem())
        try:
            bpy.ops.prn.reconstruct_from_image(filepath="examples/astronaut.jpg", texture_size="512")
        except RuntimeError as error:
            print("report:", str(error).removeprefix("Error: ").strip())
        print("then:", dependencies.problem())
        print("panel:", hasattr(bpy.types, "PRN_PT_capture"))
        sys.stdout.flush()
        import os
        os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert lines.get("panel") == "True", done.stdout + done.stderr
    return lines["first"], lines["then"]


def test_without_anything_in_the_way_there_is_no_problem(tmp_path):
    assert problem_with(tmp_path) == ("", "")


def test_a_pillow_that_is_too_old_is_named(installed):
    folder = installed("pillow==9.5.0")
    first, _ = problem_with(folder)
    assert first == (
        f"Pillow 9.5.0 in {folder} is too old, 10.1 is needed. "
        "Disable the add-on that brings it, or remove it, then restart Blender."
    )


def test_an_onnxruntime_that_is_too_old_is_named_also_when_it_is_loaded(installed):
    folder = installed("onnxruntime==1.17.3")
    for before in ("", "import onnxruntime"):
        first, _ = problem_with(folder, before)
        assert first.startswith(f"onnxruntime 1.17.3 in {folder} is too old, 1.18 is needed. Disable the add-on")


def test_an_opencv_for_another_numpy_is_named(installed):
    folder = installed(LAST_FOR_NUMPY_1)
    first, then = problem_with(folder)
    assert first == ""  # it looks right until it is loaded
    if int(np.__version__.split(".")[0]) == 1:
        assert then == ""  # and there it is
    else:
        numpy = np.__version__
        assert then.startswith(f"OpenCV in {folder} was built for another NumPy than Blender's {numpy}. Disable the")


def test_without_onnxruntime_opencv_and_pillow_heads_that_exist_can_be_worked_on(capture, tmp_path):
    """Their panel is there, landmarks move them, they turn, and they are exported."""
    build(capture, bpy.context)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "head.blend"))
    code = f"""
        import sys
        for name in ("onnxruntime", "cv2", "PIL"):
            sys.modules[name] = None
        import bpy, numpy as np, prn_blender
        prn_blender.register()
        from prn_blender.ui.shell import dependencies
        print("problem:", dependencies.problem())
        bpy.ops.wm.open_mainfile(filepath={str(tmp_path / "head.blend")!r})
        head = bpy.data.objects["landscape"]
        bpy.context.view_layer.objects.active = head
        print("panel:", bpy.types.PRN_PT_captured.poll(bpy.context))
        before = np.array([vertex.co for vertex in head.data.vertices])
        bpy.data.objects["jaw_08"].location.z -= 0.01
        bpy.context.view_layer.update()
        moved = np.abs(np.array([vertex.co for vertex in head.data.vertices]) - before).max()
        print("moved:", 0.008 < moved < 0.012)
        print("reset:", bpy.ops.prn.reset_landmarks(only_selected=False))
        print("aligned:", bpy.ops.prn.align(alignment="PHOTOGRAPHED"))
        print("exported:", bpy.ops.prn.export_head(filepath={str(tmp_path / "head.glb")!r}))
        print("poll:", bpy.types.PRN_PT_camera.poll(bpy.context))
        sys.stdout.flush()
        import os
        os._exit(0)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert "Not installed" in lines["problem"]
    told = {name: lines.get(name) for name in ("panel", "moved", "reset", "aligned", "exported", "poll")}
    assert told == {
        "panel": "True",
        "moved": "True",
        "reset": "{'FINISHED'}",
        "aligned": "{'FINISHED'}",
        "exported": "{'FINISHED'}",
        "poll": "False",
    }, done.stdout + done.stderr


def test_a_library_that_breaks_as_it_loads_is_named(tmp_path):
    """What remains when an update was interrupted: the package without its binary part."""
    import cv2

    (tmp_path / "cv2").mkdir()
    for file in Path(cv2.__file__).parent.glob("*.py"):
        (tmp_path / "cv2" / file.name).write_bytes(file.read_bytes())
    first, then = problem_with(tmp_path)
    assert first == ""
    assert then.startswith(f"OpenCV in {tmp_path} does not load: ") and then.endswith("then restart Blender.")
