"""The measuring of packs: what it prints must be what is true of heads whose errors are known."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("torch")
pytest.importorskip("trimesh")

from prn_blender.capture.geometry.pose import Similarity
from training.evaluation import scan
from training.evaluation.landmarks import Landmarks, best_view, describe, without_similarity
from training.evaluation.numbers import add, table
from training.head_model import HeadModel, HeadState, project, to_camera, unproject
from training.photos import AnnotatedCrops


def annotated(count, yaw):
    rng = np.random.default_rng(0)
    points = rng.uniform(0.2, 0.8, (count, 68, 2))
    return AnnotatedCrops(
        tuple(map(str, range(count))),
        np.zeros((count, 8, 8, 3), np.uint8),
        points,
        yaw,
        (None,) * count,
        (None,) * count,
    )


def test_lost_faces_are_failures_but_enter_no_mean():
    crops = annotated(6, np.array([0, 20, 40, 50, 70, 80.0]))
    points = crops.points.copy()
    points[0] += 0.05 * crops.box_size[0] * np.array([1, 0])  # 5 %
    points[2] += 0.1 * crops.box_size[2] * np.array([0, 1])  # 10 %
    points[4] = np.nan
    numbers = {}
    describe(numbers, "set", Landmarks(crops, points))
    row = numbers["set"]
    assert row["lost"] == 1
    assert row["failures (> 8 % or lost)"] == 2
    np.testing.assert_allclose([row["NME % 0-30"], row["30-60"], row["60-90"]], [2.5, 5, 0], atol=1e-9)
    assert row["mean of bins"] == pytest.approx(2.5)
    assert row["NME % all"] == pytest.approx(3)


def test_a_moved_and_scaled_face_has_no_error_without_similarity():
    crops = annotated(3, np.zeros(3))
    found = without_similarity(Landmarks(crops, crops.points * 1.2 + 0.1))
    np.testing.assert_allclose(found.points, crops.points, atol=1e-6)


def test_the_control_finds_the_view_of_its_own_head():
    rng = np.random.default_rng(3)
    head = rng.normal(size=(68, 3)) * (0.07, 0.08, 0.05)
    angle = 0.9
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    target = (head @ turn.T)[:, :2] * 4 + 0.5
    np.testing.assert_allclose(best_view(head, target), target, atol=1e-4)


def test_the_table_has_a_line_for_each_number_and_leaves_missing_ones_empty():
    ours, control = {}, {}
    add(ours, "face", mm=2.347, lost=0)
    add(control, "face", mm=4.0)
    lines = table({"pack": ours, "control": control}).splitlines()
    assert lines[1].split() == ["face", "mm", "2.35", "4"]
    assert lines[2].split() == ["lost", "0"]


def test_unproject_undoes_project(kit):
    from training.renderer.sampling import ShapeSampler, sample_view

    rng = np.random.default_rng(8)
    model, shapes = HeadModel(kit), ShapeSampler(kit)
    for _ in range(5):
        shape = shapes(rng)
        vertices = model.vertices(shape)
        state = sample_view(rng, shape, vertices)
        state = HeadState.unpack(state.pack())  # as it is stored, in single precision
        camera = to_camera(vertices[::50], state)
        picture = project(camera, state).astype(np.float32)
        np.testing.assert_allclose(unproject(picture, state), camera, atol=2e-3)


def sphere():
    u, v = np.meshgrid(np.linspace(0, 2 * np.pi, 60), np.linspace(0.01, np.pi - 0.01, 40))
    vertices = np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], -1).reshape(-1, 3)
    index = np.arange(40 * 60).reshape(40, 60)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    return vertices, np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])


def test_distance_to_a_sphere():
    vertices, triangles = sphere()
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(200, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = rng.uniform(0.8, 1.4, 200)
    found = scan.distance_to_surface(direction * radius[:, None], vertices, triangles)
    np.testing.assert_allclose(found, np.abs(radius - 1), atol=0.01)


needs_scan = pytest.mark.skipif(not scan.DEFAULT_SCAN.exists(), reason=f"no scan in {scan.DEFAULT_SCAN}")


@needs_scan
def test_the_scans_landmarks_are_in_the_usual_order():
    points = scan.load_scan().landmarks
    assert points[8, 1] < points[57, 1] < points[33, 1] < points[27, 1]  # chin, lip, nose upwards
    assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]  # the eyes' corners
    assert points[17, 0] < points[21, 0] < points[22, 0] < points[26, 0]  # the brows
    assert points[30, 2] == points[27:36, 2].max()  # the tip of the nose in front


@needs_scan
def test_a_perfect_capture_of_the_scan_has_no_error():
    head = scan.load_scan()
    elsewhere = Similarity(0.004, np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]]), np.array([3.0, 4, 5]))
    same = scan.compare(head, elsewhere.apply(head.landmarks), elsewhere.apply(head.vertices), head.triangles)
    assert same.landmarks.max() < 1e-6
    assert np.nanmax(same.surface) < 1e-6
    assert 0.2 < np.mean(~np.isnan(same.surface)) < 0.8


@needs_scan
def test_the_scans_photos_show_its_landmarks_where_they_project():
    head = scan.load_scan()
    level = (head.landmarks - head.landmarks.mean(0))[:, [0, 2, 1]] * (1e-3, -1e-3, 1e-3)  # Blender's axes
    view = scan.photograph(head, level, 0)
    marks = view.project(head.landmarks)
    assert ((marks > 0) & (marks < scan.SIZE)).all()
    pixels = view.photo.pixels[marks[:, 1].astype(int), marks[:, 0].astype(int)]
    assert (pixels != 150).any(1).mean() > 0.95  # not the background
    turned = scan.photograph(head, level, 40).project(head.landmarks)
    assert np.ptp(turned[[36, 45], 0]) < np.ptp(marks[[36, 45], 0])  # the eyes come nearer to one another


def test_a_runner_measures_any_output(tmp_path):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    from training.evaluation.runner import PackRunner

    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["distance"], axes=[1, 2, 3], keepdims=0),
            helper.make_node("Transpose", ["image"], ["map"], perm=[0, 2, 3, 1]),
        ],
        "two outputs",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [
            helper.make_tensor_value_info("map", TensorProto.FLOAT, ["n", 16, 16, 3]),
            helper.make_tensor_value_info("distance", TensorProto.FLOAT, ["n"]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, tmp_path / "network.onnx")
    pack = SimpleNamespace(network_file=tmp_path / "network.onnx", input_name="image", output_name="map")
    runner = PackRunner(pack)
    crops = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (0, 255)])
    assert runner.maps(crops).shape == (2, 16, 16, 3)
    np.testing.assert_allclose(runner.outputs(crops)["distance"], [0, 1], atol=1e-6)
    assert (runner.milliseconds(3) > 0).all()


def test_a_perfect_network_has_no_error_on_rendered_heads(kit, layout):
    import torch

    from prn_blender.capture.geometry.crop import CropRule, crop_around
    from prn_blender.capture.packs.topology import Topology
    from training.assets import SKIN_VERTICES
    from training.bake import bake_operator, sampling_operator
    from training.evaluation import surfaces
    from training.labels import LabelMaker
    from training.renderer.sampling import ShapeSampler, sample_view
    from training.topology import make_topology

    rng, resolution = np.random.default_rng(5), 64
    arrays = make_topology(kit, layout, layout.landmark_uv, resolution)
    arrays = {name: array for name, array in arrays.items() if name in Topology.__dataclass_fields__}
    topology = Topology(**arrays | {"region_names": tuple(map(str, arrays["region_names"]))})
    model, shapes = HeadModel(kit), ShapeSampler(kit)
    states = [sample_view(rng, shape, model.vertices(shape)) for shape in (shapes(rng) for _ in range(6))]
    packed = torch.from_numpy(np.stack([state.pack() for state in states]))
    maps = LabelMaker(kit, bake_operator(layout, resolution)[0])(packed).numpy().reshape(6, resolution, resolution, 3)
    points = LabelMaker(kit, sampling_operator(layout, topology.sample_uv[:: surfaces.STEP, 0]))(packed).numpy()
    landmarks = LabelMaker(kit, sampling_operator(layout, topology.landmark_uv))(packed).numpy()
    visibility = rng.random((6, SKIN_VERTICES)) < 0.5
    held_out = surfaces.HeldOut(
        pictures=np.zeros((6, 64, 64, 3), np.uint8),
        states=states,
        landmarks=landmarks,
        surface=np.stack([10 * unproject(values, state) for values, state in zip(points, states, strict=True)]),
        visibility=visibility,
    )
    rule, answers = CropRule(1.6, -0.03), []
    seen = (bake_operator(layout, 32)[0] @ visibility.T.astype(np.float32)).T.reshape(6, 1, 32, 32)
    for values, corners, target, state, shown in zip(maps, landmarks, held_out.surface, states, seen, strict=True):
        crop = crop_around(corners[:, :2] * 64, rule)
        place = crop.from_photo(values[..., :2].reshape(-1, 2) * 64).reshape(resolution, resolution, 2)
        size = surfaces.fit_similarity(topology.canonical[:: surfaces.STEP], target).scale / 1000
        answers.append(
            {
                "map": np.concatenate([place, values[..., 2:] * 64 / crop.side], -1)[None].astype(np.float32),
                "distance": np.array([np.linalg.norm(state.translation) / 100 / size]),
                "visibility": shown,
            }
        )
    runner = SimpleNamespace(
        pack=SimpleNamespace(topology=topology, crop_rule=rule, output_name="map"),
        input_size=64,
        output_names=["map", "distance", "visibility"],
        outputs=lambda crops: answers.pop(0),
    )
    numbers, control = {}, {}
    surfaces.measure(numbers, control, runner, held_out, layout)
    assert numbers["rendered heads, whole head"]["mm, median"] < 0.5
    assert numbers["rendered heads, face"]["mm, 95 %"] < 2
    assert control["rendered heads, face"]["mm, median"] > 1
    assert numbers["camera distance"]["factor, median"] == pytest.approx(1, abs=1e-3)
    assert numbers["visibility"]["right, % of texels"] > 99.9
    assert numbers["visibility"]["same for all, %"] < 90
