"""Trains a head network on rendered heads; an interrupted run goes on where it stopped.

    python -m training.train RUN_FOLDER DATA... --layout L.npz --landmarks LM.npz --basis B.npz --hours 1

Several GPUs: `torchrun --nproc-per-node N -m training.train ...`.
"""

import argparse
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed

from .assets import load_facekit
from .augment import CropRange, crop_batch, flip_batch, recolour_batch
from .bake import bake_operator, sampling_operator
from .basis import MapBasis, texel_weights
from .dataset import RenderedHeads
from .labels import LabelMaker
from .losses import LossWeights, edge_loss, landmark_loss, position_loss
from .network import FAST, FULL, HeadNetwork, NetworkSize, decode
from .photos import load_aflw, nme
from .uv_layout import UvLayout
from .warm_start import start_decoder, start_encoder


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    hours: float
    batch: int
    learning_rate: float
    warm_up_steps: int = 100
    weight_decay: float = 1e-3
    evaluate_every: int = 100

    def rate(self, step: int, elapsed_hours: float) -> float:
        """Cosine over the hours, after a linear start."""
        part = min(elapsed_hours / self.hours, 1.0)
        return self.learning_rate * min(1, (step + 1) / self.warm_up_steps) * (0.51 + 0.49 * math.cos(math.pi * part))


class BatchMaker:
    """Random augmented batches with their maps and landmarks."""

    def __init__(self, heads: RenderedHeads, layout: UvLayout, landmark_uv: np.ndarray, resolution: int, size: int):
        kit = load_facekit()
        self.heads, self.resolution, self.size = heads, resolution, size
        self.map_labels = LabelMaker(kit, bake_operator(layout, resolution)[0])
        self.landmark_labels = LabelMaker(kit, sampling_operator(layout, landmark_uv))

    def __call__(
        self, chosen: np.ndarray, generator: torch.Generator, device: torch.device
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Crops (B, 3, S, S) and position maps (B, 3, R, R) of the pictures `chosen`."""
        pictures, states = self.heads.batch(chosen)
        crops, points, _ = crop_batch(
            pictures, self.map_labels(states), self.landmark_labels(states), self.size, CropRange(), generator
        )
        maps = points.transpose(1, 2).reshape(len(points), 3, self.resolution, self.resolution)
        crops, maps = flip_batch(crops, maps, torch.rand(len(crops), generator=generator) < 0.5)
        return recolour_batch(crops, generator).to(device), maps.to(device)


class Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, network: HeadNetwork):
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def update(self, network: HeadNetwork, step: int) -> None:
        keep = min(0.995, (1 + step) / (10 + step))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value.detach(), 1 - keep)
            else:
                self.state[name].copy_(value)


class Trainer:
    """One run in one folder."""

    def __init__(self, folder: Path, size: NetworkSize, basis: MapBasis, landmark_uv: np.ndarray, schedule: Schedule):
        self.folder, self.schedule, self.weights = folder, schedule, LossWeights()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cuda":
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        self.network = HeadNetwork(size).to(self.device, memory_format=torch.channels_last)
        self.mean = torch.from_numpy(basis.mean).to(self.device)
        self.components = torch.from_numpy(basis.components).to(self.device)
        self.resolution = round(basis.mean.shape[1] ** 0.5)
        self.texel_weights = torch.from_numpy(texel_weights(landmark_uv, self.resolution)).float().to(self.device)
        self.landmark_grid = (torch.from_numpy(landmark_uv).float() * 2 - 1).to(self.device)[None, None]
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self.average = Average(self.network)
        self.step, self.elapsed = 0, 0.0
        self.rank = distributed.get_rank() if distributed.is_initialized() else 0

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def resume(self) -> bool:
        """Reads the folder's checkpoint; False where there is none."""
        if not self.checkpoint.exists():
            return False
        saved = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.state = saved["average"]
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.elapsed = saved["step"], saved["elapsed"]
        return True

    def save(self) -> None:
        """Writes the checkpoint."""
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.state,
                "optimiser": self.optimiser.state_dict(),
                "size": self.network.size.to_dict(),
                "step": self.step,
                "elapsed": self.elapsed,
            },
            temporary,
        )
        os.replace(temporary, self.checkpoint)

    def warm_start(self, onnx_file: Path, batches: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Starts from an earlier pack's encoder and a decoder fitted to `batches`."""
        start_encoder(self.network, onnx_file, torch.cat([crops for crops, _ in batches[:4]]))
        self.network.eval()
        with torch.no_grad():
            features = torch.cat([self.network.features(crops) for crops, _ in batches])
        maps = torch.cat([maps for _, maps in batches]).flatten(2)
        scale = self.texel_weights.flatten().sqrt()
        design = (self.components * scale).T
        targets = ((maps - self.mean) * scale).reshape(-1, maps.shape[2]).T
        coefficients = torch.linalg.lstsq(design, targets).solution.T.reshape(len(maps), 3, -1)
        start_decoder(self.network, features, coefficients)
        self.average = Average(self.network)

    def learn(self, crops: torch.Tensor, maps: torch.Tensor, network: torch.nn.Module) -> dict[str, float]:
        """One step; the loss's terms."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step, self.elapsed)
        crops = crops.to(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            coefficients = network(crops)
        predicted = decode(coefficients.float(), self.mean, self.components).view(maps.shape)
        terms = {
            "position": position_loss(predicted, maps, self.texel_weights),
            "edges": edge_loss(predicted, maps, self.texel_weights) * self.weights.edges,
            "landmarks": landmark_loss(self.landmarks(predicted), self.landmarks(maps)) * self.weights.landmarks,
        }
        self.optimiser.zero_grad()
        sum(terms.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self.average.update(self.network, self.step)
        return {name: float(term.detach()) for name, term in terms.items()}

    def landmarks(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, 3, 68) from maps (B, 3, R, R)."""
        grid = self.landmark_grid.expand(len(maps), -1, -1, -1)
        return torch.nn.functional.grid_sample(maps, grid, align_corners=False)[:, :, 0]

    @torch.no_grad()
    def predict(self, pictures: np.ndarray) -> torch.Tensor:
        """(N, 3, R, R) of the averaged network for crops (N, S, S, 3) uint8."""
        network = HeadNetwork(self.network.size).to(self.device, memory_format=torch.channels_last).eval()
        network.load_state_dict(self.average.state)
        maps = []
        for part in np.array_split(pictures, -(-len(pictures) // 50)):
            crops = torch.from_numpy(part).to(self.device).permute(0, 3, 1, 2).float() / 255
            coefficients = network(crops.contiguous(memory_format=torch.channels_last))
            maps.append(decode(coefficients, self.mean, self.components))
        return torch.cat(maps).view(-1, 3, self.resolution, self.resolution)


def run(trainer: Trainer, batches: BatchMaker, photo_step: int) -> None:
    """Learns until the schedule's hours are over."""
    from torch.utils.tensorboard import SummaryWriter

    schedule, heads = trainer.schedule, batches.heads
    rank, ranks = trainer.rank, distributed.get_world_size() if distributed.is_initialized() else 1
    network = trainer.network
    if ranks > 1:
        network = torch.nn.parallel.DistributedDataParallel(network)
    photos = load_aflw(trainer.network.size.input_size, step=photo_step) if rank == 0 else None
    log = SummaryWriter(trainer.folder / "log") if rank == 0 else None
    rng = np.random.default_rng([trainer.step, rank])
    generator = torch.Generator().manual_seed(trainer.step * ranks + rank)
    while trainer.elapsed < schedule.hours:
        started = time.time()
        trainer.network.train()
        chosen = rng.integers(len(heads), size=schedule.batch)
        terms = trainer.learn(*batches(chosen, generator, trainer.device), network)
        elapsed = torch.tensor([trainer.elapsed + (time.time() - started) / 3600], dtype=torch.float64)
        if ranks > 1:  # one clock for all: learning rates must agree
            elapsed = elapsed.to(trainer.device)
            distributed.broadcast(elapsed, 0)
        trainer.elapsed = float(elapsed)
        if rank == 0:
            for name, value in terms.items():
                log.add_scalar(f"loss/{name}", value, trainer.step)
            if trainer.step % schedule.evaluate_every == 0:
                result = nme(
                    trainer.landmarks(trainer.predict(photos.pictures))[:, :2].transpose(1, 2).numpy(force=True), photos
                )
                log.add_scalar("photos/nme", result.mean_of_bins, trainer.step)
                bins = " / ".join(f"{value:.2f}" for value in result.bins)
                losses = " ".join(f"{name} {value:.4f}" for name, value in terms.items())
                print(
                    f"step {trainer.step} {trainer.elapsed * 60:.1f} min {losses} photos {bins} mean {result.mean_of_bins:.2f}",
                    flush=True,
                )
                trainer.save()
    if rank == 0:
        trainer.save()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("data", type=Path, nargs="+", help="folders written by training.render")
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--landmarks", type=Path, required=True, help="npz with landmark_uv (68, 2)")
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--size", choices=("fast", "full"), default="fast")
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--batch", type=int, default=64, help="of each process")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warm-start", type=Path, help="network.onnx whose encoder to start from")
    parser.add_argument("--freeze", type=int, default=0, help="how many first blocks of a warm start stay as they are")
    parser.add_argument("--photo-step", type=int, default=2, help="every how many-th photo is measured during training")
    options = parser.parse_args()
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group()
    options.folder.mkdir(parents=True, exist_ok=True)
    landmark_uv = np.load(options.landmarks)["landmark_uv"]
    basis = MapBasis.load(options.basis)
    size = FAST if options.size == "fast" else FULL
    if size.basis != len(basis.components):
        parser.error(f"{options.basis} has {len(basis.components)} components, {options.size} needs {size.basis}")
    schedule = Schedule(options.hours, options.batch, options.learning_rate)
    trainer = Trainer(options.folder, size, basis, landmark_uv, schedule)
    heads = RenderedHeads(options.data)
    print(f"{len(heads)} pictures, {sum(p.numel() for p in trainer.network.parameters()) / 1e6:.1f} M parameters")
    batches = BatchMaker(heads, UvLayout.load(options.layout), landmark_uv, trainer.resolution, size.input_size)
    if not trainer.resume() and options.warm_start:
        generator, rng = torch.Generator().manual_seed(1), np.random.default_rng(1)
        first = [batches(rng.integers(len(heads), size=64), generator, trainer.device) for _ in range(24)]
        trainer.warm_start(options.warm_start, first)
        trainer.save()
    trainer.network.freeze(options.freeze)
    run(trainer, batches, options.photo_step)


if __name__ == "__main__":
    main()
