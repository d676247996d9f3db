"""Model packs: what is read, and what is refused with a clear line."""

import hashlib
import re

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.networks.session import release_networks
from prn_blender.capture.packs.pack import load_pack


def edit(folder, old: str, new: str) -> None:
    manifest = folder / "pack.toml"
    text = manifest.read_text(encoding="utf-8")
    changed = re.sub(old, new, text)
    assert changed != text
    manifest.write_text(changed, encoding="utf-8")


EXTRA_OUTPUTS = ("visibility", "expected_error", "distance")


def leave_out(folder, names: tuple[str, ...]) -> None:
    """The pack's manifest no longer tells of these outputs of the network."""
    manifest = folder / "pack.toml"
    lines = manifest.read_text(encoding="utf-8").splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if not line.startswith(names)), encoding="utf-8")


def test_triangles_split_every_quad_once_along_its_shorter_diagonal(topology):
    triangles = topology.triangles.reshape(-1, 2, 3)
    for quad, pair in zip(topology.faces[1::97], triangles[1::97], strict=True):
        assert set(pair.ravel()) == set(quad)
        shared = sorted(set(pair[0]) & set(pair[1]))
        others = sorted(set(quad) - set(shared))
        length = lambda ends: np.linalg.norm(np.subtract(*topology.canonical[ends]))
        assert length(shared) <= length(others)
    assert len(np.unique(np.sort(topology.triangles, axis=1), axis=0)) == len(topology.triangles)
    corner = topology.canonical[topology.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    volume = np.einsum("ij,ij->", corner.mean(1) - topology.canonical.mean(0), normal)
    assert volume > 0  # wound outwards
    uv = topology.triangle_uv
    assert uv.shape == (*topology.triangles.shape, 2)


def test_mirror_map_is_an_involution_across_the_middle(topology):
    assert np.array_equal(topology.mirror[topology.mirror], np.arange(len(topology.mirror)))
    across = topology.canonical[topology.mirror] * (-1, 1, 1)
    off = np.linalg.norm(across - topology.canonical, axis=1)
    assert np.median(off) < 0.002 and off.max() < 0.01  # a layout is symmetric up to a few millimetres


def test_rigid_part_leaves_out_what_expressions_move(topology):
    rigid, face = topology.rigid, topology.landmark_canonical
    near = lambda point: np.linalg.norm(topology.canonical - point, axis=1) < 0.006
    for moving in (8, 48, 51, 57, 38, 46, 62):  # chin, mouth, lids
        assert not rigid[near(face[moving])].any()
    for still in (27, 30, 0, 16):  # nose bridge and tip, temples
        assert rigid[near(face[still])].mean() > 0.5
    assert rigid.mean() > 0.2


def test_pack_is_read_again_only_when_it_changed(copied):
    first = load_pack(copied)
    assert load_pack(copied) is first
    edit(copied, 'version = "[^"]*"', 'version = "9.9.9"')
    assert load_pack(copied).version == "9.9.9"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "pack.toml").unlink(), "no pack.toml"),
        (lambda folder: (folder / "pack.toml").write_text("not [ toml"), "cannot be read"),
        (lambda folder: (folder / "pack.toml").write_bytes(b"\xff\xfe\x00"), "cannot be read"),
        (lambda folder: (folder / "network.onnx").write_bytes(b"x" * 1000), "wrong checksum"),
        (lambda folder: (folder / "loops.npz").write_bytes(b"x"), "wrong checksum"),
        (lambda folder: (folder / "topology.npz").unlink(), "cannot be read"),
        (lambda folder: edit(folder, r'file = "network.onnx"', 'file = "../network.onnx"'), "outside of itself"),
        (lambda folder: edit(folder, 'projection = "perspective"', 'projection = "fisheye"'), "unknown kind"),
        (lambda folder: edit(folder, r"\[crop\]", "[other]"), "cannot be read"),
    ],
)
def test_damaged_pack_is_refused_in_one_line(copied, damage, words):
    damage(copied)
    with pytest.raises(CaptureError, match=words) as caught:
        load_pack(copied)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("told", [EXTRA_OUTPUTS, EXTRA_OUTPUTS[:1], EXTRA_OUTPUTS[2:], ()])
def test_extra_outputs_are_read_where_the_pack_tells_of_them(copied, told):
    leave_out(copied, tuple(name for name in EXTRA_OUTPUTS if name not in told))
    network = open_network(load_pack(copied), "CPUExecutionProvider")
    image = np.random.default_rng(0).integers(0, 256, (network.input_size, network.input_size, 3), dtype=np.uint8)
    found = network.run(image)
    assert found.position_map.shape[2] == 3
    for name in ("expected_error", "distance"):
        assert (getattr(found, name) is not None) == (name in told)
    if "expected_error" in told:
        assert found.expected_error.ndim == 2 and found.expected_error.min() > 0
    if "distance" in told:
        assert 0.2 < found.distance < 6


@pytest.mark.parametrize("name", ["input", "output", *EXTRA_OUTPUTS])
def test_network_with_other_names_is_refused(copied, name):
    edit(copied, f'\n{name} = "[a-z_]*"', f'\n{name} = "landmarks"')
    with pytest.raises(CaptureError, match="other inputs or outputs"):
        open_network(load_pack(copied), "CPUExecutionProvider")


def test_network_that_gives_no_position_map_is_refused(copied):
    import onnx

    leave_out(copied, EXTRA_OUTPUTS)
    nodes = [onnx.helper.make_node("Identity", ["image"], ["position_map"])]
    value = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3, 128, 128])
        for name in ("image", "position_map")
    ]
    graph = onnx.helper.make_graph(nodes, "identity", value[:1], value[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, copied / "network.onnx")
    sha256 = hashlib.sha256((copied / "network.onnx").read_bytes()).hexdigest()
    edit(copied, 'network_sha256 = "[0-9a-f]*"', f'network_sha256 = "{sha256}"')
    with pytest.raises(CaptureError, match="no position map"):
        open_network(load_pack(copied), "CPUExecutionProvider")


def test_network_tells_the_provider_it_really_uses(pack):
    import onnxruntime

    release_networks()
    automatic = open_network(pack)
    assert automatic.provider == automatic.session.provider
    # Where CUDA is built in and does not load, that is told; elsewhere nobody asked for it.
    assert (automatic.fallback != "") == (
        "CUDAExecutionProvider" in onnxruntime.get_available_providers()
        and automatic.provider != "CUDAExecutionProvider"
    )
    assert open_network(pack) is automatic
    cuda = open_network(pack, "CUDAExecutionProvider")
    assert cuda.provider == cuda.session.provider
    if cuda.provider != "CUDAExecutionProvider":
        assert "CUDA" in cuda.fallback
    assert cuda.provider in onnxruntime.get_available_providers()
    release_networks()
    assert open_network(pack) is not automatic
