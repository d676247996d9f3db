"""The second network: what the photo shows over UV to how far off the first network's position map is."""

from dataclasses import dataclass

import numpy as np

from ..errors import CaptureError
from ..geometry.unwrap import CHANNELS, TEXELS
from ..packs.pack import ModelPack, SecondPass
from ..shape.evidence import EVIDENCE_SIZE
from ..types import CPU
from .session import Session, kept_warm, open_session, reason_of, stop_told


@dataclass(frozen=True)
class Refinement:
    """How far a head lies from where the position map has it, in the frame of the upright head, and whose it is."""

    offset: np.ndarray  # (E, E, 3) float32 by UV, mm to the right, up and forwards
    deviation: np.ndarray  # (E, E) float32, mm, of the offsets to the right and up each
    coefficients: np.ndarray  # (C,) float32 of the head model: identity, then expression
    coefficient_deviations: np.ndarray  # (C,) float32


@dataclass(frozen=True)
class Refiner:
    """A pack's second network, ready to run."""

    session: Session
    described: SecondPass

    def run(self, seen: np.ndarray) -> Refinement:
        """What the network says of an input (C, T, T) float32, as `geometry.unwrap` makes it.

        Raises:
            CaptureError: it cannot; a graphics card may have run out of memory.
        """
        with stop_told("The second network", self.session):
            return self.attempt(seen)

    def attempt(self, seen: np.ndarray) -> Refinement:
        """`run` with whatever error onnxruntime raises."""
        offset, *others = self.session.run(list(self.described.output_names), seen[None], self.described.input_name)
        return Refinement(np.ascontiguousarray(offset[0].transpose(1, 2, 0)), *(one[0] for one in others))


def open_refiner(pack: ModelPack, provider: str) -> Refiner | None:
    """The pack's second network where its first one runs, None where it has none; created and warmed up once.

    Args:
        provider: that the first network's session really uses. Where the second does not start on it, it takes the CPU.

    Raises:
        CaptureError: onnxruntime is missing, or the network cannot be loaded or is none.
    """
    described = pack.second_pass
    if described is None:
        return None
    return kept_warm(("refine", pack.sha256, provider), lambda: _create(pack, described, provider))


def _create(pack: ModelPack, described: SecondPass, provider: str) -> Refiner:
    def start(providers: tuple[str, ...]) -> tuple[Refiner, Refinement]:
        refiner = Refiner(open_session(described.network_file, providers), described)
        return refiner, refiner.attempt(np.zeros((CHANNELS, TEXELS, TEXELS), np.float32))  # warms it up

    try:
        try:
            refiner, said = start(() if provider == CPU else (provider,))
        except CaptureError:
            raise
        except Exception:
            if provider == CPU:
                raise
            refiner, said = start(())
    except CaptureError:
        raise
    except Exception as error:
        raise CaptureError(
            f"The second network of the pack {pack.name} does not run ({reason_of(error)}): install the pack again, or "
            "use another."
        ) from error
    size = len(said.deviation)
    if said.offset.shape != (size, size, 3) or said.deviation.shape != (size, size) or size != EVIDENCE_SIZE:
        raise CaptureError(f"The second network of the pack {pack.name} gives no offsets: use another pack.")
    model = pack.head_model
    told = (model.identities + model.expressions,) if model is not None else ()
    if said.coefficients.shape != told or said.coefficient_deviations.shape != told:
        raise CaptureError(
            f"The second network of the pack {pack.name} and its head model do not belong together: use another pack."
        )
    return refiner
