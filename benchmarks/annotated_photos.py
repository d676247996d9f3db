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
        """The mean of values (N,) in each yaw bin; NaN values are left out."""
        low = np.array([first for first, _ in YAW_BINS])
        index = np.searchsorted(low, self.yaw, side="left") - 1
        index[self.yaw == 0] = 0
        return [float(np.nanmean(values[index == k])) for k in range(len(YAW_BINS))]
