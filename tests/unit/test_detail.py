"""What a position map's texels cannot hold comes back with the head's own turn and size."""

from dataclasses import replace

import numpy as np
import pytest

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.edge_loops import detailed_mean
from prn_blender.capture.shape.detail import with_detail

TURN = np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
FLIP = np.array([1, -1, 1])  # photo space has y down


@pytest.fixture
def mean(pack):
    with np.load(pack.loops_file) as data:
        return PositionMap(data["canonical_map"])


def photographed(points):
    """A head of 800 pixels a metre, turned."""
    return (points @ TURN.T * 800 * FLIP + (300, 200, 0)).astype(np.float32)


def test_detail_turns_and_grows_with_the_head(pack, mean):
    found = with_detail(PositionMap(photographed(mean.values)), pack.topology)
    right = photographed(detailed_mean(mean, pack.topology).values)
    assert found.values.shape == pack.topology.detail.shape
    assert np.abs(found.values - right).max() < 0.05  # pixels


def test_detail_lies_where_the_head_is_finely_shaped(pack, mean):
    """Much on the ears, nothing on the forehead."""
    game = pack.choose_topology("game")
    added = np.linalg.norm(game.vertices(detailed_mean(mean, pack.topology)) - game.vertices(mean), axis=1)
    forehead = (game.canonical[:, 2] > 0.05) & (game.canonical[:, 2] < 0.08) & (game.canonical[:, 1] < 0.05)
    ears = np.abs(game.canonical[:, 0]) > 0.08
    assert np.median(added[forehead]) < 5e-5
    assert np.quantile(added[ears], 0.9) > 3e-4


def test_a_pack_without_detail_leaves_maps_alone(pack, mean):
    assert with_detail(mean, replace(pack.topology, detail=None)) is mean


def test_the_neck_ends_in_one_even_loop(pack):
    """In every topology: nearly in a plane, no edge more than three times as long as another."""
    for name in [choice.name for choice in pack.topologies]:
        topology = pack.choose_topology(name)
        ends = np.sort(np.concatenate([topology.faces[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
        edges, count = np.unique(ends, axis=0, return_counts=True)
        points = topology.canonical[edges[count == 1]].astype(float)
        length = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
        assert length.max() < 3 * length.min()
        apart = points[:, 0] - points[:, 0].mean(0)
        assert np.linalg.svd(apart, compute_uv=False)[2] / np.sqrt(len(apart)) < 0.0015  # the mean head leans a little
