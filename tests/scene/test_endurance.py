"""Captures over and over, several at once, and stopped wherever they can be."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import bpy
import numpy as np
import pytest

from prn_blender.capture.errors import Cancelled
from prn_blender.capture.types import BASE_COLOR, MASK
from prn_blender.scene.files.write import write_capture

from ..cancelling import CancelAt
from .conftest import CHECKOUT, FILE_NAMES, PORTRAIT


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of the process from /proc")
def test_captures_in_a_row_leave_nothing_behind():
    """The short form of the benchmark: no datablock stays, and no photo's or texture's worth of memory either."""
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "benchmarks" / "endurance.py"), "12"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert "datablocks left: none" in done.stdout, done.stdout + done.stderr
    first, last = (float(part) for part in re.search(r"memory (\d+) MB .*, (\d+) MB", done.stdout).groups())
    assert last - first < 60  # MB in six captures: until its limit is reached, the undo history grows


def test_writing_can_be_cancelled_at_every_step(capture, tmp_path):
    """Then there is no file, and not even the folder."""
    quick = replace(capture, textures={BASE_COLOR: np.zeros((64, 64, 3), np.uint8), MASK: np.zeros((64, 64), np.uint8)})
    steps = []
    write_capture(quick, tmp_path / "whole", progress=lambda fraction, text: steps.append(text))
    assert len(steps) >= 3
    for stop_at in range(len(steps)):
        stop = CancelAt(stop_at)
        with pytest.raises(Cancelled):
            write_capture(quick, tmp_path / "new" / "out", progress=stop)
        assert not (tmp_path / "new").exists()
        assert len(stop.texts) == stop_at + 1
    # An earlier capture in the same folder stays as it was.
    before = {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()}
    with pytest.raises(Cancelled):
        write_capture(quick, tmp_path / "whole", progress=CancelAt(len(steps) - 1))
    assert {file.name: file.read_bytes() for file in (tmp_path / "whole").iterdir()} == before


def test_two_blenders_at_once_write_into_one_folder(tmp_path):
    """With the same user folder, too: each is right on its own, and the folder holds all files of a capture."""
    command = [sys.executable, "-m", "prn_blender", str(PORTRAIT), "-o", str(tmp_path / "out"), "--texture-size", "512"]
    both = [
        subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(2)
    ]
    for process in both:
        said, _ = process.communicate(timeout=300)
        assert process.returncode == 0 and "1 captured, 0 failed" in said, said
        assert "Traceback" not in said
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(FILE_NAMES)
    described = json.loads((tmp_path / "out" / "capture.json").read_text())
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "out" / "head.blend"))
    assert "astronaut" in bpy.data.objects
    assert described["record"]["photo"]["path"] == str(PORTRAIT)
