"""Model packs as they should not be: damaged, hostile, or of another kind. Made by code from the built-in pack.

Their checksums are right unless these are what is wrong: whoever means harm can compute one too.
"""

import hashlib
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from prn_blender.capture.packs.pack import default_pack_folder

SIDE = 128  # of the built-in network's input


def write(folder: Path) -> dict[str, Path]:
    """Makes the packs; their folders by what is wrong with them."""
    packs = {}
    for name, damage in {**MANIFESTS, **NETWORKS, **TOPOLOGIES}.items():
        packs[name] = folder / name.replace(" ", "_")
        shutil.copytree(default_pack_folder(), packs[name])
        damage(packs[name])
    return packs


def _edit(old: str, new: str) -> Callable[[Path], None]:
    def damage(pack: Path) -> None:
        text = (pack / "pack.toml").read_text(encoding="utf-8")
        changed = re.sub(old, lambda match: new, text)
        assert changed != text, old
        (pack / "pack.toml").write_text(changed, encoding="utf-8")

    return damage


def _content(name: str, data: bytes | None) -> Callable[[Path], None]:
    """A file of the pack with other content, or none."""

    def damage(pack: Path) -> None:
        (pack / name).unlink()
        if data is not None:
            (pack / name).write_bytes(data)
            _sign(pack, name)

    return damage


def _sign(pack: Path, name: str) -> None:
    if name != "pack.toml":
        sha256 = hashlib.sha256((pack / name).read_bytes()).hexdigest()
        _edit(rf'{Path(name).stem}_sha256 = "\w*"', f'{Path(name).stem}_sha256 = "{sha256}"')(pack)


# --- pack.toml ------------------------------------------------------------------------------------------------------

_FILE = r'file = "[^"]*"'
_SCALE = r"scale = [\d.]+"
_OTHER_OUTPUTS = r'(?m)^(visibility|expected_error|distance) = ".*\n'
MANIFESTS = {
    "no manifest": _content("pack.toml", None),
    "empty manifest": _content("pack.toml", b""),
    "manifest that is no TOML": _content("pack.toml", b"[[[ \0"),
    "manifest that is no text": _content("pack.toml", b"\xff\xfe" * 1000),
    "manifest of another program": _content("pack.toml", b'[project]\nname = "x"\n'),
    "manifest of tables that are none": _content("pack.toml", b"pack = 1\nnetwork = 2\nposition_map = 3\n"),
    "file in the parent folder": _edit(_FILE, 'file = "../network.onnx"'),
    "file with a full path": _edit(_FILE, 'file = "/etc/passwd"'),
    "file with a backslash": _edit(_FILE, r'file = "..\\\\network.onnx"'),
    "file that is the folder": _edit(_FILE, 'file = "."'),
    "file that is the parent": _edit(_FILE, 'file = ".."'),
    "file without a name": _edit(_FILE, 'file = ""'),
    "file that is a number": _edit(_FILE, "file = 7"),
    "file that is missing": _edit(_FILE, 'file = "other.onnx"'),
    "file with a null byte": _edit(_FILE, r'file = "a\u0000b"'),
    "crop that is text": _edit(_SCALE, 'scale = "large"'),
    "crop of no size": _edit(_SCALE, "scale = 0"),
    "crop of negative size": _edit(_SCALE, "scale = -2.0"),
    "crop without end": _edit(_SCALE, "scale = inf"),
    "crop that is no number": _edit(_SCALE, "scale = nan"),
    "name that is a number": _edit(r"name = .*", "name = 7"),
    "wrong checksum": _edit(r'network_sha256 = "\w', 'network_sha256 = "x'),
    "unknown projection": _edit(r'projection = "\w*"', 'projection = "fisheye"'),
}


# --- network.onnx ---------------------------------------------------------------------------------------------------


def _network(
    output: object = None,
    input_shape: tuple = (1, 3, SIDE, SIDE),
    input_type: str = "FLOAT",
    names: tuple[str, str] = ("image", "position_map"),
) -> Callable[[Path], None]:
    """A network that gives `output`, an array, whatever it sees; without it what it sees."""

    def damage(pack: Path) -> None:
        import onnx

        kind = getattr(onnx.TensorProto, input_type)
        seen, gives = names
        if output is None:
            nodes, value = [onnx.helper.make_node("Identity", [seen], [gives])], None
            given = onnx.helper.make_tensor_value_info(gives, kind, input_shape)
        else:
            value = onnx.numpy_helper.from_array(np.asarray(output), "value")
            nodes = [onnx.helper.make_node("Identity", ["value"], [gives])]
            given = onnx.helper.make_tensor_value_info(gives, value.data_type, np.shape(output))
        _save(pack, nodes, onnx.helper.make_tensor_value_info(seen, kind, input_shape), given, value)

    return damage


def _save(pack: Path, nodes: list, seen: object, given: object, value: object) -> None:
    import onnx

    graph = onnx.helper.make_graph(nodes, "bad", [seen], [given], [value] if value is not None else [])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    (pack / "network.onnx").write_bytes(model.SerializeToString())
    _sign(pack, "network.onnx")
    _edit(_OTHER_OUTPUTS, "")(pack)  # what is wrong shall be the position map, not that they are missing


def _distance(*operations: str) -> Callable[[Path], None]:
    """The built-in network with operations on the distance that it gives."""

    def damage(pack: Path) -> None:
        import onnx

        model = onnx.load(pack / "network.onnx")
        last = "distance"
        for operation in operations:
            model.graph.node.append(onnx.helper.make_node(operation, [last], [f"{last}_{operation}"]))
            last = f"{last}_{operation}"
        model.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.FLOAT, None))
        onnx.save(model, pack / "network.onnx")
        _sign(pack, "network.onnx")
        _edit(r'distance = "\w*"', f'distance = "{last}"')(pack)

    return damage


def _outside(location: str) -> Callable[[Path], None]:
    """A network whose numbers lie in a file of this path."""

    def damage(pack: Path) -> None:
        import onnx

        value = onnx.TensorProto(name="value", data_type=onnx.TensorProto.FLOAT, dims=(1, SIDE, SIDE, 3))
        value.data_location = onnx.TensorProto.EXTERNAL
        value.external_data.add(key="location", value=location)
        seen = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, (1, 3, SIDE, SIDE))
        given = onnx.helper.make_tensor_value_info("position_map", onnx.TensorProto.FLOAT, (1, SIDE, SIDE, 3))
        _save(pack, [onnx.helper.make_node("Identity", ["value"], ["position_map"])], seen, given, value)

    return damage


def _changed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """The built-in network with other bytes."""

    def damage(pack: Path) -> None:
        data = np.frombuffer((pack / "network.onnx").read_bytes(), np.uint8).copy()
        (pack / "network.onnx").write_bytes(change(data).tobytes())
        _sign(pack, "network.onnx")

    return damage


def _noise(seed: int, first: int) -> Callable[[np.ndarray], np.ndarray]:
    """Bytes changed among the first ones, where the graph's description is, or anywhere."""

    def change(data: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(seed)
        places = random.integers(0, min(first, len(data)), 30)
        data[places] = random.integers(0, 256, len(places))
        return data

    return change


_MAP = np.zeros((1, SIDE, SIDE, 3), np.float32)
_RAMP = np.stack([*np.meshgrid(*[np.linspace(0, 1, SIDE, dtype=np.float32)] * 2), _MAP[0, ..., 0]], -1)[None]
NETWORKS = {
    "network that is empty": _content("network.onnx", b""),
    "network that is text": _content("network.onnx", b"This is no network. " * 100),
    "network that is a zip": _content("network.onnx", b"PK\3\4" + bytes(1000)),
    "network cut in half": _changed(lambda data: data[: len(data) // 2]),
    "network cut at the end": _changed(lambda data: data[:-100]),
    **{f"network mutated, {seed}": _changed(_noise(seed, 3000 if seed % 2 else 10**9)) for seed in range(8)},
    "network with data of the system": _outside("/etc/passwd"),
    "network with data of the parent": _outside("../../../../../../etc/passwd"),
    "network with data that is missing": _outside("weights.bin"),
    "network with other names": _network(_RAMP, names=("x", "y")),
    "network for bytes": _network(_RAMP, input_type="UINT8"),
    "network for half precision": _network(_RAMP, input_type="FLOAT16"),
    "network for one channel": _network(_RAMP, input_shape=(1, 1, SIDE, SIDE)),
    "network for oblongs": _network(_RAMP, input_shape=(1, 3, SIDE, 2 * SIDE)),
    "network for any size": _network(_RAMP, input_shape=(1, 3, None, None)),
    "network for nothing": _network(_RAMP, input_shape=(1, 3, 0, 0)),
    "network for a huge crop": _network(_RAMP, input_shape=(1, 3, 60_000, 60_000)),
    "network for numbers": _network(_RAMP, input_shape=(3,)),
    "network that gives what it sees": _network(),
    "network that gives one number": _network(np.float32(1)),
    "network that gives nothing": _network(np.zeros((0, 0, 0, 3), np.float32)),
    "network that gives two coordinates": _network(_MAP[..., :2]),
    "network that gives an oblong": _network(np.zeros((1, SIDE, 2 * SIDE, 3), np.float32)),
    "network that gives whole numbers": _network(_RAMP.astype(np.int64)),
    "network that gives doubles": _network(_RAMP.astype(np.float64)),
    "network that gives text": _network(np.full(_MAP.shape, "a", object)),
    "network that gives NaN": _network(_MAP * np.nan),
    "network that gives infinity": _network(_MAP + np.inf),
    "network that gives one point": _network(_MAP),
    "network that gives a plane": _network(_RAMP),
    "network that gives a line": _network(_RAMP * np.float32([1, 0, 0])),
    "network at a negative distance": _distance("Neg"),
    "network at no distance": _distance("Neg", "Log"),
    "network with a distance that is none": _edit(r'distance = "\w*"', 'distance = "visibility"'),
    "network that gives far too much": _network(_RAMP * np.float32(1e30)),
    "network that gives far too little": _network(_RAMP * np.float32(1e-30)),
    "network that gives noise": _network(np.random.default_rng(0).random(_MAP.shape, np.float32)),
    "network that gives one texel": _network(_MAP[:, :1, :1]),
}


# --- topology.npz ---------------------------------------------------------------------------------------------------


def _arrays(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def damage(pack: Path) -> None:
        with np.load(pack / "topology.npz") as data:
            arrays = {name: data[name].copy() for name in data.files}
        change(arrays)
        np.savez(pack / "topology.npz", **arrays)
        _sign(pack, "topology.npz")

    return damage


def _without(name: str) -> Callable[[Path], None]:
    return _arrays(lambda arrays: arrays.pop(name))


def _with(name: str, change: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    return _arrays(lambda arrays: arrays.update({name: change(arrays[name])}))


def _everywhere(value: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda array: np.full_like(array, value)


def _claims(*shape: int) -> bytes:
    """A topology.npz whose array says that it is larger than anything."""
    member, archive = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": "<f4", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("canonical.npy", member.getvalue() + bytes(1000))
    return archive.getvalue()


def _bomb(pack: Path) -> None:
    """A gigabyte of zeros in a megabyte."""
    head = {"descr": "<f4", "fortran_order": False, "shape": (2**28, 1)}
    with (
        zipfile.ZipFile(pack / "topology.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("canonical.npy", "w", force_zip64=True) as member,
    ):
        np.lib.format.write_array_header_1_0(member, head)
        for _ in range(2**6):
            member.write(bytes(2**24))
    _sign(pack, "topology.npz")


def _upwards(pack: Path) -> None:
    """The members of the archive lead out of it."""
    with zipfile.ZipFile(pack / "topology.npz") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(pack / "topology.npz", "w") as archive:
        for name, data in members.items():
            archive.writestr(f"../../{name}", data)
        archive.writestr("/tmp/prn_evil.npy", b"evil")
    _sign(pack, "topology.npz")


TOPOLOGIES = {
    "topology that is empty": _content("topology.npz", b""),
    "topology that is text": _content("topology.npz", b"no arrays " * 100),
    "topology that is missing": _content("topology.npz", None),
    "topology that is a plain array": _content("topology.npz", b"\x93NUMPY\1\0" + bytes(200)),
    "topology that claims too much": _content("topology.npz", _claims(10**6, 10**6)),
    "topology that claims more than there are numbers": _content("topology.npz", _claims(2**62, 2**62)),
    "topology that is a bomb": _bomb,
    "topology with paths that lead out": _upwards,
    "topology without faces": _without("faces"),
    "topology without landmarks": _without("landmark_uv"),
    "topology without regions": _without("region_names"),
    "topology of objects": _with("canonical", lambda array: np.array([{"a": 1}, None], object)),
    "topology of text": _with("canonical", lambda array: array.astype(str)[:100]),
    "topology of nothing": _with("faces", lambda array: array[:0]),
    "topology of fewer vertices": _with("canonical", lambda array: array[:100]),
    "topology of flat vertices": _with("canonical", lambda array: array[:, :2]),
    "topology of triangles": _with("faces", lambda array: array[:, :3]),
    "topology of broken numbers": _with("canonical", lambda array: array * np.nan),
    "topology of one point": _with("canonical", _everywhere(0)),
    "topology of fractions": _with("faces", lambda array: array.astype(np.float32) + 0.5),
    "topology beyond its vertices": _with("faces", lambda array: array + 10**6),
    "topology of negative vertices": _with("faces", lambda array: array - 10),
    "topology beyond its map": _with("sample_uv", lambda array: array + 50),
    "topology of broken samples": _with("sample_uv", lambda array: array * np.nan),
    "topology with 67 landmarks": _with("landmark_uv", lambda array: array[:67]),
    "topology of unknown regions": _with("region", _everywhere(200)),
    "topology of other regions": _with("region_names", lambda array: np.array(["a", "b", "c", "d", "e"])),
    "topology mirrored nowhere": _with("mirror", _everywhere(10**6)),
    "topology of broken UVs": _with("loop_uv", _everywhere(np.inf)),
}
