"""The outline that a photo shows: found on drawn heads, told from hair and background, followed by the fit."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.photo.cut_out import cut_out
from prn_blender.capture.shape import fit as fitting
from prn_blender.capture.shape.evidence import Outline
from prn_blender.capture.shape.fit import Fit
from prn_blender.capture.shape.outline import nearest_outline
from prn_blender.capture.shape.remainder import fitted_map
from prn_blender.capture.shape.seen_outline import outline_seen, scalp_of
from prn_blender.capture.shape.views import fit_views

from .test_shape import HEIGHT, WIDTH, evidence_from, person, seen_from

SKIN, BACKGROUND, HAIR = (205, 150, 125), (70, 90, 140), (40, 30, 25)
SEEN = np.ones((32, 32), np.float32)


@pytest.fixture(scope="module")
def pack():
    return load_pack()


@pytest.fixture(scope="module")
def profile(pack):
    """A person from the side, the head's vertices in the photo, and evidence that shows somebody else."""
    model, rng = pack.head_model, np.random.default_rng(4)
    identity, state = person(model, rng), seen_from(model, rng, 85, place=(800.0, 600.0))
    said = evidence_from(model, identity, state, deviation=6.0, distance=0.8)
    surface = fitted_map(model, Fit(identity, (state,)), 0, said, follow=0)
    other = evidence_from(model, identity + 0.8 * person(model, rng), state, deviation=6.0, distance=0.8)
    return pack.topology.vertices(surface), other


def drawn(vertices, triangles, skin=SKIN, background=BACKGROUND) -> np.ndarray:
    """(H, W, 3) uint8: a head of one colour, with noise."""
    picture = np.full((HEIGHT, WIDTH, 3), background, np.uint8)
    for corners in np.rint(vertices[triangles][..., :2] * 16 - 8).astype(np.int32):
        cv2.fillConvexPoly(picture, corners, skin, shift=4)
    noise = np.random.default_rng(0).integers(-4, 5, picture.shape)
    return cv2.GaussianBlur(np.clip(picture + noise, 0, 255).astype(np.uint8), (0, 0), 1.0)


def outline_in(picture, profile, pack, visibility=SEEN) -> Outline:
    vertices, other = profile
    cut = cut_out(picture, vertices, pack.topology.triangles)
    scalp = scalp_of(pack.topology, len(pack.head_model.mean))
    return outline_seen(picture, lambda: cut, other.evidence.places, pack.head_model, visibility, scalp)


def off_outline(places, vertices, pack) -> np.ndarray:
    """(N,) photo pixels from places to the outline of a head."""
    return np.array([nearest_outline(vertices, pack.topology, place)[1] for place in places])


def test_it_lies_where_the_head_ends(pack, profile):
    seen = outline_in(drawn(profile[0], pack.topology.triangles), profile, pack)
    off = off_outline(seen.places, profile[0], pack)
    assert len(seen) > 25
    assert np.median(off) < 1.5
    assert (off < 5).mean() > 0.9
    assert np.allclose(np.linalg.norm(seen.outwards, axis=1), 1)


def test_the_head_follows_it(pack, profile):
    seen = outline_in(drawn(profile[0], pack.topology.triangles), profile, pack)
    other = profile[1]
    off = {}
    for outline in (None, seen):
        fitted = fit_views(pack.head_model, (replace(other, evidence=replace(other.evidence, outline=outline)),))
        found = pack.topology.vertices(fitted.head_in(pack.head_model, pack.topology, 0).position_map)
        off[outline is seen] = off_outline(seen.places, found, pack).mean()
    assert off[True] < 0.4 * off[False]


@pytest.mark.parametrize("texels", [20, 32, 128])
def test_what_is_covered_has_no_outline(pack, profile, texels):
    """However finely a pack's network says what is seen: the lower half of the face, here."""
    picture = drawn(profile[0], pack.topology.triangles)
    face = np.zeros((texels, texels), np.float32)
    face[texels // 2 :] = 1
    everywhere, below = (outline_in(picture, profile, pack, seen) for seen in (np.ones_like(face), face))
    assert np.array_equal(everywhere.places, outline_in(picture, profile, pack).places)
    assert 5 < len(below) < len(everywhere) - 5
    assert (below.uv[:, 1] > 0.35).all()


def test_hair_and_temples_are_no_outline(pack, profile):
    seen = outline_in(drawn(profile[0], pack.topology.triangles), profile, pack)
    scalp = scalp_of(pack.topology, 64)
    texel = tuple((seen.uv * 64).astype(int).clip(0, 63).T[::-1])
    assert not scalp[texel].any()
    assert scalp.mean() > 0.3


@pytest.mark.parametrize("background", [SKIN, HAIR])
def test_what_does_not_stand_out_is_not_taken(pack, profile, background):
    """Skin before skin's colour; and hair that falls into the face before a background of its colour."""
    picture = drawn(profile[0], pack.topology.triangles, background=background)
    if background == HAIR:
        picture[:, int(profile[0][:, 0].min()) : int(profile[0][:, 0].mean())] = HAIR
    seen = outline_in(picture, profile, pack)
    assert (off_outline(seen.places, profile[0], pack) < 5).mean() > 0.9 if len(seen) else background == SKIN


def test_a_tiny_photo_shows_none(pack, profile):
    small = replace(profile[1].evidence, places=profile[1].evidence.places / 8)
    picture = cv2.resize(drawn(profile[0], pack.topology.triangles), None, fx=1 / 8, fy=1 / 8)
    cut = cut_out(picture, profile[0] / 8, pack.topology.triangles)
    assert not outline_seen(picture, lambda: cut, small.places, pack.head_model, SEEN, scalp_of(pack.topology, 64))


def test_along_it_nothing_is_told(pack, profile):
    model, (vertices, other) = pack.head_model, profile
    seen = outline_in(drawn(vertices, pack.topology.triangles), profile, pack)
    state = fit_views(model, (other,)).found.views[0]

    def gradient(outline):
        view = replace(other, evidence=replace(other.evidence, outline=outline))
        one = fitting._observe(model, view, state)
        return fitting._normal_equations(model, one, np.zeros(model.identities), state, robust=False)[1]

    along = seen.outwards[:, ::-1] * (-1, 1)
    assert np.allclose(gradient(replace(seen, places=seen.places + 20 * along)), gradient(seen), rtol=1e-3, atol=1e-2)
    assert not np.allclose(gradient(replace(seen, places=seen.places + 20 * seen.outwards)), gradient(seen), atol=1)
