"""Writes a data set of labelled pictures, in shards; an interrupted run goes on where it stopped.

    python -m training.render DATA_FOLDER --pictures 40000 --processes 2

Each shard has `NAME_pictures.npy` (N, S, S, 3) uint8, `NAME_states.npy` (N, STATE_SIZE) float32 and
`NAME_visibility.npy` (N, SKIN_VERTICES / 8) packed bits. A shard depends on its number alone. With --albedo also
`NAME_albedo.npy` (H, R, R, 3) uint8 of its heads and `NAME_heads.npy` (N,), which head each picture shows.
"""

import argparse
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from .assets import load_facekit
from .renderer.scene import SceneSampler, Taste
from .scanned_shapes import scanned_shapes
from .shards import shard_file, write_shard

ALBEDO_RESOLUTION = 128


def render_shard(
    folder: Path,
    number: int,
    pictures: int,
    size: int,
    views: int,
    environments: Path | None,
    taste: Taste,
    albedo_layout: Path | None = None,
) -> None:
    """Draws shard `number` unless it is there."""
    from .albedo import AlbedoBaker
    from .uv_layout import UvLayout

    if shard_file(folder, number, "states").exists():
        return
    sampler = SceneSampler(size, seed=number, environments=environments, taste=taste)
    baker = AlbedoBaker(sampler.kit, UvLayout.load(albedo_layout), ALBEDO_RESOLUTION) if albedo_layout else None
    samples, albedo = [], []
    while len(samples) < pictures:
        samples += sampler.head(views)
        if baker:
            albedo.append(baker(sampler.skin.face, sampler.skin.head))
    samples = samples[:pictures]
    arrays = {
        "pictures": np.stack([sample.picture for sample in samples]),
        "visibility": np.packbits(np.stack([sample.visibility for sample in samples]), axis=1),
        "states": np.stack([sample.state.pack() for sample in samples]),
    }
    if baker:
        heads = {"albedo": np.stack(albedo), "heads": np.arange(pictures, dtype=np.int32) // views}
        arrays = heads | arrays
    write_shard(folder, number, arrays)  # the states last: they mark a finished shard


def draw_shards(render: Callable[..., None], tasks: list[tuple], processes: int) -> None:
    """Calls `render` with the arguments of every task, in `processes` processes."""
    # one thread each: the processes are the parallelism
    os.environ.setdefault("LP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # a new process for every shard: a GL context dies with it
    with multiprocessing.get_context("spawn").Pool(processes, _one_thread, maxtasksperchild=1) as pool:
        drawn = pool.imap_unordered(_call, [(render, task) for task in tasks])
        for _ in tqdm(drawn, total=len(tasks), unit="shard"):
            pass


def _call(job: tuple[Callable[..., None], tuple]) -> None:
    render, task = job
    render(*task)


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=40000)
    parser.add_argument("--first-shard", type=int, default=0)
    parser.add_argument("--shard-size", type=int, default=1000)
    parser.add_argument("--size", type=int, default=208)
    parser.add_argument("--views", type=int, default=3, help="pictures of each head")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--environments", type=Path, help="folder of HDRIs")
    parser.add_argument("--albedo", type=Path, metavar="LAYOUT", help="write each head's albedo in this UV layout too")
    parser.add_argument("--portraits", type=float, default=0.0, metavar="SHARE", help="of heads seen as in portraits")
    parser.add_argument("--scanned", type=float, default=0.0, metavar="SHARE", help="of heads like scanned people's")
    parser.add_argument(
        "--days", action="store_true", help="another expression, clothes and hair in each picture of a head"
    )
    parser.add_argument("--kept", choices=("only", "never"), help="skins, hair and surroundings kept to measure on")
    options = parser.parse_args()
    kept = None if options.kept is None else options.kept == "only"
    taste = Taste(options.portraits, options.scanned, kept, options.days)
    scanned_shapes(load_facekit())  # made once, before many processes want them
    options.folder.mkdir(parents=True, exist_ok=True)
    count = -(-options.pictures // options.shard_size)
    tasks = [
        (
            options.folder,
            options.first_shard + k,
            options.shard_size,
            options.size,
            options.views,
            options.environments,
            taste,
            options.albedo,
        )
        for k in range(count)
    ]
    draw_shards(render_shard, tasks, options.processes)


if __name__ == "__main__":
    main()
