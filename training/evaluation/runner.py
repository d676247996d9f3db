"""A pack's network, ready to be measured."""

import time
from functools import cached_property

import numpy as np

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.pack import ModelPack


class PackRunner:
    """A pack's network in onnxruntime on two threads."""

    def __init__(self, pack: ModelPack):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.pack = pack
        self.session = onnxruntime.InferenceSession(str(pack.network_file), options, providers=["CPUExecutionProvider"])
        self.input_size = self.session.get_inputs()[0].shape[2]
        self.output_names = [output.name for output in self.session.get_outputs()]

    def outputs(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Every output of the network, (N, ...), of crops (N, S, S, 3) uint8."""
        passes = [self._run(crop[None]) for crop in crops]
        return {name: np.concatenate([one[k] for one in passes]) for k, name in enumerate(self.output_names)}

    def maps(self, crops: np.ndarray) -> np.ndarray:
        """(N, R, R, 3) of crops (N, S, S, 3) uint8."""
        return self.outputs(crops)[self.pack.output_name]

    def landmarks(self, maps: np.ndarray) -> np.ndarray:
        """(N, 68, 3) crop units."""
        return np.stack([self.pack.topology.landmarks(PositionMap(values)) for values in maps])

    @cached_property
    def canonical_landmarks(self) -> np.ndarray:
        """(68, 3) metres of the canonical head at the pack's landmark UV, which follow the annotators."""
        from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

        topology = self.pack.topology
        places = topology.sample_uv[:, 0]
        points = LinearNDInterpolator(places, topology.canonical)(topology.landmark_uv)
        nearest = NearestNDInterpolator(places, topology.canonical)(topology.landmark_uv)
        return np.where(np.isnan(points), nearest, points)

    @property
    def megabytes(self) -> float:
        """Size of the network's file."""
        return self.pack.network_file.stat().st_size / 1e6

    def milliseconds(self, passes: int = 50) -> np.ndarray:
        """The times of passes, after a few to warm up."""
        crop = np.zeros((1, self.input_size, self.input_size, 3), np.uint8)
        times = []
        for _ in range(passes + 5):
            started = time.perf_counter()
            self._run(crop)
            times.append(time.perf_counter() - started)
        return np.array(times[5:]) * 1000

    def _run(self, crops: np.ndarray) -> list[np.ndarray]:
        image = np.ascontiguousarray(crops.transpose(0, 3, 1, 2), np.float32) / 255
        return self.session.run(self.output_names, {self.pack.input_name: image})
