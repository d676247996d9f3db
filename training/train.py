"""Trains a head network on rendered heads; an interrupted run goes on where it stopped.

    python -m training.train RUN_FOLDER DATA... --layout L.npz --landmarks LM.npz --basis B.npz --hours 1

Several GPUs: `torchrun --nproc-per-node N -m training.train ...`.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.utils.data import DataLoader
from tqdm import tqdm

from . import run
from .basis import MapBasis, texel_weights
from .crops import CropMaker, Crops, CropStream, StoredCrops
from .dataset import RenderedHeads
from .losses import LossWeights, edge_loss, error_loss, landmark_loss, lengths, position_loss
from .network import FAST, FULL, SEEN_RESOLUTION, Decoded, HeadNetwork, NetworkSize, Prediction, decode
from .photos import load_aflw, nme
from .uv_layout import UvLayout
from .warm_start import find_stance, start_encoder, start_head


@dataclass(frozen=True)
class Schedule(run.Schedule):
    """How long and how fast a head network learns."""

    warm_up_steps: int = 100
    last_rate: float = 0.02
    largest_gradient: float = 1.0
    memory: float = 0.995
    evaluate_every: int = 200


class Trainer(run.Run):
    """One run in one folder."""

    def __init__(
        self,
        folder: Path,
        size: NetworkSize,
        basis: MapBasis,
        landmark_uv: np.ndarray,
        schedule: Schedule,
        is_half: bool,
    ):
        self.weights, self.is_half = LossWeights(), is_half
        self.device = run.best_device()
        network = HeadNetwork(size).to(self.device, memory_format=torch.channels_last)
        self.mean = torch.from_numpy(basis.mean).to(self.device)
        self.components = torch.from_numpy(basis.components).to(self.device)
        self.resolution = round(basis.mean.shape[1] ** 0.5)
        self.texel_weights = torch.from_numpy(texel_weights(landmark_uv, self.resolution)).float().to(self.device)
        self.landmark_grid = (torch.from_numpy(landmark_uv).float() * 2 - 1).to(self.device)[None, None]
        super().__init__(folder, network, run.make_optimiser(network, schedule), schedule)
        self.rank = distributed.get_rank() if distributed.is_initialized() else 0

    def warm_start(self, onnx_file: Path, batches: list[Crops]) -> None:
        """Starts from an earlier pack's encoder and a last layer fitted to `batches`."""
        start_encoder(self.network, onnx_file, torch.cat([crops.pictures for crops in batches[:4]]))
        self.network.eval()
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_half):
            features = torch.cat([self.network.features(crops.pictures) for crops in batches]).float()
        shapes = torch.cat([crops.shapes for crops in batches]).flatten(2)
        maps = torch.cat([crops.maps for crops in batches]).flatten(2)
        distance = torch.cat([crops.distance for crops in batches])
        scale = self.texel_weights.flatten().sqrt()
        design = (self.components * scale).T
        targets = ((shapes - self.mean) * scale).reshape(-1, shapes.shape[2]).T
        coefficients = torch.linalg.lstsq(design, targets).solution.T.reshape(len(shapes), -1)
        start_head(self.network, features, torch.cat([coefficients, find_stance(maps, shapes, distance)], 1))
        self.restart_average()

    def learn(self, crops: Crops, network: torch.nn.Module) -> dict[str, torch.Tensor]:
        """One step; the loss's terms."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_half):
            prediction = network(crops.pictures.contiguous(memory_format=torch.channels_last))
        return self.descend(self.terms(prediction, crops))

    def terms(self, prediction: Prediction, crops: Crops) -> dict[str, torch.Tensor]:
        """The loss, by what is compared."""
        decoded, weights = self.decode(prediction), self.weights
        wrong_by = lengths(decoded.maps - crops.maps).detach()
        seen = torch.nn.functional.binary_cross_entropy_with_logits(prediction.seen, crops.seen)
        error = torch.nn.functional.adaptive_avg_pool2d(wrong_by, SEEN_RESOLUTION)
        return {
            "position": position_loss(decoded.maps, crops.maps, self.texel_weights),
            "edges": edge_loss(decoded.maps, crops.maps, self.texel_weights) * weights.edges,
            "landmarks": landmark_loss(self.landmarks(decoded.maps), self.landmarks(crops.maps)) * weights.landmarks,
            "shape": position_loss(decoded.shapes, crops.shapes, self.texel_weights) * weights.shape,
            "distance": (decoded.log_distance - crops.distance.log()).abs().mean() * weights.distance,
            "seen": seen * weights.seen,
            "error": error_loss(error, prediction.error) * weights.error,
        }

    def decode(self, prediction: Prediction) -> Decoded:
        """`network.decode` with maps and shapes (B, 3, R, R)."""
        decoded = decode(prediction, self.mean, self.components)
        grid = (-1, 3, self.resolution, self.resolution)
        return decoded._replace(maps=decoded.maps.view(grid), shapes=decoded.shapes.view(grid))

    def landmarks(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, 3, 68) from maps (B, 3, R, R)."""
        grid = self.landmark_grid.expand(len(maps), -1, -1, -1)
        return torch.nn.functional.grid_sample(maps, grid, align_corners=False)[:, :, 0]

    @torch.no_grad()
    def averaged(self, pictures: torch.Tensor) -> Prediction:
        """What the averaged network says of crops (N, 3, S, S) 0..1."""
        parts = [
            self.average(part.to(self.device).contiguous(memory_format=torch.channels_last))
            for part in pictures.split(50)
        ]
        return Prediction(*(torch.cat(values) for values in zip(*parts, strict=True)))


class Watch:
    """Measures a run on annotated photos and on rendered heads that are kept from it."""

    def __init__(self, trainer: Trainer, photo_step: int, kept: StoredCrops | None):
        from torch.utils.tensorboard import SummaryWriter

        self.trainer = trainer
        self.photos = load_aflw(trainer.network.size.input_size, step=photo_step)
        self.log = SummaryWriter(trainer.folder / "log")
        self.kept = None
        if kept:
            chosen = np.linspace(0, len(kept.heads) - 1, 192).astype(int)
            self.kept = kept(chosen, torch.Generator().manual_seed(0)).to(trainer.device)

    def note(self, kind: str, values: dict[str, float]) -> None:
        """Adds to the curves."""
        for name, value in values.items():
            self.log.add_scalar(f"{kind}/{name}", value, self.trainer.step)

    def measure(self, terms: dict[str, float]) -> None:
        """Prints and notes what the averaged network can."""
        trainer = self.trainer
        pictures = torch.from_numpy(self.photos.pictures).permute(0, 3, 1, 2).float() / 255
        maps = trainer.decode(trainer.averaged(pictures)).maps
        result = nme(trainer.landmarks(maps)[:, :2].transpose(1, 2).numpy(force=True), self.photos)
        self.note("photos", {"nme": result.mean_of_bins})
        kept = {}
        if self.kept:
            kept = {k: float(v) for k, v in trainer.terms(trainer.averaged(self.kept.pictures), self.kept).items()}
            self.note("kept", kept)
        bins = " / ".join(f"{value:.2f}" for value in result.bins)
        with tqdm.external_write_mode():
            for name, values in (("learning", terms), ("kept", kept)):
                print(f"  {name:8s} " + " ".join(f"{key} {value:.4f}" for key, value in values.items()))
            print(
                f"step {trainer.step} {trainer.elapsed * 60:.1f} min photos {bins} mean {result.mean_of_bins:.2f}",
                flush=True,
            )


def learn(trainer: Trainer, crops: StoredCrops, workers: int, watch: Watch | None) -> None:
    """Learns until the schedule's hours are over; the first process has the `watch`.

    Crops are made by `workers` processes beside each training process, or in it.
    """
    schedule = trainer.schedule
    ranks = distributed.get_world_size() if distributed.is_initialized() else 1
    network = trainer.network
    if ranks > 1:
        network = torch.nn.parallel.DistributedDataParallel(network)
    stream = CropStream(crops, schedule.batch, seed=(trainer.step, trainer.rank))
    loader = iter(DataLoader(stream, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None))
    with trainer.bar() as bar:
        while trainer.elapsed < schedule.hours:
            started = time.time()
            trainer.network.train()
            terms = trainer.learn(next(loader).to(trainer.device), network)
            elapsed = torch.tensor([trainer.elapsed + (time.time() - started) / 3600], dtype=torch.float64)
            if ranks > 1:  # one clock for all: learning rates must agree
                elapsed = elapsed.to(trainer.device)
                distributed.broadcast(elapsed, 0)
            trainer.elapsed = float(elapsed)
            if watch:
                watch.note("learning", terms)
                if trainer.step % schedule.evaluate_every == 0:
                    watch.measure(terms)
                    trainer.save()
            bar.update(60 * min(trainer.elapsed, schedule.hours) - bar.n)
    if watch:
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
    parser.add_argument("--workers", type=int, default=1, help="that make crops, beside each process")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="checkpoint of another run to start from")
    parser.add_argument("--warm-start", type=Path, help="network.onnx whose encoder to start from")
    parser.add_argument("--kept", type=Path, help="folder of rendered heads to measure on, not among DATA")
    parser.add_argument(
        "--precision",
        choices=("bf16", "fp32"),
        default=run.best_precision(),
        help="of the encoder; here %(default)s is best",
    )
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
    is_half = options.precision == "bf16"
    trainer = Trainer(options.folder, size, basis, landmark_uv, schedule, is_half)
    heads = RenderedHeads(options.data)
    print(f"{len(heads)} pictures, {sum(p.numel() for p in trainer.network.parameters()) / 1e6:.1f} M parameters")
    layout = UvLayout.load(options.layout)

    maker = CropMaker(layout, landmark_uv, trainer.resolution, size.input_size)
    crops = StoredCrops(heads, layout, maker)
    # the other processes get the first one's weights
    if not trainer.resume() and trainer.rank == 0:
        if options.start:
            trainer.start_from(options.start)
        elif options.warm_start:
            generator, rng = torch.Generator().manual_seed(1), np.random.default_rng(1)
            first = [crops(rng.integers(len(heads), size=64), generator).to(trainer.device) for _ in range(48)]
            trainer.warm_start(options.warm_start, first)
            trainer.save()
    watch = None
    if trainer.rank == 0:
        kept = StoredCrops(RenderedHeads([options.kept]), layout, maker) if options.kept else None
        watch = Watch(trainer, options.photo_step, kept)
    learn(trainer, crops, options.workers, watch)


if __name__ == "__main__":
    main()
