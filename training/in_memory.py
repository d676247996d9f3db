"""Trains a head network on rendered heads that lie in memory, where crops are cut and changed on the graphics card."""

import time
from pathlib import Path

import torch

from prn_blender.capture.packs.pack import ModelPack

from . import run
from .basis import MapBasis
from .crops import CropMaker, Crops
from .network import FAST, MapNetwork
from .refine.first_pass import coarse_map_network
from .refine.pairs import Pictures, as_numbers
from .refine.train import TAKEN_EVERY, Incoming
from .train import Schedule, Trainer
from .uv_layout import UvLayout
from .warm_start import copy_last_layers, start_encoder
from .weight_parts import joined, save_parts

FITTED_TO = 256  # pictures, of the norms of what starts from a pack's network
MEASURED = 512  # pictures


class MemoryCrops:
    """Random crops of pictures in memory, on their device."""

    def __init__(self, maker: CropMaker, pictures: Pictures):
        self.maker, self.pictures = maker, pictures
        self.generator = torch.Generator().manual_seed(0)

    def __call__(self, chosen: torch.Tensor) -> Crops:
        """Of the pictures `chosen` (B,)."""
        among, rows = self.pictures, chosen.to(self.pictures.states.device)
        seen = among.visible[rows].float()
        return self.maker(as_numbers(among.pictures[rows]), among.states[rows], seen, self.generator)

    def any(self, count: int) -> Crops:
        """Of `count` pictures."""
        return self(torch.randint(self.pictures.count, (count,), generator=self.generator))


def learn_in_memory(
    folder: Path,
    output: Path,
    pack: ModelPack,
    layout: UvLayout,
    incoming: Incoming,
    kept: Pictures,
    schedule: Schedule,
    start: Path | None,
) -> tuple[MapNetwork, dict[str, float]]:
    """Goes on from a pack's network, or from the output of an earlier run, until the schedule's hours are over.

    Args:
        folder: of the run.
        output: folder that gets the averaged network in parts.
        kept: pictures to measure on.
        start: the output of an earlier run.

    Returns:
        The averaged network with maps of 64 x 64, and the loss's terms on the pictures kept.
    """
    landmark_uv, is_half = pack.topology.landmark_uv, run.best_precision() == "bf16"
    basis = MapBasis.of_pack(pack.network_file)
    trainer = Trainer(folder, FAST, basis, landmark_uv, schedule, is_half)
    maker = CropMaker(layout, landmark_uv, trainer.resolution, FAST.input_size).to(trainer.device)
    crops = MemoryCrops(maker, incoming.into)
    kept_crops = MemoryCrops(maker, kept)(torch.arange(min(kept.count, MEASURED)))
    if start:
        joined(start, trainer.network)
    else:
        start_encoder(trainer.network, pack.network_file, crops.any(FITTED_TO).pictures)
        copy_last_layers(trainer.network, pack.network_file)
    trainer.restart_average()

    def measure() -> dict[str, float]:
        terms = trainer.terms(trainer.averaged(kept_crops.pictures), kept_crops)
        told = {name: float(value) for name, value in terms.items()}
        print(f"step {trainer.step}:", ", ".join(f"{name} {value:.4f}" for name, value in told.items()), flush=True)
        return told

    measure()
    with trainer.bar() as bar:
        while trainer.elapsed < schedule.hours:
            started = time.time()
            trainer.network.train()
            trainer.learn(crops.any(schedule.batch), trainer.network)
            if trainer.step % TAKEN_EVERY == 0:
                incoming.take(1)
            if trainer.step % schedule.evaluate_every == 0:
                measure()
            trainer.elapsed += (time.time() - started) / 3600
            bar.update(60 * min(trainer.elapsed, schedule.hours) - bar.n)
    output.mkdir(parents=True, exist_ok=True)
    save_parts(trainer.average.module, output)
    told = measure() | {"steps": trainer.step, "samples": trainer.step * schedule.batch}
    return coarse_map_network(trainer.average.module, basis), told
