"""ARKit's 52 expressions as a pack's `expressions.npz`: how they move the surface over UV and the parts.

ICT-FaceKit's expressions are named after ARKit's, but where both sides of a face are one there. It turns no eyes and
has no tongue that comes out: how far eyes turn is told as angles, and the tongue that lies with its gums is bent out.

python -m training.expressions PACK --layout L.npz
"""

import argparse
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from prn_blender.capture.shape.expression_model import NAMES, STEP

from .assets import GUMS, LASHES, SKIN_VERTICES, FaceKit, load_facekit
from .bake import bake_operator
from .lashes import make_lashes
from .pack_file import write_section, write_whole
from .parts import MESHES
from .topology import eye_centre, to_blender
from .uv_layout import UvLayout

RESOLUTION, COARSE = 128, 64  # texels of the expressions, and of the mean head they are of
SIDES = {"Left": "_L", "Right": "_R"}
BOTH_SIDES = ("browInnerUp", "cheekPuff")  # one in ARKit
LOOK = {"Up": (0, 25), "Down": (0, -30), "In": (-35, 0), "Out": (35, 0)}  # degrees outwards and up
STILL = 2e-5  # metres: less is left out
NOISE = 0.03  # cm: parts that an expression moves by less stay
TONGUE_TIP = GUMS.start + 2695  # one of its vertices
# How the tongue comes out, cm: the jaw opens by a share, the tip reaches forward, what is within the mouth is lifted over
# the teeth, what is before the lips hangs by a share of the square of how far, it gets flatter by a share, and its
# tip, from a part of its length on, wider.
JAW, REACH, LIFT, HANG, FLAT, WIDE, TIP = 0.45, 4.0, 0.6, 0.17, 0.4, 0.65, 0.75
ROOT, LIPS = 4.5, 11.7  # cm forwards: from where on the tongue moves, and where the lips are
LIP_COLUMNS = 33  # pairs of points at which the lips touch
LIP_WIDTH = 2.1  # cm from the middle, in which they are
SECTION = """[expressions]               # ARKit's 52, over UV and of the parts
file = "expressions.npz"
sha256 = "{sha256}"
"""


def make_expressions(kit: FaceKit, layout: UvLayout) -> dict[str, np.ndarray]:
    """The arrays of `expressions.npz`."""
    shapes = np.stack([shape_of(kit, name) for name in NAMES])  # (52, V, 3) cm
    operator = bake_operator(layout, RESOLUTION)[0]
    surface = np.stack([operator @ shape[:SKIN_VERTICES] for shape in shapes])
    rows = {name: shapes[:, part] for name, part in MESHES.items()}
    hairs = make_lashes(kit)[0]
    rows["lashes"] = np.stack([hairs @ shape[LASHES] for shape in shapes])
    coarse = bake_operator(layout, COARSE)[0] @ kit.mean[:SKIN_VERTICES]
    return {
        "mean": to_blender(coarse, eye_centre(kit, layout)).reshape(COARSE, COARSE, 3).astype(np.float32),
        "surface": in_steps(surface).reshape(len(NAMES), RESOLUTION, RESOLUTION, 3),
        "gaze": np.float32([gaze_of(name) for name in NAMES]),
        "lips": lip_pairs(kit, layout).astype(np.float32),
        **{name: in_steps(without_noise(moved)) for name, moved in rows.items()},
    }


def shape_of(kit: FaceKit, name: str) -> np.ndarray:
    """(V, 3) cm: how one of ARKit's expressions moves ICT-FaceKit's vertices."""
    if name == "tongueOut":
        return tongue_out(kit)
    side = next(
        (side for side in SIDES if name.endswith(side) and name[: -len(side)] + "_L" in kit.expression_names), ""
    )
    names = [f"{name}{suffix}" for suffix in SIDES.values()] if name in BOTH_SIDES else [name]
    if side:
        names = [name.removesuffix(side) + SIDES[side]]
    return np.sum([kit.expression[kit.expression_index(one)].astype(np.float64) for one in names], axis=0)


def tongue_out(kit: FaceKit) -> np.ndarray:
    """(V, 3) cm: the mouth open as far as the tongue needs it, and the tongue bent over the lower lip."""
    moved = JAW * shape_of(kit, "jawOpen")
    tongue = tongue_vertices(kit)
    points = kit.mean[tongue].astype(np.float64)
    along = np.clip((points[:, 2] - ROOT) / (points[:, 2].max() - ROOT), 0, 1)  # from the root to the tip
    middle = points[:, 1].copy()
    for step in np.linspace(0, 1, 21):
        near = np.abs(along - step) < 0.06
        middle[np.abs(along - step) <= 0.025] = (points[near, 1].max() + points[near, 1].min()) / 2
    out = along**1.2
    before = np.maximum(points[:, 2] + REACH * out - LIPS, 0)
    lift = np.clip(along / 0.6, 0, 1)
    moved[tongue, 1] += LIFT * lift**2 * (3 - 2 * lift) - HANG * before**2 - FLAT * out * (points[:, 1] - middle)
    moved[tongue, 0] += WIDE * np.clip((along - TIP) / (1 - TIP), 0, 1) * points[:, 0]
    moved[tongue, 2] += REACH * out
    return moved


def tongue_vertices(kit: FaceKit) -> np.ndarray:
    """(N,) vertices of the gums' mesh that hang together with the tongue's tip in UV."""
    inside = ((kit.triangles >= GUMS.start) & (kit.triangles < GUMS.stop)).all(1)
    corners, uv = kit.triangles[inside], kit.triangle_uv[inside]
    edges = np.concatenate([uv[:, [0, 1]], uv[:, [1, 2]]])
    graph = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(kit.uv), len(kit.uv)))
    island = connected_components(graph)[1][uv[:, 0]]
    return np.unique(corners[island == island[(corners == TONGUE_TIP).any(1)][0]])


def gaze_of(name: str) -> list[tuple[float, float]]:
    """For the left and the right eye the degrees to the subject's left and up by which an expression turns it."""
    turns = [(0.0, 0.0), (0.0, 0.0)]
    if name.startswith("eyeLook"):
        right = name.endswith("Right")
        outwards, up = LOOK[name.removeprefix("eyeLook").removesuffix("Right").removesuffix("Left")]
        turns[right] = (-outwards if right else outwards, up)
    return turns


def lip_pairs(kit: FaceKit, layout: UvLayout) -> np.ndarray:
    """(LIP_COLUMNS, 2, 2) UV of points of the upper and of the lower lip that touch, from one corner to the other."""
    loop = layout.uv[layout.mouth]
    middle = (loop[:, 1].min() + loop[:, 1].max()) / 2
    size = 1024
    operator, inside = bake_operator(layout, size)
    grid = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(grid, grid)
    around = inside & (np.abs(u - loop[:, 0].mean()) < 0.14) & (np.abs(v - middle) < 0.07)
    # The mouth's inside is closed by a fan, which is no lip.
    import cv2

    fan = np.zeros((size, size), np.uint8)
    cv2.fillPoly(fan, [np.round(loop * size).astype(np.int32)], 1)
    around &= fan == 0
    points = operator @ kit.mean[:SKIN_VERTICES]
    upper, lower = (np.flatnonzero((around & side).ravel()) for side in (v < middle, v >= middle))
    apart, partner = cKDTree(points[lower]).query(points[upper])
    uv = np.stack([u.ravel(), v.ravel()], 1)
    columns = np.linspace(-LIP_WIDTH, LIP_WIDTH, LIP_COLUMNS)
    pairs = []
    for column in columns:
        near = np.flatnonzero(np.abs(points[upper, 0] - column) < 0.05)
        best = near[apart[near].argmin()]
        pairs.append([uv[upper[best]], uv[lower[partner[best]]]])
    # The nearest pair jumps along the touching surfaces: a smooth line through them.
    fitted = [
        np.polyval(np.polyfit(columns, np.array(pairs)[:, side, axis], 6), columns)
        for side in (0, 1)
        for axis in (0, 1)
    ]
    return np.stack(fitted, 1).reshape(LIP_COLUMNS, 2, 2)


def without_noise(moved: np.ndarray) -> np.ndarray:
    """Displacements (52, N, 3), those of expressions that hardly move a part left out."""
    return np.where(np.abs(moved).max((1, 2), keepdims=True) < NOISE, 0, moved)


def in_steps(moved: np.ndarray) -> np.ndarray:
    """Displacements (…, 3) in ICT-FaceKit's cm as whole steps along Blender's axes; tiny ones are none."""
    moved = to_blender(moved, np.zeros(3))
    moved[np.linalg.norm(moved, axis=-1) < STILL] = 0
    return np.round(moved / STEP).astype(np.int16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    options = parser.parse_args()
    arrays = make_expressions(load_facekit(), UvLayout.load(options.layout))
    checksum = write_whole(options.pack / "expressions.npz", lambda path: np.savez_compressed(path, **arrays))
    write_section(options.pack, "expressions", SECTION.format(sha256=checksum))


if __name__ == "__main__":
    main()
