"""The trained network as packs store it: the same numbers in ONNX, mirrored, and as the start of the next one."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("tqdm")

from training.export import check_onnx, write_onnx
from training.network import SEEN_RESOLUTION, HeadNetwork, MapNetwork, NetworkSize, Prediction
from training.warm_start import start_encoder

SIZE = NetworkSize(input_size=32, width=8, blocks=(1, 1, 1, 1), widths=(1, 1, 2, 2), features=24, basis=6)
RESOLUTION = 8


@pytest.fixture
def network():
    """A small network with random weights and statistics that stands about where a head stands."""
    torch.manual_seed(0)
    network = HeadNetwork(SIZE)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    with torch.no_grad():
        network.head.weight[-9:] *= 0.1
    mean = torch.rand(3, RESOLUTION**2) * 0.2 - 0.1
    return MapNetwork(network, mean, torch.randn(SIZE.basis, RESOLUTION**2) * 0.003).eval()


@pytest.fixture
def crops():
    return np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("compact", 3e-3), ("fp16", 2e-2)])
def test_onnx_gives_the_same(network, crops, tmp_path, precision, tolerance):
    if precision == "fp16":
        pytest.importorskip("onnxconverter_common")
    write_onnx(network, tmp_path / "network.onnx", precision)
    differences = check_onnx(network, tmp_path / "network.onnx", crops)
    assert list(differences) == ["position_map", "visibility", "expected_error", "distance"]
    assert max(differences.values()) < tolerance


def test_the_mirrored_picture_gives_the_mirrored_head(network, crops):
    image = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        seen, mirrored = network(image), network(image.flip(3))
    maps = mirrored[0].flip(2) * torch.tensor([-1.0, 1, 1]) + torch.tensor([1.0, 0, 0])
    torch.testing.assert_close(seen[0], maps, atol=1e-5, rtol=0)
    for one, other in zip(seen[1:3], mirrored[1:3], strict=True):
        assert one.shape == (3, SEEN_RESOLUTION, SEEN_RESOLUTION)
        torch.testing.assert_close(one, other.flip(2), atol=1e-6, rtol=0)
    torch.testing.assert_close(seen[3], mirrored[3])


class DotFinder(torch.nn.Module):
    """Says that a head of no extent stands where the picture is bright; how bright it is tells all the rest."""

    size = SIZE

    def forward(self, crops):
        bright, level = crops.mean(1), crops.amax((1, 2, 3))
        bright = bright / bright.sum((1, 2), keepdim=True)
        middles = (torch.arange(SIZE.input_size) + 0.5) / SIZE.input_size
        place = torch.stack([bright.sum(1) @ middles, bright.sum(2) @ middles], 1)
        rows = torch.tensor([[1.0, 0, 0, 0, 1, 0]]).expand(len(crops), -1)
        grid = level[:, None, None].expand(-1, SEEN_RESOLUTION, SEEN_RESOLUTION)
        stance = torch.cat([rows, place, level[:, None]], 1)
        return Prediction(torch.zeros(len(crops), 3, SIZE.basis), stance, grid, (grid / 10).log())


def test_every_view_speaks_of_the_same_place():
    places, levels = torch.tensor([[0.3, 0.6], [0.55, 0.42]]), torch.tensor([1.0, 0.4])
    middles = (torch.arange(SIZE.input_size) + 0.5) / SIZE.input_size
    squares = (middles[:, None] - places[:, 1, None, None]).square() + (middles - places[:, 0, None, None]).square()
    dots = torch.exp(-squares / 0.006)[:, None].expand(-1, 3, -1, -1) * levels.view(2, 1, 1, 1)
    points = torch.zeros(3, RESOLUTION**2)
    network = MapNetwork(DotFinder(), points, points[:1].expand(SIZE.basis, -1))
    assert len(network.views(dots)) == 8
    maps, seen, error, distance = network(dots)
    expected = torch.cat([places, torch.zeros(2, 1)], 1)[:, None, None].expand_as(maps)
    torch.testing.assert_close(maps, expected, atol=2e-3, rtol=0)
    torch.testing.assert_close(seen.mean((1, 2)), levels.sigmoid(), atol=0.02, rtol=0)
    torch.testing.assert_close(distance, levels.exp(), rtol=0.08, atol=0)
    # what is seen from closer by errs by less of the crop
    torch.testing.assert_close(error.mean((1, 2)), distance.log() / 10 * (1 + network.part) / 2, rtol=0.01, atol=0)


def test_next_network_starts_where_the_pack_is(network, crops, tmp_path):
    write_onnx(network, tmp_path / "network.onnx", "compact")
    image = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    again = HeadNetwork(SIZE)
    start_encoder(again, tmp_path / "network.onnx", image)
    with torch.no_grad():
        torch.testing.assert_close(again.eval().features(image), network.network.features(image), atol=5e-3, rtol=0)
