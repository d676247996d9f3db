"""The fitted head at the places of a mesh alone, without its position map: quickly enough to follow the mouse."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..geometry.camera import Camera
from ..geometry.place import seen_by_parallel_rays
from ..geometry.pose import Similarity
from ..geometry.position_map import BicubicSampler, PositionMap, sample_bicubic
from ..packs.pack import ModelPack
from ..packs.topology import Topology
from ..types import Settings
from .head_model import HeadModel
from .pins import Places, close_gaps, gaps_of, those_on, uv_of
from .remainder import fitted_map
from .size import size_factor, sized
from .views import Fitted


@dataclass(frozen=True, eq=False)
class Sampled:
    """Some places on the head, with all that does not change with the fit."""

    places: Places
    of_map: BicubicSampler  # of the model's fine texels
    detail: np.ndarray  # (P, 3) metres in the mean head's axes: what the pack adds, see `with_detail`

    @classmethod
    def at(cls, model: HeadModel, standard: Topology, uv: np.ndarray) -> "Sampled":
        """At `uv` (P, 2); the topology is the pack's standard one."""
        detail = np.zeros((len(uv), 3), np.float32)
        if standard.detail is not None:
            detail = sample_bicubic(standard.detail, uv)
        return cls(Places.at(model, uv), BicubicSampler.at(uv, len(model.detail)), detail)


@dataclass(frozen=True, eq=False)
class Shown:
    """The fitted head in one photo, as `Fitted.head_in` has it, to be asked for places."""

    model: HeadModel
    standard: Topology
    fitted: Fitted
    number: int
    coarse: PositionMap  # without detail and pins
    into_photo: np.ndarray  # (3, 3) float32 from the mean head's axes

    @classmethod
    def of(cls, model: HeadModel, standard: Topology, fitted: Fitted, number: int, follow: float) -> "Shown":
        coarse = fitted_map(model, fitted.found, number, fitted.known[number], follow)
        seen = seen_by_parallel_rays(coarse, standard)
        into_photo = seen.scale * seen.rotation * np.array([[1], [-1], [1]])
        return cls(model, standard, fitted, number, coarse, into_photo.astype(np.float32))

    def at(self, sampled: Sampled) -> np.ndarray:
        """(P, 3) float32 photo space."""
        values, pins = self._without_pins(sampled), those_on(self.fitted.known[self.number].pins)
        if pins:
            pinned = _of_pins(self.model, self.standard, tuple(pin.uv for pin in pins))
            gaps, size = gaps_of(pins, self._without_pins(pinned)), self.fitted.found.views[self.number].size
            values[:, :2] += close_gaps(self.model, uv_of(pins), gaps, size, sampled.places)
        return values

    def _without_pins(self, sampled: Sampled) -> np.ndarray:
        return sampled.of_map.sample(self.coarse.values) + sampled.detail @ self.into_photo.T


@lru_cache(maxsize=4)
def _of_pins(model: HeadModel, standard: Topology, uv: tuple[tuple[float, float], ...]) -> Sampled:
    """At pins, which seldom change their places on the head."""
    return Sampled.at(model, standard, np.array(uv))


@dataclass(frozen=True, eq=False)
class PlacedHead:
    """The fitted head in one photo, in its own size."""

    vertices: np.ndarray  # (V, 3) float32 metres of the aligned frame
    landmarks: np.ndarray  # (68, 3) float32
    anchors: np.ndarray  # (K, 3) float32, of the parts
    camera: Camera
    pose: Similarity  # aligned frame -> camera space; scale 1


@dataclass(frozen=True, eq=False)
class HeadSampler:
    """Makes the vertices of one topology of a fitted head, again and again."""

    model: HeadModel
    standard: Topology  # the pack's
    topology: Topology
    sampled: Sampled  # the vertices, those on a seam once more, both samples of the eyes', landmarks, parts' anchors
    ends: tuple[int, ...]  # where each of these ends but for the last

    @classmethod
    def of(cls, pack: ModelPack, topology: Topology, with_parts: bool) -> "HeadSampler | None":
        """None where the pack does not know what heads are like."""
        model, standard, uv = pack.head_model, pack.topology, topology.sample_uv
        if model is None:
            return None
        places = (
            uv[:, 0],
            uv[topology.on_seam, 1],
            standard.sample_uv[standard.eye_weights > 0].reshape(-1, 2),
            standard.landmark_uv,
            pack.parts.anchor_uv if with_parts and pack.parts is not None else np.zeros((0, 2)),
        )
        ends = tuple(np.cumsum([len(one) for one in places])[:-1].tolist())
        return cls(model, standard, topology, Sampled.at(model, standard, np.concatenate(places)), ends)

    def heads(
        self, fitted: Fitted, settings: Settings, numbers: Sequence[int], irises: float | None = None
    ) -> list[PlacedHead]:
        """The head in some of the photos; it is as large in all of them as in the first.

        Args:
            settings: how much it follows the photos, and where its size is from.
            irises: as of `size_by_irises`.
        """
        cameras = [state.camera for state in fitted.found.views]
        seen = {
            number: cameras[number].to_camera_space(
                Shown.of(self.model, self.standard, fitted, number, settings.follow).at(self.sampled)
            )
            for number in {0, *numbers}
        }
        factor = size_factor(np.split(seen[0], self.ends)[3], settings, irises)
        return [self._placed(seen[k], cameras[k], fitted.found.views[k].rotation, factor) for k in numbers]

    def moved_by(self, field: np.ndarray) -> np.ndarray:
        """(V, 3) metres by which a field over UV (G, G, 3), of the model's texels, moves the vertices."""
        vertices, seam = np.split(self._of_field.sample(field), self.ends[:1])
        on_seam = self.topology.on_seam
        vertices[on_seam] = (vertices[on_seam] + seam) / 2
        return vertices

    @cached_property
    def _of_field(self) -> BicubicSampler:
        return BicubicSampler.at(self.sampled.places.uv[: self.ends[1]], len(self.model.mean))

    def place_in(self, fitted: Fitted, number: int, uv: tuple[float, float], follow: float) -> tuple[float, float]:
        """Photo pixels of a place on the head in one of the photos."""
        shown = Shown.of(self.model, self.standard, fitted, number, follow)
        x, y, _ = shown.at(Sampled.at(self.model, self.standard, np.array([uv])))[0].tolist()
        return x, y

    def _placed(self, seen: np.ndarray, camera: Camera, rotation: np.ndarray, factor: float) -> PlacedHead:
        """Of what is seen in camera space, of a head of the model's size."""
        weights = self.standard.eye_weights
        eyes = np.split(seen, self.ends)[2].reshape(-1, 2, 3).mean(axis=1)
        between = weights[weights > 0] @ eyes - rotation @ (weights @ self.standard.canonical)
        in_head = factor * Similarity(1.0, rotation, between).inverse_apply(seen).astype(np.float32)
        vertices, seam, _, landmarks, anchors = np.split(in_head, self.ends)
        on_seam = self.topology.on_seam
        vertices[on_seam] = (vertices[on_seam] + seam) / 2
        camera, pose = sized(camera, Similarity(1.0, rotation, between), factor)
        return PlacedHead(vertices, landmarks, anchors, camera, pose)
