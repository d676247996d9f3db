"""onnxruntime sessions: one for each pack and provider, kept warm until released."""

import ctypes
import io
import os
import re
import textwrap
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import CaptureError
from .pack import ModelPack

CPU = "CPUExecutionProvider"
# In the order of preference, with the words of the interface.
PROVIDER_LABELS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "CoreML",
    CPU: "CPU",
}
SIDES = (16, 4096)  # pixels of the input, texels of the output


@dataclass(frozen=True)
class Regression:
    """What a network says of a crop; None where the pack's network has no such output."""

    position_map: np.ndarray  # (R, R, 3) float32: x, y and z of the surface in crop units
    visibility: np.ndarray | None  # (V, V) float32 0..1 by UV, how likely the surface is seen, not covered by anything
    expected_error: np.ndarray | None  # (V, V) float32 by UV, of the position, crop units
    distance: float | None  # metres from the camera to the head's origin if the head is as large as the canonical one


@dataclass(frozen=True)
class Network:
    """A pack's network, ready to run."""

    session: Any  # onnxruntime.InferenceSession
    input_name: str
    output_names: tuple[str | None, ...]  # in the order of `Regression`
    input_size: int  # pixels per side of the crop
    provider: str  # that the session really uses
    fallback: str  # why it is not the provider asked for; empty when it is

    def run(self, image: np.ndarray) -> Regression:
        """What the network says of a crop (S, S, 3) uint8 sRGB.

        Raises:
            CaptureError: it cannot; a graphics card may have run out of memory.
        """
        try:
            return self.attempt(image)
        except Exception as error:  # onnxruntime raises classes of its own, all without a common base
            raise CaptureError(
                f"The network stopped on the {PROVIDER_LABELS[self.provider]} ({reason_of(error)}): "
                "close what uses its memory, or choose to compute on the CPU in the preferences."
            ) from error

    def attempt(self, image: np.ndarray) -> Regression:
        """`run` with whatever error onnxruntime raises."""
        batch = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / 255
        names = [name for name in self.output_names if name]
        values = dict(zip(names, self.session.run(names, {self.input_name: batch}), strict=True))
        position_map, visibility, error, distance = (values[name][0] if name else None for name in self.output_names)
        return Regression(position_map, visibility, error, None if distance is None else float(distance))


_networks: dict[tuple[str, str], Network] = {}
_lock = threading.Lock()


def open_network(pack: ModelPack, provider: str = "auto") -> Network:
    """The pack's network on a provider ("auto", or a key of PROVIDER_LABELS); created and warmed up once.

    A provider that cannot be had is replaced by the CPU, and `Network.fallback` says why. Takes a second the first
    time: call it off the main thread.

    Raises:
        CaptureError: onnxruntime is missing, or the pack's network cannot be loaded.
    """
    key = (pack.sha256, provider)
    with _lock:
        if key not in _networks:
            _networks[key] = _create(pack, provider)
        return _networks[key]


def release_networks() -> None:
    """Frees every session and with it the memory of the GPU."""
    with _lock:
        _networks.clear()


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


def session_options(onnxruntime: Any) -> Any:
    """How every session here is set up."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(4, os.cpu_count() or 1)
    # Threads that spin while they wait take the processor from Blender, and from one another when it is busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    return options


def _create(pack: ModelPack, provider: str) -> Network:
    onnxruntime = load_onnxruntime()
    available = onnxruntime.get_available_providers()
    wanted = [provider] if provider != "auto" else [name for name in PROVIDER_LABELS if name in available]
    reasons = {name: _why_unusable(onnxruntime, name) for name in wanted}
    usable = [name for name in wanted if not reasons[name] and name != CPU]

    def start(providers: list[str]) -> tuple[Network, np.ndarray]:
        session = onnxruntime.InferenceSession(
            str(pack.network_file),
            session_options(onnxruntime),
            providers=[_with_options(name) for name in (*providers, CPU)],
            enable_fallback=0,  # it would print the reason on the console and keep it from us
        )
        network = _described(session, pack, provider, reasons)
        blank = np.zeros((network.input_size, network.input_size, 3), np.uint8)
        return network, network.attempt(blank).position_map  # warms it up

    try:
        try:
            network, values = start(usable)
        except Exception as error:
            if not usable or isinstance(error, CaptureError):
                raise
            # A card that is too old or full tells only now.
            reasons.update({name: f"{PROVIDER_LABELS[name]} does not start: {reason_of(error)}" for name in usable})
            network, values = start([])
    except CaptureError:
        raise
    except Exception as error:
        raise CaptureError(
            f"The network of the pack {pack.name} does not run ({reason_of(error)}): "
            "install the pack again, or use another."
        ) from error
    if not is_position_map(values):
        raise CaptureError(f"The network of the pack {pack.name} gives no position map: use another pack.")
    return network


def reason_of(error: Exception) -> str:
    """What onnxruntime says, in one line without its codes and source files."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", str(error).strip())
    of_the_card = re.search(r"\w+ failure \d+: [^;]+", text)
    return textwrap.shorten(of_the_card.group() if of_the_card else text, 160)


def is_position_map(values: Any) -> bool:
    """Whether this is an image (R, R, 3) of floating-point numbers, of a size that can be worked with."""
    return (
        isinstance(values, np.ndarray)
        and values.dtype.kind == "f"
        and values.shape == (len(values), len(values), 3)
        and SIDES[0] <= len(values) <= SIDES[1]
    )


def _with_options(provider: str) -> Any:
    if provider == "CUDAExecutionProvider":
        # Blender shares the card: take what is needed, and no seconds of exhaustive search.
        return (
            provider,
            {"arena_extend_strategy": "kSameAsRequested", "cudnn_conv_algo_search": "HEURISTIC"},
        )
    return provider


def _described(session: Any, pack: ModelPack, asked: str, reasons: dict[str, str]) -> Network:
    shape = next((value.shape for value in session.get_inputs() if value.name == pack.input_name), [])
    outputs = [value.name for value in session.get_outputs()]
    known = len(shape) == 4 and shape[1] == 3 and shape[2] == shape[3] and isinstance(shape[2], int)
    names = (pack.output_name, pack.visibility_name, pack.error_name, pack.distance_name)
    if (
        not known
        or not SIDES[0] <= shape[2] <= SIDES[1]
        or not {name for name in names if name is not None} <= set(outputs)
    ):
        raise CaptureError(f"The network of the pack {pack.name} has other inputs or outputs than its pack.toml says.")
    used = session.get_providers()[0]
    preferred = next(iter(reasons), used)
    fallback = "" if used == preferred else reasons[preferred] or f"{PROVIDER_LABELS[preferred]} did not start"
    return Network(session, pack.input_name, names, shape[2], used, fallback)


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
