"""Faces by the cascades that come with OpenCV 4."""

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import CaptureError
from .face_box import FaceBox, best_of_each, overlap


@dataclass(frozen=True)
class Cascade:
    """One of OpenCV's cascades, and how its answers are read."""

    file: str
    mirrored: bool  # it sees the picture mirrored
    threshold: float  # of the last stage's sum; windows that just failed there still count as hints
    gain: float  # votes per unit above the threshold
    # The box of the 68 landmarks, its centre relative to the window's, in window sides.
    right: float
    down: float
    width: float
    height: float


# Boxes: medians over the stronger windows on 400 annotated photos of AFLW2000-3D, made symmetric. Thresholds and
# gains: tried on the same photos, most faces among the best boxes at few false alarms in pictures without a face.
FRONTAL = (Cascade("haarcascade_frontalface_alt2.xml", False, 53.0, 1.0, 0.0, 0.145, 0.87, 0.83),)
PROFILES = (
    Cascade("haarcascade_profileface.xml", False, -0.9, 2.0, 0.02, 0.137, 0.70, 0.70),
    Cascade("haarcascade_profileface.xml", True, -0.9, 2.0, -0.02, 0.137, 0.70, 0.70),
)

SCALE_STEP = 1.2
SMALLEST_WINDOW = 20  # pixels, what the cascades were trained on
SMALL_SIDE = 128  # longer side of the copy in which large faces are looked for, turned too
SMALLEST_IN_SMALL = 24
PADDING = 1.25  # of that copy, because a window is larger than its face
LARGE = 0.25  # of the longer side: larger windows are left to the small copy

# A cascade bears a tilt of some 15 degrees, so these together take 35; the rest is tried where they show nothing sure.
TILTS = (0.0, 20.0, -20.0)
MORE_TILTS = (45.0, -45.0, 70.0, -70.0, 90.0, -90.0, 180.0)

MIN_VOTES = 3.5
SURE_VOTES = 5.5
VOTING_OVERLAP = 0.5  # windows that overlap more belong to one face
MAX_OVERLAP = 0.25
MAX_WINDOWS = 1500


@dataclass(frozen=True)
class Votes:
    """Windows that a cascade lets pass, as the box and the tilt of the face that each stands for."""

    centre: np.ndarray  # (N, 2)
    size: np.ndarray  # (N, 2)
    tilt: np.ndarray  # (N,) radians
    weight: np.ndarray  # (N,)

    @classmethod
    def together(cls, votes: "list[Votes]") -> "Votes":
        """All of them, or the heaviest if they are too many."""
        heaviest = np.argsort(-np.concatenate([v.weight for v in votes]), kind="stable")[:MAX_WINDOWS]
        return cls(*(np.concatenate([getattr(v, name) for v in votes])[heaviest] for name in cls.__dataclass_fields__))

    @property
    def boxes(self) -> np.ndarray:
        """(N, 4)"""
        return np.concatenate([self.centre - self.size / 2, self.centre + self.size / 2], axis=1)


class Cascades:
    """Faces by voting: every window that passes a cascade, or nearly does, in any copy of the picture, is a vote.

    The cascades' own grouping would drop the faces that each of them sees only a little.
    """

    def __init__(self) -> None:
        """
        Raises:
            CaptureError: this OpenCV comes without cascades.
        """
        import cv2

        folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", ""))
        files = {cascade.file for cascade in FRONTAL + PROFILES}
        if not hasattr(cv2, "CascadeClassifier") or not all((folder / file).is_file() for file in files):
            raise CaptureError(
                f"OpenCV {cv2.__version__} comes without face cascades. "
                "Choose a YuNet file in the preferences or give a box around the face."
            )
        self._classifiers = {file: _classifier(folder / file) for file in files}
        self._lock = threading.Lock()  # a classifier keeps the picture that it works on

    def detect(self, pixels: np.ndarray, coarse: bool) -> list[FaceBox]:
        """Faces from about 20 pixels on in (H, W, 3) uint8 sRGB, best first."""
        import cv2

        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        with self._lock:
            votes = [self._upright(grey, FRONTAL)]
            if coarse:
                votes += [self._tilted(grey, tilt) for tilt in TILTS]
                if not _faces(votes, SURE_VOTES):
                    votes += [self._upright(grey, PROFILES), *(self._tilted(grey, tilt) for tilt in MORE_TILTS)]
        return _faces(votes, MIN_VOTES)

    def _upright(self, grey: np.ndarray, cascades: tuple[Cascade, ...]) -> Votes:
        """The votes for small faces in the picture as it is."""
        largest = max(SMALLEST_WINDOW, round(LARGE * max(grey.shape)))
        return self._votes(cascades, grey, np.eye(2, 3), 0.0, (SMALLEST_WINDOW, largest))

    def _tilted(self, grey: np.ndarray, tilt: float) -> Votes:
        """The votes for large faces, tilted clockwise by about `tilt` degrees."""
        import cv2

        height, width = grey.shape
        scale = SMALL_SIDE / max(width, height)
        size = [max(1, round(side * scale)) for side in (width, height)]
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        turn = cv2.getRotationMatrix2D(((size[0] - 1) / 2, (size[1] - 1) / 2), tilt, 1.0)
        swap = abs(tilt) > 45 and tilt != 180
        canvas = [round(PADDING * side) for side in (size[::-1] if swap else size)]
        turn[:, 2] += (np.array(canvas) - size) / 2
        turned = cv2.warpAffine(small, turn, canvas, borderMode=cv2.BORDER_REPLICATE)
        back = cv2.invertAffineTransform(turn)
        to_picture = np.array([[width / size[0]], [height / size[1]]]) * back
        return self._votes(FRONTAL + PROFILES, turned, to_picture, np.radians(tilt), (SMALLEST_IN_SMALL, max(canvas)))

    def _votes(
        self,
        cascades: tuple[Cascade, ...],
        grey: np.ndarray,
        to_picture: np.ndarray,
        tilt: float,
        sides: tuple[int, int],
    ) -> Votes:
        """The votes in a copy of the picture, from which the matrix `to_picture` (2, 3) leads back.

        Args:
            sides: of the smallest and the largest window, pixels.
        """
        import cv2

        found = []
        side = np.sqrt(abs(np.linalg.det(to_picture[:, :2])))
        for cascade in cascades:
            windows, _, sums = self._classifiers[cascade.file].detectMultiScale3(
                cv2.flip(grey, 1) if cascade.mirrored else grey,
                scaleFactor=SCALE_STEP,
                minNeighbors=0,
                minSize=(sides[0], sides[0]),
                maxSize=(sides[1], sides[1]),
                outputRejectLevels=True,
            )
            windows = np.reshape(windows, (-1, 4)).astype(np.float64)
            weight = (np.reshape(sums, -1) - cascade.threshold) * cascade.gain
            if cascade.mirrored:
                windows[:, 0] = grey.shape[1] - windows[:, 0] - windows[:, 2]
            centre = windows[:, :2] + windows[:, 2:] * (0.5 + cascade.right, 0.5 + cascade.down)
            centre = centre @ to_picture[:, :2].T + to_picture[:, 2]
            size = windows[:, 2:] * (cascade.width, cascade.height) * side
            votes = Votes(centre, size, np.full(len(windows), tilt), weight)
            found.append(Votes(*(getattr(votes, name)[weight > 0] for name in Votes.__dataclass_fields__)))
        return Votes.together(found)


def _classifier(file: Path):
    """A cascade from its file, read here because OpenCV takes no path beyond ASCII on Windows."""
    import cv2

    classifier = cv2.CascadeClassifier()
    storage = cv2.FileStorage(file.read_text(), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    classifier.read(storage.getFirstTopLevelNode())
    return classifier


def _faces(copies: list[Votes], min_votes: float) -> list[FaceBox]:
    """The boxes with the most votes, each the mean of the windows that voted for it."""
    votes = Votes.together(copies)
    if not len(votes.weight):
        return []
    boxes = votes.boxes
    overlaps = overlap(boxes[:, None], boxes)
    # A window counts for another one the more, the more they agree.
    total = ((overlaps - 0.3) / 0.7).clip(0) @ votes.weight
    faces = []
    for index in best_of_each(boxes, total, MAX_OVERLAP):
        if total[index] < min_votes:
            break
        share = votes.weight * (overlaps[index] > VOTING_OVERLAP)
        share = share / share.sum()
        left, top, right, bottom = share @ boxes
        roll = np.arctan2(share @ np.sin(votes.tilt), share @ np.cos(votes.tilt))
        score = total[index] / (total[index] + SURE_VOTES)
        faces.append(FaceBox(float(left), float(top), float(right), float(bottom), float(score), float(roll)))
    return faces
