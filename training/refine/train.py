"""Trains the second pass on rendered heads with first passes; an interrupted run goes on where it stopped.

    python -m training.refine.train RUN_FOLDER DATA... --layout L.npz --hours 1

The last pictures are kept out of it: on them it is measured.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader
from tqdm import tqdm

from .. import run
from ..uv_layout import UvLayout
from .network import LOG_DEVIATIONS, PLACE_UNIT, TEXELS, UNIT, RefineNetwork, RefineSize
from .pairs import PairMaker, Pairs, PairStream

KEPT = 500  # pictures, the last of all
MEASURED = 240  # of them
LEAST_SEEN = 50  # texels of a face
PLAIN, DEPTH = 0.15, 0.3  # weights beside the likelihood of the offsets in the picture


@dataclass(frozen=True)
class Schedule(run.Schedule):
    """How long and how fast the second pass learns."""

    batch: int = 24
    learning_rate: float = 2e-3
    warm_up_steps: int = 100
    last_rate: float = 0.0
    largest_gradient: float = 5.0
    memory: float = 0.998
    weight_decay: float = 0.02
    evaluate_every: int = 600


class Trainer(run.Run):
    """One run in one folder."""

    def __init__(self, folder: Path, size: RefineSize, mean: torch.Tensor, schedule: Schedule):
        """
        Args:
            mean: (64 * 64, 3) cm, the mean head.
        """
        self.device = run.best_device()
        network = RefineNetwork(size)
        network.places.copy_(mean.T.reshape(3, TEXELS, TEXELS) / PLACE_UNIT)
        network = network.to(self.device, memory_format=torch.channels_last)
        super().__init__(folder, network, run.make_optimiser(network, schedule), schedule)

    def learn(self, pairs: Pairs) -> dict[str, float]:
        """One step; the loss's terms."""
        self.network.train()
        return self.descend(refine_loss(self.answer(self.network, pairs), pairs.offsets, pairs.weights))

    def answer(self, network: torch.nn.Module, pairs: Pairs) -> torch.Tensor:
        """(B, 5, 32, 32), as of `RefineNetwork`."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=run.best_precision() == "bf16"):
            return network(pairs.seen.to(self.device).contiguous(memory_format=torch.channels_last)).cpu()

    @torch.no_grad()
    def measure(self, maker: PairMaker) -> tuple[float, float]:
        """mm in the picture from the truth on the seen faces kept, before and after the second pass."""
        before, after = [], []
        first = len(maker) - min(KEPT, len(maker) // 2)
        for chosen in np.arange(first, min(first + MEASURED, len(maker))).reshape(-1, 1):
            pairs = maker(chosen, None)
            if pairs.face.sum() > LEAST_SEEN:
                answer = self.answer(self.average.module, pairs)[:, :2] * UNIT
                found = functional.interpolate(answer, (TEXELS, TEXELS), mode="bilinear")
                for errors, left in ((before, pairs.offsets[:, :2]), (after, pairs.offsets[:, :2] - found)):
                    errors.append(float(left.norm(dim=1)[pairs.face].mean()))
        return float(np.mean(before)), float(np.mean(after))


def refine_loss(answer: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """The likelihood of offsets under Laplace's distributions with the network's scales, and their plain errors.

    Args:
        answer: (B, 5, 32, 32).
        offsets: (B, 3, 64, 64) mm.
        weights: (B, 64, 64).
    """
    coarse = functional.avg_pool2d(weights[:, None], 2)
    truth = functional.avg_pool2d(offsets * weights[:, None], 2) / (coarse + 1e-6)
    off = (answer[:, :3] * UNIT - truth).abs()
    along, depth = answer[:, 3:].clamp(*LOG_DEVIATIONS).unbind(1)
    across = off[:, :2].sum(1)
    weight = coarse[:, 0] / coarse.sum()
    return {
        "places": ((across * torch.exp(-along) + 2 * along) * weight).sum(),
        "plain": (across * weight).sum() * PLAIN,
        "depth": ((off[:, 2] * torch.exp(-depth) + depth) * weight).sum() * DEPTH,
    }


def learn(trainer: Trainer, maker: PairMaker, workers: int) -> None:
    """Learns until the schedule's hours are over."""
    from torch.utils.tensorboard import SummaryWriter

    log = SummaryWriter(trainer.folder / "log")
    stream = PairStream(maker, len(maker) - min(KEPT, len(maker) // 2), trainer.schedule.batch, trainer.step)
    loader = iter(DataLoader(stream, batch_size=None, num_workers=workers))
    with trainer.bar() as bar:
        while trainer.elapsed < trainer.schedule.hours:
            started = time.time()
            terms = trainer.learn(next(loader))
            trainer.elapsed += (time.time() - started) / 3600
            for name, value in terms.items():
                log.add_scalar(f"learning/{name}", value, trainer.step)
            if trainer.step % trainer.schedule.evaluate_every == 0:
                before, after = trainer.measure(maker)
                log.add_scalar("kept/mm", after, trainer.step)
                with tqdm.external_write_mode():
                    print(f"step {trainer.step}: seen face {before:.2f} mm before, {after:.2f} after", flush=True)
                trainer.save()
            bar.update(60 * min(trainer.elapsed, trainer.schedule.hours) - bar.n)
    trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("data", type=Path, nargs="+", help="folders of training.render and training.refine.first_pass")
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--workers", type=int, default=0, help="that make pairs, beside the training")
    parser.add_argument("--learning-rate", type=float, default=Schedule.learning_rate)
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    maker = PairMaker(options.data, UvLayout.load(options.layout))
    schedule = Schedule(options.hours, learning_rate=options.learning_rate)
    trainer = Trainer(options.folder, RefineSize(), maker.mean, schedule)
    if not trainer.resume() and options.start:
        trainer.start_from(options.start)
    print(f"{len(maker)} pictures, {sum(p.numel() for p in trainer.network.parameters()) / 1e6:.1f} M parameters")
    learn(trainer, maker, options.workers)


if __name__ == "__main__":
    main()
