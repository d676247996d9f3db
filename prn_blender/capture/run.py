"""From a request to captures: the operator, the command line and the batch all come in here."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from .doubtful_faces import DOUBTFUL, without_nobody
from .errors import CaptureError, NoFaceError
from .faces.box import FaceBox, is_same_face
from .faces.find import COPY_SIDES, choose_faces, find_faces, first_look
from .packs.pack import ModelPack, load_pack
from .photo.read import load_draft, load_photo
from .progress import Progress, part_of, silent
from .reconstruct import Portrait, reconstruct
from .shape.pins import Pin
from .stopwatch import Stopwatch
from .types import Capture, PackedPhoto, Photo, Settings, View


@dataclass(frozen=True)
class OtherPhoto:
    """One more photo of the same person."""

    photo: Path
    face: str | int = "largest"  # or an index into the faces, best first
    box: tuple[float, ...] | None = None  # left, top, right, bottom in photo pixels, and what else a `FaceBox` has
    by_hand: bool = True  # the box was drawn: around a profile or the back of a head, too
    packed: PackedPhoto | None = None  # what is read where the photo's file is gone
    pins: tuple[Pin, ...] = ()


@dataclass(frozen=True)
class Request:
    """Everything that a capture needs from the panel, the preferences, the command line or a script."""

    photo: Path
    face: str | int = "largest"  # "largest", "all" or an index into the faces, best first
    # Left, top, right, bottom in photo pixels, and what else a `FaceBox` has; replaces detection.
    box: tuple[float, ...] | None = None
    settings: Settings = field(default_factory=Settings)
    pack: Path | None = None  # None: the default pack
    yunet: Path | None = None  # a YuNet file instead of the built-in detector
    packed: PackedPhoto | None = None  # what is read where the photo's file is gone
    together: tuple[OtherPhoto, ...] = ()  # one head of all these photos; its expression is that of `photo`
    pins: tuple[Pin, ...] = ()  # in `photo`
    # Whose further photos and pins these are: another face of the photo has none of them.
    only_for: FaceBox | None = None


@dataclass(frozen=True)
class Found:
    """A request's photo and pack, and where its heads are to be captured."""

    request: Request
    photo: Photo
    pack: ModelPack
    boxes: tuple[FaceBox, ...] | None  # that the finder takes for faces, best first; None where one was given
    looked_at: bool  # by the networks, where a box is doubtful
    wanted: tuple[FaceBox, ...]
    timings: dict[str, float]  # seconds by step
    others: tuple[Portrait, ...] = ()  # more photos of the person

    def faces(self, progress: Progress = silent) -> tuple[FaceBox, ...] | None:
        """That the photo shows, best first; None where a box was given. May look at doubtful ones only now.

        Raises:
            CaptureError: as of `without_nobody`.
            Cancelled: from `progress`.
        """
        if self.boxes is None or self.looked_at:
            return self.boxes
        return without_nobody(self.photo, self.boxes, self.pack, self.request.settings, progress)


@dataclass(frozen=True)
class Captured:
    """What a request gives."""

    found: Found
    captures: tuple[Capture, ...]  # one for each wanted face


def run(request: Request, progress: Progress = silent) -> Captured:
    """One capture for each wanted face of a photo.

    Raises:
        CaptureError: the photo or the pack cannot be read, there is no such face, or a capture fails.
        Cancelled: from `progress`.
    """
    found = find(request, progress)
    return Captured(found, tuple(capture_face(found, index, progress) for index in range(len(found.wanted))))


def find(request: Request, progress: Progress = silent) -> Found:
    """Reads a request's photo and pack, and finds the faces to capture.

    Raises:
        CaptureError: the photo or the pack cannot be read, or there is no such face.
        Cancelled: from `progress`.
    """
    if request.together and request.face == "all" and request.only_for is None:
        raise CaptureError("Several photos make one head: choose one face of each, not all.")
    clock = Stopwatch()
    progress(0.0, "Reading the model pack")
    pack = load_pack(request.pack)
    clock.lap("pack")
    progress(0.05, "Reading the photo")
    if request.box is not None:
        photo = load_photo(request.photo, request.packed)
        boxes, looked_at, wanted = None, False, [FaceBox(*request.box)]
    else:
        step = part_of(progress, 0.1, 0.25, 0, 1)
        photo, boxes, looked_at = _boxes_to_choose_from(request, pack, request.settings, request.yunet, step)
        wanted = choose_faces(list(boxes), request.face)
    others = tuple(portrait_of(other, pack, request.settings, request.yunet) for other in request.together)
    require_different((photo, *(other.photo for other in others)))
    clock.lap("photo and faces")
    return Found(request, photo, pack, boxes, looked_at, tuple(wanted), clock.seconds, others)


def require_different(photos: Sequence[Photo]) -> None:
    """Raises CaptureError where a photo of one person is given twice."""
    first: dict[str, Photo] = {}
    for photo in photos:
        if photo.sha256 in first:
            raise CaptureError(f"{photo.path.name} is the same photo as {first[photo.sha256].path.name}: give it once.")
        first[photo.sha256] = photo


def portrait_of(other: OtherPhoto, pack: ModelPack, settings: Settings, yunet: Path | None = None) -> Portrait:
    """One more photo of a person, and where the head is in it.

    Raises:
        CaptureError: it cannot be read, or there is no such face.
    """
    if other.box is not None:
        return Portrait(load_photo(other.photo, other.packed), FaceBox(*other.box), other.by_hand, other.pins)
    photo, boxes, _ = _boxes_to_choose_from(other, pack, settings, yunet)
    return Portrait(photo, choose_faces(list(boxes), other.face)[0], pins=other.pins)


def capture_face(found: Found, index: int, progress: Progress = silent) -> Capture:
    """One of the wanted faces to a head.

    Raises:
        CaptureError: as of `reconstruct`.
        Cancelled: from `progress`.
    """
    step = part_of(progress, 0.25, 1.0, index, len(found.wanted))
    request, box = found.request, found.wanted[index]
    is_meant = request.only_for is None or is_same_face(request.only_for, box)
    others, pins = (found.others, request.pins) if is_meant else ((), ())
    capture = reconstruct(found.photo, box, found.pack, request.settings, step, others, pins)
    return replace(capture, timings={**found.timings, **capture.timings})


def not_of_this_person(view: View) -> str:
    """What to say of a view that does not belong to the others, in one line."""
    return (
        f"{view.photo.path.name} may show another person: its face fits those of the other photos much worse than a "
        "face of its own."
    )


def photo_with_faces(
    asked: Request | OtherPhoto,
    pack: ModelPack,
    settings: Settings,
    yunet: Path | None = None,
    progress: Progress = silent,
) -> tuple[Photo, tuple[FaceBox, ...]]:
    """A photo and its faces, best first.

    Raises:
        CaptureError: it cannot be read; as of `faces_in`.
        Cancelled: from `progress`.
    """
    photo, boxes = _photo_with_boxes(asked, yunet, progress)
    return photo, faces_in(photo, pack, settings, progress, boxes)


def _boxes_to_choose_from(
    asked: Request | OtherPhoto,
    pack: ModelPack,
    settings: Settings,
    yunet: Path | None,
    progress: Progress = silent,
) -> tuple[Photo, tuple[FaceBox, ...], bool]:
    """As of `photo_with_faces`, and whether the networks have looked at doubtful boxes: where the largest face is a
    sure one these are of no account, and stay.
    """
    photo, boxes = _photo_with_boxes(asked, yunet, progress)
    if asked.face == "largest" and boxes and choose_faces(list(boxes), asked.face)[0].score >= DOUBTFUL:
        return photo, boxes, False
    return photo, faces_in(photo, pack, settings, progress, boxes), True


def _photo_with_boxes(
    asked: Request | OtherPhoto, yunet: Path | None, progress: Progress
) -> tuple[Photo, tuple[FaceBox, ...]]:
    """A photo and what the finder takes for faces, best first. A draft of it is searched while it is read."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        reading = thread.submit(load_photo, asked.photo, asked.packed)
        draft = load_draft(asked.photo, COPY_SIDES[0])
        at_first = None if draft is None else first_look(draft, yunet)
        photo = reading.result()
    progress(0.0, "Looking for faces")
    return photo, tuple(find_faces(photo, yunet, at_first))


def faces_in(
    photo: Photo,
    pack: ModelPack,
    settings: Settings,
    progress: Progress = silent,
    boxes: tuple[FaceBox, ...] | None = None,
) -> tuple[FaceBox, ...]:
    """The faces of a photo, best first; at doubtful ones the pack's networks look, too.

    Args:
        boxes: as of `find_faces`, where that was done before.

    Raises:
        NoFaceError: there is none.
        CaptureError: as of `find_faces` and `without_nobody`.
    """
    found = tuple(find_faces(photo)) if boxes is None else boxes
    faces = without_nobody(photo, found, pack, settings, progress)
    if not faces:
        raise NoFaceError(f"No face found in {photo.path.name}: give a box around the face.")
    return faces
