"""What every training run has: its running average, and checkpoints that go on."""

from dataclasses import dataclass

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training's tests need torch (training/requirements.txt)")
pytest.importorskip("tqdm")

from training.run import Run, Schedule, load_averaged


@dataclass(frozen=True)
class Size:
    """Of the network."""

    widths: tuple[int, int] = (3, 2)


class Network(torch.nn.Module):
    """One layer with statistics."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        self.layer, self.norm = torch.nn.Linear(*size.widths), torch.nn.BatchNorm1d(size.widths[1])

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.norm(self.layer(values))


def new_run(folder, memory=0.5) -> Run:
    torch.manual_seed(0)
    network = Network(Size())
    schedule = Schedule(1.0, 4, 0.1, warm_up_steps=1, last_rate=0.1, largest_gradient=1.0, memory=memory)
    return Run(folder, network, torch.optim.AdamW(network.parameters()), schedule)


def step(run: Run) -> None:
    values = torch.randn(8, 3, generator=torch.Generator().manual_seed(run.step))
    run.network.train()
    run.descend({"far": (run.network(values) - 1).square().mean(), "large": run.network.layer.weight.square().mean()})


def averages(run: Run) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in run.average.module.state_dict().items()}


def test_the_average_follows_weights_and_statistics(tmp_path):
    run = new_run(tmp_path)
    expected = averages(run)
    for number in range(1, 13):
        step(run)
        keep = min(0.5, (1 + number) / (10 + number))
        latest = run.network.state_dict()
        expected = {name: keep * value + (1 - keep) * latest[name].numpy() for name, value in expected.items()}
    found = averages(run)
    for name in ("layer.weight", "layer.bias", "norm.weight", "norm.running_mean", "norm.running_var"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=1e-6)
    assert np.abs(found["layer.weight"] - run.network.layer.weight.detach().numpy()).max() > 1e-3


def test_a_run_that_goes_on_is_the_one_that_was_not_interrupted(tmp_path):
    run = new_run(tmp_path)
    for _ in range(3):
        step(run)
    run.save()
    other = new_run(tmp_path)
    assert other.resume() and other.step == 3
    step(run), step(other)
    for name, value in averages(run).items():
        np.testing.assert_array_equal(averages(other)[name], value)


def test_checkpoints_hold_the_average_by_the_networks_own_names(tmp_path):
    run = new_run(tmp_path)
    for _ in range(3):
        step(run)
    run.save()
    assert torch.load(run.checkpoint, weights_only=True)["average"].keys() == run.network.state_dict().keys()
    values = torch.randn(5, 3)
    with torch.no_grad():
        expected = run.average(values)
        torch.testing.assert_close(load_averaged(run.checkpoint, Network, Size).eval()(values), expected)
        fresh = new_run(tmp_path / "another")
        fresh.start_from(run.checkpoint)
        torch.testing.assert_close(fresh.network.eval()(values), expected)
        torch.testing.assert_close(fresh.average(values), expected)
