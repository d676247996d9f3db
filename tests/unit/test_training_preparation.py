"""From the public originals to the prepared assets: readers, registration, transfer."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("scipy")

from training import prepare_assets
from training.assets import DEFAULT_FOLDER, load_facekit, load_hair, load_skins
from training.preparation import brows, eyes, facekit, hair, makehuman, masks, registration, report, surface
from training.preparation import texels as texel
from training.preparation.makehuman import MakeHuman
from training.preparation.obj import AssetError, read_obj, read_vertices

from . import originals

MAKEHUMAN = os.environ.get("MAKEHUMAN")
needs_makehuman = pytest.mark.skipif(
    not MAKEHUMAN, reason="MAKEHUMAN names no folder with MakeHuman's base mesh and targets (training/README.md)"
)
SQUARE = """mtllib a.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 0.5 2 0
vt 0 0
vt 1 0
vt 1 1
g body
f 1/1 2/2 3/3 5/3 4/1
g helper-hair
f 1//7 2//7 3//7
"""


@pytest.fixture(scope="module")
def face(kit):
    return texel.face_tile(kit)


@pytest.fixture(scope="module")
def head(kit):
    return texel.head_tile(kit)


@pytest.fixture(scope="module")
def holes(face):
    return texel.openings(face)


@pytest.fixture(scope="module")
def registered(kit):
    return registration.register(MakeHuman((Path(MAKEHUMAN),)).base(), kit)


def picture(path):
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if found.ndim == 2:
        return found
    return cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA if found.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def difference(a, b):
    return np.abs(a.astype(int) - b).mean()


# ---- files


def test_an_obj_becomes_fans_of_triangles(tmp_path):
    (tmp_path / "a.obj").write_text(SQUARE)
    mesh = read_obj(tmp_path / "a.obj")
    assert mesh.vertices.shape == (5, 3) and mesh.uv.shape == (3, 2)
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 4], [0, 4, 3], [0, 1, 2]]
    assert mesh.triangle_uv.tolist() == [[0, 1, 2], [0, 2, 2], [0, 2, 0], [-1, -1, -1]]
    assert mesh.triangle_polygon.tolist() == [0, 0, 0, 1]
    assert mesh.triangles_of("body").tolist() == [True, True, True, False]
    np.testing.assert_array_equal(read_vertices(tmp_path / "a.obj"), mesh.vertices)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("v 0 0 0\n", "no polygons"),
        ("v 0 0 0\nv 1 0 0\nf 1 2 3\n", "does not have"),
        ("v 0 0\nf 1 1 1\n", "a.obj"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n", "git lfs pull"),
    ],
)
def test_a_broken_obj_is_refused_with_its_name(tmp_path, text, says):
    (tmp_path / "a.obj").write_text(text)
    with pytest.raises(AssetError, match=says) as error:
        read_obj(tmp_path / "a.obj")
    assert "a.obj" in str(error.value)


def test_a_missing_checkout_says_where_it_is_had(tmp_path):
    with pytest.raises(AssetError, match=r"generic_neutral_mesh\.obj.*github\.com/USC-ICT"):
        facekit.read_shapes(tmp_path)


def test_another_topology_is_refused(tmp_path):
    (tmp_path / "generic_neutral_mesh.obj").write_text(SQUARE)
    with pytest.raises(AssetError, match="5 vertices and 2 polygons, not ICT-FaceKit's 26719 and 26384"):
        facekit.read_shapes(tmp_path)


def test_a_folder_without_prepared_assets_says_how_they_are_made(tmp_path):
    for load, what in (
        (load_facekit, r"ict_facekit\.npz"),
        (lambda folder: load_skins(64, folder), r"tex/\*_face\.jpg"),
        (load_hair, r"hair/\*\.npz"),
    ):
        with pytest.raises(FileNotFoundError, match=rf"no {what} in .*training\.prepare_assets"):
            load(tmp_path)


def test_a_checkout_gives_the_prepared_arrays(kit, tmp_path, monkeypatch):
    monkeypatch.setattr(facekit, "IDENTITIES", 3)
    few = [kit.expression_index(name) for name in ("PupilDilate_L", "browDown_L", "jawOpen", "noseSneer_R")]
    names = tuple(kit.expression_names[row] for row in few)
    small = replace(kit, identity=kit.identity[:3], expression=kit.expression[few], expression_names=names)
    checkout = originals.write_checkout(small, tmp_path / "ICT-FaceKit")
    read = facekit.read_shapes(checkout)
    facekit.save(replace(read, ambient_occlusion=kit.ambient_occlusion), tmp_path / "ict_facekit.npz")
    with np.load(tmp_path / "ict_facekit.npz") as made, np.load(DEFAULT_FOLDER / "ict_facekit.npz") as prepared:
        assert sorted(made.files) == sorted(prepared.files)
        rows = {"identity": slice(3), "expression": few, "expression_names": few}
        for name in prepared.files:
            assert made[name].dtype == prepared[name].dtype or name == "expression_names"
            np.testing.assert_array_equal(made[name], prepared[name][rows.get(name, ...)], err_msg=name)

    (checkout / "FaceXModel/jawOpen.obj").unlink()
    (checkout / "FaceXModel/identity001.obj").unlink()
    with pytest.raises(AssetError, match=r"lacks 2 shapes, identity001\.obj first.*github\.com/USC-ICT"):
        facekit.read_shapes(checkout)


def test_ambient_occlusion_is_the_prepared_one(kit):
    pytest.importorskip("moderngl")
    opaque = kit.triangles[kit.triangle_polygon < facekit.OPAQUE_POLYGONS]
    measured = facekit.ambient_occlusion(kit.mean.astype(np.float64), opaque)
    assert np.abs(measured - kit.ambient_occlusion).mean() < 0.005


# ---- MakeHuman's files


@pytest.mark.parametrize("packed", [False, True])
def test_a_target_moves_the_vertices_it_names(tmp_path, packed):
    text = "# basemesh hm08\n0 .012 .904 .062\n19157 -.5 0 1\n"
    path = tmp_path / ("a.target.gz" if packed else "a.target")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    vertices, offsets = makehuman.read_target(path)
    assert vertices.tolist() == [0, 19157]
    np.testing.assert_allclose(offsets, [[0.012, 0.904, 0.062], [-0.5, 0, 1]])


def write_proxy(folder, head):
    (folder / "bob.obj").write_text("v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n")
    (folder / "bob.mhmat").write_text("# AGPLv3\nname Bob\ndiffuseTexture ../bob.png\n")
    (folder / "bob.mhclo").write_text(
        f"{head}\nname bob\nobj_file bob.obj\nx_scale 0 1 2.0\nz_scale 0 3 1.0\ny_scale 0 2 4.0\n"
        "material bob.mhmat\nverts 0\n   2\n 0 1 2 0.5 0.25 0.25 1.0 2.0 3.0\n 3 3 3 1 0 0 0 0 0\ndelete_verts\n7 - 9\n"
    )
    return makehuman.read_proxy(folder / "bob.mhclo")


def test_a_proxy_follows_the_base_mesh(tmp_path):
    proxy = write_proxy(tmp_path, "# This asset was explicitly released as CC0 in september 2020.")
    assert proxy.licence == "CC0" and proxy.texture == (tmp_path.parent / "bob.png").resolve()
    base = np.array([[0.0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 5]])  # twice, once and five times the measures
    np.testing.assert_allclose(proxy.fit(base), [[0, 4, 0], [1 + 1 * 2, 1 + 2 * 1, 3 * 5], [0, 0, 5]])


def test_a_licence_is_what_the_file_says(tmp_path):
    assert write_proxy(tmp_path, "# This file is licensed AGPLv3").licence == "AGPL3"
    assert write_proxy(tmp_path, "# mine").licence == "not stated"


def test_assets_without_cc0_are_named_and_left_out(tmp_path, capsys):
    kept = write_proxy(tmp_path, "# CC0")
    other = write_proxy(tmp_path, "# AGPLv3")
    assert prepare_assets.only_free([other, kept], "hair styles") == [kept]
    assert "left out: bob, its licence is AGPL3" in capsys.readouterr().err
    with pytest.raises(AssetError, match="none of the hair styles says that it is CC0"):
        prepare_assets.only_free([other], "hair styles")


def test_the_wrong_number_of_bound_vertices_is_refused(tmp_path):
    write_proxy(tmp_path, "")
    (tmp_path / "bob.obj").write_text(SQUARE)
    with pytest.raises(AssetError, match=r"bob\.mhclo binds 3 vertices, its mesh has 5"):
        makehuman.read_proxy(tmp_path / "bob.mhclo")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("base", "makehumancommunity/makehuman "),
        ("skins", "makehuman-assets.*skins.*LFS"),
        ("brows", "makehuman-assets.*eyebrows"),
        ("hair", "makehuman-assets.*hair"),
        ("eyes", "makehuman-assets.*eyes"),
    ],
)
def test_what_is_missing_of_makehuman_is_said_with_its_place(tmp_path, kind, says):
    with pytest.raises(AssetError, match=says):
        getattr(MakeHuman((tmp_path,)), kind)()


def test_a_texture_that_several_skins_share_comes_once(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"skins/{name}").mkdir(parents=True)
        (tmp_path / f"skins/{name}/{name}.mhmat").write_text("# CC0\ndiffuseTexture ../t/skin.png\n")
    (tmp_path / "skins/toon.mhmat").write_text("# CC0\nname toon\n")
    assert [skin.texture for skin in MakeHuman((tmp_path,)).skins()] == [(tmp_path / "skins/t/skin.png").resolve()]
    with pytest.raises(AssetError, match=r"texture of a is missing.*skin\.png"):
        makehuman.read_picture(tmp_path / "skins/t/skin.png", "a")


def test_the_command_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "sys.argv", ["prepare", str(tmp_path / "out"), "--ict", str(tmp_path), "--makehuman", str(tmp_path)]
    )
    with pytest.raises(SystemExit, match=r"no 3dobjs/base\.obj in"):
        prepare_assets.main()
    assert not (tmp_path / "out").exists()


# ---- meshes


def grid(size):
    """A grid of quads with a little relief: points, triangles, polygons."""
    row, column = np.indices((size, size))
    points = np.stack([column, row, np.sin(column + 0.5 * row)], axis=-1).reshape(-1, 3) * 1.0
    index = np.arange(size * size).reshape(size, size)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.stack([a, b, c, a, c, d], axis=-1).reshape(-1, 3)
    return points, triangles, np.arange(len(triangles)) // 2


def test_closest_points_are_closest():
    points, triangles, _ = grid(9)
    random = np.random.default_rng(3)
    asked = random.uniform((-1, -1, -2), (9, 9, 2), (200, 3))
    hit = surface.Surface(points, triangles, spacing=0.25).closest(asked)
    weights = random.dirichlet((0.6, 0.6, 0.6), (200, len(triangles)))  # many points of every triangle
    dense = np.linalg.norm(np.einsum("nfk,fkc->nfc", weights, points[triangles]) - asked[:, None], axis=-1).min(axis=1)
    assert (hit.distance <= dense + 1e-9).all()
    assert (hit.weights >= 0).all() and np.allclose(hit.weights.sum(axis=1), 1)
    on_surface = np.einsum("nk,nkc->nc", hit.weights, points[triangles[hit.triangle]])
    np.testing.assert_allclose(on_surface, hit.point, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(on_surface - asked, axis=1), hit.distance, atol=1e-12)


def test_normals_choose_between_the_sides_of_a_leaf():
    points, triangles, _ = grid(5)
    points[:, 2] = 0
    leaf = surface.Surface(
        np.concatenate([points, points + (0, 0, 0.1)]),
        np.concatenate([triangles[:, ::-1], triangles + len(points)]),
        spacing=0.2,
        normal_weight=1.0,
    )
    asked, down = np.full((1, 3), 2.3), np.array([[0.0, 0, -1]])
    assert leaf.closest(asked, down).point[0, 2] == pytest.approx(0)
    assert leaf.closest(asked, -down).point[0, 2] == pytest.approx(0.1)


def test_signed_distance_is_negative_inside():
    points, triangles, _ = grid(5)
    points[:, 2] = 0
    distance, normal = surface.Surface(points, triangles, spacing=0.2).signed_distance(
        np.array([[2.2, 2.3, 0.5], [1.4, 2.1, -0.25]])
    )
    np.testing.assert_allclose(distance, [0.5, -0.25])
    np.testing.assert_allclose(normal, [[0, 0, 1]] * 2)


def test_rings_and_loops_go_around():
    points, triangles, polygon = grid(7)
    edges = surface.polygon_edges(triangles, polygon)
    assert len(edges) == 2 * 6 * 7  # without the diagonals
    found = surface.rings(triangles, polygon, np.array([24]), 2)
    assert [len(ring) for ring in found] == [1, 8, 16]
    loop = surface.walk_loop(found[2], edges, points)
    steps = np.abs(np.diff(points[np.append(loop, loop[0]), :2], axis=0)).sum(axis=1)
    assert sorted(loop) == sorted(found[2]) and (steps == 1).all()


# ---- pictures


def test_unknown_texels_take_the_nearest_known():
    known = np.zeros((8, 8), bool)
    known[2, 2] = known[6, 6] = True
    values = np.where(known, np.arange(64).reshape(8, 8), 0)
    assert texel.spread(values, known)[0, 0] == 18 and texel.spread(values, known)[7, 7] == 54
    assert texel.spread(np.dstack([values] * 3), known)[0, 0].tolist() == [18] * 3


def test_masks_are_the_prepared_ones(face, head, holes):
    for name, mask in masks.make_masks(face, head, holes).items():
        prepared = picture(DEFAULT_FOLDER / f"mask/{name}.png")
        assert difference(prepared, np.clip(mask, 0, 1) * 255) < 1, name


def test_an_eye_texture_comes_back_as_the_eyeball_it_was_made_of(kit, tmp_path):
    ball = eyes.eyeball(kit)
    prepared = picture(DEFAULT_FOLDER / "eye/blue.png")
    originals.write_eye(tmp_path, "blue", prepared, ball)
    [material] = MakeHuman((tmp_path,)).eyes()
    texture = makehuman.read_picture(material.texture, material.name)
    assert eyes.find_iris(texture) == pytest.approx((276.5, 747.5, 117.8), abs=3)
    made = eyes.eye_picture(texture, ball)
    assert difference(made[ball.inside], prepared[ball.inside]) < 2
    brown = eyes.recolour(made, (92, 60, 38), ball)
    iris = ball.inside & (ball.axis_distance < 0.5) & (ball.axis_distance > 0.3) & (ball.angle < 60)
    white = ball.inside & (ball.angle > 60)
    assert (brown[iris].mean(axis=0).argsort() == (2, 1, 0)).all()
    np.testing.assert_array_equal(brown[white], made[white])


def test_a_picture_without_an_iris_is_refused():
    with pytest.raises(AssetError, match="no iris"):
        eyes.find_iris(np.full((256, 256, 3), 200, np.uint8))


def test_denser_brows_keep_their_colour_and_gain_hair():
    brow = np.zeros((32, 32, 4), np.uint8)
    brow[10:20, ::4] = (40, 30, 20, 200)
    dense = brows.denser(brow)
    np.testing.assert_array_equal(dense[..., :3], brow[..., :3])
    assert (dense[..., 3] >= brow[..., 3]).all() and dense[12, 2, 3] > 0


def test_transparent_hair_takes_the_colour_of_the_hair_beside():
    texture = np.zeros((600, 600, 4), np.uint8)
    texture[:, :300] = (90, 60, 30, 255)
    made = hair.hair_texture(texture)
    assert made.shape == (512, 512, 4)
    assert (made[..., :3] == (90, 60, 30)).all() and made[0, -1, 3] == 0


# ---- all together, on MakeHuman's own mesh


@needs_makehuman
def test_makehuman_lies_on_ict_facekit(kit, face, head, holes, registered):
    maps = {"face": (face, texel.map_texels(face, registered)), "head": (head, texel.map_texels(head, registered))}
    found = report.measure(registered, kit, holes, maps)
    high = {
        row.region: np.percentile(row.millimetres, 95)
        for row in (*found.to_kit, *found.to_makehuman, *found.correspondences)
    }
    assert high["face"] < 0.5 and high["head without neck"] < 1 and high["narrow face"] < 0.6
    assert high["lid margin"] < 0.15 and high["lip contact"] < 0.15 and high["upper lip"] < 0.4
    assert high["ears (texels)"] < 1.8
    assert found.flipped == 0 and found.covered["face"] > 0.99 and found.covered["head"] > 0.98
    points = registered.points[registered.head]
    mirror = registered.points[surface.mirrored(registered.base.young)[registered.head]] * (-1, 1, 1)
    np.testing.assert_allclose(points, mirror, atol=1e-6)
    assert "flipped triangles" in str(found)


@needs_makehuman
def test_lips_painted_for_makehuman_lie_on_the_lip_landmarks(face, head, holes, registered):
    painted = next(Path(MAKEHUMAN).rglob("mpfb_lips.jpg"), None)
    if painted is None:
        pytest.skip("no mpfb_lips.jpg, MPFB's mask of the lips in MakeHuman's UV, in MAKEHUMAN")
    outside = face.inside & (holes.mouth >= 7)  # of the line where the lips touch
    lips = (texel.map_texels(face, registered).sample(cv2.imread(str(painted), cv2.IMREAD_GRAYSCALE)) > 127) & outside
    between_landmarks = (masks.make_masks(face, head, holes)["lips"] > 0.5) & outside
    assert (lips & between_landmarks).sum() / (lips | between_landmarks).sum() > 0.8


@needs_makehuman
def test_originals_made_of_the_prepared_assets_give_them_back(kit, face, head, registered, tmp_path):
    name = "middleage_lightskinned_male"
    tiles = {part: picture(DEFAULT_FOLDER / f"tex/{name}_{part}.jpg") for part in ("face", "head")}
    maps = {"face": texel.map_texels(face, registered), "head": texel.map_texels(head, registered)}
    source = tmp_path / "originals"
    originals.write_skin(source, name, [(tiles[part], maps[part]) for part in ("head", "face")], 2048)
    originals.write_eye(source, "brownlight", picture(DEFAULT_FOLDER / "eye/brownlight.png"), eyes.eyeball(kit))
    brow = picture(DEFAULT_FOLDER / "brow/eyebrow009.png")
    originals.write_brow(source, "eyebrow009", brow, registered, face)
    with np.load(DEFAULT_FOLDER / "hair/short04.npz") as data:
        style = {key: data[key] for key in data.files}
    field = hair.Field(registered, kit)
    texture = picture(DEFAULT_FOLDER / "hair/short04.png")
    originals.write_hair(source, "short04", style, texture, field, registered.base)

    made = tmp_path / "prepared"
    prepare_assets.prepare(DEFAULT_FOLDER / "ict_facekit.npz", (Path(MAKEHUMAN), source), made)

    for part, limit in (("face", 1.5), ("head", 3)):
        assert difference(picture(made / f"tex/{name}_{part}.jpg"), tiles[part]) < limit
    assert difference(picture(made / "brow/eyebrow009.png")[..., 3], brow[..., 3]) < 2
    with np.load(made / "hair/short04.npz") as data:
        assert np.array_equal(np.sort(data["faces"].ravel()), np.sort(style["faces"].ravel()))
        corners, wanted = data["verts"][data["faces"]], style["verts"][style["faces"]]
        assert np.median(np.linalg.norm(corners - wanted, axis=-1)) < 0.1  # cm
        uv, wanted_uv = data["uv"][data["faces"]], style["uv"][style["faces"]]
        np.testing.assert_allclose(uv, wanted_uv, atol=1e-6)
    library = load_skins(128, made)
    assert len(library.faces) == len(library.heads) == 1 and len(library.brows) == 2
    assert len(library.eyes) == 1 + len(eyes.RECOLOURED)
    assert len(load_hair(made)) == 1 and (made / "report.txt").read_text().startswith("millimetres")
    np.testing.assert_array_equal(load_facekit(made).identity, kit.identity)
