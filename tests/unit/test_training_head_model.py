"""The pack's head model: populations laid on one another, their components, scanned heads on ICT-FaceKit's vertices."""

import tomllib

import numpy as np
import pytest

pytest.importorskip("scipy")

from prn_blender.capture.geometry.pose import Similarity
from prn_blender.capture.shape.fit import rotation_of
from training.assets import DEFAULT_FOLDER, LANDMARK_VERTICES, SKIN_VERTICES, load_facekit
from training.head_model_pack import explained, laid_on, principal, write_into
from training.preparation.scanned_heads import DEFAULT_FILE, load_scanned_heads

has_heads = DEFAULT_FILE.exists() and (DEFAULT_FOLDER / "ict_facekit.npz").exists()


def test_size_and_pose_are_no_part_of_identity():
    rng = np.random.default_rng(0)
    mean, weights = rng.normal(size=(60, 3)), np.ones(60)
    heads = np.stack(
        [
            Similarity(rng.uniform(0.8, 1.2), rotation_of(rng.normal(size=3)), rng.normal(size=3)).apply(mean)
            for _ in range(5)
        ]
    )
    assert np.abs(laid_on(heads, mean, weights) - mean).max() < 1e-9


def test_components_have_variance_one_and_explain_what_they_were_made_from():
    rng = np.random.default_rng(1)
    shapes = rng.normal(size=(3, 40, 3)) * np.array([3, 2, 1])[:, None, None]
    coefficients = rng.normal(size=(500, 3))
    offsets = np.tensordot(coefficients, shapes, 1) + 5
    weights = rng.uniform(0.2, 1, 40)
    components, mean = principal(offsets, weights, 3)
    assert np.allclose(mean, offsets.mean(axis=0))
    assert explained(offsets, components, weights).max() < 1e-4
    assert explained(offsets, components[:2], weights).mean() > 0.1
    found = np.linalg.lstsq(components.reshape(3, -1).T, (offsets - mean).reshape(500, -1).T, rcond=None)[0]
    assert np.allclose(found.var(axis=1), 1, atol=0.01)


def test_a_pack_gets_the_model_and_its_checksum_once(tmp_path):
    (tmp_path / "pack.toml").write_text('[pack]\nname = "x"\n\n[crop]\nfrom_landmarks = { scale = 1.6 }\n')
    for value in (1.0, 2.0):
        write_into(tmp_path, {"mean": np.full(3, value)})
    described = tomllib.loads((tmp_path / "pack.toml").read_text())
    assert set(described) == {"pack", "crop", "head_model"}
    assert len(described["head_model"]["sha256"]) == 64
    assert np.load(tmp_path / "head_model.npz")["mean"][0] == 2


@pytest.mark.skipif(not has_heads, reason="no scanned heads beside the checkout (training/README.md)")
def test_scanned_heads_lie_on_the_mean_head():
    kit = load_facekit()
    heads = load_scanned_heads(kit)
    assert np.percentile(heads.distance, 50) < 0.03 and np.percentile(heads.distance, 95) < 0.2  # cm
    assert heads.components.shape == (20, SKIN_VERTICES, 3)
    sizes = np.sqrt((heads.components**2).sum(2).mean(1))
    assert 0.2 < sizes[0] < 0.6 and sizes[-1] < 0.1
    # Both heads are symmetric, so what their means differ by is too; noses stick out, ears are at the sides.
    nose, ears = LANDMARK_VERTICES[30], LANDMARK_VERTICES[[0, 16]]
    assert abs(heads.mean[nose, 0]) < 0.02
    assert np.allclose(heads.mean[ears[0]] * (-1, 1, 1), heads.mean[ears[1]], atol=0.05)
