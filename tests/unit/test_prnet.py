"""PRNet imported: its network, mesh, crop and landmarks beside the original's; and what is refused."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import build
from benchmarks import prnet_parity
from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.crop import crop_around
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.networks.head import open_network
from prn_blender.capture.packs import resfcn256
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.packs.prnet import CHECKPOINT, UV_DATA, import_prnet
from prn_blender.capture.packs.soundness import require_head
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import in_photo_space, reconstruct
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.types import BASE_COLOR, MASK, Settings

from ..prnet_copy import write_checkpoint
from .conftest import photo_of
from .prnet_answers import answering, as_network_output

NAMES = ("image00002", "image00013", "image00022", "image00035", "image00042", "image00047")


@pytest.fixture(params=NAMES)
def stored(request, shared_data):
    """A photo and what the original found in it: vertices (V, 3), landmarks (68, 3), colours (V, 3)."""
    photo = load_photo(shared_data / "photos" / "aflw2000_dev" / f"{request.param}.jpg")
    with np.load(shared_data / "prnet" / "stored_outputs" / f"{request.param}.npz") as found:
        return photo, found["vertices"], found["landmarks"], found["colors"]


# --- The network ----------------------------------------------------------------------------------------------------


def test_imported_network_is_that_of_tensorflows_definitions(untrained, prnet):
    network = open_network(prnet, "CPUExecutionProvider")
    picture = np.random.default_rng(2).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    picture[100:, :90] = 255
    expected, found = untrained[1].run(picture), network.run(picture).position_map
    assert np.abs(found - expected).max() < 1e-4
    # Not because it would always give the same: one texel off, or for another picture, it is something else.
    for other in (np.roll(expected, 1, axis=0), np.roll(expected, 1, axis=1), untrained[1].run(picture[::-1])):
        assert np.abs(found - other).mean() > 100 * 1e-4


def test_imported_network_is_that_of_tensorflow(shared_data, tmp_path):
    if not prnet_parity.tensorflow_python().exists():
        pytest.skip("there is no TensorFlow here: benchmarks/prnet_parity.py makes an environment with it")
    found = prnet_parity.compare(shared_data / "prnet", tmp_path)
    assert found.largest < 1e-4
    assert np.abs(found.ours[0] - found.theirs[1]).mean() > 0.01  # it does depend on the crop


def test_graph_is_what_the_layer_table_gives():
    pytest.importorskip("onnx")
    from training.resfcn256 import without_weights

    assert resfcn256.GRAPH_FILE.read_bytes() == without_weights()


def test_import_needs_neither_tensorflow_nor_onnx(untrained, tmp_path, monkeypatch):
    for name in ("tensorflow", "onnx", "bpy"):
        monkeypatch.setitem(sys.modules, name, None)
    assert load_pack(import_prnet(untrained[0] / "Data", tmp_path)).name == "prnet"


def test_build_py_imports(untrained, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build, "PACKS", tmp_path / "packs")
    assert build.main(["import-prnet", str(untrained[0])]) == 0
    assert load_pack(tmp_path / "packs" / "prnet").name == "prnet"
    assert "--pack" in capsys.readouterr().out
    with pytest.raises(build.BuildError, match="no folder of PRNet") as caught:
        build.main(["import-prnet", str(tmp_path)])
    assert "\n" not in str(caught.value)


# --- The topology ---------------------------------------------------------------------------------------------------


def test_faces_are_the_originals_triangles_in_its_order(shared_data, prnet):
    with np.load(shared_data / "prnet" / "triangles.npz") as data:
        original = data["triangles"]
    faces, is_triangle = prnet.topology.faces, ~prnet.topology.is_corner[:, 3]
    # Quads along the diagonal from bottom left to top right; what is a triangle already has its three corners first.
    first = np.where(is_triangle[:, None], faces[:, :3], faces[:, [0, 1, 3]])
    ours = np.stack([first, faces[:, 1:]], axis=1)[prnet.topology.is_corner[:, 2:]]
    assert len(original) == 86906 and len(ours) == 86907
    assert ours[0].tolist() == [0, 246, 1]  # which the original lacks
    # Wound the other way: the original's x, y, z in the picture are left-handed.
    rows = np.arange(86906)[:, None]
    first_at_least = lambda triangles: triangles[rows, (triangles.argmin(axis=1)[:, None] + np.arange(3)) % 3]
    np.testing.assert_array_equal(first_at_least(ours[1:]), first_at_least(original[:, ::-1]))


def test_topology_is_a_whole_face_of_a_persons_size(prnet, topology):
    ours = prnet.topology
    assert len(ours.canonical) == 43867 and (~ours.is_corner).sum() == 57
    assert len(ours.triangles) == 86907 and not (np.diff(np.sort(ours.triangles)) == 0).any()
    assert set(np.unique(ours.triangles)) == set(range(43867))
    edges = np.sort(ours.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2))
    edges, count = np.unique(edges, axis=0, return_counts=True)
    assert count.max() == 2 and (count == 1).sum() == 825
    assert len(ours.canonical) - len(edges) + len(ours.triangles) == 1  # a disk
    uv = ours.sample_uv[:, 0] * 256 - 0.5
    assert (uv.min(axis=0).tolist(), uv.max(axis=0).tolist()) == ([5, 5], [250, 201])
    corner = ours.canonical[ours.triangles]
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    assert (normal[:, 1] < 0).mean() > 0.85  # towards who looks at the face
    # As large as the head that comes along, and as upright.
    eyes_to_chin = [each.landmark_canonical[8, 2] for each in (ours, topology)]
    assert eyes_to_chin[0] == pytest.approx(eyes_to_chin[1], rel=0.1)
    for name in ("eye_left", "eye_right", "mouth_inner"):
        assert ours.in_region(name).sum() > 30
    assert ours.canonical[ours.in_region("eye_left"), 0].min() > 0.015
    np.testing.assert_allclose(ours.eye_weights @ ours.canonical, 0, atol=1e-6)


def test_mirrored_vertices_lie_across(prnet):
    ours = prnet.topology
    off = np.linalg.norm(ours.canonical[ours.mirror] * (-1, 1, 1) - ours.canonical, axis=1)
    assert np.median(off) < 0.003 and off.max() < 0.012
    there_and_back = ours.mirror[ours.mirror]
    assert (there_and_back == np.arange(len(ours.mirror))).mean() > 0.999


# --- Crop, restore, landmarks, vertices -----------------------------------------------------------------------------


def original_transform(left, right, top, bottom):
    """The original's scale and offset from its photo's pixel indices to those of its crop, for a box of landmarks."""
    size = int(((right - left + bottom - top) / 2) * 1.6)
    centre = np.array([right - (right - left) / 2, bottom - (bottom - top) / 2])
    scale = 255 / size
    return scale, -scale * (centre - size / 2)


def test_crop_is_the_originals(prnet):
    points = np.array([[100.0, 120.0], [260.0, 300.0]])  # pixel indices; a size that the original does not round
    scale, offset = original_transform(*points.T.ravel())
    crop = crop_around(points + 0.5, prnet.crop_rule)
    index = np.array([[0.0, 0.0], [255.0, 255.0], [17.0, 200.0]])
    np.testing.assert_allclose(crop.to_photo((index + 0.5) / 256), (index - offset) / scale + 0.5, atol=1e-9)


def test_crop_shows_what_the_originals_warp_shows(prnet):
    """A smooth picture, by its bilinear warp: `skimage.transform.warp` of coordinates."""
    rows, columns = np.mgrid[0:500, 0:400]
    pixels = np.stack([columns * 0.5, rows * 0.4, 100 + 60 * np.sin(columns / 40) * np.cos(rows / 50)], axis=-1)
    photo = photo_of(np.rint(pixels).astype(np.uint8))
    points = np.array([[100.0, 120.0], [260.0, 300.0]])
    scale, offset = original_transform(*points.T.ravel())
    j, i = np.meshgrid(np.arange(256), np.arange(256))
    x, y = np.moveaxis((np.stack([j, i], axis=-1) - offset) / scale, -1, 0)
    left, above = np.floor(x).astype(int), np.floor(y).astype(int)
    s, t = (x - left)[..., None], (y - above)[..., None]
    p = photo.pixels.astype(float)
    warped = (p[above, left] * (1 - s) + p[above, left + 1] * s) * (1 - t)
    warped += (p[above + 1, left] * (1 - s) + p[above + 1, left + 1] * s) * t
    ours = crop_around(points + 0.5, prnet.crop_rule).resample(photo.pixels, 256).astype(float)
    assert np.abs(ours - warped).max() < 1.5 and np.abs(ours - warped).mean() < 0.5


def test_position_map_is_what_the_original_restores(prnet):
    points = np.array([[100.0, 120.0], [260.0, 300.0]])
    scale, offset = original_transform(*points.T.ravel())
    given = np.random.default_rng(0).random((256, 256, 3), np.float32)
    in_crop = given.astype(float) * 256 * 1.1
    restored = np.concatenate([(in_crop[..., :2] - offset) / scale, in_crop[..., 2:] / scale], axis=-1)
    crop = crop_around(points + 0.5, prnet.crop_rule)
    ours = in_photo_space(prnet.convention.in_crop_units(given, 256), crop).values
    np.testing.assert_allclose(ours, restored + (0.5, 0.5, 0), atol=1e-3)


def test_landmarks_are_the_vertices_at_the_key_points(prnet, uv_data, stored):
    _, vertices, landmarks, _ = stored
    texels = np.full((256, 256, 3), np.nan, np.float32)
    texels[tuple(uv_data.vertex_texels.T)] = vertices
    texels = np.where(np.isnan(texels), 0, texels)
    np.testing.assert_array_equal(prnet.topology.vertices(PositionMap(texels)), vertices)
    np.testing.assert_array_equal(prnet.topology.landmarks(PositionMap(texels)), landmarks)
    assert prnet.topology.landmarks(PositionMap(texels)).shape == (68, 3)


def test_stored_vertices_lie_where_the_original_took_their_colours(stored):
    """In photo space pixel k goes from k to k + 1: half a pixel more than the original's indices."""
    photo, vertices, _, colours = stored

    def same_colours(shift: float) -> float:
        column, row = np.floor(vertices[:, :2] + shift).astype(int).T
        here = photo.pixels[row.clip(0, photo.height - 1), column.clip(0, photo.width - 1)].astype(int)
        return float((np.abs(here - colours).max(axis=1) <= 3).mean())

    assert same_colours(0.5) > 0.9 and same_colours(0) < 0.75


# --- A capture ------------------------------------------------------------------------------------------------------


@pytest.fixture
def capture(prnet, uv_data, stored, tmp_path):
    """The whole way with a network that says of this photo what the original's did."""
    pytest.importorskip("onnx")
    photo, vertices, landmarks, _ = stored
    box = FaceBox(*(landmarks[:, :2].min(axis=0) + 0.5), *(landmarks[:, :2].max(axis=0) + 0.5))
    crop = crop_around(box.corners, prnet.crop_rule)
    pack = answering(prnet, as_network_output(vertices, uv_data, crop), tmp_path / "pack")
    # A focal length in EXIF must not matter to a head that is one by parallel rays only.
    return reconstruct(replace(photo, focal_px=600.0), box, pack, Settings(texture_size=512, passes=1))


def test_capture_is_the_stored_head(capture, stored, shared_data):
    photo, vertices, landmarks, _ = stored
    view, topology = capture.views[0], capture.pack.topology
    ours = topology.vertices(view.position_map)
    np.testing.assert_allclose(ours[:, :2], vertices[:, :2] + 0.5, atol=0.01)
    np.testing.assert_allclose(view.landmarks[:, :2], landmarks[:, :2] + 0.5, atol=0.01)
    behind = ours[:, 2] - vertices[:, 2]
    assert np.ptp(behind) < 0.01 and behind.mean() < -50  # 0 is at the head's origin, not behind it
    np.testing.assert_allclose(np.ptp(ours, axis=0), np.ptp(vertices, axis=0), atol=0.01)

    assert not view.camera.is_perspective and view.focal_from == ""
    head = mesh_of(capture, topology).vertices
    assert np.abs(view.project(head.astype(float)) - ours[:, :2]).max() < 0.01
    assert 0.09 < np.ptp(head, axis=0)[0] < 0.2
    assert np.linalg.norm(topology.eye_weights @ head) < 1e-5

    with np.load(shared_data / "photos" / "aflw2000_dev" / "landmarks.npz") as truth:
        row = truth["names"].tolist().index(Path(photo.path).stem)
        pitch, yaw, _ = truth["pitch_yaw_roll"][row]
    # Where the face looks; both are estimates, the annotation of another program, in its order of angles.
    sin, cos = np.sin, np.cos
    annotated = np.array([-sin(yaw), sin(pitch) * cos(yaw), cos(pitch) * cos(yaw)])
    assert np.degrees(np.arccos(annotated @ view.pose.rotation @ (0, -1, 0))) < 8
    assert 0.2 < view.visible_share <= 1
    assert capture.textures[MASK].mean() > 50 and capture.textures[BASE_COLOR].std() > 10


def test_explicit_focal_length_prevails(prnet, uv_data, shared_data, tmp_path):
    """Whoever asks for one gets the camera; every vertex still lies on its pixel."""
    pytest.importorskip("onnx")
    photo = load_photo(shared_data / "photos" / "aflw2000_dev" / f"{NAMES[0]}.jpg")
    with np.load(shared_data / "prnet" / "stored_outputs" / f"{NAMES[0]}.npz") as found:
        vertices, landmarks = found["vertices"], found["landmarks"]
    box = FaceBox(*(landmarks[:, :2].min(axis=0) + 0.5), *(landmarks[:, :2].max(axis=0) + 0.5))
    crop = crop_around(box.corners, prnet.crop_rule)
    pack = answering(prnet, as_network_output(vertices, uv_data, crop), tmp_path / "pack")
    capture = reconstruct(photo, box, pack, Settings(texture_size=256, passes=1, projection="focal", focal_mm=85.0))
    view, head = capture.views[0], mesh_of(capture, pack.topology).vertices
    assert view.camera.is_perspective and view.focal_from == "settings"
    on_map = pack.topology.vertices(view.position_map)[:, :2]
    assert np.abs(view.project(head.astype(float)) - on_map).max() < 0.01


def test_random_weights_give_no_head(prnet):
    values = open_network(prnet, "CPUExecutionProvider").run(np.zeros((256, 256, 3), np.uint8)).position_map
    with pytest.raises(CaptureError, match="nothing like a head"):
        require_head(prnet.convention.in_crop_units(values, 256), prnet.topology)


# --- What is refused ------------------------------------------------------------------------------------------------


def other_checkpoint(folder: Path, change) -> None:
    variables = {
        "resfcn256/Conv/weights": np.zeros((4, 4, 3, 16)),
        **{f"resfcn256/Conv/BatchNorm/{name}": np.ones(16) for name in ("beta", "gamma", "moving_mean")},
        "resfcn256/Conv/BatchNorm/moving_variance": np.ones(16),
    }
    change(variables)
    write_checkpoint(folder / "Data" / CHECKPOINT, variables)


def rewrite(name: str, change):
    def damage(folder: Path) -> None:
        file = folder / "Data" / name
        file.write_bytes(change(file.read_bytes()))

    return damage


INDEX, SHARD = (f"{CHECKPOINT.as_posix()}{suffix}" for suffix in (".index", ".data-00000-of-00001"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: shutil.rmtree(folder / "Data" / "uv-data"), "no folder of PRNet"),
        (lambda folder: shutil.rmtree(folder / "Data"), "no folder of PRNet"),
        (lambda folder: (folder / "Data" / INDEX).unlink(), "index cannot be read"),
        (lambda folder: (folder / "Data" / SHARD).unlink(), "00001 cannot be read"),
        *(
            (lambda folder, name=name: (folder / "Data/uv-data" / name).unlink(), f"{name} cannot be")
            for name in UV_DATA
        ),
        *((rewrite(f"uv-data/{name}", lambda data: data[: len(data) // 2]), name) for name in UV_DATA),
        (rewrite("uv-data/face_ind.txt", lambda data: data.replace(b"1.2", b"1.3", 1)), "damaged or not PRNet's"),
        (rewrite("uv-data/canonical_vertices.npy", lambda data: data[:-3] + b"\0" + data[-2:]), "damaged or not"),
        (rewrite("uv-data/canonical_vertices.npy", lambda data: b"PK" + data), "holds no numbers"),
        (rewrite("uv-data/uv_kpt_ind.txt", lambda data: b"\xff\xfe no text"), "holds no numbers"),
        (rewrite(INDEX, lambda data: data[:-100]), "damaged or no checkpoint"),
        (rewrite(SHARD, lambda data: data[:1000]), "ends too early"),
        (rewrite(SHARD, lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]), "wrong checksum"),
        (lambda folder: other_checkpoint(folder, lambda v: None), "another network"),
        (lambda folder: other_checkpoint(folder, lambda v: v.clear()), "another network"),
        (
            lambda folder: other_checkpoint(
                folder, lambda v: v.update({"resfcn256/Conv/weights": np.zeros((3, 3, 3, 16))})
            ),
            "is not PRNet's",
        ),
        (
            lambda folder: other_checkpoint(folder, lambda v: v.update({"resfcn256/Conv/weights": np.zeros(16)})),
            "is not PRNet's",
        ),
        (
            lambda folder: other_checkpoint(
                folder, lambda v: v.update({"resfcn256/Conv/BatchNorm/beta": np.full(16, np.nan)})
            ),
            "is not PRNet's",
        ),
    ],
)
def test_missing_damaged_and_foreign_files_are_refused_without_half_a_pack(untrained, tmp_path, damage, words):
    folder = shutil.copytree(untrained[0], tmp_path / "PRNet")
    damage(folder)
    into = tmp_path / "packs"
    with pytest.raises(CaptureError, match=words) as caught:
        import_prnet(folder, into)
    assert "\n" not in str(caught.value)
    assert not into.exists() or not list(into.iterdir())


def test_pack_that_is_there_is_replaced_or_stays(untrained, tmp_path):
    pack = import_prnet(untrained[0], tmp_path)
    (pack / "old").touch()
    broken = shutil.copytree(untrained[0], tmp_path / "broken")
    (broken / "Data" / SHARD).unlink()
    with pytest.raises(CaptureError):
        import_prnet(broken, tmp_path)
    assert (pack / "old").exists() and load_pack(pack).name == "prnet"
    assert import_prnet(untrained[0], tmp_path) == pack and not (pack / "old").exists()
    assert {each.name for each in tmp_path.iterdir()} == {"prnet", "broken"}


def test_folder_that_cannot_be_written_is_refused(untrained, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="cannot be written"):
        import_prnet(untrained[0], tmp_path / "file")


def test_damaged_weights_are_noticed(prnet, tmp_path):
    pack = shutil.copytree(prnet.folder, tmp_path / "pack")
    weights = bytearray((pack / "weights.bin").read_bytes())
    weights[12345] ^= 1
    (pack / "weights.bin").write_bytes(weights)
    with pytest.raises(CaptureError, match=r"weights\.bin is damaged"):
        load_pack(pack)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("xy", '"texel"'),
        ("z", '"log"'),
        ("projection", '"fisheye"'),
        ("scale", "0"),
        ("scale", "nan"),
        ("scale", '"1"'),
    ],
)
def test_unknown_conventions_are_refused(prnet, tmp_path, key, value):
    pack = shutil.copytree(prnet.folder, tmp_path / "pack")
    text = (pack / "pack.toml").read_text(encoding="utf-8")
    before, _, after = text.partition("[position_map]")
    lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in after.splitlines()]
    (pack / "pack.toml").write_text(f"{before}[position_map]" + "\n".join(lines), encoding="utf-8")
    with pytest.raises(CaptureError, match="unknown kind"):
        load_pack(pack)
