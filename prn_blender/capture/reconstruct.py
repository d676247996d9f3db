"""One face of a photo to a `Capture`, one line a step."""

from dataclasses import replace

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
from .progress import Progress, silent
from .shape.detail import with_detail
from .shape.evidence import Evidence, evidence_of, joined
from .shape.fit import ViewEvidence
from .shape.second_pass import second_pass
from .shape.views import fit_views
from .stopwatch import Stopwatch
from .texture.project import project_texture
from .types import WHOLE, Capture, Head, Photo, Settings, View

LEAST_VISIBLE = 0.05  # share of the surface; a profile shows 0.4, half a face at the photo's edge 0.2
LEAST_BOX = 4  # pixels
LARGEST_BOX = 10  # times the photo


def reconstruct(
    photo: Photo, face_box: FaceBox, pack: ModelPack, settings: Settings, progress: Progress = silent
) -> Capture:
    """One face of a photo to a head.

    Raises:
        CaptureError: the box has no area or lies outside of the photo, or the network cannot run.
        Cancelled: from `progress`.
    """
    clock = Stopwatch()
    require_inside(face_box, photo)
    pack.choose_topology(settings.topology)  # one that the pack has not is told before the work
    if settings.parts == WHOLE:
        _ = pack.parts  # damaged ones, too
    if settings.expressions and pack.expressions is None:
        raise CaptureError(f"The model pack {pack.name} has no expressions: capture without them.")

    progress(0.0, "Loading the model")
    network = open_network(pack, settings.provider)
    refiner = open_refiner(pack, network.provider)
    clock.lap("load model")

    progress(0.2, "Finding the head's shape")
    crop, position_map, regression = regress(photo, face_box, pack, network, settings.passes)
    clock.lap("network")

    evidence = evidence_in(photo, crop, position_map, regression, pack, refiner)
    clock.lap("second pass")

    view = view_of(photo, face_box, crop, position_map, pack, settings, regression.distance, evidence)
    clock.lap("geometry")

    progress(0.35, "Finding what the photo shows")
    view = replace(view, visibility=seen_in(view, pack))
    clock.lap("visibility")

    textures = project_texture(
        view,
        pack.topology,
        settings.texture_size,
        settings.fill,
        lambda fraction, text: progress(0.5 + 0.5 * fraction, text),
        rims_move=settings.expressions and settings.parts == WHOLE,
    )
    clock.lap("texture")

    progress(1.0, "Captured")
    return Capture(
        views=(view,),
        head=head_of(view),
        textures=textures,
        pack=pack,
        settings=settings,
        provider=network.provider,
        provider_fallback=network.fallback,
        timings=clock.seconds,
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
    if refiner is None:
        return first
    second = second_pass(photo.pixels, position_map, pack.topology, refiner.run)
    return second if first is None or seen is None else joined(first, second, seen)


def view_of(
    photo: Photo,
    face_box: FaceBox,
    crop: Crop,
    position_map: PositionMap,
    pack: ModelPack,
    settings: Settings,
    distance: float | None,
    evidence: Evidence | None,
) -> View:
    """How the head lies in the photo, its visibility still to be found.

    Where the pack knows what heads are like, the position map is that of the head that explains the evidence best.

    Args:
        distance: as the network says; it counts where no focal length is known.
    """
    focal_px, focal_from = focal_length(photo, settings, pack)
    estimate = distance if settings.projection == "auto" and focal_px is None else None
    if estimate is not None:
        require_distance(estimate)
        focal_from = "face"
    size = photo.width, photo.height
    if pack.head_model is not None and evidence is not None:
        orthographic = focal_px is None and estimate is None
        known = ViewEvidence(evidence, *size, focal_px=focal_px, distance=estimate, orthographic=orthographic)
        _, (head,) = fit_views(pack.head_model, pack.topology, (known,))
        position_map, camera, pose, expression = head.position_map, head.camera, head.pose, head.expression
    else:
        expression = None
        camera, pose = place(pack.topology.vertices(position_map), pack.topology, size, focal_px, estimate)
    position_map = with_detail(position_map, pack.topology)
    return View(
        photo=photo,
        face_box=face_box,
        crop=crop,
        position_map=position_map,
        camera=camera,
        focal_from=focal_from,
        pose=pose,
        visibility=np.ones(len(pack.topology.canonical), np.float32),
        landmarks=pack.topology.landmarks(position_map),
        expression=expression,
    )


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
