"""The ONNX graph of PRNet's network from the table of its layers.

python -m training.resfcn256      writes prn_blender/capture/packs/resfcn256.onnx

That file has no weights in it: a user's come from the checkpoint that the user has. With random ones it is a peer to
time (`export`).
"""

from pathlib import Path

import numpy as np
import onnx

from prn_blender.capture.packs import resfcn256
from prn_blender.capture.packs.resfcn256 import Convolution, Parameter, Residual


class _Graph:
    """Collects nodes; every one is named by its output."""

    def __init__(self) -> None:
        self.nodes = []

    def add(self, kind: str, *inputs: str, **attributes) -> str:
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolution(self, x: str, layer: Convolution) -> str:
        return self.add(
            "ConvTranspose" if layer.transposed else "Conv",
            x,
            *(parameter.name for parameter in layer.parameters),
            kernel_shape=[layer.kernel] * 2,
            strides=[layer.stride] * 2,
            pads=layer.pads,
        )

    def residual(self, x: str, block: Residual) -> str:
        shortcut = self.convolution(x, block.shortcut) if block.shortcut else x
        first, second, last = block.convolutions
        y = self.add("Relu", self.convolution(x, first))
        y = self.add("Relu", self.convolution(y, second))
        y = self.add("Add", self.convolution(y, last), shortcut)
        factor, shift = block.normalisation
        return self.add("Add", self.add("Mul", y, factor.name), shift.name)


def make_model(weights: list[onnx.TensorProto], batch: int | str) -> onnx.ModelProto:
    """Input "image" (batch, 3, 256, 256), output "position_map" (batch, 256, 256, 3)."""
    graph, x = _Graph(), "image"
    for layer in resfcn256.LAYERS:
        y = graph.residual(x, layer) if isinstance(layer, Residual) else graph.convolution(x, layer)
        x = graph.add("Sigmoid" if layer is resfcn256.LAYERS[-1] else "Relu", y)
    graph.add("Transpose", x, perm=[0, 2, 3, 1])
    graph.nodes[-1].output[0] = "position_map"
    side = resfcn256.SIDE
    image, position_map = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [batch, *shape])
        for name, shape in (("image", [3, side, side]), ("position_map", [side, side, 3]))
    )
    return onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "resfcn256", [image], [position_map], weights),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )


def without_weights() -> bytes:
    """The graph that looks for its parameters in a file beside it, one after the other."""
    weights, place = [], 0
    for parameter in resfcn256.parameters():
        tensor = onnx.TensorProto(name=parameter.name, data_type=onnx.TensorProto.FLOAT, dims=parameter.shape)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        size = 4 * int(np.prod(parameter.shape))
        for key, value in (("location", resfcn256.WEIGHTS_NAME), ("offset", place), ("length", size)):
            tensor.external_data.add(key=key, value=str(value))
        weights.append(tensor)
        place += size
    return make_model(weights, batch="N").SerializeToString(deterministic=True)


def export(path: Path, batch: int | str = 1) -> None:
    """Writes the network with random weights; `batch` may be a name: any batch."""
    rng = np.random.default_rng(0)

    def random(parameter: Parameter) -> onnx.TensorProto:
        fan_in = np.prod(parameter.shape[1:]) if len(parameter.shape) == 4 and parameter.shape[0] > 1 else 100
        values = rng.normal(0, 1 / np.sqrt(fan_in), parameter.shape)
        return onnx.numpy_helper.from_array(values.astype(np.float32), parameter.name)

    onnx.save(make_model([random(parameter) for parameter in resfcn256.parameters()], batch), str(path))


if __name__ == "__main__":
    resfcn256.GRAPH_FILE.write_bytes(without_weights())
