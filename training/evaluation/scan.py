"""A textured head scan, photographed by ourselves and captured."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from trimesh import Trimesh
from trimesh.proximity import closest_point

from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.camera import Camera
from prn_blender.capture.geometry.place import place
from prn_blender.capture.geometry.pose import Similarity, umeyama
from prn_blender.capture.geometry.raster import Fragments, rasterise
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.reconstruct import regress
from prn_blender.capture.types import Photo, Settings

from ..photos import DEFAULT_FOLDER
from ..preparation.obj import read_obj
from .numbers import Numbers, add
from .runner import PackRunner

DEFAULT_SCAN = DEFAULT_FOLDER.parent / "scans/james"
TURNS = (-60, -30, 0, 30, 60)  # degrees of yaw
SIZE = 768  # pixels of the photos
DISTANCE = 1.2  # metres
FIELD = 0.36  # metres that the photo shows at that distance
FRONTAL = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # head axes to those of a camera in front


@dataclass(frozen=True)
class Scan:
    """A triangle mesh in millimetres with its texture and the 68 landmarks in iBUG's order."""

    vertices: np.ndarray  # (V, 3)
    triangles: np.ndarray  # (T, 3)
    triangle_uv: np.ndarray  # (T, 3, 2) v upwards
    texture: np.ndarray  # (H, W, 3) uint8 RGB
    landmarks: np.ndarray  # (68, 3)

    @property
    def face_radius(self) -> float:
        """Of the sphere about the nose within which the surface counts as face.

        Source: S. Sanyal et al., Learning to regress 3D face shape (NoW benchmark), 2019: 0.7 times the sum of the
        distance between the outer corners of the eyes and the nose's length.
        """
        outer = np.linalg.norm(self.landmarks[36] - self.landmarks[45])
        nose = np.linalg.norm(self.landmarks[27] - self.landmarks[33])
        return float(0.7 * (outer + nose))


# The order of the groups in james.ljson, as places in iBUG's order.
GROUPS = {
    "chin": range(17),
    "leye": range(36, 42),
    "reye": range(42, 48),
    "leyebrow": range(17, 22),
    "nose": range(27, 36),
    "reyebrow": range(22, 27),
    "mouth": range(48, 68),
}


def load_scan(folder: Path = DEFAULT_SCAN) -> Scan:
    """Reads the folder's .obj, .jpg and .ljson."""
    import cv2

    mesh = read_obj(next(folder.glob("*.obj")))
    annotation = json.loads(next(folder.glob("*.ljson")).read_text())["groups"]["LJSON"]
    points = np.array(annotation["landmarks"]["points"], float)
    landmarks = np.zeros((68, 3))
    for label in annotation["labels"]:
        landmarks[list(GROUPS[label["label"]])] = points[label["mask"]]
    return Scan(
        mesh.vertices,
        mesh.triangles,
        mesh.uv[mesh.triangle_uv],
        cv2.imread(str(next(folder.glob("*.jpg"))))[..., ::-1],
        landmarks,
    )


@dataclass(frozen=True)
class View:
    """A photo of the scan."""

    photo: Photo
    turn: float  # degrees of yaw
    to_camera: Similarity  # scan millimetres to camera metres
    fragments: Fragments  # in a picture of twice the photo's size, the nearest last

    def project(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) photo pixels of points (N, 3) in scan millimetres."""
        width, height, focal = self.photo.width, self.photo.height, self.photo.focal_px
        camera = Camera(width, height, focal, DISTANCE, DISTANCE / focal, width / 2, height / 2)
        return camera.project(self.to_camera.apply(points))


def fragments_of(pixels: np.ndarray, height: np.ndarray, triangles: np.ndarray, size: tuple[int, int]) -> Fragments:
    """What a picture of `size` (width, height) shows of a mesh whose vertices lie at pixels (V, 2), the nearest last.

    Args:
        height: (V,) of the vertices, larger is nearer.
    """
    found = rasterise(pixels[triangles], *size)
    order = np.argsort(found.interpolate(height, triangles), kind="stable")
    return Fragments(found.triangle[order], found.column[order], found.row[order], found.weights[order])


def paint(fragments: Fragments, colours: np.ndarray, background: np.ndarray) -> np.ndarray:
    """`background` (H, W, 3) with colours (N, 3) at the fragments, the last on top."""
    picture = background.copy()
    picture[fragments.row, fragments.column] = colours
    return picture


def photograph(scan: Scan, head: np.ndarray, turn: float) -> View:
    """The scan from the front, turned by `turn` degrees; `head` (68, 3) are landmarks that define the front."""
    import cv2

    frame = umeyama(head, scan.landmarks, np.ones(68))
    angle = np.radians(turn)
    yaw = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    rotation = yaw @ FRONTAL @ frame.rotation.T
    middle = np.concatenate([scan.landmarks[:17], scan.landmarks[36:48]]).mean(0) + frame.rotation @ (0, 40, 20)
    to_camera = Similarity(0.001, rotation, np.array([0, 0, -DISTANCE]) - 0.001 * rotation @ middle)
    fine = 2 * SIZE
    camera = Camera(fine, fine, fine * DISTANCE / FIELD, DISTANCE, FIELD / fine, fine / 2, fine / 2)
    points = to_camera.apply(scan.vertices)
    seen = fragments_of(camera.project(points), points[:, 2], scan.triangles, (fine, fine))
    height, width = scan.texture.shape[:2]
    uv = np.einsum("nk,nkc->nc", seen.weights, scan.triangle_uv[seen.triangle])
    place = np.stack([uv[:, 0] * width, (1 - uv[:, 1]) * height], 1).astype(np.float32) - 0.5
    rows = -(-len(place) // 1024)  # cv2 takes no longer pictures than 32767
    padded = np.zeros((rows * 1024, 2), np.float32)
    padded[: len(place)] = place
    grid = padded.reshape(rows, 1024, 2)
    colours = cv2.remap(scan.texture, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR).reshape(-1, 3)[: len(place)]
    picture = paint(seen, colours, np.full((fine, fine, 3), 150, np.uint8))
    pixels = cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    photo = Photo(Path("scan"), pixels, "", SIZE * DISTANCE / FIELD, True)
    return View(photo, turn, to_camera, seen)


@dataclass(frozen=True)
class ScanErrors:
    """How far a head is from the scan after the best similarity on corresponding landmarks."""

    landmarks: np.ndarray  # (68,) mm
    surface: np.ndarray  # (V,) mm from each vertex of the scan to the head's surface, NaN outside of the face
    vertices: np.ndarray  # (P, 3) of the head in scan millimetres


def compare(scan: Scan, landmarks: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> ScanErrors:
    """A head's landmarks (68, 3) and mesh, in any unit, against the scan."""
    fit = umeyama(landmarks, scan.landmarks, np.ones(68))
    placed = fit.apply(vertices)
    face = np.linalg.norm(scan.vertices - scan.landmarks[30], axis=1) < scan.face_radius
    surface = np.full(len(scan.vertices), np.nan)
    surface[face] = distance_to_surface(scan.vertices[face], placed, triangles)
    return ScanErrors(np.linalg.norm(fit.apply(landmarks) - scan.landmarks, axis=1), surface, placed)


def distance_to_surface(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(N,) distance of points (N, 3) to the nearest of a mesh's triangles."""
    return closest_point(Trimesh(vertices, triangles, process=False), points)[1]


@dataclass(frozen=True)
class ScanCapture:
    """One view with what was captured from it."""

    view: View
    landmarks_in_photo: np.ndarray  # (68, 2)
    errors: ScanErrors


def measure(numbers: Numbers, control: Numbers, runner: PackRunner, scan: Scan) -> tuple[list[ScanCapture], ScanErrors]:
    """Captures every view in its true box with its true focal length, and adds the errors."""
    topology, network = runner.pack.topology, open_network(runner.pack)
    triangles = topology.triangles
    still = compare(scan, runner.canonical_landmarks, topology.canonical, triangles)
    captures = []
    for turn in TURNS:
        view = photograph(scan, topology.landmark_canonical, turn)
        marks = view.project(scan.landmarks)
        box = FaceBox(*marks.min(0), *marks.max(0))
        position_map = regress(view.photo, box, runner.pack, network, Settings().passes)[1]
        vertices, landmarks = topology.vertices(position_map), topology.landmarks(position_map)
        camera = place(vertices, topology, (view.photo.width, view.photo.height), view.photo.focal_px)[0]
        errors = compare(scan, camera.to_camera_space(landmarks), camera.to_camera_space(vertices), triangles)
        captures.append(ScanCapture(view, landmarks[:, :2], errors))
    front = captures[TURNS.index(0)].errors
    for column, subject, all_errors in (
        (numbers, "scan from the front", [front]),
        (numbers, f"scan, mean of {len(TURNS)} views", [capture.errors for capture in captures]),
        (control, "scan from the front", [still]),
        (control, f"scan, mean of {len(TURNS)} views", [still]),
    ):
        surface = [errors.surface[~np.isnan(errors.surface)] for errors in all_errors]
        add(
            column,
            subject,
            **{
                "landmarks mm, mean": np.mean([errors.landmarks.mean() for errors in all_errors]),
                "inner 51 mm, mean": np.mean([errors.landmarks[17:].mean() for errors in all_errors]),
                "face surface mm, median": np.mean([np.median(one) for one in surface]),
                "face surface mm, 95 %": np.mean([np.percentile(one, 95) for one in surface]),
            },
        )
    return captures, still
