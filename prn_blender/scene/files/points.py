"""Dense alignment to files. No bpy: it may be written in a thread."""

import csv
import io
import json
from pathlib import Path

import numpy as np

from ...capture.landmarks import NAMES
from ...capture.pictures.points import Points, dense_alignment, landmarks_of, vertices_of
from ...capture.pictures.posed import PosedHead
from .replace import filled_folder, replacing

_TABLES = ("_vertices", "_landmarks")  # with what their names end


def tables_of(path: Path) -> list[Path]:
    """NAME_vertices.csv and NAME_landmarks.csv for a path NAME.csv, and for each of their own."""
    name = next((path.stem.removesuffix(ending) for ending in _TABLES if path.stem.endswith(ending)), path.stem)
    return [path.with_name(f"{name}{ending}.csv") for ending in _TABLES]


def write_csv(head: PosedHead, path: Path) -> list[Path]:
    """The two tables of a path. Raises CaptureError where they cannot be written."""
    files = tables_of(path)
    tables = _table(map(str, range(len(head.vertices))), vertices_of(head)), _table(NAMES, landmarks_of(head))
    with filled_folder(path.parent) as temporary:
        for file, text in zip(files, tables, strict=True):
            (temporary / file.name).write_text(text, encoding="utf-8", newline="")
    return files


def write_npz(head: PosedHead, path: Path) -> list[Path]:
    """Arrays by name. Raises CaptureError where it cannot be written."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **dense_alignment(head))
    return [path]


def write_json(head: PosedHead, path: Path) -> list[Path]:
    """The same arrays as lists; null for a landmark that there is not. Raises CaptureError."""
    arrays = {name: _without_nan(values) for name, values in dense_alignment(head).items()}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(arrays, allow_nan=False), encoding="utf-8")
    return [path]


def _table(names, points: Points) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("name", *points.COLUMNS))
    for name, row in zip(names, points.table.tolist(), strict=True):
        writer.writerow((name, *("" if number != number else f"{number:.7g}" for number in row)))
    return text.getvalue()


def _without_nan(values: np.ndarray) -> list:
    """An array as lists, numbers rounded to what they are worth."""
    if values.dtype.kind != "f":
        return values.tolist()
    rounded = np.round(values.astype(np.float64), 7)
    return np.where(np.isnan(rounded), None, rounded.astype(object)).tolist()
