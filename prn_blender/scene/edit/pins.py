"""Pins on captured heads: places that the artist put elsewhere in a photo. The whole head follows them, by its fit.

What an artist changed on the mesh (sculpting, shape keys, landmarks moved in space) stays on top of the fitted head.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import bpy
import numpy as np

from ...capture.errors import CaptureError
from ...capture.packs.pack import ModelPack
from ...capture.packs.topology import Topology
from ...capture.record import look_in, pins_in, pins_record, placement_record
from ...capture.shape.expressions import PHOTO, photo_expression
from ...capture.shape.mesh import with_parts
from ...capture.shape.outline import GRAZING, nearest_outline, slid
from ...capture.shape.parts import opened
from ...capture.shape.pick import pick
from ...capture.shape.pins import Pin
from ...capture.shape.sampled import HeadSampler, PlacedHead
from ...capture.shape.size import enlarged
from ...capture.shape.views import Fitted
from ...capture.types import WHOLE, HeadMesh
from ..build.camera import cameras_of, set_lens
from ..build.expressions import has_expressions
from ..build.parts import parts_of_head, place_parts
from ..build.views import key_of_view, set_landmark_offsets
from ..fitted import fitted_of, has_fitted, store_found
from ..record import change_settings, change_view, read_record, settings_in, views_of_head
from .adjust import carry_landmarks, is_adjustable
from .align import alignment_of, set_alignment
from .frame import built_metre, frame_in_mesh

DRAG_ROUNDS = 1  # of the fit at each step of a drag: the next one goes on from there
REST_ROUNDS = 4  # and where it ends


def is_pinnable(head: bpy.types.Object) -> bool:
    """Whether a head can follow pins: it knows what it was fitted to, and its mesh can be changed."""
    return has_fitted(head) and is_adjustable(head)


def pins_of(head: bpy.types.Object, view: int) -> tuple[Pin, ...]:
    """Those in one of a head's photos."""
    return pins_in(views_of_head(head)[view])


def count_pins(head: bpy.types.Object) -> int:
    """Those in all photos, turned off ones too."""
    return sum(len(pins_in(view)) for view in views_of_head(head))


@dataclass(frozen=True)
class Rules:
    """What may follow the pins, and how closely."""

    lock_identity: bool = False
    lock_expression: bool = False


class PinnedHead:
    """A captured head whose pins are being changed: all that does not change with them, read once."""

    def __init__(self, head: bpy.types.Object, pack: ModelPack):
        """
        Raises:
            CaptureError: the pack knows no head model, or is not the one that the head was captured with.
        """
        record = read_record(head)
        if record["pack"]["sha256"] != pack.sha256 or pack.head_model is None:
            raise CaptureError(f"{head.name} was captured with another model pack: update it from its photo.")
        self.head, self._pack, self._settings = head, pack, settings_in(record)
        self._is_whole = self._settings.parts == WHOLE and pack.parts is not None
        self._gaze, self._irises = look_in(record).gaze, record.get("irises")
        topology = pack.choose_topology(self._settings.topology)
        self._sampler = _sampler_of(pack, topology, self._is_whole)
        self._model = pack.head_model
        self.topology, kept = opened(topology) if self._is_whole else (topology, slice(None))
        self._kept = kept
        self.fitted = fitted_of(head)
        self._shown = self._placed(self.fitted, range(len(self.fitted.known)))
        self._expression = self.fitted.found.views[0].expression
        self._frame = np.array(frame_in_mesh(head))
        self._behind: dict[str, np.ndarray] = {}  # (V, 3) in the mesh: how far shape keys have not yet moved

    def pin_at(self, view: int, place: Sequence[float], beside: float) -> Pin | None:
        """A new pin for what one of the photos shows of the head at a place (photo pixels), where it lies; None beside
        the head.

        Args:
            beside: pixels from the head's outline within which that is pinned, from outside.
        """
        vertices, point = self._in_photo(view), np.asarray(place, float)
        found = pick(vertices, self.topology.triangles, self.topology.triangle_uv, point)
        if found is not None and found.facing > GRAZING:
            return Pin(found.uv, self.place_of(view, found.uv))
        near = nearest_outline(vertices, self.topology, point)
        if near is not None and near[1] <= beside:
            return Pin(near[0], self.place_of(view, near[0]), slides=True)
        return None if found is None else Pin(found.uv, self.place_of(view, found.uv))

    def _in_photo(self, view: int) -> np.ndarray:
        """(V, 3) photo space of the mesh as one of the photos shows it."""
        shown = self._shown[view]
        return shown.camera.to_photo_space(shown.pose.apply(shown.vertices[self._kept]))

    def landmark_pin(self, view: int, index: int) -> Pin:
        """A new pin for a landmark, where it lies in one of the photos."""
        u, v = self._pack.topology.landmark_uv[index].tolist()
        return Pin((u, v), self.place_of(view, (u, v)), landmark=index)

    def place_of(self, view: int, uv: tuple[float, float]) -> tuple[float, float]:
        """Where in a photo (pixels) a place on the head lies now."""
        x, y = self._sampler.place_in(self.fitted, view, uv, self._settings.follow)
        return x, y

    def set_pins(
        self, view: int, pins: Iterable[Pin], rules: Rules = Rules(), rounds: int = REST_ROUNDS, rests: bool = True
    ) -> None:
        """Other pins in one of the photos, and the head as it follows them.

        Args:
            rests: no other step follows at once: all photos' expressions, eyes and teeth follow, too.
        """
        self.fitted = self.fitted.pinned(view, tuple(pins))
        numbers = range(len(self.fitted.known)) if rests else sorted({0, view})
        for number in numbers:
            there = self.fitted.known[number].pins
            if any(pin.slides and pin.is_on for pin in there):
                there = slid(there, self._in_photo(number), self.topology)
            self.fitted = self.fitted.pinned(number, there)
            change_view(self.head, number, {"pins": pins_record(there)})
        self.fitted = self.fitted.again(self._model, rules.lock_identity, rules.lock_expression, rounds)
        self._show(numbers, rests)

    def go_back(self, fitted: Fitted) -> None:
        """To a fit, with its pins, that the head had before."""
        self.fitted = fitted
        for view, known in enumerate(fitted.known):
            change_view(self.head, view, {"pins": pins_record(known.pins)})
        self._show(range(len(fitted.known)), rests=True)

    def set_follow(self, share: float) -> None:
        """How much the surface follows the photos beyond what heads are like, 0..1."""
        self._settings = replace(self._settings, follow=share)
        change_settings(self.head, follow=share)
        self._show(range(len(self.fitted.known)), rests=True)

    def _placed(self, fitted: Fitted, numbers: Sequence[int]) -> dict[int, PlacedHead]:
        heads = self._sampler.heads(fitted, self._settings, tuple(numbers), self._irises)
        return dict(zip(numbers, heads, strict=True))

    def _show(self, numbers: Sequence[int], rests: bool) -> None:
        """The head, its landmarks and its cameras as the fit has them."""
        head, before = self.head, self._shown
        now = {**before, **self._placed(self.fitted, numbers)}
        moved = {number: now[number].vertices[self._kept] - before[number].vertices[self._kept] for number in numbers}
        still = moved[0] - self._changed_expression(now[0].camera.metres_per_px) if has_expressions(head) else moved[0]
        self._move_mesh(moved, still, rests)
        carry_landmarks(head, still, now[0].landmarks - before[0].landmarks)
        store_found(head, self.fitted.found)
        cameras, told = cameras_of(head), views_of_head(head)
        for number in numbers:
            placed, focal_from = now[number], told[number]["camera"]["focal_from"]
            expression = self.fitted.found.views[number].expression.tolist()
            placement = placement_record(placed.camera, focal_from, placed.pose)
            if told[number].get("expression") is not None:  # else it is part of the head itself
                placement["expression"] = expression
            change_view(head, number, placement)
            if number:
                set_landmark_offsets(head, number, placed.landmarks - now[0].landmarks)
            if number in cameras:
                set_lens(cameras[number].data, placed.camera, (0, 0, placed.camera.width, placed.camera.height))
        set_alignment(head, alignment_of(head))
        if rests and self._is_whole:
            self._move_parts(now[0])
        self._shown = now

    def _changed_expression(self, metres_per_px: float) -> np.ndarray:
        """(V, 3) metres of what has changed of the head in the first photo, what is its expression's."""
        now, before = self.fitted.found.views[0].expression, self._expression
        self._expression = now
        field = photo_expression(self._model, now) - photo_expression(self._model, before)
        return enlarged(metres_per_px, self.fitted.found.views[0].size) * self._sampler.moved_by(field)[self._kept]

    def _move_mesh(self, moved: dict[int, np.ndarray], still: np.ndarray, rests: bool) -> None:
        """Moves the mesh by metres (V, 3) of the aligned frame: as the photos show it, and without expression.

        There are dozens of shape keys: those that do not show wait until the drag rests.
        """
        mesh = self.head.data
        moved = {number: (change @ self._frame[:3, :3].T).astype(np.float32) for number, change in moved.items()}
        still = (still @ self._frame[:3, :3].T).astype(np.float32)
        if mesh.shape_keys:
            own = {key_of_view(self.head, number): change for number, change in moved.items() if number}
            if has_expressions(self.head):
                own[mesh.shape_keys.key_blocks[PHOTO]] = moved[0]
            others = {key_of_view(self.head, number) for number in range(1, len(self.fitted.known))} - own.keys()
            own[mesh.shape_keys.reference_key] = still
            for key in mesh.shape_keys.key_blocks:
                if key in own:
                    _move(key.points, own[key])
                elif key not in others:
                    change = self._behind.pop(key.name, 0) + still
                    if rests or key.value or not mesh.shape_keys.use_relative:
                        _move(key.points, change)
                    else:
                        self._behind[key.name] = change
        _move(mesh.attributes["position"].data, still, "vector")  # ten times as quick as the vertices
        mesh.update()

    def _move_parts(self, placed: PlacedHead) -> None:
        """Eyes, lashes, teeth and the mouth's inside to where the head has them."""
        topology = self._pack.choose_topology(self._settings.topology)
        mesh = HeadMesh(topology, placed.vertices, np.ones(len(placed.vertices), np.float32))
        parts = with_parts(mesh, placed.anchors, self._pack.parts, self._gaze).parts
        place_parts(parts_of_head(self.head), parts, built_metre(self.head))


@lru_cache(maxsize=4)
def _sampler_of(pack: ModelPack, topology: Topology, with_parts: bool) -> HeadSampler:
    return HeadSampler.of(pack, topology, with_parts)


def _move(points: bpy.types.bpy_prop_collection, change: np.ndarray, name: str = "co") -> None:
    values = np.empty(change.size, np.float32)
    points.foreach_get(name, values)
    points.foreach_set(name, values + change.ravel())
