"""Wavefront OBJ: what ICT-FaceKit and MakeHuman write of it, and the error for files that are not there."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


class AssetError(Exception):
    """An original file is missing or not what it should be; the text says which, and where it is had."""


@dataclass(frozen=True)
class Obj:
    """A mesh of polygons, cut into fans of triangles."""

    vertices: np.ndarray  # (V, 3) float64
    uv: np.ndarray  # (T, 2) v upwards
    triangles: np.ndarray  # (F, 3) vertices
    triangle_uv: np.ndarray  # (F, 3) rows of uv, -1 where the file has none
    triangle_polygon: np.ndarray  # (F,) polygon each triangle was cut from
    groups: np.ndarray  # (P,) name of each polygon's group

    def triangles_of(self, group: str) -> np.ndarray:
        """(F,) bool: is the triangle of this group?"""
        return (self.groups == group)[self.triangle_polygon]


def read_text(path: Path) -> str:
    """A text file.

    Raises:
        AssetError: It is not there, or only the pointer that Git LFS leaves in its place.
    """
    if not path.is_file():
        raise AssetError(f"{path} is missing")
    check_is_content(path)
    return path.read_text(encoding="utf-8", errors="replace")


def check_is_content(path: Path) -> None:
    """Raises AssetError for the pointer that Git LFS leaves in the place of a file."""
    with path.open("rb") as file:
        if file.read(40).startswith(b"version https://git-lfs.github.com"):
            raise AssetError(f"{path} is a pointer of Git LFS: run `git lfs pull` in its checkout")


def read_vertices(path: Path) -> np.ndarray:
    """(V, 3) vertices only."""
    return _rows([line[2:] for line in read_text(path).splitlines() if line.startswith("v ")], 3, path)


def read_obj(path: Path) -> Obj:
    """Vertices, texture coordinates, polygons and their groups; everything else is passed over."""
    vertices, uv, polygons, groups, group = [], [], [], [], ""
    for line in read_text(path).splitlines():
        keyword, _, rest = line.partition(" ")
        if keyword == "v":
            vertices.append(rest)
        elif keyword == "vt":
            uv.append(rest)
        elif keyword == "f":
            polygons.append([_corner(corner) for corner in rest.split()])
            groups.append(group)
        elif keyword == "g":
            group = rest.strip()
    if not polygons:
        raise AssetError(f"{path} has no polygons")
    fans = [
        (number, corners[0], corners[k], corners[k + 1])
        for number, corners in enumerate(polygons)
        for k in range(1, len(corners) - 1)
    ]
    corners = np.array([fan[1:] for fan in fans], np.int32)
    points, texture = _rows(vertices, 3, path), _rows(uv, 2, path)
    if (
        corners[..., 0].min() < 0
        or corners[..., 0].max() >= len(points)
        or corners[..., 1].max() >= max(len(texture), 1)
    ):
        raise AssetError(f"{path}: a polygon names a vertex that the file does not have")
    return Obj(
        points,
        texture,
        corners[..., 0],
        corners[..., 1],
        np.array([fan[0] for fan in fans], np.int32),
        np.array(groups),
    )


def _corner(text: str) -> tuple[int, int]:
    vertex, _, rest = text.partition("/")
    uv = rest.partition("/")[0]
    return int(vertex) - 1, int(uv) - 1 if uv else -1


def _rows(lines: list[str], width: int, path: Path) -> np.ndarray:
    """(N, width) numbers; what else a line has behind them is passed over."""
    try:
        rows = np.array([float(number) for number in " ".join(lines).split()]).reshape(
            len(lines), -1 if lines else width
        )
    except ValueError as error:
        raise AssetError(f"{path}: {error}") from error
    if rows.shape[1] < width:
        raise AssetError(f"{path} has vertices of {rows.shape[1]} numbers, not {width}")
    return rows[:, :width]
