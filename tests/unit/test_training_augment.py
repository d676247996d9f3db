"""Training crops: labels move with the pixels."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.augment import CropRange, cover_batch, flip_batch, recolour_batch, sample_squares
from training.crop_rule import CROP_RULE

SIZE = 96


def dots(points, size):
    """Pictures (B, 1, size, size) with a soft dot at each of points (B, 2), 0..1."""
    centre = (torch.arange(size) + 0.5) / size
    x, y = points[:, :1, None], points[:, 1:, None]
    return torch.exp(-((centre[None, None] - x) ** 2 + (centre[None, :, None] - y) ** 2) * (size / 2.5) ** 2)


def brightest(pictures):
    """(B, 2) centre of mass of pictures (B, H, W), 0..1."""
    size = pictures.shape[-1]
    centre = (torch.arange(size) + 0.5) / size
    mass = pictures / pictures.sum((1, 2), keepdim=True)
    return torch.stack([(mass.sum(1) * centre).sum(1), (mass.sum(2) * centre).sum(1)], 1)


def test_points_stay_on_what_they_mark():
    rng = np.random.default_rng(0)
    count = 24
    landmarks = torch.from_numpy(rng.uniform(0.35, 0.65, (count, 68, 3)).astype(np.float32))
    marked = torch.from_numpy(rng.uniform(0.42, 0.58, (count, 1, 3)).astype(np.float32))
    pictures = dots(marked[:, 0, :2], 200)[:, None].expand(-1, 3, -1, -1)
    squares = sample_squares(landmarks[..., :2], CropRange(), torch.Generator().manual_seed(1))
    crops, points = squares.cut(pictures, SIZE), squares.to_crop(marked)
    torch.testing.assert_close(squares.to_picture(points), marked)
    np.testing.assert_allclose(brightest(crops[:, 0]), points[:, 0, :2], atol=0.3 / SIZE)


def test_depth_scales_with_the_crop():
    landmarks = torch.rand(6, 68, 3, generator=torch.Generator().manual_seed(0))
    points = sample_squares(landmarks[..., :2], CropRange(), torch.Generator().manual_seed(2)).to_crop(landmarks)
    for before, after in zip(landmarks, points, strict=True):
        flat = torch.cdist(after[:, :2], after[:, :2]).max() / torch.cdist(before[:, :2], before[:, :2]).max()
        np.testing.assert_allclose(after[:, 2] / before[:, 2], np.full(68, flat), rtol=1e-4)


def test_still_crop_is_the_packs_rule():
    from prn_blender.capture.geometry.crop import crop_around

    landmarks = torch.from_numpy(np.random.default_rng(4).uniform(0.3, 0.7, (1, 68, 3)).astype(np.float32))
    still = CropRange(jitters=((0.0, 0.0),), shares=(1.0,))
    for seed in range(40):  # a seed whose turn is nearly none
        points = sample_squares(landmarks[..., :2], still, torch.Generator().manual_seed(seed)).to_crop(landmarks)
        difference = points[0, 1] - points[0, 0]
        turned = landmarks[0, 1] - landmarks[0, 0]
        angle = torch.atan2(difference[1], difference[0]) - torch.atan2(turned[1], turned[0])
        if abs(angle) < 0.004:
            crop = crop_around(landmarks[0, :, :2].numpy(), CROP_RULE)
            np.testing.assert_allclose(points[0, :, :2], crop.from_photo(landmarks[0, :, :2].numpy()), atol=0.006)
            return
    pytest.fail("no upright crop among 40")


def test_crops_are_as_far_off_as_their_share_says():
    count, generator = 4000, torch.Generator().manual_seed(6)
    landmarks = torch.rand(1, 68, 3, generator=generator).expand(count, -1, -1)
    crop = CropRange(jitters=((0.0, 0.0), (0.1, 0.3)), shares=(0.75, 0.25))
    points = sample_squares(landmarks[..., :2], crop, generator).to_crop(landmarks)
    middle, sides = (points.amax(1) + points.amin(1))[:, :2] / 2 - 0.5, np.ptp(points[..., :2].numpy(), axis=1).mean(1)
    still = np.abs(sides * crop.rule.scale - 1) < 1e-4
    assert 0.72 < still.mean() < 0.78
    np.testing.assert_allclose(middle[still][:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(np.log(sides[~still] * crop.rule.scale).std(), 0.3, rtol=0.1)
    in_crop = middle[~still][:, 0].numpy() / (sides[~still] * crop.rule.scale)  # in sides of the crop before its zoom
    np.testing.assert_allclose(in_crop.std(), 0.1, rtol=0.1)


def test_colours_change_and_stay_colours():
    grey = torch.linspace(0, 1, 64).expand(200, 3, 64, 64).contiguous()
    before, changed = grey.clone(), recolour_batch(grey, torch.Generator().manual_seed(7))
    assert torch.equal(grey, before)
    assert changed.min() >= 0 and changed.max() <= 1
    contrast = (changed[..., 40] - changed[..., 24]).mean((1, 2))
    assert (contrast > 0).float().mean() > 0.98  # only a shade may turn it around
    # most keep about theirs, some get a steep tone curve
    assert 0.15 < contrast.median() < 0.35
    assert 0.03 < (contrast > 0.4).float().mean() < 0.15


def test_mirrored_labels_mark_the_mirrored_picture():
    picture = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    centre = (torch.arange(32) + 0.5) / 32
    # every texel marks the pixel of the same place
    identity = torch.stack([centre.expand(32, 32), centre[:, None].expand(32, 32), torch.zeros(32, 32)])
    maps = identity.expand(2, -1, -1, -1)
    shapes = (identity - torch.tensor([0.5, 0, 0])[:, None, None]).expand(2, -1, -1, -1)  # symmetric about x = 0
    seen = centre.expand(2, 32, 32)
    flipped, moved, turned, shown = flip_batch(torch.tensor([True, False]), picture, maps, shapes, seen)
    torch.testing.assert_close(flipped[0], picture[0].flip(2))
    torch.testing.assert_close(flipped[1], picture[1])
    torch.testing.assert_close(moved[1], identity)
    # texel (i, j) of the mirrored map is the mirrored counterpart of texel (i, 31 - j)
    torch.testing.assert_close(moved[0, 0], identity[0])
    torch.testing.assert_close(turned[0], shapes[0])
    torch.testing.assert_close(shown, torch.stack([centre.flip(0).expand(32, 32), centre.expand(32, 32)]))


def test_covers_are_where_the_picture_changed():
    pictures = torch.full((200, 3, 32, 32), 0.5)
    changed, covered = cover_batch(pictures, torch.Generator().manual_seed(0))
    untouched = (covered == 0).expand(-1, 3, -1, -1)
    torch.testing.assert_close(changed[untouched], pictures[untouched])
    assert 0.2 < (covered.flatten(1).amax(1) > 0).float().mean() < 0.7
    assert (changed - 0.5).abs().amax(1)[covered[:, 0] == 1].gt(1e-4).float().mean() > 0.9
