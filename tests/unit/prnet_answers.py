"""PRNet's pack with a network that gives one position map, whatever it sees: what the original once found."""

import hashlib
import re
import shutil
from pathlib import Path

import numpy as np

from prn_blender.capture.geometry.crop import Crop
from prn_blender.capture.geometry.raster import nearest_inside
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.packs.prnet_topology import UvData


def as_network_output(vertices: np.ndarray, uv_data: UvData, crop: Crop) -> np.ndarray:
    """(256, 256, 3) float32 that the original's network would give in `crop` for its vertices (V, 3)."""
    in_crop = np.column_stack([crop.from_photo(vertices[:, :2] + 0.5), vertices[:, 2] / crop.side]) * 256
    in_crop -= (0.5, 0.5, 0)
    values = np.zeros((256, 256, 3))
    values[tuple(uv_data.vertex_texels.T)] = in_crop / 281.6
    inside = np.zeros((256, 256), bool)
    inside[tuple(uv_data.vertex_texels.T)] = True
    return values.reshape(-1, 3)[nearest_inside(inside)].astype(np.float32)


def answering(pack: ModelPack, values: np.ndarray, folder: Path) -> ModelPack:
    """A copy of the pack in `folder` with a network that always gives `values` (256, 256, 3)."""
    import onnx

    tensor = onnx.numpy_helper.from_array(values[None], "values")
    return _with_network(pack, folder, onnx.helper.make_node("Identity", ["values"], ["position_map"]), [tensor])


def showing(pack: ModelPack, folder: Path) -> ModelPack:
    """A copy of the pack in `folder` with a network that gives the picture that it sees."""
    import onnx

    node = onnx.helper.make_node("Transpose", ["image"], ["position_map"], perm=[0, 2, 3, 1])
    return _with_network(pack, folder, node, [])


def _with_network(pack: ModelPack, folder: Path, node: object, tensors: list) -> ModelPack:
    import onnx

    shutil.copytree(pack.folder, folder, ignore=shutil.ignore_patterns("weights.bin"))
    image, given = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", (1, 3, 256, 256)), ("position_map", (1, 256, 256, 3)))
    )
    graph = onnx.helper.make_graph([node], "answer", [image], [given], tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    (folder / "network.onnx").write_bytes(model.SerializeToString())
    text = re.sub(r"(?m)^weights.*\n", "", (folder / "pack.toml").read_text(encoding="utf-8"))
    sha256 = hashlib.sha256((folder / "network.onnx").read_bytes()).hexdigest()
    text = re.sub(r'network_sha256 = "\w+"', f'network_sha256 = "{sha256}"', text)
    (folder / "pack.toml").write_text(text, encoding="utf-8")
    return load_pack(folder)
