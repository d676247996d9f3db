"""What works on heads that exist needs numpy alone."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "module", ["types", "landmarks", "errors", "progress", "shape.mesh", "shape.deformation", "packs.pack"]
)
def test_these_modules_need_numpy_alone(module):
    run_without_libraries(f"import prn_blender.capture.{module}")


def test_landmarks_are_moved_and_meshes_made_with_numpy_alone():
    run_without_libraries("""
        import numpy as np
        from prn_blender.capture.geometry.position_map import PositionMap
        from prn_blender.capture.packs.topology import Topology
        from prn_blender.capture.shape.deformation import Surface, anchors_of
        from prn_blender.capture.types import Settings

        Settings(texture_size=512)
        topology = Topology.load("models/head/topology.npz")
        edges = np.unique(np.sort(topology.faces[:, [[0, 1], [1, 2], [2, 3], [3, 0]]].reshape(-1, 2), axis=1), axis=0)
        closed = np.zeros(len(topology.canonical), bool)
        surface = Surface(topology.canonical, edges, closed, anchors_of(topology))
        displacements = np.zeros((68, 3))
        displacements[8, 2] = -0.005
        moved = surface.anchors.on((surface.moved(displacements) - topology.canonical).astype(float))
        np.testing.assert_allclose(moved, displacements, atol=1e-4)
        assert topology.vertices(PositionMap(np.zeros((64, 64, 3), np.float32))).shape == topology.canonical.shape
    """)


def run_without_libraries(code: str) -> None:
    """Runs Python in which neither Blender nor the bundled libraries can be imported."""
    blocked = "import sys\nfor name in ('bpy', 'cv2', 'PIL', 'onnxruntime'):\n    sys.modules[name] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", blocked + textwrap.dedent(code)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
