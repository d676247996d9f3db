"""Trains the face finder on scenes that it composes; an interrupted run goes on where it stopped.

python -m training.finder.train RUN_FOLDER SPRITES --surroundings ENV... --hours 1
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from .. import run
from .clutter import Surroundings
from .losses import finder_loss
from .network import FinderNetwork, FinderSize
from .scenes import FACE_VALUES, Scene, SceneMaker, SpriteShards
from .targets import assign, cell_centres

SIZE = 128
REUSE = 4  # how often a scene is learnt from, on average, often mirrored
START, CAPACITY = 300, 6000  # scenes to choose from
MIRRORED_POINTS = np.array([1, 0, 2, 4, 3])


@dataclass(frozen=True)
class Schedule(run.Schedule):
    """How long and how fast a finder learns."""

    batch: int = 16
    learning_rate: float = 2e-3
    warm_up_steps: int = 200
    last_rate: float = 0.01
    largest_gradient: float = 5.0
    memory: float = 0.998


def mirrored(scene: Scene) -> Scene:
    """The scene in a mirror."""
    size = scene.picture.shape[1]
    faces, ignored = scene.faces.copy(), scene.ignored.copy()
    faces[:, 0] = size - faces[:, 0]
    points = faces[:, 4:14].reshape(-1, 5, 2)[:, MIRRORED_POINTS]
    points[..., 0] = size - points[..., 0]
    faces[:, 4:14] = points.reshape(-1, 10)
    faces[:, 14] *= -1
    ignored[:, [0, 2]] = size - ignored[:, [2, 0]]
    return Scene(scene.picture[:, ::-1], faces, ignored)


class Pool:
    """Scenes to learn from; new ones take the places of the oldest."""

    def __init__(self, maker: SceneMaker, rng: np.random.Generator):
        self.maker, self.rng = maker, rng
        self.scenes: list[Scene] = []
        self.composed = 0
        self.centres, self.strides = cell_centres(maker.size)

    def batch(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures (count, 3, S, S) 0..1, owners (count, C), faces (count, N, FACE_VALUES); half of them mirrored."""
        for _ in range(max(count // REUSE, START - len(self.scenes))):
            self._compose()
        chosen = [self.scenes[k] for k in self.rng.integers(len(self.scenes), size=count)]
        chosen = [mirrored(scene) if self.rng.random() < 0.5 else scene for scene in chosen]
        pictures = torch.from_numpy(np.stack([scene.picture for scene in chosen]))
        owners = np.stack([assign(scene.faces, scene.ignored, self.centres, self.strides) for scene in chosen])
        faces = np.zeros((count, max(1, *(len(scene.faces) for scene in chosen)), FACE_VALUES), np.float32)
        for row, scene in zip(faces, chosen, strict=True):
            row[: len(scene.faces)] = scene.faces
        return pictures.permute(0, 3, 1, 2).float() / 255, torch.from_numpy(owners), torch.from_numpy(faces)

    def _compose(self) -> None:
        scene = self.maker.sample(self.rng)
        if len(self.scenes) < CAPACITY:
            self.scenes.append(scene)
        else:
            self.scenes[self.composed % CAPACITY] = scene
        self.composed += 1


class Trainer(run.Run):
    """One run in one folder."""

    def __init__(self, folder: Path, size: FinderSize, schedule: Schedule):
        self.device = run.best_device()
        network = FinderNetwork(size).to(self.device, memory_format=torch.channels_last)
        super().__init__(folder, network, run.make_optimiser(network, schedule), schedule)
        centres, strides = cell_centres(SIZE)
        self.cells = torch.from_numpy(centres).to(self.device), torch.from_numpy(strides).to(self.device)

    def learn(self, pictures: torch.Tensor, owner: torch.Tensor, faces: torch.Tensor) -> dict[str, torch.Tensor]:
        """One step; the loss's terms."""
        self.network.train()
        pictures = pictures.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16):
            answers = self.network(pictures)
        terms = finder_loss(answers, owner.to(self.device), faces.to(self.device), *self.cells)
        return self.descend(terms)


def learn(trainer: Trainer, pool: Pool, save_every: int = 250) -> None:
    """Learns until the schedule's hours are over."""
    from torch.utils.tensorboard import SummaryWriter

    log = SummaryWriter(trainer.folder / "log")
    sums: dict[str, float] = {}
    with trainer.bar() as bar:
        while trainer.elapsed < trainer.schedule.hours:
            started = time.time()
            batch = pool.batch(trainer.schedule.batch)
            for name, value in trainer.learn(*batch).items():
                sums[name] = sums.get(name, 0.0) + value
            trainer.elapsed += (time.time() - started) / 3600
            if trainer.step % 50 == 0:
                means = {name: value / 50 for name, value in sums.items()}
                sums = {}
                for name, value in means.items():
                    log.add_scalar(f"loss/{name}", value, trainer.step)
                bar.set_postfix({"step": trainer.step, **means, "composed": pool.composed}, refresh=False)
            if trainer.step % save_every == 0:
                trainer.save()
            bar.update(60 * min(trainer.elapsed, trainer.schedule.hours) - bar.n)
    trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("sprites", type=Path, help="folder written by training.finder.sprites")
    parser.add_argument("--surroundings", type=Path, nargs="+", required=True, help="folders of HDRIs")
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--batch", type=int, default=Schedule.batch)
    parser.add_argument("--learning-rate", type=float, default=Schedule.learning_rate)
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(
        options.folder, FinderSize(), Schedule(options.hours, options.batch, learning_rate=options.learning_rate)
    )
    if not trainer.resume() and options.start:
        trainer.start_from(options.start)
    print(f"{sum(p.numel() for p in trainer.network.parameters()) / 1e3:.0f} thousand parameters", flush=True)
    cv2.setNumThreads(1)
    cv2.setRNGSeed(trainer.step)
    maker = SceneMaker(SpriteShards(options.sprites), Surroundings(options.surroundings), SIZE)
    learn(trainer, Pool(maker, np.random.default_rng(trainer.step)))


if __name__ == "__main__":
    main()
