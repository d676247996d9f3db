"""The labels beside the position map: without expression, weights, albedo."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from training.albedo import AlbedoBaker, HeadAlbedo
from training.assets import SKIN_VERTICES
from training.bake import bake_operator
from training.head_model import HeadModel, HeadState, project, to_camera
from training.labels import LabelMaker, neutral, shape_weights
from training.renderer.sampling import Light, ShapeSampler, sample_view
from training.shards import write_shard


def some_states(kit, count):
    rng, model, shapes = np.random.default_rng(3), HeadModel(kit), ShapeSampler(kit)
    states = []
    for _ in range(count):
        shape = shapes(rng)
        states.append(sample_view(rng, shape, model.vertices(shape)))
    return states


def test_neutral_labels_are_the_same_head_without_expression(kit, layout):
    operator = bake_operator(layout, 32)[0]
    labels, model = LabelMaker(kit, operator), HeadModel(kit)
    states = some_states(kit, 4)
    packed = torch.from_numpy(np.stack([state.pack() for state in states]))
    found = labels(neutral(packed)).numpy()
    for state, points in zip(states, found, strict=True):
        still = HeadState(**{**vars(state), "expression": np.zeros(57, np.float32)})
        vertices = model.vertices(still)[:SKIN_VERTICES]
        # where the neck bends, labels turn points and the model turns vertices: up to half a millimetre apart
        difference = np.abs(points - project(to_camera(operator @ vertices, state), state))
        assert np.median(difference) < 1e-5
        assert difference.max() < 3e-3
    assert np.abs(found - labels(packed).numpy()).max() > 0.01


def test_shape_weights_rebuild_the_head(kit):
    state = some_states(kit, 1)[0]
    identity, expression = (weights[0].numpy() for weights in shape_weights(torch.from_numpy(state.pack())[None]))
    rebuilt = HeadState(
        **{
            **vars(state),
            "identity": identity[:100],
            "extra": identity[100:132],
            "scanned": identity[132:153],
            "axis_scale": 1 + identity[153:],
            "expression": expression,
        }
    )
    model = HeadModel(kit)
    np.testing.assert_allclose(model.vertices(rebuilt), model.vertices(state), atol=1e-4)


def test_albedo_through_the_labels_is_the_picture_without_light(kit, layout):
    """Under even light of strength 1 a picture shows the albedo, dimmed in corners by the ambient occlusion."""
    pytest.importorskip("moderngl")
    from training.renderer.gl import Look
    from training.renderer.scene import SceneSampler

    size, resolution = 256, 128
    sampler = SceneSampler(size, seed=2, environments=None)
    skin, face, head = sampler.next_skin()
    even = np.zeros((9, 3), np.float32)
    even[0] = 1
    light = Light(even, np.array([0, 0, 1], np.float32), np.zeros(3, np.float32), False, 1.0)
    look = Look(light, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    operator, inside = bake_operator(layout, resolution)
    albedo = AlbedoBaker(kit, layout, resolution)(skin.face, skin.head) / 255
    occlusion = (operator @ kit.ambient_occlusion[:SKIN_VERTICES]).reshape(resolution, resolution)
    expected = albedo * occlusion[..., None] ** (1 / 2.2)
    labels = LabelMaker(kit, operator)
    differences, shown = [], np.zeros((resolution, resolution), bool)
    for state in some_states(kit, 4):
        state.neck = np.eye(3, dtype=np.float32)
        vertices = sampler.model.vertices(state)
        sampler.drawing.set_head(vertices, [])
        picture = sampler.drawing.draw(state, (face, head), sampler.eyes[0], look, np.zeros((size, size, 3), np.uint8))
        points = labels(torch.from_numpy(state.pack())[None])[0].numpy()
        depth = -to_camera(operator @ vertices[:SKIN_VERTICES], state)[:, 2]
        visible = sampler.drawing.visible(points[:, :2], depth - 0.3).reshape(resolution, resolution) & inside
        pixel = np.clip((points[:, :2] * size).astype(int), 0, size - 1).reshape(resolution, resolution, 2)
        colours = picture[pixel[..., 1], pixel[..., 0]] / 255
        differences.append(np.abs(colours - expected)[visible])
        shown |= visible
    assert shown.mean() > 0.3
    assert np.median(np.concatenate(differences)) < 0.02
    assert np.mean(np.concatenate(differences) < 0.08) > 0.9


def test_albedo_is_read_by_picture(tmp_path):
    maps = np.arange(3 * 2 * 2 * 3, dtype=np.uint8).reshape(3, 2, 2, 3)
    arrays = {"albedo": maps, "heads": np.array([0, 0, 1, 1, 2], np.int32), "states": np.zeros((5, 1), np.float32)}
    write_shard(tmp_path, 0, arrays)
    write_shard(tmp_path, 1, {name: arrays[name] for name in ("albedo", "heads")})  # interrupted
    write_shard(tmp_path, 2, arrays | {"albedo": maps + 100})
    albedo = HeadAlbedo([tmp_path])
    assert len(albedo) == 10
    np.testing.assert_array_equal(albedo.batch(np.array([1, 4, 7])), [maps[0], maps[2], maps[1] + 100])
