"""The whole way from a photo to a `Capture`."""

import time
from dataclasses import dataclass, field

import numpy as np

from .camera import Camera, focal_from_distance, focal_pixels, unit_camera
from .crop import Crop, crop_around, crop_in_box
from .detail import with_detail
from .errors import CaptureError
from .faces import FaceBox
from .network import Network, Regression, open_network
from .pack import PREFERRED_TOPOLOGY, ModelPack
from .photo import Photo
from .pose import Similarity, fit_similarity, yaw_pitch_roll
from .position_map import PositionMap
from .progress import Progress, silent
from .shape.parts import Part, clear_of_eyes, opened, parts_of
from .soundness import require_distance, require_head
from .texture import Texture, project_texture
from .topology import Topology
from .visibility import vertex_visibility

LEAST_VISIBLE = 0.05  # share of the surface; a profile shows 0.4, half a face at the photo's edge 0.2
LEAST_BOX = 4  # pixels
LARGEST_BOX = 10  # times the photo


WHOLE, SIMPLE = "whole", "simple"


@dataclass(frozen=True)
class Settings:
    """What the user can choose."""

    texture_size: int = 2048
    fill: bool = True  # continue the texture where the photo does not show the head
    passes: int = 2  # network passes; from the second on the crop follows the landmarks
    # "auto": the focal length that EXIF tells, else one estimated from the face; "focal"; "orthographic"
    projection: str = "auto"
    focal_mm: float = 50.0  # 35 mm equivalent, with projection "focal"
    provider: str = "auto"  # or an onnxruntime execution provider
    parts: str = SIMPLE  # WHOLE: eyes, lashes, teeth and insides; SIMPLE: patches close eyes and mouth
    topology: str = PREFERRED_TOPOLOGY  # the mesh's, by its name in the pack


@dataclass(frozen=True)
class HeadMesh:
    """The head in its aligned frame: metres, Blender axes, facing -Y, origin midway between the eyes."""

    vertices: np.ndarray  # (V, 3) float32, in the topology's order
    landmarks: np.ndarray  # (68, 3) float32
    visibility: np.ndarray  # (V,) float32 0..1, seen in the photo


@dataclass(frozen=True)
class Capture:
    """A photo turned into a head: everything the scene needs."""

    photo: Photo
    face_box: FaceBox
    pack: ModelPack
    topology: Topology  # the mesh's
    settings: Settings
    crop: Crop  # of the last pass
    position_map: PositionMap
    camera: Camera
    focal_from: str  # "exif", "settings" or "face", where the focal length is from; empty without one
    pose: Similarity  # aligned frame -> camera space; scale 1
    head: HeadMesh
    landmarks_in_photo: np.ndarray  # (68, 3) photo space
    visible_share: float  # of the standard topology's vertices
    texture: Texture
    provider: str  # the execution provider that the session really used
    provider_fallback: str  # why it is not the one asked for; empty when it is
    timings: dict[str, float]  # seconds by step
    parts: tuple[Part, ...] = ()  # of a whole head


@dataclass
class Stopwatch:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def lap(self, step: str) -> None:
        """The time since the last lap belongs to `step`."""
        now = time.perf_counter()
        self.seconds[step] = now - self.started
        self.started = now


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
    topology = pack.choose_topology(settings.topology)

    progress(0.0, "Loading the model")
    network = open_network(pack, settings.provider)
    clock.lap("load model")

    progress(0.2, "Finding the head's shape")
    crop, position_map, regression = regress(photo, face_box, pack, network, settings.passes)
    clock.lap("network")

    position_map = with_detail(position_map, pack.topology)
    vertices = pack.topology.vertices(position_map)
    landmarks = pack.topology.landmarks(position_map)
    focal_px, focal_from = focal_length(photo, settings)
    estimate = regression.distance if settings.projection == "auto" and focal_px is None else None
    if estimate is not None:
        require_distance(estimate)
    camera, pose = place(vertices, pack.topology, photo, focal_px, estimate)
    clock.lap("geometry")

    progress(0.35, "Finding what the photo shows")
    visibility = vertex_visibility(vertices, pack.topology.triangles, photo.width, photo.height)
    if visibility.mean() < LEAST_VISIBLE:
        raise CaptureError("The photo shows hardly anything of a head at this place: give a box around the whole face.")
    clock.lap("visibility")

    texture = project_texture(
        photo,
        position_map,
        pack.topology,
        visibility,
        settings.texture_size,
        settings.fill,
        lambda fraction, text: progress(0.5 + 0.5 * fraction, text),
    )
    clock.lap("texture")

    share = float(visibility.mean())
    if topology is not pack.topology:
        vertices = topology.vertices(position_map)
        visibility = vertex_visibility(vertices, topology.triangles, photo.width, photo.height)
        clock.lap("topology")

    vertices = pose.inverse_apply(camera.to_camera_space(vertices))
    parts: tuple[Part, ...] = ()
    if settings.parts == WHOLE and pack.parts is not None:
        anchors = pose.inverse_apply(camera.to_camera_space(position_map.sample(pack.parts.anchor_uv)))
        parts = parts_of(pack.parts, anchors, vertices, topology)
        vertices = clear_of_eyes(vertices, topology, parts)
        topology, kept = opened(topology)
        vertices, visibility = vertices[kept], visibility[kept]
        clock.lap("parts")

    progress(1.0, "Captured")
    return Capture(
        photo=photo,
        face_box=face_box,
        pack=pack,
        topology=topology,
        settings=settings,
        crop=crop,
        position_map=position_map,
        camera=camera,
        focal_from=focal_from if estimate is None else "face",
        pose=pose,
        head=HeadMesh(
            vertices=vertices.astype(np.float32),
            landmarks=pose.inverse_apply(camera.to_camera_space(landmarks)).astype(np.float32),
            visibility=visibility,
        ),
        landmarks_in_photo=landmarks,
        visible_share=share,
        texture=texture,
        provider=network.provider,
        provider_fallback=network.fallback,
        timings=clock.seconds,
        parts=parts,
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
        require_head(regression.position_map, pack.topology)
        position_map = in_photo_space(regression.position_map, crop)
        if remaining:
            landmarks = pack.topology.landmarks(position_map)[:, :2]
            crop = crop_around(landmarks, pack.crop_rule, in_plane_roll(position_map, pack.topology))
    return crop, position_map, regression


def in_plane_roll(position_map: PositionMap, topology: Topology) -> float:
    """Radians by which the head is tilted in the picture, as in `Crop.roll`."""
    some = topology.rigid_sample
    seen = position_map.sample(topology.sample_uv[some]).mean(axis=1)
    fit = fit_similarity(topology.canonical[some], seen * (1, -1, 1))
    return float(np.radians(yaw_pitch_roll(fit.rotation)[2]))


def in_photo_space(values: np.ndarray, crop: Crop) -> PositionMap:
    """The network's (R, R, 3) in crop units as a position map."""
    photo_values = np.empty(values.shape, np.float32)
    photo_values[..., :2] = crop.to_photo(values[..., :2])
    photo_values[..., 2] = values[..., 2] * crop.side
    return PositionMap(photo_values)


def focal_length(photo: Photo, settings: Settings) -> tuple[float | None, str]:
    """What is known of it: photo pixels, and where from; None and an empty string where nothing is."""
    if settings.projection == "auto" and photo.focal_px is not None:
        return photo.focal_px, "exif"
    if settings.projection == "focal":
        return focal_pixels(settings.focal_mm, photo.width, photo.height), "settings"
    return None, ""


def place(
    vertices: np.ndarray,
    topology: Topology,
    photo: Photo,
    focal_px: float | None,
    distance: float | None = None,
) -> tuple[Camera, Similarity]:
    """The photo's camera in metres, and the pose of the aligned frame in its space.

    The photo alone does not tell the head's size: it is taken from the canonical head.

    Args:
        vertices: (V, 3) photo space.
        focal_px: photo pixels, None where it is not known.
        distance: metres from the camera to the head's origin, where the focal length follows from it. With neither the
            camera is orthographic.
    """
    rigid = topology.rigid
    camera = aim(vertices, topology, photo, focal_px, distance)
    fit = fit_similarity(topology.canonical[rigid], camera.to_camera_space(vertices[rigid]))
    camera = camera.scaled(1 / fit.scale)
    in_camera = camera.to_camera_space(vertices)
    # The origin goes between the eyes of this head, not of the canonical one.
    eyes = topology.eye_weights @ in_camera - fit.rotation @ (topology.eye_weights @ topology.canonical)
    return camera, Similarity(1.0, fit.rotation, eyes)


def aim(
    vertices: np.ndarray, topology: Topology, photo: Photo, focal_px: float | None, distance: float | None
) -> Camera:
    """The photo's camera aimed at the head's origin, before the head's size is known; arguments as of `place`."""
    some = topology.rigid_sample
    canonical, origin, seen = topology.canonical[some], topology.origin_canonical, vertices[some]
    fit = fit_similarity(canonical, seen * (1, -1, 1))  # as if by parallel rays
    aimed_at, scale = fit.apply(origin)[:2] * (1, -1), fit.scale
    for _ in range(3):  # where it aims and what it sees follow from one another
        if distance is not None:
            focal_px = focal_from_distance(distance * scale, photo.width, photo.height, aimed_at)
        camera = unit_camera(photo.width, photo.height, focal_px, aimed_at)
        if not camera.is_perspective:
            break
        fit = fit_similarity(canonical, camera.to_camera_space(seen))
        aimed_at, scale = camera.project(fit.apply(origin)), fit.scale
    return camera
