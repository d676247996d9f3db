"""Folders of annotated photos: pictures beside a `landmarks.npz`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

YAW_BINS = ((0, 30), (30, 60), (60, 90))


@dataclass(frozen=True)
class AnnotatedPhotos:
    """`landmarks.npz` holds names (N,), points (N, 68, 3) in photo space, pitch_yaw_roll (N, 3) in radians."""

    folder: Path
    names: list[str]
    points: np.ndarray
    yaw: np.ndarray  # (N,) absolute, degrees

    @classmethod
    def load(cls, folder: Path) -> "AnnotatedPhotos":
        with np.load(folder / "landmarks.npz") as data:
            return cls(
                folder,
                [str(name) for name in data["names"]],
                data["points"],
                np.abs(np.degrees(data["pitch_yaw_roll"][:, 1])),
            )

    def __iter__(self) -> Iterator[tuple[Path, np.ndarray]]:
        """Pairs of a photo's path and its (68, 3) points."""
        for name, points in zip(self.names, self.points, strict=True):
            yield next(self.folder.glob(f"{Path(name).stem}.*")), points

    def in_bins(self, values: np.ndarray) -> list[float]:
        """The mean of values (N,) in each yaw bin."""
        return in_bins(values, self.yaw)


def in_bins(values: np.ndarray, yaw: np.ndarray) -> list[float]:
    """The mean of values (N,) in each bin of absolute yaws (N,) in degrees, without NaN values; NaN where none is."""
    index = np.digitize(yaw, [high for _, high in YAW_BINS[:-1]], right=True)
    found = [values[(index == k) & ~np.isnan(values)] for k in range(len(YAW_BINS))]
    return [float(some.mean()) if len(some) else float("nan") for some in found]


def nme(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(…) mean distance in the picture of points (…, 68, 2 or more), in percent of the true box's size."""
    distance = np.linalg.norm(predicted[..., :2] - truth[..., :2], axis=-1).mean(axis=-1)
    return 100 * distance / box_size(truth)


def box_size(points: np.ndarray) -> np.ndarray:
    """(…) square root of the area of the box around points (…, 68, 2 or more) in the picture."""
    return np.sqrt(np.ptp(points[..., :2], axis=-2).prod(axis=-1))
