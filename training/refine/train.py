"""Trains the second pass on rendered heads, also while they are rendered; an interrupted run goes on where it stopped.

    python -m training.refine.train RUN_FOLDER DATA... --kept KEPT --pack PACK --layout L.npz --hours 1

Pictures and their first passes lie in memory: a fifth of a megabyte, and a tenth for four passes. On the pictures of
KEPT, which it does not learn from, it is measured.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm

from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.shape.head_model import HeadModel

from .. import run
from ..uv_layout import UvLayout
from .network import LOG_DEVIATIONS, PLACE_UNIT, SURE, TEXELS, UNIT, UNSURE, RefineNetwork, RefineSize
from .pairs import PairMaker, Pairs, Pictures

LEAST_SEEN = 50  # texels of a face: less of it is not measured
PLAIN, DEPTH, PERSON = 0.15, 0.3, 1.0  # weights beside the likelihood of the offsets in the picture
SMALLEST = 0.05  # weight of a coefficient that hardly moves the face, against the mean's
FIRST = 20  # coefficients of identity whose correlation with the truth is told
TOLD_EVERY, TAKEN_EVERY = 50, 10  # steps
MEASURED_AT_ONCE = 32
FIRST_PASSES = 4


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


class Incoming:
    """Shards of `training.render`, taken up as they are finished."""

    def __init__(self, folders: list[Path], maker: PairMaker, into: Pictures):
        self.folders, self.maker, self.into = folders, maker, into
        self._taken: set[Path] = set()

    def take(self, most: int | None = None) -> int:
        """Reads shards that are there and not yet read, at most so many; how many it read."""
        waiting = sorted(path for folder in self.folders for path in folder.glob("shard*_states.npy"))
        waiting = [path for path in waiting if path not in self._taken][:most]
        for path in waiting:
            if self.into.count < len(self.into.pictures):
                self.maker.read(path.parent, int(path.name.removeprefix("shard").split("_")[0]), self.into)
            self._taken.add(path)
        return len(waiting)


class Trainer(run.Run):
    """One run in one folder."""

    def __init__(self, folder: Path, size: RefineSize, model: HeadModel, face: torch.Tensor, schedule: Schedule):
        """
        Args:
            face: (64, 64) bool, on the device that learns.
        """
        self.device = face.device
        network = RefineNetwork(size)
        network.places.copy_(torch.from_numpy(model.mean).permute(2, 0, 1) / PLACE_UNIT)
        network = network.to(self.device, memory_format=torch.channels_last)
        identity, expression = (torch.from_numpy(one).to(self.device) for one in (model.identity, model.expression))
        self.identity = 1000 * identity[:, face]  # (K, F, 3) mm
        energy = 1e6 * torch.cat([identity[:, face], expression[:, face]]).square().sum(2).mean(1)
        self.importance = (energy / energy.mean()).clamp(min=SMALLEST)
        super().__init__(folder, network, run.make_optimiser(network, schedule), schedule)

    def learn(self, pairs: Pairs) -> dict[str, torch.Tensor]:
        """One step; the loss's terms."""
        self.network.train()
        offsets, person = self.answer(self.network, pairs)
        terms = refine_loss(offsets, pairs.offsets, pairs.weights)
        return self.descend(terms | {"person": person_loss(person, pairs.coefficients, self.importance) * PERSON})

    def answer(self, network: torch.nn.Module, pairs: Pairs) -> tuple[torch.Tensor, torch.Tensor]:
        """As of `RefineNetwork`."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=run.best_precision() == "bf16"):
            return network(pairs.seen.contiguous(memory_format=torch.channels_last))

    @torch.no_grad()
    def measure(self, maker: PairMaker, kept: Pictures) -> dict[str, float]:
        """What the averaged network makes of the pictures kept; mm, and shares of one."""
        found: dict[str, list[torch.Tensor]] = {}
        people = []
        for chosen in torch.arange(kept.count).split(MEASURED_AT_ONCE):
            pairs = maker(kept, chosen, changed=False)
            answer, person = self.answer(self.average.module, pairs)
            wide = functional.interpolate(answer[:, :4], (TEXELS, TEXELS), mode="bilinear")
            left = pairs.offsets[:, :2] - wide[:, :2] * UNIT
            deviation = wide[:, 3].clamp(*LOG_DEVIATIONS).exp() * 2**0.5
            seen = pairs.face & (pairs.face.sum((1, 2), keepdim=True) > LEAST_SEEN)
            for name, values in (
                ("mm before", pairs.offsets[:, :2].norm(dim=1)),
                ("mm after", left.norm(dim=1)),
                ("within 1 deviation", (left.abs() < deviation[:, None]).float().mean(1)),
                ("within 2", (left.abs() < 2 * deviation[:, None]).float().mean(1)),
            ):
                found.setdefault(name, []).append(values[seen])
            people.append(torch.stack([person[:, 0], person[:, 1].clamp(SURE, UNSURE).exp(), pairs.coefficients], 1))
        numbers = {name: float(torch.cat(values).mean()) for name, values in found.items()}
        told, deviation, truth = torch.cat(people)[:, :, : len(self.identity)].unbind(1)
        for name, off in (("shape mm", told - truth), ("mean head's", truth)):
            moved = torch.einsum("bk,kfc->bfc", off, self.identity)
            numbers[name] = float((moved - moved.mean(1, keepdim=True)).norm(dim=2).mean())
        numbers["coefficients within 1 deviation"] = float(((told - truth).abs() < deviation).float().mean())
        both = torch.stack([told[:, :FIRST], truth[:, :FIRST]]) - torch.stack([told, truth])[..., :FIRST].mean(1, True)
        numbers[f"correlation of the first {FIRST}"] = float(
            (both.prod(0).sum(0) / both.square().sum(1).prod(0).sqrt()).mean()
        )
        return numbers


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


def person_loss(person: torch.Tensor, truth: torch.Tensor, importance: torch.Tensor) -> torch.Tensor:
    """The likelihood of coefficients (B, C) under normal distributions.

    Args:
        person: (B, 2, C), as of `RefineNetwork`.
        importance: (C,) how much each moves the face.
    """
    told, spread = person[:, 0], person[:, 1].clamp(SURE, UNSURE)
    likelihood = (told - truth).square() * torch.exp(-2 * spread) / 2 + spread
    return (likelihood * importance).mean()


def learn(
    trainer: Trainer, maker: PairMaker, incoming: Incoming, kept: Pictures, save: Callable[[], None]
) -> dict[str, float]:
    """Learns until the schedule's hours are over; the last measurement."""
    from torch.utils.tensorboard import SummaryWriter

    log, pictures, schedule = SummaryWriter(trainer.folder / "log"), incoming.into, trainer.schedule
    generator = torch.Generator().manual_seed(trainer.step)
    numbers: dict[str, float] = {}

    def measure() -> None:
        numbers.update(trainer.measure(maker, kept))
        for name, value in numbers.items():
            log.add_scalar(f"kept/{name}", value, trainer.step)
        told = ", ".join(f"{name} {value:.3f}" for name, value in numbers.items())
        with tqdm.external_write_mode():
            print(f"step {trainer.step}, {pictures.count} pictures: {told}", flush=True)

    with trainer.bar() as bar:
        while trainer.elapsed < schedule.hours:
            started = time.time()
            chosen = torch.randint(pictures.count, (schedule.batch,), generator=generator)
            terms = trainer.learn(maker(pictures, chosen, changed=True))
            if trainer.step % TOLD_EVERY == 0:
                for name, value in terms.items():
                    log.add_scalar(f"learning/{name}", value, trainer.step)
            if trainer.step % TAKEN_EVERY == 0:
                incoming.take(1)
            if trainer.step % schedule.evaluate_every == 0:
                measure()
                save()
            trainer.elapsed += (time.time() - started) / 3600
            bar.update(60 * min(trainer.elapsed, schedule.hours) - bar.n)
    measure()
    save()
    return numbers


def room_for(folders: list[Path]) -> tuple[int, int]:
    """How many pictures lie in folders, and their side."""
    files = [path for folder in folders for path in folder.glob("shard*_states.npy")]
    if not files:
        raise FileNotFoundError(f"no finished shards in {', '.join(map(str, folders))}; run training.render first")
    count = sum(len(np.load(path, mmap_mode="r")) for path in files)
    return count, np.load(str(files[0]).replace("_states", "_pictures"), mmap_mode="r").shape[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("data", type=Path, nargs="+", help="folders of training.render")
    parser.add_argument("--kept", type=Path, required=True, help="folder of training.render to measure on")
    parser.add_argument("--pack", type=Path, required=True, help="whose first pass and head model they are")
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--first-passes", type=int, default=FIRST_PASSES, help="of each picture, in other crops")
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--learning-rate", type=float, default=Schedule.learning_rate)
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    pack = load_pack(options.pack)
    maker = PairMaker(pack, UvLayout.load(options.layout), run.best_device())
    incoming, kept = (
        Incoming(folders, maker, Pictures.room(*room_for(folders), passes, maker.device))
        for folders, passes in ((options.data, options.first_passes), ([options.kept], 1))
    )
    for one in (kept, incoming):
        one.take()
    schedule = Schedule(options.hours, options.batch, options.learning_rate)
    trainer = Trainer(options.folder, RefineSize(), pack.head_model, maker.face, schedule)
    if not trainer.resume() and options.start:
        trainer.start_from(options.start)
    millions = sum(p.numel() for p in trainer.network.parameters()) / 1e6
    print(f"{incoming.into.count} pictures, {millions:.1f} M parameters")
    learn(trainer, maker, incoming, kept.into, trainer.save)


if __name__ == "__main__":
    main()
