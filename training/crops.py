"""Training crops with everything that a network learns of them."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.nn import functional

from .assets import LANDMARK_VERTICES, SKIN_VERTICES, load_facekit
from .augment import CropRange, cover_batch, flip_batch, recolour_batch, sample_squares
from .bake import bake_operator, sampling_operator
from .dataset import RenderedHeads
from .head_model import ORIGIN
from .labels import LabelMaker, split_states
from .network import SEEN_RESOLUTION
from .similarities import umeyama
from .uv_layout import UvLayout

CENTIMETRES = 0.01


@dataclass(frozen=True)
class Crops:
    """Crops of one batch and what is true of them."""

    pictures: torch.Tensor  # (B, 3, S, S) 0..1
    maps: torch.Tensor  # (B, 3, R, R) crop units
    shapes: torch.Tensor  # (B, 3, R, R) metres in the head's own axes from ORIGIN, scaled to the mean head's size
    distance: torch.Tensor  # (B,) metres from the camera to ORIGIN for a head of the mean head's size
    seen: torch.Tensor  # (B, V, V) 0..1, at SEEN_RESOLUTION

    def to(self, device: torch.device) -> "Crops":
        """The same on a device."""
        return Crops(*(getattr(self, field.name).to(device) for field in fields(self)))


def rigid_points(points: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """(P,) bool: points (P, 3) of the mean head that tell its size: above the mouth in front, above the nape behind.

    Args:
        landmarks: (68, 3) of the mean head.
    """
    ears = landmarks[[0, 16]].mean(0)
    return points[:, 1] > np.where(points[:, 2] < ears[2], ears[1], landmarks[33, 1])


def size_against(mean: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(B,) scale of the best similarity from mean (P, 3) to points (B, P, 3)."""
    return umeyama(mean[None], points, mean.new_ones(len(mean))).scale


class CropMaker(torch.nn.Module):
    """Random augmented crops of rendered heads, on one device."""

    def __init__(self, layout: UvLayout, landmark_uv: np.ndarray, resolution: int, size: int) -> None:
        """
        Args:
            landmark_uv: (68, 2).
            resolution: of the maps.
            size: of the crops.
        """
        super().__init__()
        kit = load_facekit()
        self.resolution, self.size = resolution, size
        operator, inside = bake_operator(layout, resolution)
        self.map_labels = LabelMaker(kit, operator)
        self.landmark_labels = LabelMaker(kit, sampling_operator(layout, landmark_uv))
        mean = self.map_labels.mean.numpy()
        rigid = np.flatnonzero(rigid_points(mean, kit.mean[LANDMARK_VERTICES]) & inside.ravel())[::4]
        self.register_buffer("rigid", torch.from_numpy(rigid))
        self.register_buffer("rigid_mean", torch.from_numpy(mean[rigid]))
        self.register_buffer("origin", torch.from_numpy(ORIGIN))

    def forward(
        self, pictures: torch.Tensor, states: torch.Tensor, seen: torch.Tensor, generator: torch.Generator
    ) -> Crops:
        """Each picture cut, turned, mirrored, recoloured and covered at random.

        Args:
            pictures: (B, 3, S, S) 0..1.
            states: (B, STATE_SIZE).
            seen: (B, 2 V, 2 V) 0..1, how much of each texel's surface the picture shows; V is SEEN_RESOLUTION.
            generator: the processor's.
        """
        parts = split_states(states)
        head, size = self._heads(parts)
        squares = sample_squares(self.landmark_labels(states)[..., :2], CropRange(), generator)
        crops = squares.cut(pictures, self.size)
        points = squares.to_crop(self.map_labels.in_picture(head, parts))
        flip = torch.rand(len(crops), generator=generator) < 0.5
        seen = functional.avg_pool2d(seen[:, None], 2)[:, 0]
        crops, maps, shapes, seen = flip_batch(flip, crops, self._as_maps(points), self._shapes(head, size), seen)
        crops, covered = cover_batch(recolour_batch(crops, generator), generator)
        return Crops(
            pictures=crops,
            maps=maps,
            shapes=shapes,
            distance=parts["translation"].norm(dim=1) / size * CENTIMETRES,
            seen=seen * (1 - sample_at(covered, functional.adaptive_avg_pool2d(maps[:, :2], SEEN_RESOLUTION))),
        )

    def shapes(self, states: torch.Tensor) -> torch.Tensor:
        """(B, 3, R, R) as `Crops.shapes`, not mirrored."""
        return self._shapes(*self._heads(split_states(states)))

    def _heads(self, parts: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Points (B, R * R, 3) cm in head coordinates, and the heads' sizes (B,) against the mean head."""
        points = self.map_labels.head_points(parts)
        return points, size_against(self.rigid_mean, points[:, self.rigid])

    def _shapes(self, points: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        return self._as_maps((points - self.origin) / size[:, None, None] * CENTIMETRES)

    def _as_maps(self, points: torch.Tensor) -> torch.Tensor:
        """(B, 3, R, R) of points (B, R * R, 3)."""
        return points.transpose(1, 2).reshape(len(points), 3, self.resolution, self.resolution)


class StoredCrops:
    """Random crops of pictures that lie on disk."""

    def __init__(self, heads: RenderedHeads, layout: UvLayout, maker: CropMaker):
        self.heads, self.maker = heads, maker
        self._operator = bake_operator(layout, 2 * SEEN_RESOLUTION)[0]

    def __call__(self, chosen: np.ndarray, generator: torch.Generator) -> Crops:
        """Of the pictures `chosen`."""
        return self.maker(*self.heads.batch(chosen), self._seen(chosen), generator)

    def _seen(self, chosen: np.ndarray) -> torch.Tensor:
        vertices = self.heads.visibility(chosen)[:, :SKIN_VERTICES].T.astype(np.float32)
        texels = torch.from_numpy(np.ascontiguousarray((self._operator @ vertices).T))
        return texels.view(-1, 2 * SEEN_RESOLUTION, 2 * SEEN_RESOLUTION)


class CropStream(torch.utils.data.IterableDataset):
    """Endless batches of random crops for a `DataLoader` without batching of its own, whose workers all differ."""

    def __init__(self, crops: StoredCrops, batch: int, seed: tuple[int, ...]):
        self.crops, self.batch, self.seed = crops, batch, seed

    def __iter__(self) -> Iterator[Crops]:
        worker = torch.utils.data.get_worker_info()
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        while True:
            yield self.crops(rng.integers(len(self.crops.heads), size=self.batch), generator)


def sample_at(picture: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """(B, V, V) values of pictures (B, 1, H, W) at places (B, 2, V, V) in crop units, the border repeated."""
    grid = places.permute(0, 2, 3, 1) * 2 - 1
    return functional.grid_sample(picture, grid, padding_mode="border", align_corners=False)[:, 0]
