"""Stand-ins for the public originals, in their own formats, made from the prepared assets."""

import json
from pathlib import Path

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from training.assets import FaceKit
from training.bake import texel_triangles
from training.preparation.eyes import Eyeball
from training.preparation.hair import Field
from training.preparation.makehuman import BaseMesh
from training.preparation.registration import Registration
from training.preparation.surface import Surface
from training.preparation.texels import TexelMap, Tile

CC0 = "# This asset was explicitly released as CC0 in september 2020.\n"
SCALES = ((5399, 11998), (791, 881), (962, 5320))  # MakeHuman's measures of a head along x, y, z


def write_checkout(kit: FaceKit, folder: Path) -> Path:
    """A checkout of ICT-FaceKit: a mesh of polygons, and a mesh for each shape."""
    model = folder / "FaceXModel"
    model.mkdir(parents=True)
    names = [*(f"identity{number:03d}" for number in range(len(kit.identity))), *kit.expression_names]
    neutral = kit.mean.astype(np.float64)
    starts = np.flatnonzero(np.diff(kit.triangle_polygon, prepend=-1))
    polygons = []
    for start, end in zip(starts, [*starts[1:], len(kit.triangles)], strict=True):
        vertices = [kit.triangles[start, 0], kit.triangles[start, 1], *kit.triangles[start:end, 2]]
        texture = [kit.triangle_uv[start, 0], kit.triangle_uv[start, 1], *kit.triangle_uv[start:end, 2]]
        polygons.append("f " + " ".join(f"{v + 1}/{t + 1}" for v, t in zip(vertices, texture, strict=True)))
    uv = [f"vt {u!r} {v!r}" for u, v in kit.uv.tolist()]
    (model / "generic_neutral_mesh.obj").write_text(
        "\n".join(["mtllib ICTFaceModelMaterial.mtl", *_vertex_lines(neutral), *uv, "usemtl M_Face", *polygons, ""])
    )
    for name, offsets in zip(names, [*kit.identity, *kit.expression], strict=True):
        (model / f"{name}.obj").write_text("\n".join([*_vertex_lines(neutral + offsets), *polygons[:1], ""]))
    expected = [name for name in kit.expression_names if not name.startswith(("Pupil", "cheekRaiser"))]
    (model / "vertex_indices.json").write_text(json.dumps({"expressions": expected}))
    return folder


def write_skin(folder: Path, name: str, tiles: list[tuple[np.ndarray, TexelMap]], size: int) -> None:
    """A skin: the colours of tiles (S, S, 3) RGB where their texels come from, the nearest of them elsewhere."""
    picture, painted = np.zeros((size, size, 3), np.uint8), np.zeros((size, size), bool)
    for tile, texels in tiles:
        known = texels.distance < 0.1  # cm
        column, row = np.clip((texels.uv[known] * (1, -1) + (0, 1)) * size, 0, size - 1).astype(int).T
        picture[row, column], painted[row, column] = tile[known], True
    row, column = distance_transform_edt(~painted, return_distances=False, return_indices=True)
    (folder / "skins/textures").mkdir(parents=True, exist_ok=True)
    (folder / f"skins/{name}").mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"skins/textures/{name}_diffuse.png"), picture[row, column, ::-1])
    (folder / f"skins/{name}/{name}.mhmat").write_text(
        f"{CC0}name {name}\ndiffuseTexture ../textures/{name}_diffuse.png\n"
    )


def write_eye(folder: Path, name: str, picture: np.ndarray, ball: Eyeball, size: int = 1024) -> None:
    """An eye texture with the iris where MakeHuman has it, from an eyeball tile (S, S, 3) RGB."""
    centre, radius = np.array([0.27, 0.73]) * size, 0.115 * size
    row, column = np.indices((size, size))
    x, y = (column - centre[0]) / radius, (centre[1] - row) / radius
    inside = ball.inside & (ball.radius < 2.25)
    reach = ball.radius[inside]
    tree = cKDTree(np.stack([reach * np.cos(ball.around[inside]), reach * np.sin(ball.around[inside])], axis=1))
    nearest = tree.query(np.stack([x.ravel(), y.ravel()], axis=1))[1]
    (folder / "eyes/materials").mkdir(parents=True, exist_ok=True)
    texture = picture[inside][nearest].reshape(size, size, 3)
    cv2.imwrite(str(folder / f"eyes/materials/{name}_eye.png"), texture[..., ::-1])
    (folder / f"eyes/materials/{name}.mhmat").write_text(f"{CC0}name Eye{name}\ndiffuseTexture {name}_eye.png\n")


def write_brow(
    folder: Path, name: str, picture: np.ndarray, registration: Registration, face: Tile, size: int = 1024
) -> None:
    """Brow cards a millimetre off the base mesh, with the brow tile (S, S, 4) RGBA that is seen behind them."""
    points, mesh = registration.points, registration.base.mesh
    near = (points[:, 1] > 4.2) & (points[:, 1] < 8.6) & (points[:, 2] > 5) & (np.abs(points[:, 0]) < 7)
    chosen = registration.visible & near[mesh.triangles].all(axis=1)
    used, local = np.unique(mesh.triangles[chosen], return_inverse=True)
    triangles = local.reshape(-1, 3)
    uv = points[used, :2] * (0.06, 0.15) + (0.5, -0.45)
    covering, weights = texel_triangles(uv * (1, -1) + (0, 1), triangles, size)
    inside = covering >= 0
    places = np.einsum("nk,nkc->nc", weights[inside], points[used][triangles[covering[inside]]])
    nearest = cKDTree(face.positions[face.inside]).query(places)[1]
    texture = np.zeros((size, size, 4), np.uint8)
    texture[inside] = picture[face.inside][nearest]
    texture[..., :3][~inside] = 30
    offsets = np.zeros((len(used), 3))
    offsets[:, 2] = 0.01
    rows = np.column_stack([used, used, used, np.ones(len(used)), np.zeros((len(used), 2)), offsets])
    _write_proxy(folder / f"eyebrows/{name}", name, registration.base, points[used], uv, triangles, rows, texture)


def write_hair(
    folder: Path, name: str, style: dict[str, np.ndarray], texture: np.ndarray, field: Field, base: BaseMesh
) -> None:
    """A hair style where `field` would have carried it from, bound to the base mesh."""
    wanted = style["verts"].astype(np.float64)
    points = field.similarity.inverse_apply(wanted)
    for _ in range(12):
        points = points + (wanted - field(points)) @ field.similarity.rotation / field.similarity.scale
    body = base.mesh.triangles[base.body]
    hit = Surface(base.mesh.vertices, body, spacing=0.05).closest(points)
    rows = np.column_stack([body[hit.triangle], hit.weights, points - hit.point])
    _write_proxy(folder / f"hair/{name}", name, base, points, style["uv"], style["faces"], rows, texture)


def _write_proxy(folder: Path, name: str, base: BaseMesh, points, uv, triangles, rows, texture) -> None:
    folder.mkdir(parents=True)
    polygons = ["f " + " ".join(f"{v + 1}/{v + 1}" for v in triangle) for triangle in triangles.tolist()]
    texture_lines = [f"vt {u!r} {v!r}" for u, v in np.asarray(uv, np.float64).tolist()]
    (folder / f"{name}.obj").write_text("\n".join([*_vertex_lines(points), *texture_lines, *polygons, ""]))
    (folder / f"{name}.mhmat").write_text(f"{CC0}name {name}\ndiffuseTexture {name}.png\n")
    cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(texture, cv2.COLOR_RGBA2BGRA))
    scales = [
        f"{axis}_scale {a} {b} {abs(base.mesh.vertices[a, k] - base.mesh.vertices[b, k]):.4f}"
        for k, (axis, (a, b)) in enumerate(zip("xyz", SCALES, strict=True))
    ]
    binding = [
        " ".join([*(f"{int(vertex):5d}" for vertex in row[:3]), *(f"{value:.5f}" for value in row[3:])]) for row in rows
    ]
    lines = [
        f"name {name}",
        f"obj_file {name}.obj",
        *scales,
        "z_depth 5",
        f"material {name}.mhmat",
        "verts 0",
        *binding,
    ]
    (folder / f"{name}.mhclo").write_text(CC0 + "\n".join([*lines, "", "delete_verts", "1 - 4", ""]))


def _vertex_lines(points: np.ndarray) -> list[str]:
    return [f"v {x!r} {y!r} {z!r}" for x, y, z in points.tolist()]
