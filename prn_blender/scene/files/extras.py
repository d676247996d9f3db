"""What a capture's folder holds on request besides the usual files: measurements, pictures, other formats."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...capture.pictures.depth import depth_image
from ...capture.pictures.overlay import Overlay, draw_over
from ...capture.pictures.pncc import pncc_image
from ...capture.pictures.posed import PosedHead, posed
from ...capture.texture.regions import region_mask
from ...capture.texture.swap import swap_face
from ...capture.types import BASE_COLOR, MASK, Capture
from ..build.float_image import write_exr
from ..build.png import png_bytes
from .obj import write_coloured_obj, write_textured_obj
from .points import write_csv, write_json, write_npz

# By name: what it writes.
KINDS = {
    "csv": "points_vertices.csv and points_landmarks.csv",
    "npz": "points.npz",
    "json": "points.json",
    "overlay": "overlay.png, overlay_points.png",
    "depth": "depth.png (16 bits), depth.exr (metres)",
    "pncc": "pncc.png",
    "obj": "head.obj with its texture",
    "obj-colours": "head_colours.obj with vertex colours",
}


@dataclass(frozen=True)
class Extras:
    """What is asked for."""

    kinds: frozenset[str] = frozenset()  # of KINDS
    swap: np.ndarray | None = field(default=None, repr=False)  # (T, T, 3) uint8: another's texture for swapped.png


def write_extras(extras: Extras, capture: Capture, textures: dict[str, bytes], folder: Path) -> dict:
    """Writes them, measured on the pack's standard topology; returns what capture.json says of them.

    Args:
        textures: the capture's, as PNG files.

    Raises:
        CaptureError: a file cannot be written, or the photo shows nothing of the face that is to be swapped.
    """
    head, pixels = posed(capture), capture.views[0].photo.pixels
    told = {}
    for kind, write in (("csv", write_csv), ("npz", write_npz), ("json", write_json)):
        if kind in extras.kinds:
            write(head, folder / f"points.{kind}")
    if "overlay" in extras.kinds:
        _write_png(draw_over(pixels, head, Overlay(landmarks=True, box=True)), folder / "overlay.png")
        _write_png(draw_over(pixels, head, Overlay(landmarks=False, points=True)), folder / "overlay_points.png")
    if "depth" in extras.kinds:
        told["depth"] = write_depth(head, folder)
    if "pncc" in extras.kinds:
        _write_png(pncc_image(head, capture.pack.topology), folder / "pncc.png")
    if "obj" in extras.kinds:
        write_textured_obj(head, textures[BASE_COLOR], folder / "head.obj")
    if "obj-colours" in extras.kinds:
        write_coloured_obj(head, capture.textures[BASE_COLOR], folder / "head_colours.obj")
    if extras.swap is not None:
        mask = region_mask(capture.pack.topology, "face")
        _write_png(swap_face(pixels, head, extras.swap, mask, capture.textures[MASK]), folder / "swapped.png")
    return told


def write_depth(head: PosedHead, folder: Path) -> dict:
    """depth.png and depth.exr; returns what the numbers of the first mean."""
    depth = depth_image(head)
    _write_png(depth.levels(), folder / "depth.png")
    write_exr(depth.metres, folder / "depth.exr")
    return {"near": depth.near, "far": depth.far, "metric": head.camera.is_perspective}


def _write_png(pixels: np.ndarray, path: Path) -> None:
    path.write_bytes(png_bytes(pixels))
