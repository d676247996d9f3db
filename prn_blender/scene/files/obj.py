"""Wavefront OBJ as PRNet writes it, with vertex colours or with a texture. No bpy: it may be written in a thread.

Y is up and the face looks along +Z, in metres; the texture is named by its file alone, so the folder can be moved.
"""

import re
from pathlib import Path

import numpy as np

from ...capture.pictures.posed import PosedHead
from .replace import filled_folder


def write_coloured_obj(head: PosedHead, texture: np.ndarray, path: Path) -> list[Path]:
    """One file with a colour at each vertex, sRGB 0..1, that of the texture (T, T, 3) uint8 there.

    Raises:
        CaptureError: it cannot be written.
    """
    colours = vertex_colours(head, texture)
    with filled_folder(path.parent) as temporary:
        (temporary / path.name).write_text(_obj(head, colours=colours), encoding="utf-8")
    return [path]


def files_of_textured_obj(path: Path) -> list[Path]:
    """NAME.obj, NAME.mtl and NAME.png for a path NAME.obj; blanks in the names of the latter two become underscores."""
    plain = re.sub(r"\s+", "_", path.stem)  # a blank ends a file's name in these formats
    return [path, path.with_name(f"{plain}.mtl"), path.with_name(f"{plain}.png")]


def write_textured_obj(head: PosedHead, texture: bytes, path: Path) -> list[Path]:
    """The three files of a path.

    Args:
        texture: a PNG file.

    Raises:
        CaptureError: they cannot be written.
    """
    files = files_of_textured_obj(path)
    library, picture = (file.name for file in files[1:])
    material = f"newmtl head\nKa 1 1 1\nKd 1 1 1\nKs 0 0 0\nillum 1\nmap_Kd {picture}\n"
    with filled_folder(path.parent) as temporary:
        (temporary / path.name).write_text(_obj(head, library=library), encoding="utf-8")
        (temporary / library).write_text(material, encoding="utf-8")
        (temporary / picture).write_bytes(texture)
    return files


def vertex_colours(head: PosedHead, texture: np.ndarray) -> np.ndarray:
    """(V, 3) 0..1 sRGB of a texture (T, T, 3) uint8, bilinear."""
    size = len(texture)
    place = np.clip(head.uv * size - 0.5, 0, size - 1)
    low = np.minimum(place.astype(int), size - 2)
    share = (place - low)[..., None]
    (x, y), (right, down) = low.T, share.swapaxes(0, 1)
    upper = texture[y, x] * (1 - right) + texture[y, x + 1] * right
    lower = texture[y + 1, x] * (1 - right) + texture[y + 1, x + 1] * right
    return (upper * (1 - down) + lower * down) / 255


def _obj(head: PosedHead, colours: np.ndarray | None = None, library: str = "") -> str:
    upright = np.asarray(head.vertices, np.float64) @ np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    rows = upright if colours is None else np.column_stack([upright, colours])
    lines = [f"mtllib {library}"] if library else []
    lines += ["o head"]
    lines += _lines("v", rows, "%.6f")
    if not library:
        return "\n".join([*lines, *_lines("f", head.triangles + 1, "%d")]) + "\n"
    uv, index = np.unique(np.round(head.triangle_uv.reshape(-1, 2), 7), axis=0, return_inverse=True)
    lines += _lines("vt", uv * (1, -1) + (0, 1), "%.7f")
    lines.append("usemtl head")
    corners = np.stack([head.triangles + 1, index.reshape(-1, 3) + 1], axis=-1).reshape(-1, 6)
    lines += ["f %d/%d %d/%d %d/%d" % row for row in map(tuple, corners.tolist())]  # noqa: UP031
    return "\n".join(lines) + "\n"


def _lines(keyword: str, rows: np.ndarray, number: str) -> list[str]:
    form = " ".join([keyword, *[number] * rows.shape[1]])
    return [form % row for row in map(tuple, rows.tolist())]
