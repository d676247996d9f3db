"""What errors of the evidence have in common is solved for, and does not bend the head."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.shape.common_errors import explained, rolled
from prn_blender.capture.shape.evidence import EVIDENCE_SIZE
from prn_blender.capture.shape.fit import TOGETHER, _normal_equations, _observe, fit
from prn_blender.capture.types import Settings

from .conftest import photo_of
from .test_pack import edit
from .test_shape import FOCAL, evidence_from, face_error, person, seen_from

BOX = FaceBox(60, 80, 240, 300)
EVERY = np.ones(EVIDENCE_SIZE**2, bool)


@pytest.fixture(scope="module")
def model(pack):
    return pack.head_model


def test_it_is_as_if_they_were_unknowns_of_their_own():
    rng = np.random.default_rng(0)
    components, jacobian, residual = rng.normal(size=(12, 2, 3)), rng.normal(size=(30, 4)), rng.normal(size=30)
    taken, pull = explained(components, jacobian, residual)
    more = np.zeros((30, 7))
    more[:, :4], more[:24, 4:] = jacobian, components.reshape(24, 3)
    matrix = more.T @ more + np.diag([0, 0, 0, 0, 1, 1, 1])
    step = np.linalg.solve(jacobian.T @ jacobian - taken, jacobian.T @ residual - pull)
    assert np.allclose(step, np.linalg.solve(matrix, more.T @ residual)[:4])


def test_one_that_is_seen_loses_its_say_by_how_large_it_may_be(model):
    """Texels err by the root of `together` deviations each, what they have in common by one."""
    rng = np.random.default_rng(1)
    state = replace(seen_from(model, rng), expression=np.zeros(model.expressions), neck=np.zeros(3))
    right = evidence_from(model, np.zeros(model.identities), state, deviation=2.0, focal_px=FOCAL)
    inside = model.at_size(model.inside, EVIDENCE_SIZE)
    field = rng.normal(size=(*inside.shape, 2)).astype(np.float32) * inside[..., None]
    off = right.evidence.places.copy()
    off[..., :2] += 2.0 * field * (1, -1)
    pulls = []
    for errors in (None, field[None]):
        view = replace(right, evidence=replace(right.evidence, places=off, common_errors=errors))
        one = _observe(model, view, state)
        pulls.append(_normal_equations(model, one, np.zeros(model.identities), state, robust=False)[1])
    assert np.allclose(pulls[1], pulls[0] / (1 + np.square(field).sum() / TOGETHER), atol=1e-3 * np.abs(pulls[0]).max())
    assert np.abs(pulls[1]).max() > 1e-4 * np.abs(pulls[0]).max()


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
    said = replace(right.evidence, places=wrong)
    known = replace(said, common_errors=8 * wave[None].astype(np.float32))
    plain, better = (
        face_error(model, fit(model, (replace(right, evidence=one),)), identity, state) for one in (said, known)
    )
    assert better < 0.7 * plain


def test_the_packs_own_are_used(pack, model):
    capture = reconstruct(photo_of(np.full((300, 300, 3), 90, np.uint8)), BOX, pack, Settings(texture_size=256))
    (view,) = capture.fitted.known
    assert view.evidence.common_errors is pack.common_errors
    inside = model.at_size(model.inside, EVIDENCE_SIZE)
    size = np.sqrt(np.square(pack.common_errors).sum(axis=0).mean(axis=2))
    assert not size[~inside].any() and 0.2 < size[inside].mean() < 2


def test_a_pack_need_not_tell_them(copied):
    edit(copied, r"\[common_errors\][^\[]*", "")
    (copied / "common_errors.npz").unlink()
    photo = photo_of(np.full((300, 300, 3), 90, np.uint8))
    capture = reconstruct(photo, BOX, load_pack(copied), Settings(texture_size=256))
    assert capture.fitted.known[0].evidence.common_errors is None


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
def test_files_that_hold_something_else_are_refused(copied, components):
    file = copied / "common_errors.npz"
    np.savez(file, components=components)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    edit(copied, r'(file = "common_errors.npz"\nsha256 = )"\w+"', rf'\1"{checksum}"')
    with pytest.raises(CaptureError, match=r"common errors of the model pack .* install it again"):
        _ = load_pack(copied).common_errors
