"""The quad meshes over the UV layout that a pack carries (`prn_blender.capture.packs.topology.Topology`)."""

import numpy as np

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.packs.edge_loops import where_known
from prn_blender.capture.packs.topology import DETAIL_STEP

from .assets import LANDMARK_VERTICES, SKIN_VERTICES, FaceKit
from .bake import bake_operator
from .edge_loops import make_loop_mesh, mean_surface
from .even_grid import grid_uv
from .head_model import ORIGIN
from .uv_layout import ORDER, UvLayout

REGIONS = ("skin", "eye_left", "eye_right", "mouth_inner", "scalp_and_neck")
CENTIMETRES = 0.01
DETAIL_RESOLUTION = 512


def weld(cells: int) -> np.ndarray:
    """(n + 1, n + 1) vertex of each grid corner: the cut's two sides (top halves, left and right) are one."""
    index = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    index[0, cells // 2 + 1 :] = index[0, : (cells + 1) // 2][::-1]
    index[1:, -1] = index[1:, 0]
    return np.unique(index, return_inverse=True)[1].reshape(index.shape)


def _quads(corners: np.ndarray) -> np.ndarray:
    """(n n, 4, ...) corners of each cell."""
    return np.stack([corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], 2).reshape(
        -1, 4, *corners.shape[2:]
    )


def to_blender(points: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """ICT-FaceKit's cm (y up, face +z) to metres, Z up, face -Y, origin at `eyes`."""
    x, y, z = np.moveaxis(points - eyes, -1, 0)
    return np.stack([x, -z, y], -1) * CENTIMETRES


def _regions(layout: UvLayout, uv: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(V,) region of vertices at `uv`, on the mean head at `points` (cm)."""
    import cv2

    size = 2048
    drawn = np.zeros((size, size), np.uint8)
    for name in ("eye_left", "eye_right", "mouth_inner"):
        loop = layout.uv[getattr(layout, name.removesuffix("_inner"))]
        cv2.fillPoly(drawn, [np.round(loop * size).astype(np.int32)], REGIONS.index(name))
    pixel = np.clip((uv * size).astype(int), 0, size - 1)
    region = drawn[pixel[:, 1], pixel[:, 0]]
    region[(region == 0) & _is_back(points)] = REGIONS.index("scalp_and_neck")
    return region


def _is_back(points: np.ndarray) -> np.ndarray:
    """(V,) bool: neither face nor ears' front, for points (V, 3) of the mean head in cm."""
    return (points[:, 2] < 2.5) | (points[:, 1] < -9) | (points[:, 1] > 10.5)


def make_topology(
    kit: FaceKit, layout: UvLayout, landmark_uv: np.ndarray, resolution: int, cells: int = 128
) -> dict[str, np.ndarray]:
    """The arrays of `topology.npz`: an even grid of `cells` squared quads, closed except the neck.

    Args:
        resolution: of the pack's position maps, whose smoothing the canonical head shares.
    """
    mean = mean_map(kit, layout, resolution)
    eyes = eye_centre(kit, layout)
    detail = detail_of(kit, layout, mean)
    uv, vertex = grid_uv(cells, mean_surface(kit, layout), detail), weld(cells)
    flat_vertex, flat_uv = vertex.ravel(), uv.reshape(-1, 2)
    first = np.unique(flat_vertex, return_index=True)[1]
    last = len(flat_vertex) - 1 - np.unique(flat_vertex[::-1], return_index=True)[1]
    mirror = np.empty(vertex.max() + 1, np.int64)
    mirror[flat_vertex] = vertex[:, ::-1].ravel()
    sample_uv = np.stack([flat_uv[first], flat_uv[last]], 1)
    points = PositionMap(mean_map(kit, layout, DETAIL_RESOLUTION)).sample(sample_uv).mean(1)
    canonical = to_blender(points, eyes)
    faces, loop_uv = _quads(vertex), _quads(uv)
    if _faces_inwards(canonical, faces):
        faces, loop_uv = faces[:, ::-1], loop_uv[:, ::-1]
    return {
        "sample_uv": sample_uv.astype(np.float32),
        "faces": faces.astype(np.int32),
        "loop_uv": loop_uv.astype(np.float32),
        "landmark_uv": landmark_uv.astype(np.float32),
        "landmark_uv_ict": layout.landmark_uv.astype(np.float32),
        "canonical": canonical.astype(np.float32),
        "landmark_canonical": to_blender(kit.mean[LANDMARK_VERTICES], eyes).astype(np.float32),
        "origin_canonical": to_blender(ORIGIN, eyes).astype(np.float32),
        "region": _regions(layout, sample_uv[:, 0], points),
        "region_names": np.array(REGIONS),
        "mirror": mirror.astype(np.int32),
        "detail": np.round(detail / DETAIL_STEP).astype(np.int16),
    }


def detail_of(kit: FaceKit, layout: UvLayout, mean: np.ndarray) -> np.ndarray:
    """(DETAIL_RESOLUTION, DETAIL_RESOLUTION, 3) metres, Blender axes: what the map `mean` (R, R, 3) cm lacks."""
    lacking = mean_map(kit, layout, DETAIL_RESOLUTION) - PositionMap(mean).at_size(DETAIL_RESOLUTION)
    return to_blender(lacking, np.zeros(3))


def make_loop_topology(kit: FaceKit, layout: UvLayout, resolution: int) -> dict[str, np.ndarray]:
    """The arrays of `loops.npz`: edge loops around eyes, mouth, nostrils and ears, closed except the neck.

    Every four quads are one of a coarser level, whose vertices come first. Finer levels take their vertices from the
    mean head's map.
    """
    mesh, mean = make_loop_mesh(kit, layout), mean_map(kit, layout, DETAIL_RESOLUTION)
    points = PositionMap(mean).sample(where_known(mesh.sample_uv, ORDER, DETAIL_RESOLUTION)).mean(1)
    region = np.where(_is_back((points + points[mesh.mirror] * (-1, 1, 1)) / 2), REGIONS.index("scalp_and_neck"), 0)
    region[mesh.mouth] = REGIONS.index("mouth_inner")
    region[mesh.eye] = np.where(points[mesh.eye, 0] > 0, REGIONS.index("eye_left"), REGIONS.index("eye_right"))
    return {
        "faces": mesh.faces.astype(np.int32),
        "loop_uv": mesh.loop_uv.astype(np.float32),
        "mirror": mesh.mirror.astype(np.int32),
        "region": region.astype(np.uint8),
        "border_power": np.float32(ORDER),
        "canonical_map": to_blender(mean_map(kit, layout, resolution), eye_centre(kit, layout)).astype(np.float32),
    }


def mean_map(kit: FaceKit, layout: UvLayout, resolution: int) -> np.ndarray:
    """(R, R, 3) cm: position map of the mean head in its own frame."""
    baked = bake_operator(layout, resolution)[0] @ kit.mean[:SKIN_VERTICES]
    return baked.reshape(resolution, resolution, 3).astype(np.float32)


def eye_centre(kit: FaceKit, layout: UvLayout) -> np.ndarray:
    """(3,) cm: the point midway between the mean head's eyes."""
    return kit.mean[np.concatenate([layout.eye_right, layout.eye_left])].mean(0)


def _faces_inwards(points: np.ndarray, faces: np.ndarray) -> bool:
    a, b, d = (points[faces[:, k]] for k in (0, 1, 3))
    outwards = (np.cross(b - a, d - a) * (points[faces].mean(1) - points.mean(0))).sum(1) > 0
    return bool(outwards.mean() < 0.5)
