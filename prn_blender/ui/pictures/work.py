"""What the jobs on a head in its photo compute. No bpy, so that it can run in a thread."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...capture.progress import Progress

if TYPE_CHECKING:
    from ...capture.packs.installed import InstalledPack
    from ...capture.pictures.depth import Depth
    from ...capture.pictures.posed import PosedHead
    from ...scene.posed import Picture

Work = Callable[[Progress], Any]


def depth(head: "PosedHead") -> Callable[[Progress], "Depth"]:
    """Work that finds the depth of every pixel."""

    def work(progress: Progress) -> "Depth":
        from ...capture.pictures.depth import depth_image

        progress(0.1, "Drawing the depth")
        return depth_image(head)

    return work


def depth_and_shades(head: "PosedHead") -> Callable[[Progress], tuple["Depth", bytes]]:
    """Work that finds the depth of every pixel, and draws it as a PNG file."""

    def work(progress: Progress) -> tuple["Depth", bytes]:
        from ...scene.build.png import png_bytes

        found = depth(head)(progress)
        progress(0.7, "Encoding the image")
        return found, png_bytes(found.levels())

    return work


def pncc(head: "PosedHead", pack: "InstalledPack") -> Work:
    """Work that draws the PNCC as a PNG file. Raises CaptureError."""

    def work(progress: Progress) -> bytes:
        from ...capture.packs.pack import load_pack
        from ...capture.pictures.pncc import pncc_image
        from ...scene.build.png import png_bytes

        progress(0.0, "Reading the model pack")
        topology = load_pack(pack.folder).topology
        progress(0.1, "Drawing the coordinates")
        return png_bytes(pncc_image(head, topology))

    return work


def overlay(head: "PosedHead", photo: "Picture", is_points: bool) -> Work:
    """Work that draws over the photo, as a PNG file."""

    def work(progress: Progress) -> bytes:
        from ...capture.pictures.overlay import Overlay, draw_over
        from ...scene.build.png import png_bytes

        progress(0.1, "Reading the photo")
        pixels = photo()
        progress(0.4, "Drawing over the photo")
        drawn = draw_over(pixels, head, Overlay(landmarks=not is_points, points=is_points, box=not is_points))
        progress(0.7, "Encoding the image")
        return png_bytes(drawn)

    return work


def save_points(head: "PosedHead", path: Path) -> Work:
    """Work that writes the dense alignment; the format is told by the suffix. Raises CaptureError."""

    def work(progress: Progress) -> str:
        from ...scene.files import points

        progress(0.1, "Writing the points")
        write = {".csv": points.write_csv, ".npz": points.write_npz, ".json": points.write_json}[path.suffix]
        return _names(write(head, path))

    return work


def save_depth(head: "PosedHead", path: Path) -> Work:
    """Work that writes a 16-bit PNG. Raises CaptureError."""

    def work(progress: Progress) -> str:
        from ...scene.build.png import png_bytes
        from ...scene.files.replace import write_file

        found = depth(head)(progress)
        write_file(path, png_bytes(found.levels()))
        return f"{path.name}: white is {found.near:.4f} m away, the darkest grey {found.far:.4f} m"

    return work


def save_pncc(head: "PosedHead", pack: "InstalledPack", path: Path) -> Work:
    """Work that writes the PNCC. Raises CaptureError."""

    def work(progress: Progress) -> str:
        from ...scene.files.replace import write_file

        write_file(path, pncc(head, pack)(progress))
        return path.name

    return work


def save_obj(head: "PosedHead", texture: "Picture", path: Path, is_textured: bool) -> Work:
    """Work that writes an OBJ with its texture or with vertex colours. Raises CaptureError."""

    def work(progress: Progress) -> str:
        from ...scene.build.png import png_bytes
        from ...scene.files.obj import write_coloured_obj, write_textured_obj

        progress(0.1, "Reading the texture")
        pixels = texture()
        progress(0.4, "Writing the file")
        if is_textured:
            return _names(write_textured_obj(head, png_bytes(pixels), path))
        return _names(write_coloured_obj(head, pixels, path))

    return work


def _names(files: list[Path]) -> str:
    return ", ".join(file.name for file in files)
