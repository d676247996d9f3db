"""Eyes, lashes, teeth, gums, the mouth's inside and the eyes' sockets as a pack's `parts.npz`.

ICT-FaceKit's parts follow its identities and expressions linearly. From the surface around eyes and mouth these are
estimated with their prior, which is linear too; both together are a linear map from the displacements of anchors on the
surface to those of the parts, of which the `RANK` strongest directions are kept.

python -m training.parts PACK --layout L.npz
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from prn_blender.capture.packs.pack import load_pack

from .assets import EYE_SOCKETS, GUMS, LASHES, MOUTH_SOCKET, SKIN_VERTICES, TEETH, FaceKit, load_facekit
from .bake import sampling_operator
from .lashes import make_lashes
from .pack_file import write_section, write_whole
from .topology import CENTIMETRES, eye_centre, to_blender
from .uv_layout import UvLayout

RANK = 32
NOISE = 0.1  # cm by which an anchor is off
EXPRESSION_VARIANCE = 0.1  # of a shape's weight; identities have 1
SHIFT, TURN, GROWTH = 0.3, 0.03, 0.03  # cm, radians, share: deviations of a head's place, turn and size
REACH = 0.055  # metres from the landmarks of eyes, nose and mouth in which there are anchors
MESHES = {  # as ICT-FaceKit has them; lashes are made of its strips
    "teeth": TEETH,
    "gums": GUMS,
    "mouth": MOUTH_SOCKET,
    "sockets": EYE_SOCKETS,
}
EYEBALL_SHELLS = {"left": slice(21451, 22221), "right": slice(23021, 23791)}  # whites, with the cornea's bulge
BULGE = 0.6  # share of a radius before the centre from where on the cornea's bulge is
SECTION = """[parts]                     # eyes, lashes, teeth, gums, insides
file = "parts.npz"
sha256 = "{sha256}"
"""


def make_parts(kit: FaceKit, layout: UvLayout, anchor_uv: np.ndarray) -> dict[str, np.ndarray]:
    """The arrays of `parts.npz`.

    Args:
        anchor_uv: (K, 2) places on the surface.
    """
    eyes = eye_centre(kit, layout)
    components, variance = _components(kit)
    sampled = sampling_operator(layout, anchor_uv)
    anchors = sampled @ kit.mean[:SKIN_VERTICES]
    seen = np.stack([sampled @ shape[:SKIN_VERTICES] for shape in components]).reshape(len(components), -1)
    estimate = np.linalg.solve(seen @ seen.T / NOISE**2 + np.diag(1 / variance), seen / NOISE**2)  # (C, 3 K)

    rows = {name: components[:, part].reshape(len(components), -1) for name, part in MESHES.items()}
    hairs, hair_faces, hair_uv = make_lashes(kit)
    rows["lashes"] = np.stack([hairs @ shape[LASHES] for shape in components]).reshape(len(components), -1)
    spheres = {side: _sphere(kit.mean[shell]) for side, shell in EYEBALL_SHELLS.items()}
    for side, shell in EYEBALL_SHELLS.items():
        rows[side] = _sphere_changes(kit.mean[shell], spheres[side], components[:, shell])
    whole = np.concatenate(list(rows.values()), axis=1)
    outer, inner = np.linalg.qr(whole.T), np.linalg.qr(estimate.T)  # the map's rank is that of the components
    left, strength, right = np.linalg.svd(outer.R @ inner.R.T)
    left, right = outer.Q @ left[:, :RANK], right[:RANK] @ inner.Q.T
    kept = np.split((left * strength[:RANK]).T, np.cumsum([row.shape[1] for row in rows.values()])[:-1], 1)
    kept = dict(zip(rows, kept, strict=True))

    axes = to_blender(np.eye(3), np.zeros(3)).T / CENTIMETRES  # Blender's axes from ICT-FaceKit's
    arrays = {
        "anchor_uv": anchor_uv.astype(np.float32),
        "anchors": to_blender(anchors, eyes).astype(np.float32),
        "response": (right.reshape(RANK, -1, 3) @ axes.T / CENTIMETRES).astype(np.float32),
        "eye_spheres": np.array(
            [[*to_blender(c, eyes), r * CENTIMETRES] for c, r in (spheres["left"], spheres["right"])]
        ),
        "eye_changes": np.stack([_turned_sphere(kept[side], axes) for side in ("left", "right")], 1),
    }
    meshes = {name: (kit.mean[part], *_polygons(kit, part)) for name, part in MESHES.items()}
    meshes["lashes"] = hairs @ kit.mean[LASHES], hair_faces, hair_uv
    for name, (points, faces, uv) in meshes.items():
        arrays |= {
            f"{name}_vertices": to_blender(points, eyes).astype(np.float32),
            f"{name}_changes": (kept[name].reshape(RANK, -1, 3) @ axes.T * CENTIMETRES).astype(np.float16),
            f"{name}_faces": faces,
            f"{name}_uv": uv,
        }
    return arrays


def _components(kit: FaceKit) -> tuple[np.ndarray, np.ndarray]:
    """(C, V, 3) cm: identities, expressions, and a head's shifts, turns and growth; their variances (C,)."""
    centre = kit.mean[:SKIN_VERTICES].mean(0)
    apart = kit.mean - centre
    shifts = np.broadcast_to(np.eye(3)[:, None] * SHIFT, (3, *kit.mean.shape))
    turns = np.stack([np.cross(axis, apart) * TURN for axis in np.eye(3)])
    components = np.concatenate([kit.identity, kit.expression, shifts, turns, apart[None] * GROWTH])
    variance = np.ones(len(components))
    variance[len(kit.identity) : len(kit.identity) + len(kit.expression)] = EXPRESSION_VARIANCE
    return components.astype(np.float64), variance


def _sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of an eyeball (N, 3) without the cornea's bulge."""
    start = points.mean(0)
    radius = np.linalg.norm(points - start, axis=1).mean()
    behind = points[points[:, 2] < start[2] + BULGE * radius]
    found = least_squares(lambda x: np.linalg.norm(behind - x[:3], axis=1) - x[3], [*start, radius]).x
    return found[:3], float(found[3])


def _sphere_changes(points: np.ndarray, sphere: tuple[np.ndarray, float], components: np.ndarray) -> np.ndarray:
    """(C, 4) how much centre and radius change with components (C, N, 3) of the eyeball's points."""
    outwards = points - sphere[0]
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    design = np.concatenate([outwards, np.ones((len(points), 1))], 1)  # a sphere's points along its normals
    along = np.einsum("cnk,nk->cn", components, outwards)
    return np.linalg.lstsq(design, along.T, rcond=None)[0].T


def _turned_sphere(changes: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """(RANK, 4) in metres along Blender's axes."""
    return (np.concatenate([changes[:, :3] @ axes.T, changes[:, 3:]], 1) * CENTIMETRES).astype(np.float32)


def _polygons(kit: FaceKit, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """(F, 4) polygons of a part by its own vertices, -1 for a triangle's fourth, and their UVs (F, 4, 2)."""
    inside = ((kit.triangles >= part.start) & (kit.triangles < part.stop)).all(1)
    triangles, uv, polygon = kit.triangles[inside] - part.start, kit.triangle_uv[inside], kit.triangle_polygon[inside]
    faces, corners = [], []
    for number in np.unique(polygon):
        rows = np.flatnonzero(polygon == number)
        fan = list(zip(triangles[rows[0]], uv[rows[0]], strict=True))
        # ICT-FaceKit's polygons were cut into fans around their first corner.
        fan += [(triangles[row][2], uv[row][2]) for row in rows[1:]]
        faces.append([v for v, _ in fan] + [-1] * (4 - len(fan)))
        corners.append([kit.uv[t] for _, t in fan] + [np.zeros(2)] * (4 - len(fan)))
    return np.array(faces, np.int32), np.array(corners, np.float32)


def choose_anchors(pack) -> np.ndarray:
    """(K, 2) UV of the coarse topology's skin vertices around eyes, nose and mouth."""
    low = pack.choose_topology("low")
    marks = low.landmark_canonical[17:]
    near = np.linalg.norm(low.canonical[:, None] - marks, axis=2).min(1) < REACH
    near &= (low.canonical[:, 1] < 0.075) & low.in_region("skin")
    return low.sample_uv[near, 0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    options = parser.parse_args()
    arrays = make_parts(load_facekit(), UvLayout.load(options.layout), choose_anchors(load_pack(options.pack)))
    checksum = write_whole(options.pack / "parts.npz", lambda path: np.savez_compressed(path, **arrays))
    write_section(options.pack, "parts", SECTION.format(sha256=checksum))


if __name__ == "__main__":
    main()
