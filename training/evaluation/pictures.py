"""Pictures to judge numbers by."""

from pathlib import Path

import cv2
import numpy as np

from prn_blender.capture.landmarks import PARTS
from prn_blender.capture.packs.topology import Topology

from ..renderer.surfaces import vertex_normals
from .landmarks import Landmarks, PortraitCapture
from .scan import Scan, ScanCapture, ScanErrors, fragments_of, paint

TILE = 256
WORST_MM = 8.0  # the upper end of the error maps' colours


def write(path: Path, picture: np.ndarray) -> None:
    """An RGB picture to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))


def worst(found: Landmarks, count: int = 20) -> np.ndarray:
    """The worst photos with annotated (green) and predicted (red) landmarks, lost faces first."""
    tiles = []
    errors = np.where(np.isnan(found.errors), np.inf, found.errors)
    for i in np.argsort(-errors)[:count]:
        tile = cv2.resize(found.crops.pictures[i], (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        for points, colour in ((found.crops.points[i], (0, 220, 0)), (found.points[i], (255, 40, 40))):
            if not np.isnan(points).any():
                for x, y in points * TILE:
                    cv2.circle(tile, (round(float(x)), round(float(y))), 1, colour, -1, cv2.LINE_AA)
        tiles.append(caption(tile, f"{found.crops.names[i]} {'lost' if np.isinf(errors[i]) else round(errors[i], 1)}"))
    return grid(tiles, 5)


def caption(tile: np.ndarray, text: str) -> np.ndarray:
    """`tile` with a line of text, larger on larger tiles."""
    scale = 0.4 * max(1.0, len(tile) / 360)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 0), 1)):
        place = (4, round(35 * scale))
        cv2.putText(tile, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA)
    return tile


def grid(tiles: list[np.ndarray], columns: int) -> np.ndarray:
    """Equal tiles side by side."""
    missing = -len(tiles) % columns
    tiles = [*tiles, *[np.zeros_like(tiles[0])] * missing]
    return np.concatenate([np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)])


def outline(picture: np.ndarray, points: np.ndarray) -> None:
    """Draws 68 landmarks (68, 2) into `picture` as lines."""
    for part in PARTS:
        line = np.round(points[list(part.line)] * 8).astype(np.int32)
        cv2.polylines(picture, [line], False, (60, 255, 60), 1, cv2.LINE_AA, 3)


def shaded(picture: np.ndarray, vertices: np.ndarray, topology: Topology) -> np.ndarray:
    """`picture` with the mesh (V, 3) in its pixels over it, grey under a light from the upper left."""
    height, width = picture.shape[:2]
    triangles = topology.triangles
    smooth = vertex_normals(vertices * (1, -1, 1), triangles)
    first, second = (vertices[triangles[:, k], :2] - vertices[triangles[:, 0], :2] for k in (1, 2))
    facing = triangles[first[:, 1] * second[:, 0] > first[:, 0] * second[:, 1]]
    seen = fragments_of(vertices[:, :2], vertices[:, 2], facing, (width, height))
    light = np.array([-0.4, 0.5, 0.77])
    shade = np.clip(seen.interpolate(smooth, facing) @ light, 0, 1)[:, None] * 200 + 35
    return paint(seen, np.round(shade).astype(np.uint8), picture)


def portrait(capture: PortraitCapture, topology: Topology, height: int = 360) -> np.ndarray:
    """A photo, its landmarks, and the head over it."""
    scale = height / capture.photo.height
    width = round(capture.photo.width * scale)
    photo = cv2.resize(capture.photo.pixels, (width, height), interpolation=cv2.INTER_AREA)
    if capture.position_map is None:
        return np.concatenate([caption(photo.copy(), f"{capture.photo.path.name}: no face found"), photo, photo], 1)
    marked = photo.copy()
    outline(marked, topology.landmarks(capture.position_map)[:, :2] * scale)
    return np.concatenate([photo, marked, shaded(photo, topology.vertices(capture.position_map) * scale, topology)], 1)


def stacked(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures of different widths in two columns."""
    width = max(picture.shape[1] for picture in pictures)
    return grid([np.pad(picture, ((0, 0), (0, width - picture.shape[1]), (0, 0))) for picture in pictures], 2)


def scan_errors(scan: Scan, captures: list[ScanCapture], still: ScanErrors) -> np.ndarray:
    """A row for each view: photo with true (green) and found (red) landmarks, error map, the canonical head's."""
    rows = []
    for capture in captures:
        photo = capture.view.photo.pixels.copy()
        for points, colour in (
            (capture.view.project(scan.landmarks), (0, 220, 0)),
            (capture.landmarks_in_photo, (255, 40, 40)),
        ):
            for x, y in points:
                cv2.circle(photo, (round(float(x)), round(float(y))), 2, colour, -1, cv2.LINE_AA)
        tiles = [caption(photo, f"yaw {capture.view.turn}, landmarks {capture.errors.landmarks.mean():.1f} mm")]
        for name, errors in (("this pack", capture.errors), ("canonical head", still)):
            median = np.nanmedian(errors.surface)
            tiles.append(
                caption(_painted(scan, capture, errors), f"{name}: {median:.2f} mm, blue 0 to red {WORST_MM:.0f}")
            )
        rows.append(np.concatenate(tiles, 1))
    return np.concatenate(rows)


def _painted(scan: Scan, capture: ScanCapture, errors: ScanErrors) -> np.ndarray:
    seen, photo = capture.view.fragments, capture.view.photo.pixels
    size = 2 * len(photo)
    values = seen.interpolate(errors.surface, scan.triangles)
    level = np.clip(np.nan_to_num(values) / WORST_MM * 255, 0, 255).astype(np.uint8)
    colours = cv2.applyColorMap(level[:, None], cv2.COLORMAP_JET)[:, 0, ::-1]
    plain = cv2.resize(photo, (size, size), interpolation=cv2.INTER_LINEAR)
    grey = np.repeat(plain.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    colours = np.where(np.isnan(values)[:, None], grey[seen.row, seen.column], colours)
    return cv2.resize(paint(seen, colours, grey), (len(photo), len(photo)), interpolation=cv2.INTER_AREA)
