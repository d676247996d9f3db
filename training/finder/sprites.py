"""Rendered heads cut out of their background, with their landmarks; an interrupted run goes on where it stopped.

    python -m training.finder.sprites FOLDER --layout L.npz --landmarks LM.npz --environments ENV --sprites 4000

Each shard has `NAME_pictures.npy` (N, S, S, 4) uint8, RGB over black and alpha, `NAME_points.npy` (N, 68, 2) float32 in
picture sides and `NAME_turns.npy` (N, 3) float32: yaw, pitch and roll in radians. A shard depends on its number alone.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..assets import SKIN_VERTICES
from ..bake import sampling_operator
from ..head_model import HeadState, project, to_camera
from ..render import draw_shards
from ..renderer.gl import sample_look
from ..renderer.sampling import rotation, sample_light
from ..renderer.scene import SceneSampler
from ..shards import shard_file, write_shard
from ..uv_layout import UvLayout

SIZE = 192
FRAME = 2.8  # side of the picture over the mean side of the landmarks' box: hair, hats and shoulders fit in
FRAME_DOWN = 0.12  # its centre below the box's, in frame sides


@dataclass(frozen=True)
class Sprite:
    """A head without a background."""

    picture: np.ndarray  # (S, S, 4) uint8, RGB over black and alpha
    points: np.ndarray  # (68, 2) landmarks in picture sides
    turn: np.ndarray  # (3,) yaw, pitch, roll in radians


class SpriteSampler(SceneSampler):
    """An endless source of sprites, the same for the same seed."""

    def __init__(self, seed: int, environments: Path | None, layout: UvLayout, landmark_uv: np.ndarray):
        super().__init__(SIZE, seed, environments)
        self.landmarks = sampling_operator(layout, landmark_uv)

    def _view(self, state: HeadState, vertices: np.ndarray, skin: tuple, eyes, is_portrait: bool) -> Sprite:
        """Overrides the labelled picture: any turn, no background, nothing degraded."""
        rng, landmarks = self.rng, self.landmarks @ vertices[:SKIN_VERTICES]
        turn = sample_turn(rng)
        posed, points = place(rng, state, landmarks, turn)
        light = sample_light(rng, [environment.harmonics for environment in self.environments])
        black = np.zeros((SIZE, SIZE, 3), np.uint8)
        picture = self.drawing.draw(posed, skin[1:], eyes, sample_look(rng, light), black)
        return Sprite(np.dstack([picture, self.drawing.coverage()]), points, np.float32(turn))


def sample_turn(rng: np.random.Generator) -> tuple[float, float, float]:
    """Yaw, pitch, roll in radians. Rolls are small: a scene turns the sprite."""
    kind = rng.random()
    if kind < 0.3:
        yaw = rng.normal(0, 0.35)
    elif kind < 0.58:
        yaw = rng.uniform(-1.6, 1.6)
    elif kind < 0.87:
        yaw = rng.choice([-1, 1]) * rng.uniform(0.9, 1.75)
    else:
        yaw = rng.choice([-1, 1]) * rng.uniform(1.9, np.pi)
    pitch = rng.normal(0, 0.2) if rng.random() < 0.75 else rng.uniform(-0.8, 0.8)
    return float(yaw), float(pitch), float(rng.normal(0, 0.05))


def place(
    rng: np.random.Generator, state: HeadState, landmarks: np.ndarray, turn: tuple[float, float, float]
) -> tuple[HeadState, np.ndarray]:
    """`state` turned, before a camera whose frame shows head and shoulders, and the landmarks (68, 2) in it."""
    distance = float(np.exp(rng.uniform(np.log(32), np.log(400))))
    posed = HeadState(**vars(state))
    posed.rotation = rotation(*turn)
    posed.translation = np.array([*rng.normal(0, 0.06, 2) * distance, -distance], np.float32)
    posed.projection = np.array([1, 0, 0], np.float32)
    camera = to_camera(landmarks, posed)
    flat = project(camera, posed)[:, :2]
    low, high = flat.min(0), flat.max(0)
    side = float((high - low).mean()) * FRAME
    centre = (low + high) / 2 + (0, FRAME_DOWN * side)
    posed.projection = np.array([1 / side, 0.5 - centre[0] / side, 0.5 - centre[1] / side], np.float32)
    return posed, project(camera, posed)[:, :2].astype(np.float32)


def render_shard(
    folder: Path, number: int, sprites: int, views: int, environments: Path | None, layout: Path, landmarks: Path
) -> None:
    """Draws shard `number` unless it is there."""
    if shard_file(folder, number, "points").exists():
        return
    sampler = SpriteSampler(number, environments, UvLayout.load(layout), np.load(landmarks)["landmark_uv"])
    drawn: list[Sprite] = []
    while len(drawn) < sprites:
        drawn += sampler.head(views)
    drawn = drawn[:sprites]
    arrays = {
        "pictures": np.stack([sprite.picture for sprite in drawn]),
        "turns": np.stack([sprite.turn for sprite in drawn]),
        "points": np.stack([sprite.points for sprite in drawn]),
    }
    write_shard(folder, number, arrays)  # the points last: they mark a finished shard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--landmarks", type=Path, required=True, help="npz with landmark_uv (68, 2)")
    parser.add_argument("--environments", type=Path, help="folder of HDRIs")
    parser.add_argument("--sprites", type=int, default=4000)
    parser.add_argument("--first-shard", type=int, default=0)
    parser.add_argument("--shard-size", type=int, default=250)
    parser.add_argument("--views", type=int, default=3, help="sprites of each head")
    parser.add_argument("--processes", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        (options.folder, options.first_shard + k, options.shard_size, options.views)
        + (options.environments, options.layout, options.landmarks)
        for k in range(-(-options.sprites // options.shard_size))
    ]
    draw_shards(render_shard, tasks, options.processes)


if __name__ == "__main__":
    main()
