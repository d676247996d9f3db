"""What the jobs on textures compute. No bpy, so that it can run in a thread."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...capture.progress import Progress

if TYPE_CHECKING:
    from ...capture.packs.installed import InstalledPack
    from ...capture.pictures.posed import PosedHead
    from ...scene.posed import Picture


def region(pack: "InstalledPack", name: str) -> "Picture":
    """The mask of a region, (M, M) float32 0..1. Raises CaptureError where it is read and the pack is damaged."""

    def read() -> np.ndarray:
        from ...capture.packs.pack import load_pack
        from ...capture.texture.regions import region_mask

        return region_mask(load_pack(pack.folder).topology, name)

    return read


def as_mask(picture: "Picture") -> "Picture":
    """A painted picture as a mask, (M, M) float32 0..1."""
    return lambda: picture().mean(axis=2).astype(np.float32) / 255


def take_region(texture: "Picture", other: "Picture", mask: "Picture", match: bool) -> Callable[[Progress], bytes]:
    """Work that makes a texture with a region of another one, as a PNG file. Raises CaptureError."""

    def work(progress: Progress) -> bytes:
        from ...capture.texture.take import take
        from ...scene.build.png import png_bytes

        progress(0.1, "Reading the textures")
        pictures = texture(), other(), mask()
        progress(0.4, "Blending the textures")
        blended = take(*pictures, match)
        progress(0.8, "Encoding the texture")
        return png_bytes(blended)

    return work


def swap(
    head: "PosedHead", photo: "Picture", other: "Picture", mask: "Picture", shown: "Picture | None", path: Path | None
) -> Callable[[Progress], bytes]:
    """Work that makes the photo with the other's face, as a PNG file, also at a path. Raises CaptureError."""

    def work(progress: Progress) -> bytes:
        from ...capture.texture.swap import swap_face
        from ...scene.build.png import png_bytes
        from ...scene.files.replace import write_file

        progress(0.05, "Reading the pictures")
        pixels, texture = photo(), other()
        seen = None if shown is None else shown()[..., 0]
        swapped = swap_face(
            pixels, head, texture, mask(), seen, lambda fraction, text: progress(0.2 + 0.5 * fraction, text)
        )
        progress(0.8, "Encoding the image")
        data = png_bytes(swapped)
        if path is not None:
            write_file(path, data)
        return data

    return work
