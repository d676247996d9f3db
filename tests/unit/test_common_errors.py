"""What errors of the evidence have in common is solved for, and does not bend the head."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.shape.common_errors import explained, load_common_errors, rolled
from prn_blender.capture.shape.evidence import EVIDENCE_SIZE, Likeness
from prn_blender.capture.shape.fit import fit
from prn_blender.capture.shape.views import fit_views

from .test_pack import edit
from .test_shape import evidence_from, face_error, person, seen_from

EVERY = np.ones(EVIDENCE_SIZE**2, bool)


@pytest.fixture(scope="module")
def model(pack):
    return pack.head_model


def untold(model) -> Likeness:
    """A second pass that does not know whose head it is."""
    count = model.identities + model.expressions
    return Likeness(np.zeros(count), np.ones(count))


def test_it_is_as_if_they_were_unknowns_of_their_own():
    rng = np.random.default_rng(0)
    components, jacobian, residual = rng.normal(size=(12, 2, 3)), rng.normal(size=(30, 4)), rng.normal(size=30)
    taken, pull = explained(components, jacobian, residual)
    more = np.zeros((30, 7))
    more[:, :4], more[:24, 4:] = jacobian, components.reshape(24, 3)
    matrix = more.T @ more + np.diag([0, 0, 0, 0, 1, 1, 1])
    step = np.linalg.solve(jacobian.T @ jacobian - taken, jacobian.T @ residual - pull)
    assert np.allclose(step, np.linalg.solve(matrix, more.T @ residual)[:4])


def test_they_turn_with_the_head():
    components = np.zeros((1, EVIDENCE_SIZE, EVIDENCE_SIZE, 2), np.float32)
    components[..., 1] = 1  # up
    assert np.allclose(rolled(components, EVERY, 0.0)[:, :, 0], (0, 1))
    # a head that leans to the photo's right, as a roll of 90 degrees is
    assert np.allclose(rolled(components, EVERY, np.pi / 2)[:, :, 0], (1, 0), atol=1e-6)
    assert rolled(components, EVERY & (np.arange(len(EVERY)) < 5), 0.0).shape == (5, 2, 1)


def test_a_common_error_does_not_bend_the_head(model):
    rng = np.random.default_rng(4)
    identity, state = person(model, rng), seen_from(model, rng, 10)
    v, u = (np.mgrid[:EVIDENCE_SIZE, :EVIDENCE_SIZE] + 0.5) / EVIDENCE_SIZE
    wave = np.stack([np.sin(2 * np.pi * (u + v)), np.cos(3 * np.pi * u)], axis=2)
    right = evidence_from(model, identity, state, focal_px=1800.0)
    wrong = right.evidence.places.copy()
    wrong[..., :2] += 8 * wave * (1, -1)
    said = replace(right.evidence, places=wrong, likeness=untold(model))
    view, knows = replace(right, evidence=said), replace(model, common_errors=8 * wave[None].astype(np.float32))
    plain, better = (face_error(model, fit(one, (view,)), identity, state) for one in (model, knows))
    assert better < 0.7 * plain
    first_alone = replace(view, evidence=replace(said, likeness=None))
    assert np.array_equal(fit(knows, (first_alone,)).identity, fit(model, (first_alone,)).identity)


def test_the_packs_own_are_used(pack, model):
    assert model.common_errors.shape[1:] == (EVIDENCE_SIZE, EVIDENCE_SIZE, 2)
    inside = model.at_size(model.inside, EVIDENCE_SIZE)
    size = np.sqrt(np.square(model.common_errors).sum(axis=0).mean(axis=2))
    assert not size[~inside].any() and 0.2 < size[inside].mean() < 2


def test_a_pack_need_not_tell_them(copied):
    edit(copied, r"\[common_errors\][^\[]*", "")
    (copied / "common_errors.npz").unlink()
    model = load_pack(copied).head_model
    assert model.common_errors is None
    rng = np.random.default_rng(0)
    view = evidence_from(model, person(model, rng), seen_from(model, rng))
    assert np.isfinite(fit_views(model, (view,), (False,)).found.identity).all()


@pytest.mark.parametrize(
    "components",
    [
        np.zeros((2, EVIDENCE_SIZE, EVIDENCE_SIZE)),
        np.zeros((0, EVIDENCE_SIZE, EVIDENCE_SIZE, 2)),
        np.full((2, EVIDENCE_SIZE, EVIDENCE_SIZE, 2), np.nan),
        np.full((2, EVIDENCE_SIZE, EVIDENCE_SIZE, 2), 1000.0),
        np.zeros((2, EVIDENCE_SIZE, EVIDENCE_SIZE, 2), int),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, components):
    file = tmp_path / "common_errors.npz"
    np.savez(file, components=components)
    with pytest.raises(CaptureError, match="install the model pack again"):
        load_common_errors(file)
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(CaptureError, match="install the model pack again"):
        load_common_errors(file)
