"""The training pipeline's geometry: UV layout, position maps, topology, camera."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from training.assets import SKIN_VERTICES
from training.bake import bake_operator, sampling_operator
from training.head_model import HeadModel, HeadState, project, to_camera
from training.topology import make_topology, weld
from training.uv_layout import superellipse


def signed_areas(uv, triangles):
    a, b, c = (uv[triangles[:, k]] for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


def test_layout_is_a_bijection_onto_the_rounded_square(layout):
    areas = signed_areas(layout.uv, layout.triangles)
    assert (areas > 0).all() or (areas < 0).all()
    # triangles of one winding whose areas add up to the border's polygon cannot overlap
    border = superellipse(np.linspace(0, 4, 4001)[:-1])
    x, y = border.T
    whole = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    assert abs(areas.sum()) == pytest.approx(whole, rel=3e-3)


def test_position_map_holds_the_surface(kit, layout):
    """A texel is where its UV lies on the mesh, found by another way than rasterising."""
    resolution = 64
    operator, inside = bake_operator(layout, resolution)
    rng = np.random.default_rng(0)
    chosen = np.argwhere(inside)[rng.choice(inside.sum(), 200, replace=False)]
    uv = (chosen[:, ::-1] + 0.5) / resolution
    mean = kit.mean[:SKIN_VERTICES]
    baked = (operator @ mean).reshape(resolution, resolution, 3)[chosen[:, 0], chosen[:, 1]]
    np.testing.assert_allclose(baked, sampling_operator(layout, uv) @ mean, atol=1e-3)


def test_topology_is_closed_except_the_neck_and_symmetric(kit, layout):
    cells = 32
    topology = make_topology(kit, layout, layout.landmark_uv, resolution=64, cells=cells)
    faces, points = topology["faces"], topology["canonical"]
    edges = np.sort(np.concatenate([faces[:, [k, (k + 1) % 4]] for k in range(4)]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    assert (count <= 2).all()
    border = unique[count == 1]
    assert len(border) == cells
    assert points[np.unique(border), 2].max() < -0.1  # metres below the eyes
    assert len(points) - len(unique) + len(faces) == 1
    mirror = topology["mirror"]
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(points)))
    # ICT-FaceKit's triangles are not symmetric, so the layout nearly is; the face more than the skull
    apart = np.linalg.norm(points[mirror] * (-1, 1, 1) - points, axis=1)
    assert apart.max() < 0.02
    assert np.median(apart[topology["region"] == 0]) < 0.0025
    for side, sign in (("eye_left", 1), ("eye_right", -1)):
        inside = topology["region"] == list(topology["region_names"]).index(side)
        assert sign * points[inside, 0].mean() > 0.02


def test_weld_joins_the_cut_and_nothing_else():
    cells = 8
    vertex = weld(cells)
    assert vertex.shape == (cells + 1, cells + 1)
    counts = np.bincount(vertex.ravel())
    assert counts.min() == 1 and counts.max() == 2
    assert vertex.max() + 1 == (cells + 1) ** 2 - cells - cells // 2


def sample_state(rng):
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    return HeadState(
        identity=rng.normal(size=100).astype(np.float32),
        extra=rng.normal(size=32).astype(np.float32) * 0.5,
        scanned=np.zeros(21, np.float32),
        expression=rng.random(57).astype(np.float32) * 0.3,
        axis_scale=np.array([1.02, 0.97, 1.05], np.float32),
        neck=np.eye(3, dtype=np.float32),
        rotation=turn.astype(np.float32),
        translation=np.array([3, -2, -60], np.float32),
        projection=np.array([2.5, 0.4, 0.6], np.float32),
    )


def test_labels_agree_with_the_drawn_vertices(kit):
    torch = pytest.importorskip("torch")
    from scipy import sparse

    from training.labels import LabelMaker

    model, rng = HeadModel(kit), np.random.default_rng(3)
    states = [sample_state(rng) for _ in range(2)]
    chosen = rng.choice(SKIN_VERTICES, 50, replace=False)
    labels = LabelMaker(kit, sparse.eye(SKIN_VERTICES, format="csr")[chosen])
    found = labels(torch.from_numpy(np.stack([state.pack() for state in states]))).numpy()
    for state, points in zip(states, found, strict=True):
        drawn = project(to_camera(model.vertices(state)[chosen], state), state)
        np.testing.assert_allclose(points, drawn, atol=2e-5)


def test_state_survives_packing():
    state = sample_state(np.random.default_rng(0))
    again = HeadState.unpack(state.pack())
    for name, value in vars(state).items():
        np.testing.assert_array_equal(getattr(again, name), value)


def test_cage_is_half_a_head_with_poles_away_from_lids_and_lips():
    from training.cage import OPENINGS, make_half_cage, mirrored

    cage = make_half_cage()
    faces, mirror = mirrored(np.array(cage.quads), np.array(cage.middle), len(cage.number))
    directed = np.concatenate([faces[:, [k, (k + 1) % 4]] for k in range(4)])
    assert len(np.unique(directed, axis=0)) == len(directed)  # one winding
    edges, count = np.unique(np.sort(directed, axis=1), axis=0, return_counts=True)
    assert count.max() == 2 and faces.max() + 1 - len(edges) + len(faces) == 1
    np.testing.assert_array_equal(np.unique(edges[count == 1]), np.unique([cage.neck_line, mirror[cage.neck_line]]))
    valence = np.bincount(edges.ravel())
    for name, opening in OPENINGS.items():
        for ring in range(1, opening.rings + opening.inner):  # between the rectangle's and the filling's corners
            assert (valence[cage.ring(name, ring)] == 4).all()
