"""The only place that opens ONNX networks."""

import ctypes
import io
import os
import re
import textwrap
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ..errors import CaptureError
from ..types import CPU, PROVIDER_LABELS

Network = TypeVar("Network")

MOST_WARM = 6  # the finder's, and those of two packs or more: each takes up to 70 MB
_warm: OrderedDict[tuple, Any] = OrderedDict()  # by when they were last used
_lock = threading.Lock()


def kept_warm(key: tuple, create: Callable[[], Network]) -> Network:
    """The network of a key, created once and kept while it is one of the last used, or until `release_networks`."""
    with _lock:
        if key not in _warm:
            _warm[key] = create()
        _warm.move_to_end(key)
        while len(_warm) > MOST_WARM:
            _warm.popitem(last=False)
        return _warm[key]


def if_warm(key: tuple) -> Any | None:
    """The network of a key; None where it is not there. It does not wait for one that is being created."""
    return _warm.get(key)


def release_networks() -> None:
    """Frees every network and with it the memory of the GPU."""
    with _lock:
        _warm.clear()


@dataclass(frozen=True)
class Session:
    """A network in onnxruntime."""

    inference: Any  # onnxruntime.InferenceSession

    @property
    def provider(self) -> str:
        """The execution provider that is really used."""
        return self.inference.get_providers()[0]

    @property
    def inputs(self) -> dict[str, list]:
        """The shape of each input by name; free dimensions are no integers."""
        return {value.name: value.shape for value in self.inference.get_inputs()}

    @property
    def outputs(self) -> list[str]:
        return [value.name for value in self.inference.get_outputs()]

    def run(self, outputs: list[str], image: np.ndarray, input_name: str) -> list[np.ndarray]:
        """The named outputs for a batch of pictures.

        Raises:
            Exception: whatever onnxruntime raises, classes without a common base.
        """
        return self.inference.run(outputs, {input_name: image})


@contextmanager
def stop_told(name: str, session: Session) -> Iterator[None]:
    """What a network raises while it runs, in words for the artist; a graphics card may have run out of memory.

    Args:
        name: the network's, to begin a sentence with.
    """
    try:
        yield
    except Exception as error:  # onnxruntime raises classes of its own, all without a common base
        raise CaptureError(
            f"{name} stopped on the {PROVIDER_LABELS[session.provider]} ({reason_of(error)}): "
            "close what uses its memory, or choose to compute on the CPU in the preferences."
        ) from error


def open_session(file: Path, providers: tuple[str, ...] = ()) -> Session:
    """A network on the first of the providers that takes it, else on the processor.

    Raises:
        CaptureError: onnxruntime is missing or broken.
        Exception: what onnxruntime raises where it cannot load the file.
    """
    onnxruntime = load_onnxruntime()
    return Session(
        onnxruntime.InferenceSession(
            str(file),
            _session_options(onnxruntime),
            providers=[_with_options(name) for name in (*providers, CPU)],
            enable_fallback=0,  # it would print the reason on the console and keep it from us
        )
    )


def reasons_against(wanted: str) -> dict[str, str]:
    """The providers to try for a wanted one or "auto", best first, and why each cannot be used; empty where it can.

    Raises:
        CaptureError: onnxruntime is missing or broken.
    """
    onnxruntime = load_onnxruntime()
    available = onnxruntime.get_available_providers()
    names = [wanted] if wanted != "auto" else [name for name in PROVIDER_LABELS if name in available]
    return {name: _why_unusable(onnxruntime, name) for name in names}


def load_onnxruntime() -> Any:
    """The module onnxruntime, silent.

    Raises:
        CaptureError: it is missing or broken.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise CaptureError(f"onnxruntime does not load ({error}): install the extension again.") from error
    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(4)
    return onnxruntime


def reason_of(error: Exception) -> str:
    """What onnxruntime says, in one line without its codes and source files."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    of_the_card = re.search(r"\w+ failure \d+: [^;]+", text)
    return textwrap.shorten(of_the_card.group() if of_the_card else text, 160)


def _session_options(onnxruntime: Any) -> Any:
    """How every session here is set up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    # Threads that spin while they wait take the processor from Blender, and from one another when it is busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # each network would keep the memory of its pass for itself
    options.log_severity_level = 4
    return options


def _with_options(provider: str) -> Any:
    if provider == "CUDAExecutionProvider":
        # Blender shares the card: take what is needed, and no seconds of exhaustive search.
        return (
            provider,
            {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC"},
        )
    return provider


def _why_unusable(onnxruntime: Any, provider: str) -> str:
    """Why a provider cannot be used on this machine; empty when nothing speaks against it."""
    label = PROVIDER_LABELS[provider]
    if provider not in onnxruntime.get_available_providers():
        return f"this onnxruntime has no {label}"
    if provider != "CUDAExecutionProvider":
        return ""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return f"{label} does not load: there is no driver for an NVIDIA card"
    library = "onnxruntime_providers_cuda.dll" if os.name == "nt" else "libonnxruntime_providers_cuda.so"
    try:
        if hasattr(onnxruntime, "preload_dlls"):  # from 1.21 on
            with redirect_stdout(io.StringIO()):  # it prints what it misses
                onnxruntime.preload_dlls(directory="")
        # Tells the first library that is missing, which onnxruntime only logs. Its shared half must come first.
        folder = Path(onnxruntime.__file__).parent / "capi"
        shared = library.replace("_cuda", "_shared")
        ctypes.CDLL(str(folder / shared), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / library))
    except OSError as error:
        return f"{label} does not load: {error}"
    return ""
