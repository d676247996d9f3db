"""The linear decoder: principal components of the heads' shapes, in their own axes and at the mean head's size.

python -m training.basis LAYOUT.npz DATA... --landmarks L.npz --output BASIS.npz
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from .augment import mirror_shapes
from .crops import CropMaker
from .dataset import RenderedHeads
from .uv_layout import UvLayout
from .warm_start import read_values

COARSE = 64  # texels


@dataclass(frozen=True)
class MapBasis:
    """Shapes are mean + coefficients @ components in metres, by channel; two resolutions share coefficients."""

    mean: np.ndarray  # (3, r * r) for training
    components: np.ndarray  # (K, r * r)
    fine_mean: np.ndarray  # (3, R * R) for the pack
    fine_components: np.ndarray  # (K, R * R)

    def save(self, path: Path) -> None:
        np.savez(path, **{name: np.float32(value) for name, value in vars(self).items()})

    @classmethod
    def load(cls, path: Path) -> "MapBasis":
        """Of a file of `save`, or of a pack's ONNX."""
        if path.suffix == ".onnx":
            return cls.of_pack(path)
        with np.load(path) as data:
            return cls(**{name: data[name] for name in cls.__dataclass_fields__})

    @classmethod
    def of_pack(cls, onnx_file: Path) -> "MapBasis":
        """That of a pack's network; each of the coarse texels is the mean of the finer ones."""
        values = read_values(onnx_file)
        fine = torch.from_numpy(np.concatenate([values["mean"], values["basis"]]))
        size = round(fine.shape[1] ** 0.5)
        coarse = functional.avg_pool2d(fine.view(-1, 1, size, size), size // COARSE).flatten(1).numpy()
        return cls(coarse[:3], coarse[3:], *np.split(fine.numpy(), [3]))


def texel_weights(landmark_uv: np.ndarray, resolution: int) -> np.ndarray:
    """(R, R) weights of the loss with mean 1: about 16 at landmarks, 4 in the face's features, 3 in the face, 0.8 else."""
    centre = (np.arange(resolution) + 0.5) / resolution
    u, v = np.meshgrid(centre, centre)
    weights = np.full((resolution, resolution), 0.8)
    low, high = landmark_uv.min(0), landmark_uv.max(0)
    face = (u > low[0]) & (u < high[0]) & (v > low[1] - 0.05) & (v < high[1] + 0.03)
    weights[face] = 3
    inner_low, inner_high = landmark_uv[17:].min(0), landmark_uv[17:].max(0)
    features = (u > inner_low[0]) & (u < inner_high[0]) & (v > inner_low[1]) & (v < inner_high[1])
    weights[features] = 4
    distance = ((u[..., None] - landmark_uv[:, 0]) ** 2 + (v[..., None] - landmark_uv[:, 1]) ** 2).min(-1)
    weights += 12 * np.exp(-distance / (2 * 0.008**2))
    return weights / weights.mean()


def make_basis(
    layout: UvLayout, heads: RenderedHeads, landmark_uv: np.ndarray, count: int, coarse: int, fine: int, samples: int
) -> MapBasis:
    """Components of the rendered heads' shapes and their mirror images, weighted like the loss."""
    makers = [CropMaker(layout, landmark_uv, resolution, size=4) for resolution in (coarse, fine)]
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(heads))[:samples]
    shapes = []
    for some in np.array_split(chosen, -(-len(chosen) // 128)):
        flip = torch.from_numpy(rng.random(len(some)) < 0.5)[:, None, None, None]
        both = [maker.shapes(heads.states[torch.from_numpy(some)]) for maker in makers]
        shapes.append(torch.cat([torch.where(flip, mirror_shapes(values), values).flatten(2) for values in both], 2))
    shapes = torch.cat(shapes)  # (samples, 3, r r + R R)
    mean = shapes.mean(0)
    rows = (shapes - mean).reshape(-1, shapes.shape[2])
    coarse_rows = rows[:, : coarse * coarse]
    weight = torch.from_numpy(np.sqrt(texel_weights(landmark_uv, coarse)).ravel().astype(np.float32))
    _, directions = torch.linalg.eigh((coarse_rows * weight).T @ (coarse_rows * weight))
    directions = directions.flip(1)[:, :count]
    scores = (coarse_rows * weight) @ directions
    scores /= scores.std(0)  # coefficients of unit variance
    components = torch.linalg.lstsq(scores, rows).solution
    residual = rows - scores @ components
    print(f"residual of the basis: {1000 * residual[:, coarse * coarse :].std():.3f} mm rms")
    return MapBasis(
        mean[:, : coarse * coarse].numpy(),
        components[:, : coarse * coarse].numpy(),
        mean[:, coarse * coarse :].numpy(),
        components[:, coarse * coarse :].numpy(),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("layout", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--landmarks", type=Path, required=True, help="npz with landmark_uv (68, 2)")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--components", type=int, default=128)
    parser.add_argument("--coarse", type=int, default=COARSE, help="resolution in training")
    parser.add_argument("--fine", type=int, default=128, help="resolution in the pack")
    parser.add_argument("--samples", type=int, default=2500)
    options = parser.parse_args()
    basis = make_basis(
        UvLayout.load(options.layout),
        RenderedHeads(options.data),
        np.load(options.landmarks)["landmark_uv"],
        options.components,
        options.coarse,
        options.fine,
        options.samples,
    )
    basis.save(options.output)


if __name__ == "__main__":
    main()
