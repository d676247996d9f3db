"""The face of one photo, or of several of one person, to a `Capture`, one line a step."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from .errors import CaptureError
from .faces.box import FaceBox
from .geometry.camera import focal_pixels
from .geometry.crop import Crop, crop_around, crop_in_box
from .geometry.place import in_plane_roll, place
from .geometry.position_map import PositionMap
from .geometry.visibility import vertex_visibility
from .networks.head import Network, Regression, open_network
from .networks.refine import Refiner, open_refiner
from .packs.pack import ModelPack
from .packs.soundness import require_distance, require_head
from .photo.cut_out import cut_out
from .progress import Progress, part_of, silent
from .shape.belonging import strangers
from .shape.detail import with_detail
from .shape.evidence import Evidence, evidence_of, joined
from .shape.eyeball import STRAIGHT
from .shape.fit import ViewEvidence
from .shape.iris import eyes_in, look_in_eyes
from .shape.iris_size import size_by_irises
from .shape.pins import Pin, those_on
from .shape.second_pass import second_pass
from .shape.seen_outline import outline_seen, scalp_of
from .shape.size import size_factor, sized
from .shape.views import Fitted, HeadInView, fit_views
from .stopwatch import Stopwatch
from .texture.project import project_textures
from .types import WHOLE, Capture, Head, Photo, Settings, View

LEAST_VISIBLE = 0.05  # share of the surface; a profile shows 0.4, half a face at the photo's edge 0.2
LEAST_BOX = 4  # pixels
LARGEST_BOX = 10  # times the photo


@dataclass(frozen=True)
class Portrait:
    """A photo, and where the head is in it."""

    photo: Photo
    face_box: FaceBox
    by_hand: bool = False  # the box was given: the photo may show a profile or the back of the head
    pins: tuple[Pin, ...] = ()


def reconstruct(
    photo: Photo,
    face_box: FaceBox,
    pack: ModelPack,
    settings: Settings,
    progress: Progress = silent,
    others: tuple[Portrait, ...] = (),
    pins: tuple[Pin, ...] = (),
) -> Capture:
    """One face of a photo to a head; of several photos of one person to one head.

    The head has the expression of the first photo.

    Args:
        others: more photos of the same person.
        pins: in the first photo.

    Raises:
        CaptureError: a box has no area or lies outside of its photo, the network cannot run, or the pack knows no head
            model, without which photos cannot be put together.
        Cancelled: from `progress`.
    """
    clock = Stopwatch()
    portraits = (Portrait(photo, face_box, pins=pins), *others)
    for portrait in portraits:
        require_inside(portrait.face_box, portrait.photo)
    if others and pack.head_model is None:
        raise CaptureError(
            f"The model pack {pack.name} knows no head model, without which photos cannot be put together: "
            "choose one photo, or another pack."
        )
    pack.choose_topology(settings.topology)  # one that the pack has not is told before the work
    if settings.parts == WHOLE:
        _ = pack.parts  # damaged ones, too
    if settings.expressions and pack.expressions is None:
        raise CaptureError(f"The model pack {pack.name} has no expressions: capture without them.")

    progress(0.0, "Loading the model")
    network = open_network(pack, settings.provider)
    refiner = open_refiner(pack, network.provider)
    clock.lap("load model")

    regressed = []
    for number, portrait in enumerate(portraits):
        progress(0.2 + 0.15 * number / len(portraits), "Finding the head's shape")
        regressed.append(regress(portrait.photo, portrait.face_box, pack, network, settings.passes))
    clock.lap("network")

    evidence = [
        evidence_in(portrait.photo, *said, pack, refiner) for portrait, said in zip(portraits, regressed, strict=True)
    ]
    clock.lap("second pass")

    views, fitted = views_of(portraits, regressed, evidence, pack, settings)
    clock.lap("geometry")

    progress(0.35, "Finding what the photo shows")
    views = tuple(replace(view, visibility=seen_in(view, pack)) for view in views)
    clock.lap("visibility")

    by_irises = settings.head_size == "irises"
    eyes = [eyes_in(view, pack) for view in views] if by_irises or settings.parts == WHOLE else []
    looks = [look_in_eyes(seen) for seen in eyes]
    irises = size_by_irises(views, eyes, looks) if by_irises else None
    views = in_size(views, settings, irises)
    clock.lap("eyes")

    head = head_of(views[0])
    clock.lap("head")

    textures = project_textures(
        views,
        pack.topology,
        settings.texture_size,
        settings.fill,
        part_of(progress, 0.5, 1.0, 0, 1),
        rims_move=settings.expressions and settings.parts == WHOLE,
    )
    clock.lap("texture")

    progress(1.0, "Captured")
    return Capture(
        views=views,
        head=head,
        textures=textures,
        pack=pack,
        settings=settings,
        provider=network.provider,
        provider_fallback=network.fallback,
        timings=clock.seconds,
        fitted=fitted,
        look=looks[0] if settings.parts == WHOLE else STRAIGHT,
        irises=irises,
    )


def require_inside(box: FaceBox, photo: Photo) -> None:
    """Raises CaptureError unless the box has an area and touches the photo."""
    if not (np.isfinite(box.corners).all() and box.right > box.left and box.bottom > box.top):
        raise CaptureError("The face box has no area: give left < right and top < bottom in photo pixels.")
    sides = box.right - box.left, box.bottom - box.top
    if min(sides) < LEAST_BOX or max(sides) > LARGEST_BOX * max(photo.width, photo.height):
        raise CaptureError("The face box cannot hold a face of this photo: give its place in photo pixels.")
    if box.right <= 0 or box.bottom <= 0 or box.left >= photo.width or box.top >= photo.height:
        raise CaptureError(
            "The face box lies outside of the photo: "
            f"give left, top, right, bottom in its {photo.width} x {photo.height} pixels."
        )


def regress(
    photo: Photo, face_box: FaceBox, pack: ModelPack, network: Network, passes: int
) -> tuple[Crop, PositionMap, Regression]:
    """A face's crop, its position map, and all that the network said of it.

    From the second pass on the crop follows the head that the pass before found.
    """
    crop = crop_in_box(face_box.corners, pack.crop_rule, face_box.roll)
    for remaining in reversed(range(passes)):
        regression = network.run(crop.resample(photo.pixels, network.input_size))
        values = pack.convention.in_crop_units(regression.position_map, network.input_size)
        require_head(values, pack.topology)
        position_map = in_photo_space(pack.convention.from_origin(values, pack.topology), crop)
        if remaining:
            landmarks = pack.topology.landmarks(position_map)[:, :2]
            crop = crop_around(landmarks, pack.crop_rule, in_plane_roll(position_map, pack.topology))
    return crop, position_map, regression


def in_photo_space(values: np.ndarray, crop: Crop) -> PositionMap:
    """(R, R, 3) in crop units as a position map."""
    photo_values = np.empty(values.shape, np.float32)
    photo_values[..., :2] = crop.to_photo(values[..., :2])
    photo_values[..., 2] = values[..., 2] * crop.side
    return PositionMap(photo_values)


def evidence_in(
    photo: Photo,
    crop: Crop,
    position_map: PositionMap,
    regression: Regression,
    pack: ModelPack,
    refiner: Refiner | None,
) -> Evidence | None:
    """Where the surface lies in the photo, as the networks say; None where none says how sure it is."""
    error, seen = regression.expected_error, regression.visibility
    first = None if error is None or seen is None else evidence_of(position_map, error * crop.side, seen)
    if pack.head_model is None:
        return first
    with ThreadPoolExecutor(max_workers=1) as thread:  # it takes as long as the second pass
        cut = thread.submit(cut_out, photo.pixels, pack.topology.vertices(position_map), pack.topology.triangles)
        told = first
        if refiner is not None:
            second = second_pass(photo.pixels, position_map, pack.head_model, refiner.run)
            told = second if first is None or seen is None else joined(first, second, seen, pack.common_errors)
        if told is None:
            return None
        if seen is not None:
            scalp = scalp_of(pack.topology, len(pack.head_model.mean))
            outline = outline_seen(photo.pixels, cut.result, told.places, pack.head_model, seen, scalp)
            told = replace(told, outline=outline)
        return replace(told, cut=cut.result())


def views_of(
    portraits: tuple[Portrait, ...],
    regressed: list[tuple[Crop, PositionMap, Regression]],
    evidence: list[Evidence | None],
    pack: ModelPack,
    settings: Settings,
) -> tuple[tuple[View, ...], Fitted | None]:
    """How the head lies in each photo, as large as heads are on average, its visibility still to be found.

    Where the pack knows what heads are like, the position maps are those of the one head that explains the evidence
    best; that is the second.

    Args:
        regressed: of each photo, as of `regress`.
        evidence: of each photo, as of `evidence_in`.
    """
    lenses = [
        lens_of(portrait.photo, regression, pack, settings)
        for portrait, (_, _, regression) in zip(portraits, regressed, strict=True)
    ]
    known = tuple(
        known_of(portrait, said, lens)
        for portrait, said, lens in zip(portraits, evidence, lenses, strict=True)
        if said is not None
    )
    odd: frozenset[int] = frozenset()
    if pack.head_model is not None and len(known) == len(portraits):
        by_hand = tuple(portrait.by_hand for portrait in portraits)
        fitted = fit_views(pack.head_model, known, by_hand)
        heads = fitted.heads(pack.head_model, pack.topology, settings.follow)
        odd = strangers(pack.head_model, known, by_hand)
    else:
        fitted = None
        heads = tuple(
            placed_in(portrait.photo, position_map, lens, pack)
            for portrait, (_, position_map, _), lens in zip(portraits, regressed, lenses, strict=True)
        )
    views = tuple(
        View(
            photo=portrait.photo,
            face_box=portrait.face_box,
            crop=crop,
            position_map=head.position_map,
            camera=head.camera,
            focal_from=lens.told_by,
            pose=head.pose,
            visibility=np.ones(len(pack.topology.canonical), np.float32),
            landmarks=pack.topology.landmarks(head.position_map),
            by_hand=portrait.by_hand,
            belongs=number not in odd,
            expression=head.expression,
            pins=portrait.pins,
            cut=None if said is None or those_on(portrait.pins) else said.cut,  # pins move the head elsewhere
        )
        for number, (portrait, (crop, _, _), said, lens, head) in enumerate(
            zip(portraits, regressed, evidence, lenses, heads, strict=True)
        )
    )
    return views, fitted


def in_size(views: tuple[View, ...], settings: Settings, irises: float | None) -> tuple[View, ...]:
    """Views of a head in its true size; the first tells it.

    Args:
        irises: as of `size_by_irises`.
    """
    factor = size_factor(views[0].camera.to_camera_space(views[0].landmarks), settings, irises)
    placed = (sized(view.camera, view.pose, factor) for view in views)
    return tuple(replace(view, camera=camera, pose=pose) for view, (camera, pose) in zip(views, placed, strict=True))


@dataclass(frozen=True)
class Lens:
    """What is known of how a photo was taken, before the fit."""

    focal_px: float | None
    distance: float | None  # metres, as the network says, where the focal length is not known
    told_by: str  # as of `View.focal_from`


def lens_of(photo: Photo, regression: Regression, pack: ModelPack, settings: Settings) -> Lens:
    """The focal length, or the network's distance."""
    focal_px, told_by = focal_length(photo, settings, pack)
    distance = regression.distance if settings.projection == "auto" and focal_px is None else None
    if distance is not None:
        require_distance(distance)
        told_by = "face"
    return Lens(focal_px, distance, told_by)


def known_of(portrait: Portrait, evidence: Evidence, lens: Lens) -> ViewEvidence:
    """What a head is fitted to."""
    return ViewEvidence(
        evidence,
        portrait.photo.width,
        portrait.photo.height,
        focal_px=lens.focal_px,
        distance=lens.distance,
        orthographic=lens.focal_px is None and lens.distance is None,
        pins=portrait.pins,
    )


def placed_in(photo: Photo, position_map: PositionMap, lens: Lens, pack: ModelPack) -> HeadInView:
    """The head as the network shows it, with the pack's detail."""
    vertices, size = pack.topology.vertices(position_map), (photo.width, photo.height)
    camera, pose = place(vertices, pack.topology, size, lens.focal_px, lens.distance)
    return HeadInView(with_detail(position_map, pack.topology), camera, pose)


def focal_length(photo: Photo, settings: Settings, pack: ModelPack) -> tuple[float | None, str]:
    """What is known of it: photo pixels, and where from; None and an empty string where nothing is.

    The head of a pack for parallel rays is one only along these: the photo's own focal length would bend it.
    """
    if settings.projection == "auto" and photo.focal_px is not None and pack.convention.is_perspective:
        return photo.focal_px, "exif"
    if settings.projection == "focal":
        return focal_pixels(settings.focal_mm, photo.width, photo.height), "settings"
    return None, ""


def seen_in(view: View, pack: ModelPack) -> np.ndarray:
    """(V,) how well the photo shows the standard topology's vertices.

    Raises:
        CaptureError: it shows hardly any.
    """
    vertices = pack.topology.vertices(view.position_map)
    visibility = vertex_visibility(vertices, pack.topology.triangles, view.photo.width, view.photo.height)
    if visibility.mean() < LEAST_VISIBLE:
        raise CaptureError("The photo shows hardly anything of a head at this place: give a box around the whole face.")
    return visibility


def head_of(view: View) -> Head:
    """The head as one view shows it."""
    return Head(view.to_head(view.position_map.values), view.to_head(view.landmarks))
