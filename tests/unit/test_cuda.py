"""Where CUDA does not work: the real onnxruntime-gpu, real loading, and the reason in words."""

import shutil
import subprocess
import sys
from pathlib import Path

import onnxruntime
import pytest

from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.session import release_networks
from prn_blender.capture.types import CPU

CHECKOUT = Path(__file__).parents[2]
CUDA = "CUDAExecutionProvider"
OPENING = f"""
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs.pack import load_pack
for provider in ("auto", {CUDA!r}):
    network = open_network(load_pack(), provider)
    print(network.provider, "|", network.fallback)
"""

pytestmark = pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers(), reason="this onnxruntime was built without CUDA"
)


def test_without_cuda_the_processor_computes_and_the_reason_is_told(pack):
    release_networks()
    for asked in ("auto", CUDA):  # whoever has this onnxruntime wants to know, even without having chosen
        network = open_network(pack, asked)
        if network.provider == CUDA:
            pytest.skip("CUDA works here")
        assert network.provider == CPU
        assert network.fallback.startswith("CUDA does not load: ")
    assert open_network(pack, CPU).fallback == ""


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="builds a driver with a C compiler")
def test_a_driver_without_the_cuda_libraries_names_the_missing_one(tmp_path):
    """A machine with an NVIDIA driver and nothing else: what onnxruntime-gpu then needs is looked for."""
    source = tmp_path / "driver.c"
    source.write_text("int cuGetErrorString(void) { return 100; }\n")
    driver = tmp_path / "libcuda.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", driver, source], check=True)
    done = subprocess.run(
        [sys.executable, "-c", OPENING],
        check=True,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        env={"LD_LIBRARY_PATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stdout  # onnxruntime's own complaints are not shown
    for line in lines:
        provider, reason = line.split(" | ")
        if provider == CUDA or "does not start" in reason:
            pytest.skip("the CUDA libraries are installed here")
        assert provider == CPU
        assert reason.startswith("CUDA does not load: libcu") and "cannot open shared object file" in reason


def test_the_benchmark_runs_on_the_processor_and_says_where_cuda_is_missing(pack):
    script = CHECKOUT / "benchmarks" / "gpu.py"
    if open_network(pack, CUDA).provider != CUDA:
        done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("CUDA does not load: ") and done.stderr.count("\n") == 1
    done = subprocess.run(
        [sys.executable, script, "--provider", "cpu", "--repeats", "1"], check=True, capture_output=True, text=True
    )
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("head ", "resfcn256 "))]
    assert [row[:3] for row in rows if row[0] == "head"] == [["head", b, n] for b in ("32", "16") for n in ("1", "16")]
    assert len([row for row in rows if row[0] == "resfcn256"]) == 4
    assert all(float(number) > 0 for row in rows for number in row[3:])
