"""Every number of a pack, the same for any pack.

python -m training.evaluate PACK_FOLDER [--synthetic DATA --layout L.npz] [--pictures FOLDER]
"""

import argparse
import time
from pathlib import Path

import numpy as np

from prn_blender.capture.crop import crop_around
from prn_blender.capture.pack import ModelPack, load_pack
from prn_blender.capture.pose import fit_similarity, umeyama
from prn_blender.capture.position_map import PositionMap

from .landmark_fit import halves
from .photos import AnnotatedCrops, Nme, load_aflw, load_dlib, nme

FAILURE = 8.0  # per cent


class PackRunner:
    """A pack's network in onnxruntime on two threads."""

    def __init__(self, pack: ModelPack):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.pack = pack
        self.session = onnxruntime.InferenceSession(str(pack.network_file), options, providers=["CPUExecutionProvider"])
        self.input_size = self.session.get_inputs()[0].shape[2]

    def maps(self, crops: np.ndarray) -> np.ndarray:
        """(N, R, R, 3) of crops (N, S, S, 3) uint8."""
        return np.concatenate([self._run(crop[None]) for crop in crops])

    def landmarks(self, maps: np.ndarray) -> np.ndarray:
        """(N, 68, 3) crop units."""
        return np.stack([self.pack.topology.landmarks(PositionMap(values)) for values in maps])

    def milliseconds(self, passes: int = 30) -> float:
        """The median time of a pass."""
        crop = np.zeros((1, self.input_size, self.input_size, 3), np.uint8)
        times = []
        for _ in range(passes):
            started = time.perf_counter()
            self._run(crop)
            times.append(time.perf_counter() - started)
        return float(np.median(times)) * 1000

    def _run(self, crops: np.ndarray) -> np.ndarray:
        image = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / 255
        return self.session.run([self.pack.output_name], {self.pack.input_name: image})[0]


def describe(name: str, chosen: np.ndarray, crops: AnnotatedCrops, predicted: np.ndarray) -> None:
    """Prints one line of errors of the chosen photos."""
    part = nme(predicted[chosen], crops.take(chosen))
    bins = " / ".join(f"{value:.2f}" for value in part.bins)
    failures = 100 * (part.each > FAILURE).mean()
    print(
        f"{name:28s} bins {bins}  mean {part.mean_of_bins:.2f}  all {part.each.mean():.2f}"
        f"  median {np.median(part.each):.2f}  over {FAILURE:.0f} %: {failures:.1f} %"
    )


def without_similarity(predicted: np.ndarray, crops: AnnotatedCrops) -> np.ndarray:
    """The landmarks (N, 68, 2) moved by the best similarity of each photo: what is left is shape."""
    moved = []
    for points, target in zip(predicted, crops.points, strict=True):
        pad = np.zeros((68, 1))
        fit = umeyama(np.hstack([points, pad]), np.hstack([target, pad]), np.ones(68))
        moved.append(fit.apply(np.hstack([points, pad]))[:, :2])
    return np.stack(moved)


def report_photos(runner: PackRunner, pictures: Path | None) -> None:
    """Landmarks on both annotated sets."""
    for name, crops in (("aflw2000_dev", load_aflw(runner.input_size)), ("dlib68", load_dlib(runner.input_size))):
        predicted = runner.landmarks(runner.maps(crops.pictures))[..., :2]
        result = nme(predicted, crops)
        fitted, other = halves(crops)
        describe(name, fitted | other, crops, predicted)
        describe("  fitted half", fitted, crops, predicted)
        describe("  other half", other, crops, predicted)
        describe("  without similarity", fitted | other, crops, without_similarity(predicted, crops))
        if pictures:
            draw_worst(pictures / f"{name}_worst.png", crops, predicted, result)


def draw_worst(path: Path, crops: AnnotatedCrops, predicted: np.ndarray, result: Nme, count: int = 20) -> None:
    """The worst photos with annotated (green) and predicted (red) landmarks."""
    import cv2

    size, tiles = 256, []
    for i in np.argsort(-result.each)[:count]:
        tile = cv2.resize(crops.pictures[i], (size, size), interpolation=cv2.INTER_CUBIC)
        for points, colour in ((crops.points[i], (0, 220, 0)), (predicted[i], (255, 40, 40))):
            for x, y in points * size:
                cv2.circle(tile, (round(float(x)), round(float(y))), 1, colour, -1, cv2.LINE_AA)
        label = f"{crops.names[i]} {result.each[i]:.1f}"
        cv2.putText(tile, label, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    rows = [np.concatenate(tiles[i : i + 5], 1) for i in range(0, len(tiles) - 4, 5)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.concatenate(rows)[..., ::-1])


def report_synthetic(runner: PackRunner, data: Path, layout_file: Path, count: int = 300) -> None:
    """Surface error in mm on rendered heads that no training saw, and the canonical head's as a control.

    Both after the best similarity, camera known: what is measured is shape, seen or hidden, expressions included.
    """
    import torch

    from .assets import load_facekit
    from .bake import sampling_operator
    from .dataset import RenderedHeads
    from .labels import LabelMaker, split_states
    from .uv_layout import UvLayout

    topology, rule = runner.pack.topology, runner.pack.crop_rule
    layout, kit, heads = UvLayout.load(layout_file), load_facekit(), RenderedHeads([data])
    chosen = np.arange(0, len(heads), max(1, len(heads) // count))[:count]
    # exact surface points at a part of the pack's vertices
    vertices = np.arange(0, len(topology.canonical), 8)
    points = LabelMaker(kit, sampling_operator(layout, topology.sample_uv[vertices, 0]))
    corners = LabelMaker(kit, sampling_operator(layout, topology.landmark_uv))
    pictures, states = heads.batch(chosen)
    with torch.no_grad():
        truth, landmarks = points(states).numpy(), corners(states).numpy()
        parts = split_states(states)
    focal, centre_x, centre_y = parts["projection"].numpy().T
    distance = -parts["translation"][:, 2].numpy()

    def to_space(values: np.ndarray, i: int) -> np.ndarray:
        """Picture coordinates (P, 3) to mm in camera space."""
        depth = distance[i] * (1 - values[:, 2] / focal[i])
        x = (values[:, 0] - centre_x[i]) * depth / focal[i]
        y = (centre_y[i] - values[:, 1]) * depth / focal[i]
        return 10 * np.stack([x, y, -depth], 1)

    errors, control = [], []
    for i in range(len(chosen)):
        picture = (pictures[i].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        crop = crop_around(landmarks[i, :, :2] * len(picture), rule)
        values = runner.maps(crop.resample(picture, runner.input_size)[None])[0]
        found = topology.vertices(PositionMap(values))[vertices]
        scale = crop.side / len(picture)
        found = to_space(np.column_stack([crop.to_photo(found[:, :2]) / len(picture), found[:, 2] * scale]), i)
        target = to_space(truth[i], i)
        errors.append(np.linalg.norm(fit_similarity(found, target).apply(found) - target, axis=1))
        still = topology.canonical[vertices]
        control.append(np.linalg.norm(fit_similarity(still, target).apply(still) - target, axis=1))
    errors, control = np.stack(errors), np.stack(control)
    region = topology.region[vertices]
    names = np.array(topology.region_names)[region]
    face = (names == "skin") & (topology.canonical[vertices, 1] < topology.landmark_canonical[[0, 16], 1].mean())
    for name, inside in (
        ("whole head", names != ""),
        ("face", face),
        ("ears and sides", (names == "skin") & ~face),
        ("skull and neck", names == "scalp_and_neck"),
    ):
        print(
            f"synthetic {name:16s} mm: median {np.median(errors[:, inside]):.2f}, 95 % {np.percentile(errors[:, inside], 95):.2f}"
            f"; canonical head {np.median(control[:, inside]):.2f}, {np.percentile(control[:, inside], 95):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--synthetic", type=Path, help="folder of shards that no training saw")
    parser.add_argument("--layout", type=Path, help="needed with --synthetic")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the worst photos")
    options = parser.parse_args()
    runner = PackRunner(load_pack(options.pack))
    report_photos(runner, options.pictures)
    if options.synthetic:
        report_synthetic(runner, options.synthetic, options.layout)
    size = runner.pack.network_file.stat().st_size / 1e6
    print(f"{runner.milliseconds():.1f} ms a pass on two threads, {size:.1f} MB")


if __name__ == "__main__":
    main()
