"""The files of a pack: written whole or not at all, large weights as half floats."""

import hashlib
import os
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


def store_half(graph, largest_full: int) -> None:
    """Weights of an ONNX graph with more than `largest_full` numbers become fp16, cast to fp32 where they are used."""
    from onnx import TensorProto, helper, numpy_helper

    for item in list(graph.initializer):
        if item.data_type == TensorProto.FLOAT and np.prod(item.dims) > largest_full:
            half = numpy_helper.from_array(numpy_helper.to_array(item).astype(np.float16), f"{item.name}_half")
            graph.initializer.remove(item)
            graph.initializer.append(half)
            graph.node.insert(0, helper.make_node("Cast", [half.name], [item.name], to=TensorProto.FLOAT))
