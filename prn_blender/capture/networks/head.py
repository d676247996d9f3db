"""The head network: a crop to a position map. One for each pack and provider, kept warm until released."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..packs.pack import ModelPack
from ..types import CPU, PROVIDER_LABELS
from .session import Session, if_warm, kept_warm, open_session, reason_of, reasons_against, stop_told

SIDES = (16, 4096)  # pixels of the input, texels of the output


@dataclass(frozen=True)
class Regression:
    """What a network says of a crop; None where the pack's network has no such output."""

    position_map: np.ndarray  # (R, R, 3) float32: x, y and z of the surface, as the pack's convention says
    visibility: np.ndarray | None  # (V, V) float32 0..1 by UV, how likely the surface is seen, not covered by anything
    expected_error: np.ndarray | None  # (V, V) float32 by UV, of the position, crop units
    distance: float | None  # metres from the camera to the head's origin if the head is as large as the canonical one


@dataclass(frozen=True)
class Network:
    """A pack's network, ready to run."""

    session: Session
    input_name: str
    output_names: tuple[str | None, ...]  # in the order of `Regression`
    input_size: int  # pixels per side of the crop
    fallback: str  # why it does not run on the provider asked for; empty when it does

    @property
    def provider(self) -> str:
        """That the session really uses."""
        return self.session.provider

    def run(self, image: np.ndarray) -> Regression:
        """What the network says of a crop (S, S, 3) uint8 sRGB.

        Raises:
            CaptureError: it cannot; a graphics card may have run out of memory.
        """
        with stop_told("The network", self.session):
            return self.attempt(image)

    def attempt(self, image: np.ndarray) -> Regression:
        """`run` with whatever error onnxruntime raises."""
        batch = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32) / 255
        names = [name for name in self.output_names if name]
        values = dict(zip(names, self.session.run(names, batch, self.input_name), strict=True))
        position_map, visibility, error, distance = (values[name][0] if name else None for name in self.output_names)
        return Regression(np.asarray(position_map), visibility, error, None if distance is None else float(distance))


def open_network(pack: ModelPack, provider: str = "auto") -> Network:
    """The pack's network on a provider ("auto", or a key of PROVIDER_LABELS); created and warmed up once.

    A provider that cannot be had is replaced by the CPU, and `Network.fallback` says why. Takes a second the first
    time: call it off the main thread.

    Raises:
        CaptureError: onnxruntime is missing, or the pack's network cannot be loaded.
    """
    return kept_warm(("head", pack.sha256, provider), lambda: _create(pack, provider))


def provider_in_use(pack_sha256: str, provider: str) -> str | None:
    """What a pack's network really runs on where this provider is asked for; None while it is not loaded."""
    network: Network | None = if_warm(("head", pack_sha256, provider))
    return None if network is None else network.provider


def _create(pack: ModelPack, provider: str) -> Network:
    reasons = reasons_against(provider)
    usable = tuple(name for name, reason in reasons.items() if not reason and name != CPU)

    def start(providers: tuple[str, ...]) -> tuple[Network, np.ndarray]:
        network = _described(open_session(pack.network_file, providers), pack, reasons)
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
            network, values = start(())
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


def is_position_map(values: Any) -> bool:
    """Whether this is an image (R, R, 3) of floating-point numbers, of a size that can be worked with."""
    return (
        isinstance(values, np.ndarray)
        and values.dtype.kind == "f"
        and values.shape == (len(values), len(values), 3)
        and SIDES[0] <= len(values) <= SIDES[1]
    )


def _described(session: Session, pack: ModelPack, reasons: dict[str, str]) -> Network:
    shape = session.inputs.get(pack.input_name, [])
    known = len(shape) == 4 and shape[1] == 3 and shape[2] == shape[3] and isinstance(shape[2], int)
    names = (pack.output_name, pack.visibility_name, pack.error_name, pack.distance_name)
    if (
        not known
        or not SIDES[0] <= shape[2] <= SIDES[1]
        or not {name for name in names if name is not None} <= set(session.outputs)
    ):
        raise CaptureError(f"The network of the pack {pack.name} has other inputs or outputs than its pack.toml says.")
    used = session.provider
    preferred = next(iter(reasons), used)
    fallback = "" if used == preferred else reasons[preferred] or f"{PROVIDER_LABELS[preferred]} did not start"
    return Network(session, pack.input_name, names, shape[2], fallback)
