"""A textured scan from one side and from several against its own surface, by NoW's measure and by region.

Source: S. Sanyal et al., Learning to regress 3D face shape and expression from an image without 3D supervision (NoW
benchmark), CVPR 2019: a similarity on landmarks, then rigid ICP; distances of the scan's points to the mesh.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.place import place
from prn_blender.capture.geometry.pose import Similarity, umeyama
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.shape.remainder import fitted_map
from prn_blender.capture.shape.views import fit_views
from training.evaluation.numbers import Numbers, add
from training.evaluation.runner import PackRunner
from training.evaluation.scan import TURNS, Scan, distance_to_surface, load_scan, photograph
from training.head_model_pack import regions

TOGETHER = ((-45, 0, 45), (-60, -30, 0, 30, 60))
ROUNDS = 30  # of closest points
QUALITIES = (30, 90)  # of JPEG
FOCALS = (0.7, 1.0, 1.5)  # times the true focal length that is said of the photo
SHIFTS = ((0.08, 0.05, 1.0), (-0.08, 0.0, 1.1), (0.0, -0.08, 0.9))  # of the box, in its sides, and its size


def placed_error(found: np.ndarray, true: np.ndarray) -> float:
    """Mean distance in mm of points (P, 3) in metres to true ones after the best similarity."""
    return 1000 * float(np.linalg.norm(umeyama(found, true, np.ones(len(true))).apply(found) - true, axis=1).mean())


def surface_errors(scan: Scan, landmarks: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) mm from each vertex of the scan's face to the head's surface, NaN outside of the face."""
    face = np.linalg.norm(scan.vertices - scan.landmarks[30], axis=1) < scan.face_radius
    target = scan.vertices[face]
    fitted = umeyama(landmarks, scan.landmarks, np.ones(68))
    for _ in range(ROUNDS):
        placed = fitted.apply(vertices)
        samples = placed[triangles].mean(axis=1)
        near = cKDTree(samples).query(target)[1]
        source = vertices[triangles[near]].mean(axis=1)
        offset = target - samples[near]
        corners = placed[triangles[near]]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        wanted = samples[near] + normal * (offset * normal).sum(axis=1, keepdims=True)
        distance = np.abs((offset * normal).sum(axis=1))
        fitted = umeyama(source, wanted, 1 / (1 + (distance / max(2 * np.median(distance), 1e-6)) ** 2))
    result = np.full(len(scan.vertices), np.nan)
    result[face] = distance_to_surface(target, fitted.apply(vertices), triangles)
    return result


class ScanFits:
    """Photos of the scan, and heads from them."""

    def __init__(self, look, folder: Path):
        pack = look.pack
        self.pack, self.scan, self.look = pack, load_scan(folder), look
        self.topology, self.triangles = pack.topology, pack.topology.triangles
        self.landmarks = PackRunner(pack).canonical_landmarks

    def known(self, turn: float, shift=(0.0, 0.0, 1.0), quality: int | None = None, focal: float | None = 1.0):
        """What the networks say of a photo from one side, the photo, and the face's box."""
        import cv2

        view = photograph(self.scan, self.topology.landmark_canonical, turn)
        marks, photo = view.project(self.scan.landmarks), view.photo
        if quality is not None:
            coded = cv2.imencode(".jpg", photo.pixels[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))[1]
            photo = replace(photo, pixels=cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
        low, high = marks.min(0), marks.max(0)
        middle, side = (low + high) / 2 + shift[:2] * (high - low), (high - low) * shift[2] / 2
        box = FaceBox(*(middle - side), *(middle + side))
        focal_px = None if focal is None else photo.focal_px * focal
        return replace(self.look.at(photo, box), focal_px=focal_px), photo, box

    def unfitted(self, turn: float) -> np.ndarray:
        """Errors of the first network's map as it is."""
        _, photo, box = self.known(turn)
        _, position_map, _ = self.look.first(photo, box)
        camera = place(
            self.topology.vertices(position_map), self.topology, (photo.width, photo.height), photo.focal_px
        )[0]
        return self.errors(position_map, camera)

    def fitted(self, turns) -> np.ndarray:
        """Errors of one fit of photos from several sides, as seen in the first."""
        known = tuple(self.known(turn)[0] for turn in turns)
        fitted = fit_views(self.pack.head_model, known)
        position_map = fitted_map(self.pack.head_model, fitted.found, 0, fitted.known[0])
        return self.errors(position_map, fitted.found.views[0].camera)

    def errors(self, position_map: PositionMap, camera) -> np.ndarray:
        vertices, landmarks = self.topology.vertices(position_map), self.topology.landmarks(position_map)
        in_space = camera.to_camera_space
        return surface_errors(self.scan, in_space(landmarks), in_space(vertices), self.triangles)

    def identity(self, **changes) -> np.ndarray:
        """(P, 3) metres: the shape without expression, from the front."""
        model = self.pack.head_model
        found = fit_views(model, (self.known(0, **changes)[0],)).found
        shape = np.tensordot(found.identity, model.identity, 1) + model.mean
        return shape[model.inside]


def measure_scan(numbers: Numbers, control: Numbers, look, folder: Path) -> None:
    """Adds one photo from five sides, several together, the regions, and how stable the shape is."""
    fits = ScanFits(look, folder)
    scan, topology = fits.scan, fits.topology
    still = surface_errors(scan, fits.landmarks, topology.canonical, fits.triangles)
    names = _regions_of(scan, fits)
    subjects = {
        "scan, first pass as it is, one photo, median of five views": [fits.unfitted(turn) for turn in TURNS],
        f"scan, {look.name}, one photo, median of five views": [fits.fitted((turn,)) for turn in TURNS],
        f"scan, {look.name}, one frontal photo": [fits.fitted((0,))],
        **{f"scan, {look.name}, {len(turns)} photos": [fits.fitted(turns)] for turns in TOGETHER},
    }
    for subject, found in subjects.items():
        for column, rows in ((numbers, found), (control, [still])):
            add(column, subject, **{"NoW, median mm": np.median([np.nanmedian(row) for row in rows])})
            for name, part in names.items():
                medians = [np.nanmedian(row[part]) for row in rows]
                add(column, subject, **{f"{name}, median mm": np.median(medians)})
    usual = fits.identity()
    changes = {
        "crops": [{"shift": shift} for shift in SHIFTS],
        "focal lengths": [{"focal": focal} for focal in (None, *FOCALS)],
        "JPEG": [{"quality": quality} for quality in QUALITIES],
    }
    for name, tried in changes.items():
        moved = [placed_error(fits.identity(**change), usual) for change in tried]
        add(numbers, f"scan, {look.name}, frontal: shape moves", **{f"by {name}, mean mm": np.mean(moved)})


def _regions_of(scan: Scan, fits: ScanFits) -> dict[str, np.ndarray]:
    """Masks (V,) of the scan's vertices, by the nearest texel of the mean head."""
    model = fits.pack.head_model
    placed: Similarity = umeyama(fits.landmarks, scan.landmarks, np.ones(68))
    mean = model.mean.reshape(-1, 3)
    parts = regions(mean, fits.topology.landmark_canonical, model.inside.ravel())
    nearest = cKDTree(placed.apply(mean)).query(scan.vertices)[1]
    face = np.linalg.norm(scan.vertices - scan.landmarks[30], axis=1) < scan.face_radius
    masks = {name: part[nearest] & face for name, part in parts.items()}
    return {name: mask for name, mask in masks.items() if mask.sum() > 50}
