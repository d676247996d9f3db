"""What the renderer's parts put on a head, and that its labels stay true to the picture."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from prn_blender.capture.landmarks import MIRROR
from training.assets import LANDMARK_VERTICES, SKIN_VERTICES, load_skins
from training.head_model import HeadModel
from training.renderer.degrade import end_photo
from training.renderer.relief import face_values, landmark_places, wrinkles
from training.renderer.sampling import ShapeSampler, sample_neck
from training.renderer.strands import BeardMaker, locks
from training.renderer.wraps import HeadWrap


@pytest.fixture(scope="module")
def shapes(kit):
    return ShapeSampler(kit)


def landmarks_of(kit, shapes, weights):
    state = shapes(np.random.default_rng(0))
    state.identity, state.extra = weights[: len(kit.identity)], weights[len(kit.identity) :]
    state.expression, state.axis_scale, state.neck = np.zeros(57), np.ones(3), np.eye(3)
    return HeadModel(kit).vertices(state)[LANDMARK_VERTICES]


def test_children_have_a_childs_proportions(kit, shapes):
    adult, child = (landmarks_of(kit, shapes, weights) for weights in (0 * shapes.child, shapes.child))

    def lower_face(points):
        return points[36:48, 1].mean() - points[8, 1]

    def eye_width(points):
        return points[45, 0] - points[42, 0]

    assert lower_face(child) < 0.9 * lower_face(adult)
    assert eye_width(child) > 1.08 * eye_width(adult)
    assert child[30, 2] < adult[30, 2]  # the tip of the nose
    np.testing.assert_allclose(child, child[MIRROR] * (-1, 1, 1), atol=0.25)  # nearly symmetric


def test_heavy_people_are_wider_at_the_jaw(kit, shapes):
    adult, heavy = (landmarks_of(kit, shapes, weights) for weights in (0 * shapes.heavy, shapes.heavy))
    assert np.ptp(heavy[[4, 12], 0]) > np.ptp(adult[[4, 12], 0]) + 0.8
    assert abs(np.ptp(heavy[[36, 45], 0]) - np.ptp(adult[[36, 45], 0])) < 0.5


def test_necks_turn_but_do_not_break():
    rng = np.random.default_rng(1)
    for _ in range(200):
        turn = sample_neck(rng)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-6)
        assert np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 90


def test_wrinkles_lie_where_faces_fold(kit):
    places, size = landmark_places(kit), 256
    depth = np.mean([wrinkles(np.random.default_rng(k), places, size, 1.0) for k in range(8)], 0)

    def near(point, radius=8):
        x, y = (point * size).astype(int)
        return depth[y - radius : y + radius, x - radius : x + radius].max()

    beside_mouth = places[48] + (-0.03, 0)
    assert near(beside_mouth) > 0.2
    assert depth[: size // 16].max() < 1e-3  # not on the scalp
    assert near(places[30], 4) < 0.05  # not on the tip of the nose
    assert wrinkles(np.random.default_rng(0), places, size, 0.0).max() == 0


def test_beards_grow_outwards_from_chin_and_cheeks_only(kit):
    coverage = face_values(kit, load_skins(256).masks["beard"])
    maker = BeardMaker(kit.skin_triangles, coverage)
    head = kit.mean
    surface = maker(np.random.default_rng(4), head, np.ones(3) * 0.2)
    moved = np.linalg.norm(surface.positions - head[maker.used], axis=1)
    assert moved[maker.coverage == 0].max() < 1e-5
    assert moved.max() > 0.2
    points = head[LANDMARK_VERTICES]
    grown = moved > 0.05
    assert head[maker.used][grown, 1].max() < points[27, 1] + 0.5  # none above the eyes
    axis = np.array([0, 0, -1.0])
    outwards = (head[maker.used] - axis) * (1, 0, 1)
    assert ((surface.positions - head[maker.used]) * outwards).sum(1)[grown].mean() > 0


def test_locks_hang_off_the_skin(kit):
    wrap = HeadWrap(kit.mean)
    radii = wrap.radii(kit.mean)
    azimuth, height = np.array([0.0, 0.3, -0.5, 1.0]), np.array([5.0, 2.0, -1.0, -3.0])
    on, off = (wrap.over_skin(radii, azimuth, height, np.full(4, lift)) for lift in (0.0, 1.0))
    np.testing.assert_allclose(on[:, 1], height, atol=0.6)
    np.testing.assert_allclose(np.arctan2(on[:, 0], on[:, 2] + 1), azimuth, atol=0.1)
    np.testing.assert_allclose(np.linalg.norm(off - on, axis=1), 1, atol=0.1)
    surface = locks(np.random.default_rng(2), wrap, kit.mean, np.ones(3) * 0.2)
    assert np.isfinite(surface.positions).all()
    assert surface.triangles.max() < len(surface.positions)
    nearest = np.linalg.norm(surface.positions[::7, None] - kit.mean[None, :SKIN_VERTICES:3], axis=2).min(1)
    assert np.median(nearest) < 2.5


def test_hoods_cover_ears(kit):
    from scipy.interpolate import griddata

    wrap = HeadWrap(kit.mean)
    ears = kit.mean[wrap.ears]
    grid = wrap.positions(wrap.radii_over_ears(kit.mean) + 0.3).reshape(-1, 3)
    for side in (-1, 1):  # seen from the side, the hood lies outside of the ear
        ear, cloth = ears[ears[:, 0] * side > 0], grid[grid[:, 0] * side > 0]
        over = griddata(cloth[:, 1:], cloth[:, 0] * side, ear[:, 1:])
        assert (over > ear[:, 0] * side).mean() > 0.97


def test_a_photo_that_ends_keeps_what_is_left():
    rng = np.random.default_rng(0)
    for _ in range(20):
        picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        ended, left = end_photo(rng, picture)
        assert ended.shape == picture.shape
        np.testing.assert_array_equal(ended[left], picture[left])
        assert 0.1 < left.mean() < 1
        rows, columns = np.flatnonzero(left.any(1)), np.flatnonzero(left.any(0))
        one_shade = len(np.unique(ended[~left], axis=0)) == 1
        inner = np.ix_(np.clip(np.arange(64), rows[0], rows[-1]), np.clip(np.arange(64), columns[0], columns[-1]))
        assert one_shade or (ended == picture[inner]).all()


@pytest.fixture(scope="module")
def scene(kit):
    pytest.importorskip("moderngl")
    from training.renderer.scene import SceneSampler

    try:
        return SceneSampler(96, seed=5, environments=None), SceneSampler(96, seed=5, environments=None)
    except Exception as error:
        if "EGL" in str(error) or "context" in str(error):
            pytest.skip(f"no GL: {error}")
        raise


def test_the_same_seed_draws_the_same(scene):
    for ours, theirs in zip(scene[0].head(2), scene[1].head(2), strict=True):
        np.testing.assert_array_equal(ours.picture, theirs.picture)
        np.testing.assert_array_equal(ours.visibility, theirs.visibility)
        np.testing.assert_array_equal(ours.state.pack(), theirs.state.pack())


def test_kept_skins_and_hair_are_in_no_other_pictures(scene, kit):
    from training.renderer.scene import SceneSampler, Taste

    only, never = (SceneSampler(96, 5, None, taste=Taste(0.5, 0.5, kept)) for kept in (True, False))
    everything = scene[0]
    assert len(only.hair_styles) + len(never.hair_styles) == len(everything.hair_styles)
    assert len(only.library.faces) + len(never.library.faces) == len(everything.library.faces)
    heads = [never.head(1)[0].state for _ in range(12)]
    scanned = [state for state in heads if state.scanned.any()]
    assert 0 < len(scanned) < len(heads)


def test_people_and_sprites_are_drawn(scene, layout, pack):
    """By samplers that place and finish a head in their own way."""
    from training.finder.sprites import SpriteSampler
    from training.people import Person, PersonSampler

    marks = pack.topology.landmark_uv
    sprite = SpriteSampler(3, None, layout, marks).head(1)[0]
    assert sprite.picture.shape[2] == 4 and sprite.picture[..., 3].any()
    empty = np.zeros((200, 200, 3), np.uint8)
    picture, found = PersonSampler(200, layout, marks).add(Person(4, (100, 100), 80), empty)
    assert picture.any() and np.abs((found.min(0) + found.max(0)) / 2 - 100).max() < 2
