"""What errors of both passes have in common, learnt on rendered heads."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("tqdm")

from prn_blender.capture.shape.evidence import EVIDENCE_SIZE, Evidence
from training.assets import SKIN_VERTICES
from training.bake import bake_operator
from training.dataset import RenderedHeads
from training.labels import LabelMaker
from training.refine.common_errors import errors_of, principal_components
from training.shards import write_shard
from training.uv_layout import make_layout

from .test_training_crops import sample_states

SIDE = 96
GRID = (EVIDENCE_SIZE, EVIDENCE_SIZE)


def test_errors_are_told_in_the_frame_of_the_upright_head(pack, kit, tmp_path):
    """Heads that lean: 3 mm too far up and 1 mm to the right of the head, as sure as 2 mm."""
    roll = np.radians(40)
    c, s = np.cos(roll), np.sin(roll)
    leaning = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)  # up is to the right of the picture
    states = np.stack([replace(one, rotation=leaning).pack() for one in sample_states(3, 0.02)])
    arrays = {
        "pictures": np.zeros((3, SIDE, SIDE, 3), np.uint8),
        "visibility": np.packbits(np.ones((3, SKIN_VERTICES), np.uint8), axis=1),
        "states": states,
    }
    write_shard(tmp_path, 0, arrays)
    layout = make_layout(kit)
    labels = LabelMaker(kit, bake_operator(layout, EVIDENCE_SIZE)[0])
    truths = iter(labels(torch.from_numpy(states)).numpy() * SIDE)

    def look(picture, landmarks):
        places = next(truths).reshape(*GRID, 3).copy()
        places[..., :2] += np.array([c, s]) + 3 * np.array([s, -c])  # y down
        return Evidence(places, np.full(GRID, 2.0))

    errors = errors_of(pack, layout, RenderedHeads([tmp_path]), look)
    assert np.allclose(errors, (0.5, 1.5), atol=0.1)


def test_what_errors_have_in_common_is_found_again():
    rng = np.random.default_rng(0)
    inside = np.ones(GRID, bool)
    inside[0] = False
    fields = np.stack([np.ones((*GRID, 2)), np.indices(GRID).transpose(1, 2, 0) / 30])
    noise = 0.1 * rng.normal(size=(400, *GRID, 2))
    errors = np.einsum("nk,kijc->nijc", rng.normal(size=(400, 2)), fields) + noise
    found, share = principal_components(errors, inside, 2)
    assert share > 0.9 and not found[:, 0].any()
    right, again = (np.tensordot(one[:, inside], one[:, inside], (0, 0)) for one in (fields, found))
    assert np.abs(right - again).mean() < 0.15 * np.abs(right).mean()
