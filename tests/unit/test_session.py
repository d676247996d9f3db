"""ONNX networks: opened on a provider that can be had, with reasons in one line."""

import sys
from pathlib import Path

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.networks.session import (
    MOST_WARM,
    kept_warm,
    load_onnxruntime,
    open_session,
    reason_of,
    reasons_against,
    release_networks,
)
from prn_blender.capture.packs.pack import default_pack_folder
from prn_blender.capture.types import CPU, PROVIDER_LABELS


def test_a_network_tells_its_inputs_and_outputs_and_runs():
    session = open_session(default_pack_folder() / "network.onnx")
    ((name, shape),) = session.inputs.items()
    assert shape[1:] == [3, shape[2], shape[2]]
    assert session.provider == CPU
    values = session.run(session.outputs, np.zeros((1, *shape[1:]), np.float32), name)
    assert len(values) == len(session.outputs)
    assert all(np.isfinite(value).all() for value in values)


def test_a_file_that_is_no_network_is_the_callers_to_explain(tmp_path):
    (tmp_path / "text.onnx").write_bytes(b"no network")
    with pytest.raises(Exception, match="text.onnx") as caught:
        open_session(tmp_path / "text.onnx")
    assert "\n" not in reason_of(caught.value) and "ONNXRuntimeError" not in reason_of(caught.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Load model failed", "Load model failed"),
        (
            "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : /a/cuda_call.cc:129 CUDA failure 2: out of memory ; GPU=0",
            "CUDA failure 2: out of memory",
        ),
        ("one\n  two\n\tthree", "one two three"),
    ],
)
def test_what_onnxruntime_says_is_one_line(said, reason):
    assert reason_of(RuntimeError(said)).strip() == reason


def test_without_onnxruntime_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for attempt in (load_onnxruntime, lambda: open_session(Path("any.onnx")), lambda: reasons_against("auto")):
        with pytest.raises(
            CaptureError, match=r"onnxruntime does not load \(.*\): install the extension again"
        ) as caught:
            attempt()
        assert "\n" not in str(caught.value)


def test_the_processor_can_always_be_used():
    assert reasons_against(CPU) == {CPU: ""}
    automatic = reasons_against("auto")
    assert list(automatic)[-1] == CPU and automatic[CPU] == ""


def test_a_provider_that_this_machine_does_not_have_is_named():
    other = "CoreMLExecutionProvider" if sys.platform != "darwin" else "DmlExecutionProvider"
    assert reasons_against(other) == {other: f"this onnxruntime has no {PROVIDER_LABELS[other]}"}


def test_the_networks_used_last_stay_warm():
    made = []
    names = [("test", number) for number in range(MOST_WARM + 1)]
    for name in (*names[:-1], names[0], names[-1], names[0], names[1]):
        kept_warm(name, lambda name=name: made.append(name) or name)
    assert made == [*names, names[1]]  # the second was the one not used for longest
    release_networks()
