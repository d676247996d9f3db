"""Regions of textures taken from others, and faces swapped in photos."""

import numpy as np
import pytest

from prn_blender.capture.errors import Cancelled, CaptureError
from prn_blender.capture.packs.pack import ModelPack
from prn_blender.capture.pictures.depth import depth_image
from prn_blender.capture.pictures.draw import draw
from prn_blender.capture.texture.regions import MASK_SIZE, REGIONS, region_mask
from prn_blender.capture.texture.swap import swap_face
from prn_blender.capture.texture.take import take

from ..cancelling import CancelAt
from .conftest import Shot
from .posed_heads import posed_head

SIZE = 512
SHOT = Shot(1100, 1200, 4000.0, (12, 5, -6), (0.01, 0.0, -0.9))  # beyond one tile, the head cut by the photo's edge


@pytest.fixture(params=["pack", "prnet"])
def any_pack(request) -> ModelPack:
    return request.getfixturevalue(request.param)


def skin(seed: int = 0) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8: a colour that changes slowly, with fine grain."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    smooth = np.stack([150 + 50 * columns, 110 + 40 * rows, 90 + 30 * columns * rows], axis=-1)
    return np.rint(smooth + np.random.default_rng(seed).normal(0, 4, (SIZE, SIZE, 1))).astype(np.uint8)


def mask_at(mask: np.ndarray, uv: np.ndarray) -> np.ndarray:
    columns, rows = np.clip((np.asarray(uv) * MASK_SIZE).astype(int), 0, MASK_SIZE - 1).T
    return mask[rows, columns]


def test_regions_hold_their_landmarks_and_no_others(any_pack):
    uv = any_pack.topology.landmark_uv
    middles = {
        "eyes": [uv[36:42].mean(0), uv[42:48].mean(0)],
        "brows": [uv[19], uv[24]],
        "nose": [uv[29], uv[30]],
        "mouth": [uv[48:60].mean(0)],
        "beard": [uv[[8, 57]].mean(0)],
    }
    for name in REGIONS:
        mask = region_mask(any_pack.topology, name)
        assert mask.shape == (MASK_SIZE, MASK_SIZE) and mask.min() == 0 and mask.max() == 1
        assert ((mask > 0.1) & (mask < 0.9)).sum() > 200, "its border is soft"
        for other, places in middles.items():
            inside = mask_at(mask, places)
            if name in (other, "face"):
                assert (inside > 0.8).all(), (name, other)
            else:
                assert (inside < 0.2).all(), (name, other)
    with pytest.raises(CaptureError, match="choose eyes"):
        region_mask(any_pack.topology, "ears")


@pytest.mark.parametrize("source_size", [256, SIZE, 1024])
def test_what_is_taken_has_the_colours_around_it(any_pack, source_size):
    import cv2

    texture, mask = skin(), region_mask(any_pack.topology, "mouth")
    darker = cv2.resize(np.rint(skin() * np.array([0.6, 0.7, 0.8])).astype(np.uint8), (source_size, source_size))
    darker[int(0.3 * source_size) :, : int(0.05 * source_size)] = 255  # far from the mouth
    result = take(texture, darker, mask)
    difference = result.astype(float) - texture
    assert np.abs(cv2.blur(difference, (9, 9))).max() < 5
    unmatched = take(texture, darker, mask, match=False).astype(float) - texture
    assert unmatched[mask == 1].mean() < -20
    untouched = cv2.dilate((mask > 0).astype(np.uint8), np.ones((5, 5))) == 0
    assert (difference[untouched] == 0).all() and (unmatched[untouched] == 0).all()


def test_a_hat_along_the_border_is_no_light(any_pack):
    texture, mask = skin(), region_mask(any_pack.topology, "face")
    texture[: int(any_pack.topology.landmark_uv[17:27, 1].min() * SIZE)] = (20, 30, 70)
    result = take(texture, np.rint(skin() * np.array([0.6, 0.7, 0.8])).astype(np.uint8), mask).astype(float)
    np.testing.assert_allclose(result[mask == 1].mean(axis=0), skin()[mask == 1].mean(axis=0), atol=4)


def test_what_is_no_skin_at_all_is_taken_in_its_own_colours(pack):
    mask = region_mask(pack.topology, "face")
    result = take(np.full((SIZE, SIZE, 3), 255, np.uint8), np.zeros((SIZE, SIZE, 3), np.uint8), mask)
    assert (result[mask == 1] == 0).all() and (result[mask == 0] == 255).all()


def test_what_is_taken_keeps_its_pattern(pack):
    texture, mask = skin(), region_mask(pack.topology, "face")
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    checks = np.where((rows // 8 + columns // 8) % 2, 40, -40)[..., None]
    result = take(texture, np.clip(skin(1).astype(int) + checks, 0, 255).astype(np.uint8), mask).astype(float)
    inside = mask == 1
    assert np.corrcoef((result - texture)[inside].mean(axis=1), checks[inside][:, 0])[0, 1] > 0.95


def test_a_painted_mask_may_have_another_size_but_must_be_square_and_hold_something(pack):
    texture, other = skin(), np.full((64, 64, 3), 200, np.uint8)
    painted = np.zeros((128, 128), np.float32)
    painted[32:64, 64:96] = 1
    result = take(texture, other, painted, match=False)
    assert (result[140:244, 268:372] == 200).all() and (result[:120] == texture[:120]).all()
    for bad in (np.zeros((128, 128), np.float32), painted[:100]):
        with pytest.raises(CaptureError):
            take(texture, other, bad)
    with pytest.raises(CaptureError, match="square"):
        take(texture, other[:30], painted)


@pytest.fixture(params=["pack", "prnet"])
def scene(request):
    """A head, its texture, and a photo of it with that texture before a pattern."""
    import cv2

    pack = request.getfixturevalue(request.param)
    head, texture = posed_head(pack, SHOT), skin()
    photo = np.random.default_rng(5).integers(0, 256, (SHOT.height, SHOT.width, 3), dtype=np.uint8)
    for tile in draw(head):
        place = tile.interpolate(head.triangle_uv) * SIZE - np.float32(0.5)
        shown = tile.is_head
        photo[tile.area][shown] = cv2.remap(texture, place, None, cv2.INTER_LINEAR)[shown]
    return pack, head, texture, photo


def test_swapping_a_face_with_itself_in_another_light_gives_the_photo_back(scene):
    import cv2

    pack, head, texture, photo = scene
    darker = np.rint(texture * np.array([0.6, 0.7, 0.65])).astype(np.uint8)
    photo.flags.writeable = False
    swapped = swap_face(photo, head, darker, region_mask(pack.topology, "face"))
    assert swapped.shape == photo.shape
    difference = swapped.astype(float) - photo
    assert (difference[depth_image(head).metres == 0] == 0).all()
    assert (np.abs(difference) > 0).any(axis=2).mean() > 0.1
    assert np.abs(cv2.blur(difference, (15, 15))).max() < 10


def test_the_other_face_lands_where_the_head_has_it(scene):
    """A blue spot of the other's texture, on the forehead."""
    pack, head, texture, photo = scene
    other = texture.copy()
    brows = head.landmarks[[21, 22]].mean(axis=0)
    vertex = np.argmin(((head.vertices - brows) ** 2).sum(axis=1))
    u, v = head.uv[vertex] * SIZE
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    other[np.hypot(columns - u, rows - v) < 4] = (0, 0, 255)
    swapped = swap_face(photo, head, other, region_mask(pack.topology, "face")).astype(int)
    changed = swapped - photo
    rows, columns = np.nonzero((changed[..., 2] > 60) & (changed[..., 0] < -60))
    assert len(rows) > 20
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], head.in_photo[vertex], atol=3)


def test_what_hides_the_face_stays(scene):
    pack, head, texture, photo = scene
    shown = np.full((SIZE, SIZE), 255, np.uint8)
    u, v = (pack.topology.landmark_uv[36:42].mean(0) * SIZE).astype(int)
    shown[v - 20 : v + 20, u - 20 : u + 20] = 0
    swapped = swap_face(photo, head, 255 - texture, region_mask(pack.topology, "face"), shown)
    place = head.camera.project(head.pose.apply(head.landmarks[36:42].mean(0))).astype(int)
    hidden = (slice(place[1] - 3, place[1] + 3), slice(place[0] - 3, place[0] + 3))
    np.testing.assert_array_equal(swapped[hidden], photo[hidden])
    assert (swapped != photo).any()


def test_a_face_that_looks_away_cannot_be_swapped(pack):
    head = posed_head(pack, Shot(300, 300, None, (180, 0, 0), (0, 0, -1)))
    photo = np.zeros((300, 300, 3), np.uint8)
    with pytest.raises(CaptureError, match="choose another region"):
        swap_face(photo, head, skin(), region_mask(pack.topology, "mouth"))


def test_a_swap_can_be_cancelled(scene):
    pack, head, texture, photo = scene
    with pytest.raises(Cancelled):
        swap_face(photo, head, texture, region_mask(pack.topology, "face"), None, CancelAt(2))


def test_the_photo_does_not_show_through_in_folds_of_the_face(scene):
    """Between the lips and under the nose the surface is seen edge on, in strips a pixel or two wide."""
    import cv2

    pack, head, texture, photo = scene
    swapped = swap_face(np.full_like(photo, 255), head, np.zeros_like(texture), region_mask(pack.topology, "face"))
    specks = cv2.morphologyEx(swapped, cv2.MORPH_TOPHAT, np.ones((5, 5), np.uint8))
    assert (swapped == 0).all(axis=2).mean() > 0.1 and specks.max() < 60
