"""What every training run has: a schedule, a running average of the network, and a checkpoint to go on from."""

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import distributed
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to learn."""

    hours: float
    batch: int
    learning_rate: float
    warm_up_steps: int
    last_rate: float  # of the learning rate, what is left of it at the end
    largest_gradient: float  # norm that longer gradients are shortened to
    memory: float  # of the running average, what a step leaves of it
    weight_decay: float = 1e-3

    def rate(self, step: int, elapsed_hours: float) -> float:
        """Cosine over the hours, after a linear start."""
        part = min(elapsed_hours / self.hours, 1.0)
        left = self.last_rate + (1 - self.last_rate) * (1 + math.cos(math.pi * part)) / 2
        return self.learning_rate * min(1, (step + 1) / self.warm_up_steps) * left


def best_device() -> torch.device:
    """The graphics card of this process where there is CUDA."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def best_precision() -> str:
    """bf16 where the hardware multiplies in it."""
    if torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.cpu.get_capabilities().get("avx512_bf16") else "fp32"


def make_optimiser(network: torch.nn.Module, schedule: Schedule) -> torch.optim.Optimizer:
    """AdamW for a network that lies where it learns."""
    return torch.optim.AdamW(
        network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )


class Run:
    """A network that learns in one folder."""

    def __init__(
        self, folder: Path, network: torch.nn.Module, optimiser: torch.optim.Optimizer, schedule: Schedule
    ) -> None:
        self.folder, self.network, self.optimiser, self.schedule = folder, network, optimiser, schedule
        self.step, self.elapsed = 0, 0.0  # elapsed hours
        self.restart_average()

    def restart_average(self) -> None:
        """Lets the running average be the network as it is."""
        self.average = AveragedModel(self.network, multi_avg_fn=self._follow, use_buffers=True).eval()
        self.average.update_parameters(self.network)  # the first one is copied, the others are averaged

    def descend(self, terms: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """One step down the sum of the loss's terms; their values, for which a graphics card has not yet been waited."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step, self.elapsed)
        self.optimiser.zero_grad()
        sum(terms.values()).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.largest_gradient)
        self.optimiser.step()
        self.step += 1
        self.average.update_parameters(self.network)
        return {name: term.detach() for name, term in terms.items()}

    def _follow(self, average: list[torch.Tensor], latest: list[torch.Tensor], count: torch.Tensor) -> None:
        """Moves the running average towards the latest network, faster while the run is young."""
        keep = min(self.schedule.memory, (1 + self.step) / (10 + self.step))
        get_ema_multi_avg_fn(keep)(average, latest, count)

    def bar(self) -> tqdm:
        """A line on the terminal that tells how many of the schedule's minutes are over."""
        minutes = 60 * self.schedule.hours
        return tqdm(
            total=minutes,
            initial=min(60 * self.elapsed, minutes),
            mininterval=5,
            disable=distributed.is_initialized() and distributed.get_rank() > 0,
            bar_format=f"{{l_bar}}{{bar}}| {{n:.1f}} of {minutes:.1f} min{{postfix}}",
        )

    @property
    def checkpoint(self) -> Path:
        """The file that the run goes on from."""
        return self.folder / "checkpoint.pt"

    def resume(self) -> bool:
        """Reads the folder's checkpoint; False where there is none."""
        if not self.checkpoint.exists():
            return False
        device = next(self.network.parameters()).device
        saved = torch.load(self.checkpoint, map_location=device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.module.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.elapsed = saved["step"], saved["elapsed"]
        return True

    def start_from(self, checkpoint: Path) -> None:
        """Takes the averaged weights of another run."""
        device = next(self.network.parameters()).device
        self.network.load_state_dict(torch.load(checkpoint, map_location=device, weights_only=True)["average"])
        self.restart_average()

    def save(self) -> None:
        """Writes the checkpoint."""
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "size": asdict(self.network.size),
                "step": self.step,
                "elapsed": self.elapsed,
            },
            temporary,
        )
        os.replace(temporary, self.checkpoint)


def load_averaged(checkpoint: Path, network_type: type, size_type: type) -> torch.nn.Module:
    """The averaged network of a run, of the types that it was trained with."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    size = {name: tuple(value) if isinstance(value, list) else value for name, value in saved["size"].items()}
    network = network_type(size_type(**size))
    network.load_state_dict(saved["average"])
    return network
