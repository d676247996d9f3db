"""The second pass's training: what it sees is what the capture will see, and it learns."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("tqdm")

from prn_blender.capture.geometry import unwrap as unwrapping
from prn_blender.capture.geometry.unwrap import Stance
from training.bake import bake_operator
from training.refine.export import check_onnx, write_into
from training.refine.first_pass import NAME
from training.refine.network import SEEN, TEXELS, PackNetwork, RefineNetwork, RefineSize
from training.refine.pairs import PairMaker
from training.refine.train import Schedule, Trainer, refine_loss
from training.refine.unwrap import Unwrapper
from training.run import load_averaged
from training.shards import write_shard

from .test_training_crops import sample_states

SMALL = RefineSize(widths=(8, 8, 8, 8, 8), whole=16)
SIDE = 96


@pytest.fixture(scope="module")
def heads(tmp_path_factory, layout, kit):
    """A folder of random pictures of random heads, whose first passes are off by 5 % of the picture to the right."""
    from training.assets import SKIN_VERTICES
    from training.labels import LabelMaker

    folder = tmp_path_factory.mktemp("heads")
    states = np.stack([replace(one, rotation=np.eye(3, dtype=np.float32)).pack() for one in sample_states(8, 0.02)])
    maps = LabelMaker(kit, bake_operator(layout, TEXELS)[0])(torch.from_numpy(states)).numpy()
    rng = np.random.default_rng(0)
    arrays = {
        "pictures": rng.integers(0, 256, (8, SIDE, SIDE, 3), np.uint8),
        "visibility": np.packbits(np.ones((8, SKIN_VERTICES), np.uint8), axis=1),
        "states": states,
        NAME: maps.reshape(8, TEXELS, TEXELS, 3) + np.float32((0.05, 0, 0)),
    }
    write_shard(folder, 0, arrays)
    return folder


@pytest.fixture(scope="module")
def maker(heads, layout):
    return PairMaker([heads], layout)


def test_training_sees_what_the_capture_sees(maker, heads, monkeypatch):
    monkeypatch.setattr(unwrapping, "PIXELS_PER_MM", 1e9)  # training pictures are as coarse as they are
    seen = maker(np.arange(4), None).seen.numpy()
    pictures, maps = (np.load(heads / f"shard0000_{name}.npy")[:4] for name in ("pictures", NAME))
    stances = maker.unwrapper.stances(torch.from_numpy(maps))
    for k in range(4):
        stance = Stance(float(stances.units_per_mm[k]) * SIDE, float(stances.roll[k]))
        found = unwrapping.unwrap(pictures[k], maps[k] * SIDE, stance)
        apart = np.abs(found - seen[k])
        assert apart[:12].mean() < 0.02 and np.quantile(apart[:12], 0.99) < 0.06  # OpenCV samples at 32nds of a pixel
        assert np.quantile(apart[12:15], 0.99) < 0.01
        assert apart[15].max() == 0 and apart[16].max() < 1e-5


def test_offsets_are_from_the_first_pass_to_the_truth(maker):
    pairs = maker(np.arange(8), None)
    mm = -0.05 / maker.unwrapper.stances(torch.from_numpy(maker._first.take(np.arange(8)))).units_per_mm
    assert torch.allclose(pairs.offsets[:, 0], mm.view(-1, 1, 1).expand(-1, TEXELS, TEXELS), rtol=0.02)
    assert pairs.offsets[:, 1:].abs().max() < 0.02 * mm.abs().max()
    assert pairs.face.any() and (pairs.weights >= 0).all()


def test_an_upright_head_in_a_mirror_is_off_to_the_other_side(maker):
    """Augmented pairs still say where the truth is: mirrored or not, moved or not, the sides that occur are both."""
    generator = torch.Generator().manual_seed(0)
    signs = {float(np.sign(pairs_of.mean())) for pairs_of in maker(np.arange(8), generator).offsets[:, 0].numpy()}
    assert signs == {-1.0, 1.0}


def test_a_truth_that_is_given_costs_least(maker):
    pairs = maker(np.arange(4), None)
    right = torch.zeros(4, 5, TEXELS // 2, TEXELS // 2)
    coarse = torch.nn.functional.avg_pool2d(pairs.offsets, 2)
    right[:, :3] = coarse / 3
    wrong = right.clone()
    wrong[:, 0] += 1
    costs = [sum(refine_loss(one, pairs.offsets, pairs.weights).values()) for one in (right, wrong)]
    assert costs[0] < 0.05 and costs[1] > 3


def test_it_learns_goes_on_and_is_packed(maker, tmp_path):
    torch.manual_seed(0)
    schedule = Schedule(1.0, batch=8, learning_rate=5e-3, warm_up_steps=1)
    trainer = Trainer(tmp_path, SMALL, maker.mean, schedule)
    before, untrained = trainer.measure(maker)
    for _ in range(60):
        trainer.learn(maker(np.arange(8), None))
    assert trainer.measure(maker)[1] < 0.5 * min(before, untrained)
    trainer.save()
    again = Trainer(tmp_path, SMALL, torch.zeros_like(maker.mean), schedule)
    assert again.resume() and again.step == 60
    assert torch.equal(again.network.places, trainer.network.places)

    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    network = PackNetwork(load_averaged(tmp_path / "checkpoint.pt", RefineNetwork, RefineSize), 1.5).eval()
    manifest = tmp_path / "pack.toml"
    manifest.write_text('[pack]\nname = "x"\n\n[refine]\nfile = "old"\n', encoding="utf-8")
    write_into(tmp_path, network)
    text = manifest.read_text(encoding="utf-8")
    assert text.count("[refine]") == 1 and "old" not in text and 'name = "x"' in text
    seen = np.random.default_rng(0).normal(size=(2, SEEN, TEXELS, TEXELS)).astype(np.float32)
    assert max(check_onnx(network, tmp_path / "refine.onnx", seen).values()) < 0.1


def test_the_mean_head_stands_upright(maker):
    mean = maker.mean.view(1, TEXELS, TEXELS, 3) * torch.tensor([1.0, -1.0, 1.0]) * 10
    stances = Unwrapper(maker.mean, maker.unwrapper.rigid).stances(mean)
    assert float(stances.units_per_mm) == pytest.approx(1, rel=1e-4)
    assert float(stances.roll) == pytest.approx(0, abs=1e-4)
