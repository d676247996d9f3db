"""The second pass's training: what it sees is what the capture will see, and it learns."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("tqdm")
pytest.importorskip("onnx")

from prn_blender.capture.geometry import unwrap as unwrapping
from prn_blender.capture.geometry.unwrap import stance_of
from training import train
from training.basis import MapBasis
from training.evaluation.runner import PackRunner
from training.in_memory import learn_in_memory
from training.network import FAST, HeadNetwork
from training.refine.export import check_onnx, write_into
from training.refine.first_pass import coarse_map_network, load_map_network
from training.refine.from_pack import start_from_pack
from training.refine.network import COEFFICIENTS, PLACE_UNIT, SEEN, TEXELS, PackNetwork, RefineNetwork, RefineSize
from training.refine.pairs import PairMaker, Pictures
from training.refine.train import Incoming, Schedule, Trainer, refine_loss
from training.run import load_averaged
from training.shards import write_shard
from training.similarities import nearest_rotations, umeyama
from training.uv_layout import make_layout
from training.weight_parts import joined, save_parts

from .test_training_crops import sample_states

SMALL = RefineSize(widths=(8, 8, 8, 8, 8), whole=16)
SIDE, COUNT = 96, 8
ALL = torch.arange(COUNT)


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A folder of random pictures of random heads that look into the camera."""
    from training.assets import SKIN_VERTICES

    folder = tmp_path_factory.mktemp("heads")
    states = [replace(one, rotation=np.eye(3, dtype=np.float32)).pack() for one in sample_states(COUNT, 0.02)]
    rng = np.random.default_rng(0)
    arrays = {
        "pictures": rng.integers(0, 256, (COUNT, SIDE, SIDE, 3), np.uint8),
        "visibility": np.packbits(np.ones((COUNT, SKIN_VERTICES), np.uint8), axis=1),
        "states": np.stack(states),
    }
    write_shard(folder, 0, arrays)
    return folder


@pytest.fixture(scope="module")
def maker(pack, kit):
    """Over the pack's own UV layout, which its head model is told in."""
    return PairMaker(pack, make_layout(kit), torch.device("cpu"))


@pytest.fixture
def pictures(maker, heads):
    """The heads, with first passes that are off by 5 % of the picture to the right."""
    into = Pictures.room(COUNT, SIDE, 1, torch.device("cpu"))
    assert Incoming([heads], maker, into).take() == 1 and into.count == COUNT
    truth = maker.labels(into.states).view(COUNT, TEXELS, TEXELS, 3)
    into.first[:, 0] = (truth + torch.tensor([0.05, 0, 0])).half()
    into.looked_at = COUNT
    return into


def test_training_sees_what_the_capture_sees(pack, maker, pictures, monkeypatch):
    monkeypatch.setattr(unwrapping, "PIXELS_PER_MM", 1e9)  # training pictures are as coarse as they are
    seen = maker(pictures, ALL[:4], changed=False).seen.numpy()
    model, colours = pack.head_model, 3 * unwrapping.FINER**2
    for k in range(4):
        places = pictures.first[k, 0].float().numpy() * SIDE
        found = unwrapping.unwrap(
            pictures.pictures[k].numpy(), places, model.mean, stance_of(places, model.mean, model.rigid)
        )
        apart = np.abs(found - seen[k])
        # OpenCV samples at 32nds of a pixel
        assert apart[:colours].mean() < 0.02 and np.quantile(apart[:colours], 0.99) < 0.06
        assert np.quantile(apart[colours : colours + 3], 0.99) < 0.02
        assert apart[colours + 3 : colours + 6].max() < 1e-3
        assert apart[-2].max() == 0 and apart[-1].max() < 1e-4


def test_the_first_pass_is_the_packs(pack):
    crops = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), np.uint8)
    with torch.no_grad():
        found = load_map_network(pack.network_file)(torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255)[0]
    right = PackRunner(pack).maps(crops)
    step = right.shape[1] // TEXELS
    right = right.reshape(2, TEXELS, step, TEXELS, step, 3).mean(axis=(2, 4))
    assert np.abs(found.numpy() - right).max() < 1e-3


def test_offsets_are_from_the_first_pass_to_the_truth(maker, pictures):
    pairs = maker(pictures, ALL, changed=False)
    mm = -0.05 / maker.unwrapper.stances(pictures.first[:, 0].float()).units_per_mm
    assert torch.allclose(pairs.offsets[:, 0], mm.view(-1, 1, 1).expand(-1, TEXELS, TEXELS), rtol=0.05)
    assert pairs.offsets[:, 1].abs().max() < 0.05 * mm.abs().max()
    assert pairs.face.any() and (pairs.weights >= 0).all()


def test_a_head_in_a_mirror_is_off_to_the_other_side(maker, pictures):
    """Changed pairs still say where the truth is: mirrored or not, moved or not, the sides that occur are both."""
    signs = set(np.sign(maker(pictures, ALL, changed=True).offsets[:, 0].mean((1, 2)).numpy()))
    assert signs == {-1.0, 1.0}


def test_coefficients_rebuild_the_head(pack, maker, pictures):
    """Without expression and turn, laid on the mean head; those in a mirror rebuild its mirror image."""
    from training.labels import neutral, split_states

    model = pack.head_model
    parts = split_states(neutral(pictures.states))
    parts["neck"] = torch.eye(3).expand(COUNT, 3, 3)
    head = maker.labels.head_points(parts)
    x, y, z = (head - maker.truth.eyes).unbind(-1)
    points = torch.stack([x, -z, y], -1) / 100
    laid = umeyama(points, maker.truth.still[None], maker.truth.held).apply(points).view(COUNT, TEXELS, TEXELS, 3)
    for told, true in (
        (pictures.coefficients[:, 0], laid),
        (pictures.coefficients[:, 1], laid.flip(2) * torch.tensor([-1.0, 1, 1])),
    ):
        identity = torch.einsum("bk,kijc->bijc", told[:, : model.identities], torch.from_numpy(model.identity))
        left = (torch.from_numpy(model.mean) + identity - true)[:, maker.face].norm(dim=2)
        moved = (torch.from_numpy(model.mean) - true)[:, maker.face].norm(dim=2)
        assert left.mean() < 0.35 * moved.mean()


def test_rotations_are_found_as_by_singular_values():
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(20, 3, 3, generator=generator)
    matrices[torch.linalg.det(matrices) < 0] *= -1
    u, _, vt = torch.linalg.svd(matrices)
    assert torch.allclose(nearest_rotations(matrices), u @ vt, atol=1e-4)


def test_a_truth_that_is_given_costs_least(maker, pictures):
    pairs = maker(pictures, ALL[:4], changed=False)
    right = torch.zeros(4, 5, TEXELS // 2, TEXELS // 2)
    right[:, :3] = torch.nn.functional.avg_pool2d(pairs.offsets, 2) / 3
    wrong = right.clone()
    wrong[:, 0] += 1
    costs = [sum(refine_loss(one, pairs.offsets, pairs.weights).values()) for one in (right, wrong)]
    assert costs[0] < 0.1 and costs[1] > 3


def test_it_learns_goes_on_and_is_packed(pack, maker, pictures, tmp_path):
    torch.manual_seed(0)
    schedule = Schedule(1.0, batch=COUNT, learning_rate=5e-3, warm_up_steps=1)
    trainer = Trainer(tmp_path, SMALL, pack.head_model, maker.face, schedule)
    untrained = trainer.measure(maker, pictures)
    pairs = maker(pictures, ALL, changed=False)
    for _ in range(60):
        trainer.learn(pairs)
    trained = trainer.measure(maker, pictures)
    assert trained["mm after"] < 0.5 * min(trained["mm before"], untrained["mm after"])
    assert trained["shape mm"] < 0.8 * trained["mean head's"]
    trainer.save()
    again = Trainer(tmp_path, SMALL, pack.head_model, maker.face, schedule)
    assert again.resume() and again.step == 60

    pytest.importorskip("onnxruntime")
    network = load_averaged(tmp_path / "checkpoint.pt", RefineNetwork, RefineSize)
    save_parts(network, tmp_path)
    carried = joined(tmp_path, RefineNetwork(SMALL))
    assert torch.allclose(carried.person.weight, network.person.weight, atol=1e-3)
    manifest = tmp_path / "pack.toml"
    manifest.write_text('[pack]\nname = "x"\n\n[refine]\nfile = "old"\n', encoding="utf-8")
    network = PackNetwork(network, 1.5).eval()
    write_into(tmp_path, network)
    text = manifest.read_text(encoding="utf-8")
    assert text.count("[refine]") == 1 and "old" not in text and 'name = "x"' in text
    seen = np.random.default_rng(0).normal(size=(2, SEEN, TEXELS, TEXELS)).astype(np.float32)
    assert max(check_onnx(network, tmp_path / "refine.onnx", seen).values()) < 0.1


def test_the_coefficients_are_those_of_the_packs_head_model(pack):
    assert pack.head_model.identities + pack.head_model.expressions == COEFFICIENTS


def test_a_head_network_goes_on_from_the_packs_in_memory(pack, maker, heads, kit, tmp_path):
    """Without a step it says what the pack's says; what is carried on afterwards is what was learnt."""
    incoming = Incoming([heads], maker, Pictures.room(COUNT, SIDE, 1, torch.device("cpu")))
    incoming.take()
    crops = torch.rand(2, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    right = load_map_network(pack.network_file)(crops)[0]
    maps = {}
    for hours in (0.0, 2 / 3600):
        schedule = train.Schedule(hours, batch=COUNT, learning_rate=1e-2, warm_up_steps=1)
        network, told = learn_in_memory(
            tmp_path, tmp_path, pack, make_layout(kit), incoming, incoming.into, schedule, start=None
        )
        carried = coarse_map_network(joined(tmp_path, HeadNetwork(FAST)), MapBasis.of_pack(pack.network_file))
        maps[hours] = network(crops)[0]
        assert (carried(crops)[0] - maps[hours]).abs().max() < 1e-2 * maps[hours].abs().max()
        assert (told["steps"] > 0) == (hours > 0)
    assert (maps[0.0] - right).abs().max() < 1e-3
    assert (maps[2 / 3600] - right).abs().max() > 1e-3


@pytest.mark.parametrize("size", [RefineSize(), RefineSize((104, 136, 200, 264, 328), (2, 3, 4, 3))])
def test_a_second_pass_goes_on_from_the_packs(pack, maker, heads, size):
    """It says what the pack's says, with norms that learn; also where it is wider and deeper."""
    import onnxruntime

    into = Pictures.room(COUNT, SIDE, 1, torch.device("cpu"))
    Incoming([heads], maker, into).take()
    seen = maker(into, ALL, changed=False).seen
    network = RefineNetwork(size)
    network.places.copy_(torch.from_numpy(pack.head_model.mean).permute(2, 0, 1) / PLACE_UNIT)
    start_from_pack(network, pack.second_pass.network_file, seen)
    session = onnxruntime.InferenceSession(str(pack.second_pass.network_file), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        told = PackNetwork(network, 1.0).eval()(seen[:1])
    for one, name in zip(told, PackNetwork.OUTPUTS, strict=True):
        right = session.run([name], {"seen": seen[:1].numpy()})[0]
        assert np.abs(one.numpy() - right).max() < 0.02 * max(1, np.abs(right).max()), name


def test_a_second_pass_does_not_go_on_from_a_deeper_one(pack):
    shallow = RefineNetwork(replace(RefineSize(), residuals=(1, 1, 1, 1)))
    with pytest.raises(ValueError, match="deeper"):
        start_from_pack(shallow, pack.second_pass.network_file, torch.zeros(1, SEEN, TEXELS, TEXELS))
