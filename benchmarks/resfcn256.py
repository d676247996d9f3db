"""PRNet's network, resfcn256, as ONNX with random weights: a peer to time, not a model.

The layers follow the public description of PRNet (Feng et al., ECCV 2018): 256 x 256 x 3 in and out, 13.4 million
parameters, about 4.1 GMAC. Batch normalisation is folded into the convolutions, as an exporter for inference does.
"""

from pathlib import Path

import numpy as np


class _Graph:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes, self.weights = [], []
        self.rng = np.random.default_rng(0)

    def add(self, kind: str, *inputs: str, **attributes) -> str:
        import onnx

        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(kind, inputs, [output], **attributes))
        return output

    def parameter(self, *shape: int) -> str:
        import onnx

        name = f"parameter_{len(self.weights)}"
        fan_in = np.prod(shape[1:]) if len(shape) > 1 else 100
        values = self.rng.normal(0, 1 / np.sqrt(fan_in), shape).astype(np.float32)
        self.weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    def convolution(self, x: str, inputs: int, outputs: int, kernel: int, stride: int, bias: bool = True) -> str:
        weights = [self.parameter(outputs, inputs, kernel, kernel)]
        if bias:
            weights.append(self.parameter(outputs))
        return self.add("Conv", x, *weights, strides=[stride] * 2, auto_pad="SAME_UPPER", kernel_shape=[kernel] * 2)

    def transposed(self, x: str, inputs: int, outputs: int, stride: int) -> str:
        pads = [1, 1, 2, 2] if stride == 1 else [1, 1, 1, 1]
        weights = (self.parameter(inputs, outputs, 4, 4), self.parameter(outputs))
        return self.add("ConvTranspose", x, *weights, strides=[stride] * 2, pads=pads, kernel_shape=[4, 4])

    def residual(self, x: str, inputs: int, outputs: int, stride: int) -> str:
        changed = stride != 1 or inputs != outputs
        shortcut = self.convolution(x, inputs, outputs, 1, stride, bias=False) if changed else x
        y = self.add("Relu", self.convolution(x, inputs, outputs // 2, 1, 1))
        y = self.add("Relu", self.convolution(y, outputs // 2, outputs // 2, 4, stride))
        y = self.add("Add", self.convolution(y, outputs // 2, outputs, 1, 1, bias=False), shortcut)
        scale, shift = self.parameter(1, outputs, 1, 1), self.parameter(1, outputs, 1, 1)
        return self.add("Relu", self.add("Add", self.add("Mul", y, scale), shift))


def export(path: Path, batch: int | str = 1) -> None:
    """Writes the network with input "image" and output "position_map", both (batch, 3, 256, 256); a name: any batch."""
    import onnx

    graph = _Graph()
    x = graph.add("Relu", graph.convolution("image", 3, 16, 4, 1))
    channels = 16
    for outputs in (32, 64, 128, 256, 512):
        x = graph.residual(x, channels, outputs, 2)
        x = graph.residual(x, outputs, outputs, 1)
        channels = outputs
    for outputs, stride in (
        *((512, 1), (256, 2), (256, 1), (256, 1), (128, 2), (128, 1), (128, 1)),
        *((64, 2), (64, 1), (64, 1), (32, 2), (32, 1), (16, 2), (16, 1), (3, 1), (3, 1)),
    ):
        x = graph.add("Relu", graph.transposed(x, channels, outputs, stride))
        channels = outputs
    x = graph.add("Sigmoid", graph.transposed(x, 3, 3, 1))
    graph.nodes[-1].output[0] = "position_map"
    value = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [batch, 3, 256, 256])
        for name in ("image", "position_map")
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "resfcn256", value[:1], value[1:], graph.weights),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, str(path))
