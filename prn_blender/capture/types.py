"""What a capture is made of. Needs numpy alone, so that heads that exist can be worked on where a library is broken."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .errors import CaptureError
from .faces.box import FaceBox
from .geometry.camera import Camera
from .geometry.crop import Crop
from .geometry.pose import Similarity
from .geometry.position_map import PositionMap
from .packs.pack import PREFERRED_TOPOLOGY, ModelPack
from .packs.topology import Topology
from .photo.cut_out import CutOut
from .shape.expressions import Expressions
from .shape.eyeball import STRAIGHT, Look
from .shape.parts import Part
from .shape.pins import Pin
from .shape.views import Fitted

# By the ends of their names; what a file holds is told by its content.
PHOTO_TYPES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".hif", ".avif"),
    *(".jp2", ".j2k", ".jpx", ".gif", ".tga"),
)
TEXTURE_SIZES = (512, 1024, 2048, 4096, 8192)
PASSES = range(1, 4)
PROJECTIONS = ("auto", "focal", "orthographic")
HEAD_SIZES = ("average", "irises", "eyes")
EYE_MM = (30.0, 90.0)  # from pupil to pupil, from newborns to the largest of adults
FOCAL_MM = (5.0, 3000.0)  # 35 mm equivalent, from fisheye to telescope

CPU = "CPUExecutionProvider"
# onnxruntime's execution providers in the order of preference, with the words of the interface.
PROVIDER_LABELS = {
    "CUDAExecutionProvider": "CUDA",
    "DmlExecutionProvider": "DirectML",
    "CoreMLExecutionProvider": "CoreML",
    CPU: "CPU",
}

SIMPLE, WHOLE = "simple", "whole"

# Textures by name.
BASE_COLOR = "basecolor"  # (T, T, 3) uint8 sRGB
MASK = "mask"  # (T, T) uint8, 255 where the photo shows the surface


@dataclass(frozen=True)
class Settings:
    """What the user can choose.

    Raises:
        CaptureError: a value that is none of the choices.
    """

    texture_size: int = 2048
    fill: bool = True  # continue the texture where the photo does not show the head
    passes: int = 2  # network passes; from the second on the crop follows the landmarks
    # "auto": the focal length that EXIF tells, else one estimated from the face, with a pack for parallel rays none;
    # "focal"; "orthographic"
    projection: str = "auto"
    focal_mm: float = 50.0  # 35 mm equivalent, with projection "focal"
    provider: str = "auto"  # or an onnxruntime execution provider
    topology: str = PREFERRED_TOPOLOGY  # the mesh's, by its name in the pack
    # WHOLE: with eyes, lashes, teeth and insides; SIMPLE: patches close eyes and mouth
    parts: str = SIMPLE
    follow: float = 1.0  # 0..1 how much the photo moves the surface beyond what the head model knows
    # How large the head is: "average", as heads are; "irises", which are of one width in everybody, or as on average
    # where the photo does not show them well; "eyes", by how far these are apart.
    head_size: str = "average"
    eye_mm: float = 63.0  # from pupil to pupil, with head size "eyes"
    expressions: bool = False  # with ARKit's 52 as shape keys on the head without the photo's expression

    def __post_init__(self) -> None:
        if self.passes not in PASSES:
            raise CaptureError(f"{self.passes} network passes: choose {PASSES.start} to {PASSES.stop - 1}.")
        if self.projection not in PROJECTIONS:
            raise CaptureError(f"The projection {self.projection!r} is not known: choose {', '.join(PROJECTIONS)}.")
        if not (math.isfinite(self.focal_mm) and FOCAL_MM[0] <= self.focal_mm <= FOCAL_MM[1]):
            raise CaptureError(
                f"A focal length of {self.focal_mm} mm: choose one from {FOCAL_MM[0]:.0f} to {FOCAL_MM[1]:.0f} mm."
            )
        if self.parts not in (SIMPLE, WHOLE):
            raise CaptureError(f"The parts {self.parts!r} are not known: choose {SIMPLE} or {WHOLE}.")
        if not 0 <= self.follow <= 1:
            raise CaptureError(f"The photo is to be followed by {self.follow:.0%}: choose 0 to 100 %.")
        if self.head_size not in HEAD_SIZES:
            raise CaptureError(f"The head size {self.head_size!r} is not known: choose {', '.join(HEAD_SIZES)}.")
        if not EYE_MM[0] <= self.eye_mm <= EYE_MM[1]:
            raise CaptureError(
                f"Eyes {self.eye_mm} mm apart: choose a distance from {EYE_MM[0]:.0f} to {EYE_MM[1]:.0f} mm."
            )
        if self.provider != "auto" and self.provider not in PROVIDER_LABELS:
            choices = ", ".join(("auto", *PROVIDER_LABELS))
            raise CaptureError(f"The execution provider {self.provider!r} is not known: choose {choices}.")


@dataclass(frozen=True)
class Photo:
    """An upright photo."""

    path: Path  # absolute
    pixels: np.ndarray  # (H, W, 3) uint8 sRGB, EXIF orientation applied
    sha256: str  # of the file
    focal_px: float | None  # focal length in pixels of `pixels`, None where EXIF does not tell
    as_stored: bool  # the file shows exactly these pixels to a program that ignores orientation and profiles
    focal_told: str = ""  # where `focal_px` is from, or why what the file says is not believed
    content: bytes | None = field(default=None, repr=False)  # of the file, where it is no longer at `path`

    @property
    def width(self) -> int:
        return self.pixels.shape[1]

    @property
    def height(self) -> int:
        return self.pixels.shape[0]


@dataclass(frozen=True)
class PackedPhoto:
    """A photo as a .blend holds it, to be read where its own file is gone."""

    content: bytes = field(repr=False)  # of its file, or of an upright copy in sRGB
    sha256: str  # of its file
    focal_px: float | None
    focal_told: str


@dataclass(frozen=True)
class View:
    """One photo of the head, and how the head lies in it."""

    photo: Photo
    face_box: FaceBox
    crop: Crop  # of the last pass
    position_map: PositionMap
    camera: Camera
    focal_from: str  # "exif", "settings" or "face", where the focal length is from; empty without one
    pose: Similarity  # aligned frame -> camera space; scale 1
    visibility: np.ndarray  # (V,) float32 0..1, of the vertices of the pack's standard topology
    landmarks: np.ndarray  # (68, 3) photo space
    by_hand: bool = False  # the box was drawn: the photo may show a profile or the back of the head
    belongs: bool = True  # False: its face hardly fits those of the capture's other photos
    expression: np.ndarray | None = None  # (E,) coefficients of the pack's head model, where it has one
    pins: tuple[Pin, ...] = ()
    cut: CutOut | None = None  # the head cut out, where that was done before

    @property
    def visible_share(self) -> float:
        """Of the standard topology's vertices."""
        return float(self.visibility.mean())

    def to_head(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) photo space to (…, 3) float32 aligned frame, metres."""
        return self.pose.inverse_apply(self.camera.to_camera_space(points)).astype(np.float32)

    def project(self, points: np.ndarray) -> np.ndarray:
        """(…, 3) aligned frame, metres, to (…, 2) photo pixels."""
        return self.camera.project(self.pose.apply(points))


@dataclass(frozen=True)
class Head:
    """The head in its aligned frame: metres, Blender axes, facing -Y, origin midway between the eyes."""

    surface: np.ndarray  # (R, R, 3) float32 by UV, texels as of a position map
    landmarks: np.ndarray  # (68, 3) float32


@dataclass(frozen=True)
class HeadMesh:
    """One of a head's meshes, in the head's aligned frame."""

    topology: Topology
    vertices: np.ndarray  # (V, 3) float32 metres, in the topology's order
    visibility: np.ndarray  # (V,) float32 0..1, seen in a photo
    parts: tuple[Part, ...] = ()  # of a whole head
    expressions: Expressions | None = None  # where they were asked for


@dataclass(frozen=True)
class Capture:
    """One or more photos turned into a head: everything the scene needs."""

    views: tuple[View, ...]  # at least one
    head: Head
    textures: Mapping[str, np.ndarray]  # by name, row 0 is v = 0, the top
    pack: ModelPack
    settings: Settings
    provider: str  # the execution provider that the session really used
    provider_fallback: str  # why it is not the one asked for; empty when it is
    timings: dict[str, float]  # seconds by step
    fitted: Fitted | None = None  # of the views; None where the pack does not know what heads are like
    look: Look = STRAIGHT  # of a whole head's eyes, as the first photo shows them
    irises: float | None = None  # by which they enlarge the head, where its size is theirs
