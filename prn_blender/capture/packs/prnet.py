"""PRNet as its authors published it, made into a model pack: the user's own copy of its weights and UV data."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import CaptureError
from . import prnet_topology, resfcn256
from .pack import load_pack
from .prnet_topology import UvData
from .resfcn256 import SIDE
from .tf_checkpoint import open_checkpoint

PACK_NAME = "prnet"
CHECKPOINT = Path("net-data") / "256_256_resfcn256_weight"

# SHA-256 of the numbers in the authors' files, as little-endian int32 and float64: whoever has other ones has another
# face, or a damaged copy.
UV_DATA = {
    "face_ind.txt": "4136b434d7810352211e201cce1d6d06758b22700f263ba8e00bd542565be36c",
    "uv_kpt_ind.txt": "d392ac875faddc6eba722a798300b28e181c53ed1a6efcecf75554c55aa69359",
    "canonical_vertices.npy": "5c51f6fdb1bc6e90a21e21d5a2b48c3c69311a04bdcb71d61fdea4890efe6fe7",
}

MANIFEST = """[pack]
name = "{name}"
version = "1.0.0"
title = "PRNet"
license = "PRNet, Copyright (c) 2018 Yao Feng: code and UV data MIT; weights as their authors gave them to you"
topology_sha256 = "{topology}"
network_sha256 = "{network}"
weights_sha256 = "{weights}"

[topologies]
standard = {{ title = "PRNet", quads = {faces}, about = ", some triangles at the border: PRNet's own mesh" }}

[network]
file = "network.onnx"
weights = "{weights_name}"
input = "image"             # float32 (N, 3, 256, 256), RGB, 0..1
output = "position_map"     # float32 (N, 256, 256, 3)

[crop]
from_landmarks = {{ scale = {scale!r}, shift_y = 0.0 }} # 1.6 x mean side of the 68 points' box, between pixel centres

[position_map]
xy = "pixel"                # index in the network's picture: x right, y down, (0, 0) the centre of its first pixel
z = "from_back"             # same unit, larger is nearer, 0 near the surface's farthest point
scale = {unit!r}               # of the network's numbers: 256 x 1.1
projection = "orthographic"
"""


def import_prnet(folder: Path, into: Path) -> Path:
    """Makes the model pack `prnet` of a copy of PRNet; one that is there is replaced.

    Args:
        folder: PRNet's, or the `Data` folder in it, with `net-data` and `uv-data`.
        into: the folder of packs.

    Returns:
        the pack's folder.

    Raises:
        CaptureError: a file is missing or damaged, the checkpoint is of another network, or the pack cannot be
            written. There is then no pack, or the one that was there before.
    """
    data = _data_folder(Path(folder))
    uv_data = read_uv_data(data / "uv-data")
    pack = Path(into) / PACK_NAME
    try:
        pack.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=pack.parent, prefix=f".{PACK_NAME}-") as scratch:
            made = Path(scratch) / PACK_NAME
            made.mkdir()
            _write(made, data / CHECKPOINT, uv_data)
            load_pack(made)
            _put(made, pack, Path(scratch) / "replaced")
    except OSError as error:
        raise CaptureError(
            f"The pack cannot be written to {pack} ({error.strerror or error}): "
            "make room there, or choose another folder."
        ) from error
    return pack


def _data_folder(folder: Path) -> Path:
    """The one with `net-data` and `uv-data`."""
    for candidate in (folder / "Data", folder):
        if (candidate / "uv-data").is_dir() and (candidate / "net-data").is_dir():
            return candidate
    raise CaptureError(f"{folder} is no folder of PRNet: choose the one that contains Data/net-data and Data/uv-data.")


# --- The UV data ----------------------------------------------------------------------------------------------------


def read_uv_data(folder: Path) -> UvData:
    """What lies in PRNet's folder `uv-data`.

    Raises:
        CaptureError: a file is missing, damaged, or not PRNet's.
    """
    vertices = _numbers(folder, "face_ind.txt", _whole_numbers)
    columns, rows = _numbers(folder, "uv_kpt_ind.txt", _whole_numbers)
    canonical = _numbers(folder, "canonical_vertices.npy", lambda file: np.load(file, allow_pickle=False))
    return UvData(np.stack(np.divmod(vertices, SIDE), axis=1), np.stack([rows, columns], axis=1), canonical)


def _whole_numbers(file: Path) -> np.ndarray:
    return np.loadtxt(file).astype("<i4")


def _numbers(folder: Path, name: str, read: Callable[[Path], np.ndarray]) -> np.ndarray:
    """The numbers of a file, the very ones of PRNet."""
    file = folder / name
    try:
        values = read(file)
    except OSError as error:
        raise CaptureError(
            f"{file} cannot be read ({error.strerror or error}): copy PRNet's folder uv-data again."
        ) from error
    except Exception as error:  # what is no text or no array raises almost anything
        raise CaptureError(f"{file} holds no numbers: copy PRNet's folder uv-data again.") from error
    if numbers_sha256(values) != UV_DATA[name]:
        raise CaptureError(f"{file} is damaged or not PRNet's: copy PRNet's folder uv-data again.")
    return values


def numbers_sha256(values: np.ndarray) -> str:
    """A checksum of an array's shape and numbers, however its file writes them."""
    content = f"{values.dtype.str} {values.shape} ".encode() + np.ascontiguousarray(values).tobytes()
    return hashlib.sha256(content).hexdigest()


# --- The pack -------------------------------------------------------------------------------------------------------


def _write(pack: Path, checkpoint: Path, uv_data: UvData) -> None:
    """Writes the files of a pack into its folder."""
    variables = open_checkpoint(checkpoint)
    try:
        with (pack / resfcn256.WEIGHTS_NAME).open("wb") as weights:
            for values in resfcn256.folded_weights(variables.read):
                weights.write(values.tobytes())
    except ValueError as error:
        raise CaptureError(
            f"The checkpoint {checkpoint} is not PRNet's ({error}): use 256_256_resfcn256_weight of its authors."
        ) from error
    shutil.copyfile(resfcn256.GRAPH_FILE, pack / "network.onnx")
    topology = prnet_topology.make_topology(uv_data)
    np.savez_compressed(pack / "topology.npz", **topology)
    manifest = MANIFEST.format(
        name=PACK_NAME,
        faces=len(topology["faces"]),
        weights_name=resfcn256.WEIGHTS_NAME,
        # The original's crop ends at the centres of its outermost pixels, ours half a pixel further out.
        scale=1.6 * SIDE / (SIDE - 1),
        unit=1.1 * SIDE,
        **{
            part: hashlib.sha256((pack / name).read_bytes()).hexdigest()
            for part, name in (
                ("topology", "topology.npz"),
                ("network", "network.onnx"),
                ("weights", resfcn256.WEIGHTS_NAME),
            )
        },
    )
    (pack / "pack.toml").write_text(manifest, encoding="utf-8")


def _put(made: Path, pack: Path, replaced: Path) -> None:
    """Moves a pack to its place; one that is there goes away, or stays where that fails."""
    if pack.exists():
        pack.rename(replaced)
    try:
        made.rename(pack)
    except OSError:
        if replaced.exists():
            replaced.rename(pack)
        raise
