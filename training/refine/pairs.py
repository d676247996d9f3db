"""What the second pass learns from: rendered heads, unwrapped by first passes, and how far off these are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..assets import LANDMARK_VERTICES, SKIN_VERTICES, load_facekit
from ..augment import recolour_batch
from ..bake import bake_operator
from ..crops import rigid_points
from ..dataset import RenderedHeads
from ..head_model import neck_weight
from ..labels import LabelMaker
from ..uv_layout import UvLayout
from .first_pass import NAME
from .network import TEXELS
from .unwrap import Unwrapper

# Errors of first passes once more, as a similarity: deviations of place (mm), logarithm of the size, turn (radians).
SHIFT, ZOOM, TURN = 2.0, 0.02, 0.03
PART_OF_THE_WAY = 0.4  # share of the maps that are moved towards the truth, so that the pass can be repeated
RECOLOURED = 0.7
HIDDEN = 0.12  # weight of what the picture does not show
BEHIND = 0.3  # weight of what is no face
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Pairs:
    """Of one batch."""

    seen: torch.Tensor  # (B, SEEN, 64, 64)
    offsets: torch.Tensor  # (B, 3, 64, 64) mm to the right, up and forwards, forwards up to a constant
    weights: torch.Tensor  # (B, 64, 64)
    face: torch.Tensor  # (B, 64, 64) bool: seen texels of the face


class PairMaker:
    """Pairs of folders of rendered heads with first passes."""

    def __init__(self, folders: list[Path], layout: UvLayout):
        kit = load_facekit()
        self._heads = RenderedHeads(folders, NAME, made_by="training.refine.first_pass")
        self._first = self._heads.rows(NAME)
        self._operator, inside = bake_operator(layout, TEXELS)
        self._labels = LabelMaker(kit, self._operator)
        mean, marks = self._labels.mean.numpy(), kit.mean[LANDMARK_VERTICES]
        self.mean, inside = self._labels.mean, inside.ravel()
        self.unwrapper = Unwrapper(self.mean, torch.from_numpy(rigid_points(mean, marks) & inside))
        own = inside * (1 - np.clip(self._operator @ neck_weight(kit.mean[:SKIN_VERTICES]), 0, 1))
        in_front = mean[:, 2] > marks[[0, 16], 2].mean() + 1
        face = inside & in_front & (mean[:, 1] > marks[8, 1] - 1) & (mean[:, 1] < marks[19, 1] + 4.5)
        self._own = torch.from_numpy(np.float32(own)).view(TEXELS, TEXELS)
        self._face = torch.from_numpy(face).view(TEXELS, TEXELS)

    def __len__(self) -> int:
        return len(self._heads)

    def __call__(self, chosen: np.ndarray, generator: torch.Generator | None) -> Pairs:
        """Those of the pictures `chosen`; as they are without a generator, else mirrored, recoloured and moved."""
        pictures, states = self._heads.batch(chosen)
        truth = self._labels(states).view(len(chosen), TEXELS, TEXELS, 3)
        maps, visible = torch.from_numpy(self._first.take(chosen)), self._visible(chosen)
        recolour = None
        if generator is not None:
            pictures, truth, maps, visible = _mirrored(pictures, truth, maps, visible, generator)
            maps = self._moved(maps, truth, generator)
            if torch.rand((), generator=generator) < RECOLOURED:
                recolour = lambda colours: recolour_batch(colours, generator)
        seen, stances = self.unwrapper(pictures, maps, recolour)
        offsets = stances.to_head(truth - maps)
        offsets[..., 2] -= (offsets[..., 2] * self._own).sum((1, 2), keepdim=True) / self._own.sum()
        weights = self._own * (BEHIND + (1 - BEHIND) * self._face)
        return Pairs(
            seen=seen,
            offsets=offsets.permute(0, 3, 1, 2),
            weights=weights * (HIDDEN + (1 - HIDDEN) * visible),
            face=self._face & visible,
        )

    def _visible(self, chosen: np.ndarray) -> torch.Tensor:
        """(B, 64, 64) bool."""
        vertices = self._heads.visibility(chosen)[:, :SKIN_VERTICES].T.astype(np.float32)
        return torch.from_numpy((self._operator @ vertices).T > 0.5).view(-1, TEXELS, TEXELS)

    def _moved(self, maps: torch.Tensor, truth: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Maps with other errors: moved, turned, scaled; some part of the way to the truth."""
        count = (len(maps), 1, 1, 1)

        def normal(last: int = 1) -> torch.Tensor:
            return torch.randn(*count[:3], last, generator=generator)

        def uniform() -> torch.Tensor:
            return torch.rand(count, generator=generator)

        units_per_mm = self.unwrapper.stances(maps).units_per_mm.view(count)
        zoom, turn = torch.exp(normal() * ZOOM), normal()[..., 0] * TURN
        centre = maps[..., :2].mean((1, 2), keepdim=True)
        x, y = ((maps[..., :2] - centre) * zoom).unbind(-1)
        cos, sin = torch.cos(turn), torch.sin(turn)
        places = torch.stack([x * cos - y * sin, x * sin + y * cos], -1) + centre + normal(2) * SHIFT * units_per_mm
        moved = torch.cat([places, maps[..., 2:] * zoom], -1)
        return moved + (truth - moved) * (uniform() < PART_OF_THE_WAY) * uniform()


class PairStream(torch.utils.data.IterableDataset):
    """Endless batches of random pairs of the first `count` pictures, for a `DataLoader` without batching of its own."""

    def __init__(self, maker: PairMaker, count: int, batch: int, seed: int):
        self.maker, self.count, self.batch, self.seed = maker, count, batch, seed

    def __iter__(self) -> Iterator[Pairs]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        while True:
            yield self.maker(np.sort(rng.choice(self.count, self.batch, replace=False)), generator)


def _mirrored(
    pictures: torch.Tensor, truth: torch.Tensor, maps: torch.Tensor, visible: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Half of the pictures (B, 3, S, S) with their maps (B, T, T, 3) and what is seen (B, T, T) in a mirror."""
    flip = torch.rand(len(pictures), generator=generator) < 0.5
    reflect = lambda values: values.flip(2) * MIRROR + torch.tensor([1.0, 0, 0])
    images = flip.view(-1, 1, 1, 1)
    return (
        torch.where(images, pictures.flip(3), pictures),
        torch.where(images, reflect(truth), truth),
        torch.where(images, reflect(maps), maps),
        torch.where(images[..., 0], visible.flip(2), visible),
    )
