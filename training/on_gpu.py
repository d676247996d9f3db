"""Renders heads and trains both networks on them at once, on one machine with a graphics card and no network.

    python -m training.on_gpu OUTPUT --layout L.npz --minutes 10 [--first-minutes 5]

Needs the repository, the head assets, the surroundings, and the packages of `training/requirements.txt`. Processes render
while the card learns: pictures that are finished are taken up at once. With --first-minutes the head network learns
first, from the pack's on, and the second pass then learns from its errors; else the pack's head network stays. OUTPUT
gets the second pass, and OUTPUT/first the head network, averaged, as half floats in files of at most 15 MB
(`weight_parts.py`), and the measurements. Both go on from the pack's, or with --start from such a folder's.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from prn_blender.capture.packs.pack import default_pack_folder, load_pack

from . import run, train
from .in_memory import FITTED_TO, learn_in_memory
from .refine.first_pass import FirstPass
from .refine.from_pack import start_from_pack
from .refine.network import RefineSize
from .refine.pairs import PairMaker, Pictures
from .refine.train import FIRST_PASSES, Incoming, Schedule, Trainer, learn
from .uv_layout import UvLayout
from .weight_parts import joined, save_parts

PORTRAITS, SCANNED = 0.5, 0.5
VIEWS = 4
KEPT_SHARD = 64
SIDE = 256
FIRST = "first"  # folder of the head network in OUTPUT


class Renderers:
    """`training.render` in processes beside this one."""

    def __init__(self, folder: Path, environments: Path | None, processes: int):
        self.folder, self.environments, self.processes = folder, environments, processes
        self._running: list[subprocess.Popen] = []

    def start(self, name: str, pictures: int, shard: int, kept: str, first: int) -> Path:
        """Renders into a folder of that name."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        options = {
            "pictures": pictures,
            "shard-size": shard,
            "first-shard": first,
            "size": SIDE,
            "views": VIEWS,
            "processes": self.processes,
            "portraits": PORTRAITS,
            "scanned": SCANNED,
            "kept": kept,
        }
        if self.environments is not None:
            options["environments"] = self.environments
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        log = (self.folder / f"{name}.log").open("w")
        command = [sys.executable, "-m", "training.render", str(folder), *arguments]
        self._running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        return folder

    def require_alive(self) -> None:
        """Raises RuntimeError where rendering has failed."""
        for one in self._running:
            if one.poll():
                logs = "\n".join(path.read_text()[-2000:] for path in self.folder.glob("*.log"))
                raise RuntimeError(f"rendering stopped:\n{logs}")

    def stop(self) -> None:
        """Ends what still renders."""
        for one in self._running:
            if one.poll() is None:
                os.killpg(one.pid, 15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of everything together")
    parser.add_argument("--first-minutes", type=float, default=0.0, help="of them for the head network")
    parser.add_argument(
        "--pack", type=Path, default=default_pack_folder(), help="whose first pass and head model they are"
    )
    parser.add_argument("--work", type=Path, default=Path("/tmp/on_gpu"), help="folder for the pictures")
    parser.add_argument("--environments", type=Path, help="folder of HDRIs")
    parser.add_argument("--pictures", type=int, default=130_000, help="at most, as memory allows")
    parser.add_argument("--kept", type=int, default=1024, help="pictures to measure on, of other skins and hair")
    parser.add_argument("--shard-size", type=int, default=400)
    parser.add_argument("--first-shard", type=int, default=0, help="other numbers are other pictures")
    parser.add_argument("--first-passes", type=int, default=FIRST_PASSES, help="of each picture")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="that render")
    parser.add_argument("--batch", type=int, default=320)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--first-rate", type=float, default=1e-3, help="learning rate of the head network")
    parser.add_argument("--start", type=Path, help="OUTPUT of an earlier run")
    options = parser.parse_args()
    end = time.time() + 60 * options.minutes
    options.output.mkdir(parents=True, exist_ok=True)
    renderers = Renderers(options.work, options.environments, options.processes)
    try:
        heads = renderers.start("heads", options.pictures, options.shard_size, "never", options.first_shard)
        kept_folder = renderers.start("kept", options.kept, KEPT_SHARD, "only", 9000)
        pack, device, layout = load_pack(options.pack), run.best_device(), UvLayout.load(options.layout)
        maker = PairMaker(pack, layout, device)
        kept, incoming = (
            Incoming([folder], maker, Pictures.room(most, SIDE, passes, device))
            for folder, most, passes in (
                (kept_folder, options.kept, 1),
                (heads, options.pictures, options.first_passes),
            )
        )
        while kept.into.count < options.kept or not incoming.into.count:
            renderers.require_alive()
            if not kept.take() + incoming.take():
                time.sleep(0.5)
        print(f"{60 * options.minutes - (end - time.time()):.0f} s until the first step", flush=True)
        told = {}
        if options.first_minutes:
            folder = options.work / FIRST
            folder.mkdir(exist_ok=True)
            network, told[FIRST] = learn_in_memory(
                folder,
                options.output / FIRST,
                pack,
                layout,
                incoming,
                kept.into,
                train.Schedule(options.first_minutes / 60, options.batch, options.first_rate),
                options.start / FIRST if options.start and (options.start / FIRST).exists() else None,
            )
            maker.first_pass = FirstPass(network).to(device)
            renderers.require_alive()
        schedule = Schedule(
            (end - time.time() - 15) / 3600,  # the rest is for measuring and saving
            options.batch,
            options.learning_rate,
            warm_up_steps=300,
            memory=0.999,
            evaluate_every=2000,
        )
        folder = options.work / "run"
        folder.mkdir(exist_ok=True)
        trainer = Trainer(folder, RefineSize(), pack.head_model, maker.face, schedule)
        if options.start:
            joined(options.start, trainer.network)
        elif pack.second_pass is not None:
            first = torch.arange(min(kept.into.count, FITTED_TO))
            start_from_pack(trainer.network, pack.second_pass.network_file, maker(kept.into, first, changed=False).seen)
        trainer.restart_average()
        numbers = learn(trainer, maker, incoming, kept.into, lambda: save_parts(trainer.average.module, options.output))
        told |= numbers | {
            "steps": trainer.step,
            "samples": trainer.step * options.batch,
            "pictures": incoming.into.count,
        }
        (options.output / "numbers.json").write_text(json.dumps(told, indent=1))
        print(json.dumps(told))
        renderers.require_alive()
    finally:
        renderers.stop()


if __name__ == "__main__":
    main()
