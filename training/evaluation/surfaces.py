"""How near a position map's surface is to the true one, on rendered heads that no training saw."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from prn_blender.capture.geometry.crop import crop_around
from prn_blender.capture.geometry.pose import fit_similarity
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.topology import Topology

from ..assets import SKIN_VERTICES, load_facekit
from ..bake import bake_operator, sampling_operator
from ..dataset import RenderedHeads
from ..head_model import HeadState, unproject
from ..labels import LabelMaker
from ..uv_layout import UvLayout
from .numbers import Numbers, add
from .runner import PackRunner

STEP = 8  # every how many-th vertex of the pack is measured
NEAR = 0.6  # metres: selfies
FRONTAL = 30  # degrees of yaw


@dataclass(frozen=True)
class HeldOut:
    """Rendered heads at full size with the truth about them."""

    pictures: np.ndarray  # (N, S, S, 3) uint8
    states: list[HeadState]
    landmarks: np.ndarray  # (N, 68, 3) picture coordinates, at the pack's landmark UV
    surface: np.ndarray  # (N, P, 3) mm in camera space, at every STEP-th vertex of the pack
    visibility: np.ndarray  # (N, SKIN_VERTICES) bool


def load_held_out(topology: Topology, layout: UvLayout, folder: Path, count: int) -> HeldOut:
    """`count` pictures spread over the folder's shards."""
    kit, heads = load_facekit(), RenderedHeads([folder])
    chosen = np.arange(0, len(heads), max(1, len(heads) // count))[:count]
    points = LabelMaker(kit, sampling_operator(layout, topology.sample_uv[::STEP, 0]))
    corners = LabelMaker(kit, sampling_operator(layout, topology.landmark_uv))
    packed = heads.states[torch.from_numpy(chosen)]
    with torch.no_grad():
        surface, landmarks = points(packed).numpy(), corners(packed).numpy()
    states = [HeadState.unpack(values) for values in packed.numpy()]
    return HeldOut(
        pictures=heads.rows("pictures").take(chosen),
        states=states,
        landmarks=landmarks,
        surface=np.stack([10 * unproject(values, state) for values, state in zip(surface, states, strict=True)]),
        visibility=heads.visibility(chosen)[:, :SKIN_VERTICES].astype(bool),
    )


@dataclass(frozen=True)
class SurfaceErrors:
    """Distances to the true points in mm after the best similarity, (N, P)."""

    pack: np.ndarray
    canonical: np.ndarray
    yaw: np.ndarray  # (N,) degrees, absolute


def regions(topology: Topology) -> dict[str, np.ndarray]:
    """(P,) bool of the parts that are told apart."""
    names = np.array(topology.region_names)[topology.region[::STEP]]
    ears, jaw = (topology.landmark_canonical[pair].mean(0) for pair in ([0, 16], [2, 14]))
    in_front, high = topology.canonical[::STEP, 1] < ears[1], topology.canonical[::STEP, 2] > jaw[2]
    return {
        "whole head": names != "",
        "face": (names == "skin") & in_front,
        "ears and sides": (names == "skin") & ~in_front,
        "skull": (names == "scalp_and_neck") & high,
        "neck": (names == "scalp_and_neck") & ~high,
    }


def measure(
    numbers: Numbers, control: Numbers, runner: PackRunner, held_out: HeldOut, layout: UvLayout
) -> SurfaceErrors:
    """Adds surface errors, and what the network says of visibility, its own error and the camera's distance."""
    topology = runner.pack.topology
    still, face = topology.canonical[::STEP], regions(topology)["face"]
    errors, canonical, faces, canonical_faces, yaws, outputs, sizes = [], [], [], [], [], [], []
    for picture, state, landmarks, target in zip(
        held_out.pictures, held_out.states, held_out.landmarks, held_out.surface, strict=True
    ):
        size = len(picture)
        crop = crop_around(landmarks[:, :2] * size, runner.pack.crop_rule)
        output = runner.outputs(crop.resample(picture, runner.input_size)[None])
        found = topology.vertices(PositionMap(output[runner.pack.output_name][0]))[::STEP]
        found = np.column_stack([crop.to_photo(found[:, :2]) / size, found[:, 2] * crop.side / size])
        found = 10 * unproject(found, state)
        errors.append(_errors_in_best_place(found, target))
        fit = fit_similarity(still, target)
        canonical.append(np.linalg.norm(fit.apply(still) - target, axis=1))
        sizes.append(fit.scale / 1000)  # of this head against the canonical one
        faces.append(_errors_in_best_place(found[face], target[face]))
        canonical_faces.append(_errors_in_best_place(still[face], target[face]))
        forwards = state.rotation @ (0, 0, 1)
        yaws.append(abs(np.degrees(np.arctan2(forwards[0], forwards[2]))))
        outputs.append(output)
    result = SurfaceErrors(np.stack(errors), np.stack(canonical), np.array(yaws))
    for name, inside in regions(topology).items():
        _describe(numbers, f"rendered heads, {name}", result.pack[:, inside], result.canonical[:, inside])
        _describe(control, f"rendered heads, {name}", result.canonical[:, inside])
    alone = "rendered heads, face placed by itself"  # where the head is, its neck above all, does not count
    _describe(numbers, alone, np.stack(faces), np.stack(canonical_faces))
    _describe(control, alone, np.stack(canonical_faces))
    frontal = result.yaw < FRONTAL
    _describe(
        numbers, "rendered heads, frontal faces", result.pack[frontal][:, face], result.canonical[frontal][:, face]
    )
    _describe(control, "rendered heads, frontal faces", result.canonical[frontal][:, face])
    if "distance" in runner.output_names:
        _camera_distances(numbers, outputs, held_out, np.array(sizes))
    if "visibility" in runner.output_names:
        _visibilities(numbers, outputs, held_out, layout)
    if "expected_error" in runner.output_names:
        _expectations(numbers, runner, outputs, result)
    return result


def _errors_in_best_place(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(P,) distances of points (P, 3) to true ones after the best similarity."""
    return np.linalg.norm(fit_similarity(found, target).apply(found) - target, axis=1)


def _describe(numbers: Numbers, subject: str, errors: np.ndarray, control: np.ndarray | None = None) -> None:
    add(numbers, subject, **{"mm, median": np.median(errors), "mm, 95 %": np.percentile(errors, 95)})
    if control is not None:
        add(numbers, subject, **{"canonical / this, median": np.median(control) / np.median(errors)})


def _camera_distances(numbers: Numbers, outputs: list[dict], held_out: HeldOut, sizes: np.ndarray) -> None:
    """The camera's distance in units of the canonical head, against the truth."""
    found = np.array([output["distance"].ravel()[0] for output in outputs])
    true = np.array([np.linalg.norm(state.translation) for state in held_out.states]) / 100 / sizes
    off = np.abs(np.log(found / true))
    constant = np.abs(np.log(np.median(true) / true))
    add(
        numbers,
        "camera distance",
        **{
            "factor, median": np.exp(np.median(off)),
            "factor, 95 %": np.exp(np.percentile(off, 95)),
            f"factor, median, nearer than {NEAR} m": np.exp(np.median(off[true < NEAR])),
            "factor of a constant, median": np.exp(np.median(constant)),
        },
    )


def _visibilities(numbers: Numbers, outputs: list[dict], held_out: HeldOut, layout: UvLayout) -> None:
    found = np.stack([output["visibility"].squeeze() for output in outputs])
    operator, inside = bake_operator(layout, found.shape[-1])
    true = np.asarray((operator @ held_out.visibility.T.astype(np.float32)).T).reshape(found.shape) > 0.5
    right = (found > 0.5) == true
    always = np.broadcast_to((true.mean(0) > 0.5), true.shape) == true
    add(
        numbers,
        "visibility",
        **{"right, % of texels": 100 * right[:, inside].mean(), "same for all, %": 100 * always[:, inside].mean()},
    )


def _expectations(numbers: Numbers, runner: PackRunner, outputs: list[dict], result: SurfaceErrors) -> None:
    """Does the network know where it errs: rank correlation of expected and true error over pictures and points."""
    from scipy.stats import spearmanr

    uv = runner.pack.topology.sample_uv[::STEP, 0]
    expected = []
    for output in outputs:
        values = output["expected_error"].squeeze()
        pixel = np.clip((uv * len(values)).astype(int), 0, len(values) - 1)
        expected.append(values[pixel[:, 1], pixel[:, 0]])
    expected = np.stack(expected)
    add(
        numbers,
        "confidence",
        **{
            "rank correlation, pictures": spearmanr(expected.mean(1), result.pack.mean(1)).statistic,
            "rank correlation, points": spearmanr(expected.ravel(), result.pack.ravel()).statistic,
        },
    )
