"""What the second pass learns from: rendered heads, unwrapped by first passes, and how far off these are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from prn_blender.capture.packs.pack import ModelPack

from ..assets import LANDMARK_VERTICES, SKIN_VERTICES, load_facekit
from ..augment import recolour_batch
from ..bake import bake_operator, sampling_operator
from ..head_model import STATE_SIZE, neck_weight
from ..labels import LabelMaker
from ..shards import shard_file
from ..uv_layout import UvLayout
from .first_pass import FirstPass, load_map_network
from .network import COEFFICIENTS, TEXELS
from .truth import MIRROR, Coefficients
from .unwrap import Unwrapper

# Errors of first passes once more, as a similarity: deviations of place (mm), logarithm of the size, turn (radians).
SHIFT, ZOOM, TURN = 2.0, 0.02, 0.03
PART_OF_THE_WAY = 0.25  # share of the maps that are moved towards the truth, so that the pass can be repeated
RECOLOURED = 0.7
HIDDEN = 0.12  # weight of what the picture does not show
BEHIND = 0.3  # weight of what is no face
AT_ONCE = 128  # pictures whose first passes are made together


@dataclass(frozen=True)
class Pairs:
    """Of one batch."""

    seen: torch.Tensor  # (B, SEEN, 64, 64)
    offsets: torch.Tensor  # (B, 3, 64, 64) mm to the right, up and forwards, forwards up to a constant
    weights: torch.Tensor  # (B, 64, 64)
    face: torch.Tensor  # (B, 64, 64) bool: seen texels of the face
    coefficients: torch.Tensor  # (B, COEFFICIENTS) of the head model


@dataclass
class Pictures:
    """Rendered heads in memory; room for more than there are."""

    pictures: torch.Tensor  # (N, S, S, 3) uint8
    states: torch.Tensor  # (N, STATE_SIZE)
    visible: torch.Tensor  # (N, 64, 64) bool
    first: torch.Tensor  # (N, V, 64, 64, 3) half, first passes from V crops, units of the picture
    coefficients: torch.Tensor  # (N, 2, COEFFICIENTS), the second ones in a mirror
    count: int = 0
    looked_at: int = 0  # how many have first passes

    @classmethod
    def room(cls, most: int, side: int, passes: int, device: torch.device) -> "Pictures":
        """For `most` pictures of `side` pixels with `passes` first passes each."""

        def empty(*shape: int, dtype: torch.dtype) -> torch.Tensor:
            return torch.empty(most, *shape, dtype=dtype, device=device)

        return cls(
            empty(side, side, 3, dtype=torch.uint8),
            empty(STATE_SIZE, dtype=torch.float32),
            empty(TEXELS, TEXELS, dtype=torch.bool),
            empty(passes, TEXELS, TEXELS, 3, dtype=torch.float16),
            empty(2, COEFFICIENTS, dtype=torch.float32),
        )


class PairMaker:
    """Pairs of rendered heads, on one device."""

    def __init__(self, pack: ModelPack, layout: UvLayout, device: torch.device, seed: int = 0):
        kit, model = load_facekit(), pack.head_model
        self.device, self.generator = device, torch.Generator().manual_seed(seed)
        operator, inside = bake_operator(layout, TEXELS)
        labels = LabelMaker(kit, operator)
        self.truth = Coefficients(kit, layout, labels, model).to(device)
        self.labels = labels.to(device)
        self.marks = LabelMaker(kit, sampling_operator(layout, pack.topology.landmark_uv)).to(device)
        self.first_pass = FirstPass(load_map_network(pack.network_file)).to(device)
        mean_head = torch.from_numpy(model.mean).reshape(-1, 3)
        self.unwrapper = Unwrapper(mean_head, torch.from_numpy(model.rigid & model.inside).reshape(-1)).to(device)
        texels = operator.tocoo()
        places = torch.from_numpy(np.stack([texels.row, texels.col]))
        self._texels = torch.sparse_coo_tensor(places, texels.data, texels.shape, check_invariants=True).to(device)
        mean, marks, inside = operator @ kit.mean[:SKIN_VERTICES], kit.mean[LANDMARK_VERTICES], inside.ravel()
        own = inside * (1 - np.clip(operator @ neck_weight(kit.mean[:SKIN_VERTICES]), 0, 1))
        in_front = mean[:, 2] > marks[[0, 16], 2].mean() + 1
        face = inside & in_front & (mean[:, 1] > marks[8, 1] - 1) & (mean[:, 1] < marks[19, 1] + 4.5)
        self._own = torch.from_numpy(np.float32(own)).view(TEXELS, TEXELS).to(device)
        self.face = torch.from_numpy(face).view(TEXELS, TEXELS).to(device)

    def read(self, folder: Path, number: int, into: Pictures) -> None:
        """Adds a shard of `training.render`, as far as there is room."""
        left = len(into.pictures) - into.count
        pictures, states, visibility = (
            np.load(shard_file(folder, number, name))[:left] for name in ("pictures", "states", "visibility")
        )
        rows = slice(into.count, into.count + len(pictures))
        into.pictures[rows] = torch.from_numpy(pictures).to(self.device)
        into.states[rows] = torch.from_numpy(states).to(self.device)
        vertices = torch.from_numpy(np.unpackbits(visibility, axis=1)[:, :SKIN_VERTICES].T.copy()).to(self.device)
        texels = torch.sparse.mm(self._texels, vertices.float()).T > 0.5
        into.visible[rows] = texels.view(-1, TEXELS, TEXELS)
        into.coefficients[rows] = self.truth(into.states[rows])
        into.count = rows.stop

    def _look_at(self, pictures: Pictures) -> None:
        """Makes the first passes of those that have none."""
        for first in range(pictures.looked_at, pictures.count, AT_ONCE):
            part = slice(first, min(first + AT_ONCE, pictures.count))
            pictures.first[part] = self._first_passes(
                pictures.pictures[part], pictures.states[part], pictures.first.shape[1]
            )
        pictures.looked_at = pictures.count

    def _first_passes(self, pictures: torch.Tensor, states: torch.Tensor, passes: int) -> torch.Tensor:
        values, marks = as_numbers(pictures), self.marks(states)[..., :2]
        roll = self.unwrapper.stances(self.labels(states).view(-1, TEXELS, TEXELS, 3)).roll
        generator = torch.Generator(self.device).manual_seed(int(torch.randint(2**31, (), generator=self.generator)))
        return torch.stack([self.first_pass(values, marks, roll, generator) for _ in range(passes)], 1).half()

    def __call__(self, among: Pictures, chosen: torch.Tensor, changed: bool) -> Pairs:
        """Those of the pictures `chosen` (B,): as they are, or `changed`: mirrored, recoloured and moved.

        Pictures as they are have the first one of their first passes.
        """
        self._look_at(among)
        rows = chosen.to(self.device)
        pictures, visible = as_numbers(among.pictures[rows]), among.visible[rows]
        truth = self.labels(among.states[rows]).view(-1, TEXELS, TEXELS, 3)
        variants = self._random(len(chosen), among.first.shape[1]) if changed else torch.zeros_like(chosen)
        maps, coefficients = among.first[rows, variants.to(self.device)].float(), among.coefficients[rows]
        recolour = None
        if changed:
            flip = (torch.rand(len(chosen), generator=self.generator) < 0.5).to(self.device)
            pictures, visible = _if(flip, pictures.flip(3), pictures), _if(flip, visible.flip(2), visible)
            truth, maps = _if(flip, _reflected(truth), truth), _if(flip, _reflected(maps), maps)
            coefficients = torch.where(flip[:, None], coefficients[:, 1], coefficients[:, 0])
            maps = self._moved(maps, truth)
            if torch.rand((), generator=self.generator) < RECOLOURED:
                recolour = lambda colours: recolour_batch(colours, self.generator)
        else:
            coefficients = coefficients[:, 0]
        seen, stances = self.unwrapper(pictures, maps, recolour)
        offsets = stances.to_head(truth - maps)
        offsets[..., 2] -= (offsets[..., 2] * self._own).sum((1, 2), keepdim=True) / self._own.sum()
        weights = self._own * (BEHIND + (1 - BEHIND) * self.face)
        return Pairs(
            seen=seen,
            offsets=offsets.permute(0, 3, 1, 2),
            weights=weights * (HIDDEN + (1 - HIDDEN) * visible),
            face=self.face & visible,
            coefficients=coefficients,
        )

    def _random(self, count: int, below: int) -> torch.Tensor:
        return torch.randint(below, (count,), generator=self.generator)

    def _moved(self, maps: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Maps with other errors: moved, turned, scaled; some part of the way to the truth."""
        count = (len(maps), 1, 1)

        def normal(last: int = 1) -> torch.Tensor:
            return torch.randn(*count, last, generator=self.generator).to(self.device)

        def uniform() -> torch.Tensor:
            return torch.rand(*count, 1, generator=self.generator).to(self.device)

        units_per_mm = self.unwrapper.stances(maps).units_per_mm.view(*count, 1)
        zoom, turn = torch.exp(normal() * ZOOM), normal()[..., 0] * TURN
        centre = maps[..., :2].mean((1, 2), keepdim=True)
        x, y = ((maps[..., :2] - centre) * zoom).unbind(-1)
        cos, sin = torch.cos(turn), torch.sin(turn)
        places = torch.stack([x * cos - y * sin, x * sin + y * cos], -1) + centre + normal(2) * SHIFT * units_per_mm
        moved = torch.cat([places, maps[..., 2:] * zoom], -1)
        return moved + (truth - moved) * (uniform() < PART_OF_THE_WAY) * uniform()


def as_numbers(pictures: torch.Tensor) -> torch.Tensor:
    """(B, 3, S, S) 0..1 of pictures (B, S, S, 3) uint8."""
    return pictures.permute(0, 3, 1, 2).float() / 255


def _reflected(maps: torch.Tensor) -> torch.Tensor:
    """Maps (B, T, T, 3) in units of the picture, in a mirror."""
    return maps.flip(2) * MIRROR.to(maps.device) + maps.new_tensor([1.0, 0, 0])


def _if(chosen: torch.Tensor, then: torch.Tensor, otherwise: torch.Tensor) -> torch.Tensor:
    """One or the other of each of a batch, by chosen (B,)."""
    return torch.where(chosen.view(-1, *[1] * (then.dim() - 1)), then, otherwise)
