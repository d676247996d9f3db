"""The files of a pack: written whole or not at all, large weights as half floats."""

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np


def write_whole(path: Path, write: Callable[[Path], None]) -> str:
    """Lets `write` write a file, puts it in place once it is whole; its SHA-256."""
    temporary = path.with_name(f"new_{path.name}")
    write(temporary)
    checksum = hashlib.sha256(temporary.read_bytes()).hexdigest()
    os.replace(temporary, path)
    return checksum


def write_section(folder: Path, name: str, text: str) -> None:
    """Puts a section, its header included, into a pack's manifest, in place of the one of that name."""
    manifest = folder / "pack.toml"
    old = manifest.read_text(encoding="utf-8")
    others = re.sub(rf"^\[{name}\].*?(?=^\[|\Z)", "", old, flags=re.MULTILINE | re.DOTALL)
    write_whole(manifest, lambda path: path.write_text(f"{others.rstrip()}\n\n{text}", encoding="utf-8"))


def store_onnx(
    path: Path,
    network,
    example,
    input_name: str,
    outputs: list[str],
    convert: Callable,
    dynamic_axes: dict[str, dict[int, str]] | None = None,
) -> None:
    """ONNX of a PyTorch network with fixed names.

    Args:
        example: a tensor that the network takes.
        convert: makes the ONNX model to be stored of the one as it was trained.
        dynamic_axes: what of inputs' and outputs' sizes is free.
    """
    import onnx
    import torch

    torch.onnx.export(
        network,
        (example,),
        str(path),
        input_names=[input_name],
        output_names=outputs,
        dynamic_axes=dynamic_axes,
        opset_version=17,
        dynamo=False,
    )
    model = convert(onnx.load(path))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def store_half(model, largest_full: int):
    """An ONNX model whose weights of more than `largest_full` numbers are fp16, cast to fp32 where they are used."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    for item in list(graph.initializer):
        if item.data_type == TensorProto.FLOAT and np.prod(item.dims) > largest_full:
            half = numpy_helper.from_array(numpy_helper.to_array(item).astype(np.float16), f"{item.name}_half")
            graph.initializer.remove(item)
            graph.initializer.append(half)
            graph.node.insert(0, helper.make_node("Cast", [half.name], [item.name], to=TensorProto.FLOAT))
    return model
