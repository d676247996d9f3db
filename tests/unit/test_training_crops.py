"""What training crops say of their heads, and the decoder that says the same from few numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

from prn_blender.capture.geometry.camera import unit_camera
from prn_blender.capture.geometry.pose import fit_similarity
from training.assets import SKIN_VERTICES
from training.crops import CropMaker, CropStream, StoredCrops, size_against
from training.head_model import HeadState
from training.losses import error_loss, lengths
from training.network import DISTANCES, SEEN_RESOLUTION, Prediction, decode, orthonormal
from training.warm_start import find_stance

RESOLUTION = 32


def sample_states(count, off_axis):
    """Random heads before a camera that looks past them by tangents of about `off_axis`."""
    rng = np.random.default_rng(5)
    states = []
    for _ in range(count):
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        distance = rng.uniform(35, 300)
        across = rng.normal(0, off_axis, 2) * distance
        focal = 0.03 * distance
        states.append(
            HeadState(
                identity=rng.normal(size=100).astype(np.float32),
                extra=rng.normal(size=32).astype(np.float32) * 0.5,
                scanned=np.zeros(21, np.float32),
                expression=rng.random(57).astype(np.float32) * 0.2,
                axis_scale=rng.normal(1, 0.03, 3).astype(np.float32),
                neck=np.eye(3, dtype=np.float32),
                rotation=np.float32(turn * np.linalg.det(turn)),
                translation=np.array([*across, -distance], np.float32),
                projection=np.array(
                    [focal, 0.5 - focal * across[0] / distance, 0.5 + focal * across[1] / distance], np.float32
                ),
            )
        )
    return states


class RandomHeads:
    """As `RenderedHeads`, without pictures."""

    def __init__(self, states):
        self.states = torch.from_numpy(np.stack([state.pack() for state in states]))

    def __len__(self):
        return len(self.states)

    def batch(self, chosen):
        return torch.rand(len(chosen), 3, 24, 24), self.states[torch.from_numpy(chosen)]

    def visibility(self, chosen):
        return np.ones((len(chosen), SKIN_VERTICES), np.uint8)


@pytest.fixture(scope="module")
def maker(layout):
    return CropMaker(layout, layout.landmark_uv, RESOLUTION, 24)


@pytest.fixture(scope="module")
def make_crops(layout, maker):
    def make(off_axis, count=16):
        crops = StoredCrops(RandomHeads(sample_states(count, off_axis)), layout, maker)
        return crops(np.arange(count), torch.Generator().manual_seed(0))

    return make


def test_decoder_draws_the_head_that_the_crop_shows(make_crops):
    crops = make_crops(off_axis=0.0)
    maps, shapes = crops.maps.flatten(2), crops.shapes.flatten(2)
    stance = find_stance(maps, shapes, crops.distance)
    nothing = torch.zeros(1, shapes.shape[2])
    decoded = decode(Prediction(torch.zeros(len(maps), 3, 1), stance, None, None), shapes, nothing)
    assert lengths(decoded.maps - maps).max() < 2e-3  # crop sides
    np.testing.assert_allclose(decoded.log_distance.exp(), crops.distance, rtol=1e-5)


def test_capture_camera_gives_the_shape_back(maker):
    """A position map through the capture's camera is the head again, wherever in the photo it lies."""
    states = sample_states(6, off_axis=0.25)
    packed = RandomHeads(states).states
    points = maker.map_labels(packed).numpy()
    for state, seen, shape in zip(states, points, maker.shapes(packed).flatten(2), strict=True):
        focal, centre_x, centre_y = state.projection
        x, y, z = state.translation
        origin = np.array([focal * x / -z + centre_x, centre_y - focal * y / -z])
        # the camera's principal point is the middle of the photo: move everything there
        moved = seen + (0.5 - centre_x, 0.5 - centre_y, 0)
        camera = unit_camera(1, 1, float(focal), origin + (0.5 - centre_x, 0.5 - centre_y))
        found = camera.to_camera_space(moved)
        target = shape.T.numpy().astype(np.float64)
        fit = fit_similarity(found, target)
        assert np.linalg.norm(fit.apply(found) - target, axis=1).max() < 1e-4  # metres


def test_sizes_and_distances_are_those_of_the_mean_head(make_crops):
    mean = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 3)))
    turn, scale = orthonormal(torch.randn(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))
    moved = scale[:, None, None] * mean @ turn.transpose(1, 2) + 7
    torch.testing.assert_close(size_against(mean, moved), scale)
    crops = make_crops(off_axis=0.0)
    assert (crops.distance > DISTANCES[0]).all() and (crops.distance < DISTANCES[1]).all()
    # a head of the mean head's size: interpupillary distance and the like are the same for all up to identity
    spread = crops.shapes.flatten(2).std(2).norm(dim=1)
    assert (spread / spread.mean() - 1).abs().max() < 0.12


def test_rotations_are_rotations():
    rows = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1))
    turn, scale = orthonormal(rows)
    torch.testing.assert_close(turn @ turn.transpose(1, 2), torch.eye(3).expand(8, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(turn), torch.ones(8))
    again, doubled = orthonormal(turn[:, :2] * 2)
    torch.testing.assert_close(again, turn, atol=1e-5, rtol=0)
    torch.testing.assert_close(doubled, torch.full((8,), 2.0))
    assert (scale > 0).all()


def test_what_is_covered_is_not_seen(make_crops):
    crops = make_crops(off_axis=0.0, count=64)
    assert crops.seen.shape[1:] == (SEEN_RESOLUTION, SEEN_RESOLUTION)
    assert crops.seen.min() >= 0 and crops.seen.max() <= 1.00001
    share = crops.seen.mean((1, 2))
    # every vertex is visible, so what is missing was covered by blots and early ends: on some pictures, not on most
    assert (share > 0.999).float().mean() > 0.3 and (share < 0.99).any()


def test_expected_error_is_learnt_where_it_is_right():
    errors = torch.distributions.Exponential(1 / 0.02).sample((4000, 1, 1))
    levels = torch.log(torch.tensor([0.005, 0.01, 0.02, 0.04, 0.08]))
    losses = [float(error_loss(errors, level.expand(4000, 1, 1))) for level in levels]
    assert int(np.argmin(losses)) == 2


def test_streams_differ_between_workers_and_runs(layout, maker):
    crops = StoredCrops(RandomHeads(sample_states(8, 0.1)), layout, maker)
    first, again, other = (next(iter(CropStream(crops, 4, seed))) for seed in ((0, 0), (0, 0), (0, 1)))
    torch.testing.assert_close(first.maps, again.maps)
    assert not torch.allclose(first.maps, other.maps)
