"""Landmarks on annotated photos, in boxes of the annotation and in those of our own finder."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from prn_blender.capture.faces.box import FaceBox, overlap
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.geometry.pose import umeyama
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import regress
from prn_blender.capture.types import Photo, Settings

from ..landmark_fit import halves
from ..photos import DEFAULT_FOLDER, AnnotatedCrops, load_aflw, load_dlib, nme
from .numbers import Numbers, add
from .runner import PackRunner

FAILURE = 8.0  # per cent
SAME_FACE = 0.4  # least overlap of a found box with the annotated one


@dataclass(frozen=True)
class Landmarks:
    """Predicted landmarks of annotated crops; NaN where no face was found."""

    crops: AnnotatedCrops
    points: np.ndarray  # (N, 68, 2) crop units

    @property
    def errors(self) -> np.ndarray:
        """(N,) NME in per cent, NaN for lost faces."""
        return nme(self.points, self.crops).each


def describe(numbers: Numbers, subject: str, found: Landmarks) -> None:
    """Adds the errors by yaw and the failures; lost faces enter no mean."""
    errors, crops = found.errors, found.crops
    lost = np.isnan(errors)
    kept = nme(found.points[~lost], crops.take(~lost))
    if crops.yaw.any():
        low, middle, high = kept.bins
        add(numbers, subject, **{"NME % 0-30": low, "30-60": middle, "60-90": high, "mean of bins": kept.mean_of_bins})
        fitted, other = halves(crops)
        for name, half in (("bins, fitted half", fitted), ("bins, other half", other)):
            chosen = half & ~lost
            add(numbers, subject, **{name: nme(found.points[chosen], crops.take(chosen)).mean_of_bins})
    add(
        numbers,
        subject,
        **{
            "NME % all": kept.each.mean(),
            "median": np.median(kept.each),
            "photos" if crops.yaw.any() else "faces": len(errors),
            "failures (> 8 % or lost)": (lost | (errors > FAILURE)).sum(),
            "lost": lost.sum(),
        },
    )


def without_similarity(found: Landmarks) -> Landmarks:
    """The landmarks moved by the best similarity of each photo: what is left is shape and turn."""
    moved = []
    for points, target in zip(found.points, found.crops.points, strict=True):
        pad = np.zeros((68, 1))
        fit = umeyama(np.hstack([points, pad]), np.hstack([target, pad]), np.ones(68))
        moved.append(fit.apply(np.hstack([points, pad]))[:, :2])
    return replace(found, points=np.stack(moved))


def in_true_boxes(runner: PackRunner) -> dict[str, Landmarks]:
    """One pass in the crops around the annotation."""
    sets = {"aflw2000_dev": load_aflw(runner.input_size), "dlib68": load_dlib(runner.input_size)}
    return {
        name: Landmarks(crops, runner.landmarks(runner.maps(crops.pictures))[..., :2]) for name, crops in sets.items()
    }


def in_own_boxes(runner: PackRunner, truth: dict[str, Landmarks]) -> dict[str, Landmarks]:
    """As in a capture: the finder's box and two passes.

    Either the photo's largest face is taken, or, as if someone chose it, the one that overlaps the annotated face most.
    """
    network, captured = open_network(runner.pack), {}

    def landmarks(photo: Photo, box: FaceBox) -> np.ndarray:
        key = (photo.path, box)
        if key not in captured:
            position_map = regress(photo, box, runner.pack, network, Settings().passes)[1]
            captured[key] = runner.pack.topology.landmarks(position_map)[:, :2]
        return captured[key]

    aflw, dlib = truth["aflw2000_dev"].crops, truth["dlib68"].crops
    return {
        "aflw2000_dev": _captured(aflw, _largest, landmarks),
        "aflw2000_dev, face chosen": _captured(aflw, _same_face, landmarks),
        "dlib68": _captured(dlib, _same_face, landmarks),
    }


def of_canonical(runner: PackRunner, crops: AnnotatedCrops) -> Landmarks:
    """The control without a photo: the canonical head in the orthographic view that fits each annotation best."""
    head = runner.canonical_landmarks * (1, -1, -1)
    head = np.stack([head[:, 0], head[:, 2], head[:, 1]], 1)  # x right, y down, z towards the viewer
    return Landmarks(crops, np.stack([best_view(head, points) for points in crops.points]))


def best_view(head: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(68, 2) of head (68, 3), turned, scaled and moved closest to target (68, 2)."""
    centred, middle = head - head.mean(0), target.mean(0)
    # the nearest to the best affine view is where the search starts
    affine = np.linalg.lstsq(centred, target - middle, rcond=None)[0].T
    across, lengths, along = np.linalg.svd(affine, full_matrices=False)
    first, second = across @ along
    start = Rotation.from_matrix(np.stack([first, second, np.cross(first, second)]))

    def view(numbers: np.ndarray) -> np.ndarray:
        turned = centred @ Rotation.from_rotvec(numbers[:3]).as_matrix().T
        return turned[:, :2] * np.exp(numbers[3]) + numbers[4:]

    begin = np.array([*start.as_rotvec(), np.log(lengths.mean()), *middle])
    return view(least_squares(lambda numbers: (view(numbers) - target).ravel(), begin, method="lm").x)


@lru_cache(maxsize=512)
def _faces(path: Path) -> tuple[Photo, list[FaceBox]]:
    photo = load_photo(path)
    return photo, find_faces(photo)


def _largest(faces: list[FaceBox], truth: np.ndarray) -> FaceBox | None:
    return choose_faces(faces, "largest")[0] if faces else None


def _same_face(faces: list[FaceBox], truth: np.ndarray) -> FaceBox | None:
    if not faces:
        return None
    boxes = np.array([[face.left, face.top, face.right, face.bottom] for face in faces])
    shared = overlap(boxes, np.concatenate([truth.min(0), truth.max(0)]))
    return faces[int(shared.argmax())] if shared.max() > SAME_FACE else None


def _captured(crops: AnnotatedCrops, choose, landmarks) -> Landmarks:
    points = np.full((len(crops), 68, 2), np.nan)
    for i, (path, crop) in enumerate(zip(crops.files, crops.crops, strict=True)):
        photo, faces = _faces(path)
        box = choose(faces, crop.to_photo(crops.points[i]))
        if box is not None:
            points[i] = crop.from_photo(landmarks(photo, box))
    return Landmarks(crops, points)


@dataclass(frozen=True)
class PortraitCapture:
    """What was found in a photo without annotation."""

    photo: Photo
    position_map: PositionMap | None  # None where no face was found


def portraits(runner: PackRunner, folder: Path = DEFAULT_FOLDER) -> list[PortraitCapture]:
    """The largest face of every photo in `portraits`, two passes."""
    network, captures = open_network(runner.pack), []
    for path in sorted((folder / "portraits").iterdir()):
        photo, faces = _faces(path)
        box = _largest(faces, np.zeros((1, 2)))
        position_map = regress(photo, box, runner.pack, network, Settings().passes)[1] if box else None
        captures.append(PortraitCapture(photo, position_map))
    return captures
