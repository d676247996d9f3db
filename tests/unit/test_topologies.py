"""Every topology of the pack: a closed, symmetric head whose edge loops run around eyes and mouth."""

import itertools

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.edge_loops import detailed_mean, where_known
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.packs.subdivide import subdivide, subdivide_corners

WITH_LOOPS = ("low", "game", "detailed", "sculpt")
CUBE = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])


@pytest.fixture(params=("standard", *WITH_LOOPS))
def any_topology(pack, request):
    return pack.choose_topology(request.param)


@pytest.fixture(params=WITH_LOOPS)
def looped(pack, request):
    return pack.choose_topology(request.param)


def edges_of(faces):
    """(E, 2) edges and in how many quads each is."""
    ends = np.sort(np.concatenate([faces[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    return np.unique(ends, axis=0, return_counts=True)


def neighbours_of(edges) -> dict[int, set[int]]:
    """The vertices to which each vertex is joined by edges (E, 2)."""
    neighbours: dict[int, set[int]] = {}
    for a, b in edges.tolist():
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    return neighbours


def walk(faces, start: int, second: int) -> list[int]:
    """The edge loop from an edge on, straight over at every vertex, until it closes or meets a pole or the border."""
    quads_at: dict[int, list[int]] = {}
    for number, face in enumerate(faces.tolist()):
        for vertex in face:
            quads_at.setdefault(vertex, []).append(number)
    neighbours = lambda quad, vertex: {quad[quad.index(vertex) - 1], quad[(quad.index(vertex) + 1) % 4]}
    loop = [start, second]
    while True:
        behind, here = loop[-2:]
        around = [faces[number].tolist() for number in quads_at[here]]
        if len(around) != 4:
            return loop
        beside = {end for quad in around if behind in quad for end in neighbours(quad, here)}
        ahead = {end for quad in around for end in neighbours(quad, here)} - beside
        assert len(ahead) == 1
        loop.append(ahead.pop())
        if loop[-1] == start:
            return loop


def test_closed_except_the_neck(any_topology):
    edges, count = edges_of(any_topology.faces)
    assert count.max() == 2
    assert len(any_topology.canonical) - len(edges) + len(any_topology.faces) == 1  # a disk
    border = edges[count == 1]
    assert (np.bincount(border.ravel())[np.unique(border)] == 2).all()
    neighbours = neighbours_of(border)
    loop = [int(border[0, 0])]
    while len(loop) == 1 or loop[-1] != loop[0]:
        loop.append(next(end for end in neighbours[loop[-1]] if end not in loop[-2:-1]))
    assert len(loop) - 1 == len(border)  # one loop
    assert any_topology.canonical[border, 2].max() < any_topology.landmark_canonical[8, 2]  # all below the chin


def test_winding_is_consistent_and_outwards(any_topology):
    directed = np.concatenate([any_topology.faces[:, [k, (k + 1) % 4]] for k in range(4)])
    assert len(np.unique(directed, axis=0)) == len(directed)
    corner = any_topology.canonical[any_topology.faces].astype(float)
    normal = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    assert np.einsum("ij,ij->", corner.mean(1) - any_topology.canonical.mean(0), normal) > 0


def test_quads_cover_uv_once(looped):
    a, b, c, d = (looped.loop_uv[:, k].astype(float) for k in range(4))
    cross = lambda p, q: p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    for first, second in ((b - a, d - a), (c - b, a - b), (d - c, b - c), (a - d, c - d)):
        assert (np.sign(cross(first, second)) == np.sign(np.median(cross(first, second)))).all()


def test_no_quad_is_folded_or_empty_on_the_face(looped):
    corner = looped.canonical[looped.faces].astype(float)
    ahead, behind = np.roll(corner, -1, 1) - corner, np.roll(corner, 1, 1) - corner
    normal = np.cross(ahead, behind)
    folded = ((normal * normal.sum(1, keepdims=True)).sum(-1) <= 0).any(1)
    assert folded.mean() < 0.01  # in nostrils and ears, and behind the lips at the corners of the mouth
    places = looped.landmark_canonical[[*range(17, 31), *range(36, 60)]]
    apart = np.linalg.norm(corner[folded].mean(1)[:, None] - places, axis=-1)
    assert apart.size == 0 or apart.min() > 0.0025
    area = np.linalg.norm(normal.sum(1), axis=1) / 4
    assert area.min() > 1e-3 * np.median(area)


def test_mirror_map_maps_quads_regions_and_uvs(looped):
    mirror = looped.mirror
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    quads = set(map(frozenset, looped.faces.tolist()))
    assert all(frozenset(mirror[face].tolist()) in quads for face in looped.faces)
    other = {"eye_left": "eye_right", "eye_right": "eye_left"}
    for name in looped.region_names:
        np.testing.assert_array_equal(looped.in_region(name)[mirror], looped.in_region(other.get(name, name)))
    np.testing.assert_allclose(looped.sample_uv[mirror][:, ::-1] * (-1, 1) + (1, 0), looped.sample_uv, atol=1e-6)
    middle = np.flatnonzero(mirror == np.arange(len(mirror)))
    assert np.abs(looped.canonical[middle, 0]).max() < 0.004


@pytest.mark.parametrize("region", ["eye_left", "eye_right", "mouth_inner"])
@pytest.mark.parametrize(("name", "count"), [("low", 3), ("game", 6), ("detailed", 12)])
def test_edge_loops_close_around_eyes_and_mouth(pack, name, count, region):
    """From the edge of lids or mouth outwards, every loop goes once around the opening and has no pole."""
    topology = pack.choose_topology(name)
    neighbours = neighbours_of(edges_of(topology.faces)[0])
    enclosed = set(np.flatnonzero(topology.in_region(region)).tolist())
    rim = {vertex for vertex in enclosed if neighbours[vertex] - enclosed}
    start = min(rim)
    second = min(neighbours[start] & rim)
    for _ in range(count):
        loop = walk(topology.faces, start, second)
        assert loop[0] == loop[-1] and len(loop) == len(rim) + 1
        assert all(len(neighbours[vertex]) == 4 for vertex in loop)
        points = topology.canonical[loop]
        turn = np.unwrap(np.arctan2(*(points - points[1:].mean(0))[:, [2, 0]].T))
        assert abs(turn[-1] - turn[0]) == pytest.approx(2 * np.pi)
        enclosed |= set(loop)
        (start,), (second,) = (neighbours[vertex] - enclosed for vertex in loop[:2])


def test_lip_and_lid_loops_lie_on_the_landmarks(pack):
    """Landmarks of lids and lips are less than 2 mm from an edge loop of the game topology."""
    game = pack.choose_topology("game")
    for first, last in ((36, 42), (42, 48), (48, 68)):
        for point in game.landmark_canonical[first:last]:
            assert np.linalg.norm(game.canonical - point, axis=1).min() < 0.004


def test_a_coarser_level_comes_first_in_the_finer(pack):
    for coarse, fine in itertools.pairwise(WITH_LOOPS):
        coarse, fine = pack.choose_topology(coarse), pack.choose_topology(fine)
        assert len(fine.faces) == 4 * len(coarse.faces)
        np.testing.assert_array_equal(fine.faces[:, 0].reshape(-1, 4), coarse.faces)
        np.testing.assert_allclose(fine.canonical[: len(coarse.canonical)], coarse.canonical, atol=1e-7)


def test_density_is_as_promised(pack):
    counts = [len(pack.choose_topology(name).faces) for name in WITH_LOOPS]
    assert counts == [1228, 4912, 19648, 78592]
    assert 3000 <= counts[1] <= 6000


def test_vertices_of_the_mean_head_are_the_canonical_ones(pack, looped):
    with np.load(pack.loops_file) as data:
        mean = detailed_mean(PositionMap(data["canonical_map"]), pack.topology)
    np.testing.assert_allclose(looped.vertices(mean), looped.canonical, atol=1e-6)


def test_the_border_is_sampled_where_maps_are_known():
    places = where_known(np.array([[0.0, 0.5], [1.0, 0.5], [0.5, 0.0], [0.5, 0.5], [0.9, 0.5]]), 6, 128)
    np.testing.assert_allclose(places[:3], [[0.5 / 128, 0.5], [1 - 0.5 / 128, 0.5], [0.5, 0.5 / 128]], atol=1e-7)
    np.testing.assert_array_equal(places[3:], np.float32([[0.5, 0.5], [0.9, 0.5]]))
    line = where_known(np.stack([np.linspace(0, 0.5, 999), np.full(999, 0.5)], 1), 6, 128)[:, 0]
    assert (np.diff(line) > 0).all()


def test_subdivided_cube():
    faces, edges = subdivide(CUBE)
    assert faces.shape == (24, 4) and len(edges) == 12 and faces.max() + 1 == 8 + 12 + 6
    corners = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], float)
    points = np.concatenate([corners, corners[edges].mean(1), corners[CUBE].mean(1)])
    np.testing.assert_allclose(subdivide_corners(corners[CUBE]), points[faces])
    q = points[faces]
    normal = np.cross(q[:, 2] - q[:, 0], q[:, 3] - q[:, 1])
    assert (np.einsum("ij,ij->i", normal, q.mean(1) - 0.5) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1) / 2, 0.25)


def test_pack_with_one_topology_still_works(copied):
    manifest = copied / "pack.toml"
    text = manifest.read_text(encoding="utf-8")
    start, end = text.index("[loops]"), text.index("[network]")
    manifest.write_text(text[:start] + text[end:], encoding="utf-8")
    (copied / "loops.npz").unlink()
    pack = load_pack(copied)
    assert pack.choose_topology("standard") is pack.topology
    assert pack.choose_topology("game") is pack.topology


def test_an_unknown_topology_is_named(pack):
    with pytest.raises(CaptureError, match="no topology 'gmae': choose one of standard, low, game"):
        pack.choose_topology("gmae")


def test_a_topology_is_loaded_once(pack):
    assert pack.choose_topology("game") is pack.choose_topology("game")
