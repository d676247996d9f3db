"""Fits where on the UV layout annotators put the 68 landmarks: two numbers each, symmetric left and right.

A definition, not training: the network stays as it is. Every second photo of each set is fitted to, the others are
for the report.

    python -m training.landmark_fit RUN_FOLDER --basis B.npz --start LM.npz --output LM2.npz
"""

import argparse
from pathlib import Path

import numpy as np

from prn_blender.capture.geometry.position_map import sample_bicubic
from prn_blender.capture.landmarks import MIRROR

from .photos import AnnotatedCrops, load_aflw, load_dlib, nme


def sample_maps(maps: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """(N, P, 2) picture positions of maps (N, R, R, 3) at uv (P, 2)."""
    return np.stack([sample_bicubic(values, uv)[:, :2] for values in maps])


def fit_landmarks(maps: np.ndarray, crops: AnnotatedCrops, start: np.ndarray, reach: float = 0.05) -> np.ndarray:
    """(68, 2) UV with the least mean distance to the annotation, near `start`, by search from coarse to fine."""
    uv = (start + start[MIRROR] * (-1, 1) + (1, 0)) / 2
    on_midline = np.arange(68) == MIRROR
    side = np.linspace(-1, 1, 9)
    steps = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    scale = crops.box_size[:, None, None]
    for _ in range(5):
        tried = uv[:, None] + steps * reach  # (68, 81, 2)
        tried[on_midline, :, 0] = 0.5
        tried = np.clip(tried, 0.01, 0.99)
        found = sample_maps(maps, tried.reshape(-1, 2)).reshape(len(maps), 68, -1, 2)
        error = (np.linalg.norm(found - crops.points[:, :, None], axis=3) / scale).mean(0)
        # the mirrored landmark tries the mirrored places
        mirrored_steps = (steps[:, None] * (-1, 1) == steps[None]).all(-1).argmax(1)
        both = error + error[MIRROR][:, mirrored_steps]
        # stay where places are as good: the annotation's noise must not pull points around
        both += 1e-3 * np.linalg.norm(tried - start[:, None], axis=2)
        best = both.argmin(1)
        uv = tried[np.arange(68), best]
        uv = (uv + uv[MIRROR] * (-1, 1) + (1, 0)) / 2
        reach /= 2.5
    return uv


def halves(crops: AnnotatedCrops) -> tuple[np.ndarray, np.ndarray]:
    """(N,) masks of the photos to fit to and of those to report on."""
    even = np.arange(len(crops)) % 2 == 0
    return even, ~even


def join(first: AnnotatedCrops, second: AnnotatedCrops) -> AnnotatedCrops:
    """Both sets' crops."""
    arrays = ("pictures", "points", "yaw")
    return AnnotatedCrops(
        first.names + second.names,
        *(np.concatenate([getattr(first, name), getattr(second, name)]) for name in arrays),
        files=first.files + second.files,
        crops=first.crops + second.crops,
    )


def main() -> None:
    from .export import load_network

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a training run")
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--start", type=Path, required=True, help="npz with landmark_uv to start from")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    network = load_network(options.run, options.basis)
    size, start = network.network.size.input_size, np.load(options.start)["landmark_uv"]
    sets = [load_aflw(size), load_dlib(size)]
    maps = [network.predict(crops.pictures) for crops in sets]
    fitted_on = [halves(crops)[0] for crops in sets]
    uv = fit_landmarks(
        np.concatenate([values[chosen] for values, chosen in zip(maps, fitted_on, strict=True)]),
        join(*(crops.take(chosen) for crops, chosen in zip(sets, fitted_on, strict=True))),
        start,
    )
    for name, crops, values in zip(("aflw2000_dev", "dlib68"), sets, maps, strict=True):
        for half, chosen in zip(("fitted", "other"), halves(crops), strict=True):
            before, after = (nme(sample_maps(values[chosen], at), crops.take(chosen)) for at in (start, uv))
            print(f"{name} {half} half: {before.each.mean():.2f} -> {after.each.mean():.2f}, bins {after.bins}")
    np.savez(options.output, landmark_uv=uv)


if __name__ == "__main__":
    main()
