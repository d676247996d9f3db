"""Annotated photos: measuring only, nothing here is ever trained on."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import annotated_photos
from benchmarks.annotated_photos import AnnotatedPhotos
from prn_blender.capture.geometry.crop import Crop, crop_around

from .crop_rule import CROP_RULE

DEFAULT_FOLDER = Path(__file__).parents[2] / "shared/data/photos"


@dataclass(frozen=True)
class AnnotatedCrops:
    """Crops around annotated faces by the pack's rule, from the annotated box."""

    names: tuple[str, ...]
    pictures: np.ndarray  # (N, S, S, 3) uint8
    points: np.ndarray  # (N, 68, 2) crop units
    yaw: np.ndarray  # (N,) degrees, absolute
    files: tuple[Path, ...]
    crops: tuple[Crop, ...]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def box_size(self) -> np.ndarray:
        """(N,) square root of the box's area, crop units."""
        return annotated_photos.box_size(self.points)

    def take(self, chosen: np.ndarray) -> "AnnotatedCrops":
        """Some of them."""
        chosen = np.arange(len(self))[chosen]
        return AnnotatedCrops(
            tuple(self.names[i] for i in chosen),
            self.pictures[chosen],
            self.points[chosen],
            self.yaw[chosen],
            tuple(self.files[i] for i in chosen),
            tuple(self.crops[i] for i in chosen),
        )


def load_aflw(size: int, folder: Path = DEFAULT_FOLDER, step: int = 1) -> AnnotatedCrops:
    """Every `step`-th photo of `aflw2000_dev`."""
    photos = AnnotatedPhotos.load(folder / "aflw2000_dev")
    files = [path for path, _ in photos][::step]
    return _crop([path.stem for path in files], files, photos.points[::step, :, :2], photos.yaw[::step], size)


def load_dlib(size: int, folder: Path = DEFAULT_FOLDER) -> AnnotatedCrops:
    """The faces of `dlib68`."""
    faces = json.loads((folder / "dlib68/faces.json").read_text())
    listed = [(name, k, np.array(face["points"])) for name in sorted(faces) for k, face in enumerate(faces[name])]
    return _crop(
        [f"{name}:{k}" for name, k, _ in listed],
        [folder / "dlib68" / name for name, _, _ in listed],
        np.stack([points for _, _, points in listed]),
        np.zeros(len(listed)),
        size,
    )


def _crop(names: list[str], files: list[Path], points: np.ndarray, yaw: np.ndarray, size: int) -> AnnotatedCrops:
    import cv2

    pictures, placed, crops = [], [], []
    for path, face in zip(files, points.astype(np.float64), strict=True):
        crop = crop_around(face, CROP_RULE)
        pictures.append(crop.resample(cv2.imread(str(path))[..., ::-1], size))
        placed.append(crop.from_photo(face))
        crops.append(crop)
    return AnnotatedCrops(tuple(names), np.stack(pictures), np.stack(placed), yaw, tuple(files), tuple(crops))


@dataclass(frozen=True)
class Nme:
    """Landmark errors in per cent of the box."""

    each: np.ndarray  # (N,)
    bins: tuple[float, float, float]  # yaw 0-30, 30-60, 60-90

    @property
    def mean_of_bins(self) -> float:
        return float(np.mean(self.bins))


def nme(predicted: np.ndarray, crops: AnnotatedCrops) -> Nme:
    """Of predicted landmarks (N, 68, 2) in crop units."""
    each = annotated_photos.nme(predicted, crops.points)
    return Nme(each, tuple(annotated_photos.in_bins(each, crops.yaw)))
