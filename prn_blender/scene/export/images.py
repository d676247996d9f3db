"""The texture files of an export: what the artist sees, painted or not, as PNG, JPEG or WebP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...capture.errors import CaptureError
from .findings import Finding, information, warning

SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}  # by Blender's names of the formats
_FILE_SOURCES = {"FILE", "GENERATED"}  # the others are films and sets of tiles, which are exported as they are


@dataclass(frozen=True)
class TextureChoice:
    """How textures are written.

    Raises:
        CaptureError: a format that is none of the choices.
    """

    format: str = "PNG"
    quality: int = 90  # of JPEG and WebP, in percent

    def __post_init__(self) -> None:
        if self.format not in SUFFIXES:
            raise CaptureError(f"The texture format {self.format!r} is not known: choose {', '.join(SUFFIXES)}.")
        if not 1 <= self.quality <= 100:
            raise CaptureError(f"A texture quality of {self.quality} %: choose 1 to 100.")


@dataclass(frozen=True)
class TextureFile:
    """A texture that an export holds."""

    path: Path
    use: str  # what it is in the material
    width: int
    height: int


class TextureFiles:
    """Writes the images of materials into a folder, each image once, in one format."""

    def __init__(self, folder: Path, stem: str, choice: TextureChoice) -> None:
        self._folder, self._stem, self._choice = folder, stem, choice
        self._written: dict[bpy.types.Image, bpy.types.Image] = {}
        self.files: list[TextureFile] = []
        self.findings: list[Finding] = []

    def copied_material(self, material: bpy.types.Material) -> bpy.types.Material:
        """A copy that shows the written files.

        Raises:
            CaptureError: an image cannot be read.
        """
        copy = material.copy()
        if copy.node_tree is not None:
            self._replace_in(copy.node_tree)
        return copy

    def _replace_in(self, tree: bpy.types.NodeTree) -> None:
        for node in list(tree.nodes):
            if node.type == "GROUP" and node.node_tree is not None:
                node.node_tree = node.node_tree.copy()
                self._replace_in(node.node_tree)
            elif node.type == "TEX_IMAGE" and node.image is not None:
                if not any(output.is_linked for output in node.outputs):
                    tree.nodes.remove(node)  # it only lies beside the shader
                elif node.image.source in _FILE_SOURCES:
                    node.image = self._written_image(node.image, _use_of(node))

    def _written_image(self, image: bpy.types.Image, use: str) -> bpy.types.Image:
        if image not in self._written:
            self._written[image] = self._write(image, use)
        return self._written[image]

    def _write(self, image: bpy.types.Image, use: str) -> bpy.types.Image:
        width, height = image.size
        if not width * height:
            raise CaptureError(f"The image {image.name} cannot be read: find its file, or take it out of the material.")
        data = _stored_file(image, self._choice.format)
        kind = self._choice.format
        if data is None:
            pixels = shown_pixels(image)
            if kind == "JPEG" and (pixels[:, 3] < 1).any():
                kind = "PNG"
                self.findings.append(warning(f"{image.name} has transparent parts, which JPEG has not: written as PNG"))
        path = self._free_path(use, SUFFIXES[kind])
        if data is None:
            _save(pixels, (width, height), path, kind, self._choice.quality)
        else:
            path.write_bytes(data)
        if image.is_dirty:
            self.findings.append(information(f"{image.name} is written as painted; save it to keep that in the .blend"))
        self.files.append(TextureFile(path, use, width, height))
        written = bpy.data.images.load(str(path))
        if not image.is_float:
            written.colorspace_settings.name = image.colorspace_settings.name
        elif image.colorspace_settings.is_data:
            written.colorspace_settings.name = "Non-Color"
        written.alpha_mode = image.alpha_mode
        return written

    def _free_path(self, use: str, suffix: str) -> Path:
        stem = f"{self._stem}_{re.sub(r'[^a-z0-9]+', '', use.lower()) or 'texture'}"
        taken = {file.path.stem for file in self.files}
        names = (stem, *(f"{stem}_{number}" for number in range(2, len(taken) + 2)))
        return self._folder / (next(name for name in names if name not in taken) + suffix)


def _use_of(node: bpy.types.ShaderNode) -> str:
    """The input of the shader that an image feeds, also by way of other nodes: "Base Color"."""
    for link in _links_onwards(node):
        if link.to_node.type == "BSDF_PRINCIPLED":
            return link.to_socket.name
    return node.image.name


def _links_onwards(node: bpy.types.ShaderNode) -> Iterator[bpy.types.NodeLink]:
    """Every link between a node and the end of its tree, the nearest first."""
    seen, ahead = {node}, [node]
    while ahead:
        current = ahead.pop(0)
        for output in current.outputs:
            for link in output.links:
                yield link
                if link.to_node not in seen:
                    seen.add(link.to_node)
                    ahead.append(link.to_node)


def _stored_file(image: bpy.types.Image, kind: str) -> bytes | None:
    """The image's own file where that shows what the artist sees, in this format; it need not be encoded again."""
    if image.is_dirty or image.source != "FILE" or image.file_format != kind or image.is_float:
        return None
    if image.packed_file:
        return bytes(image.packed_file.data)
    try:
        return Path(bpy.path.abspath(image.filepath, library=image.library)).read_bytes()
    except OSError:  # Blender still has the pixels
        return None


def shown_pixels(image: bpy.types.Image) -> np.ndarray:
    """(H * W, 4) float32 0..1 from the bottom row up, as an 8-bit file holds them.

    Raises:
        CaptureError: they cannot be read.
    """
    width, height = image.size
    pixels = np.ones((width * height, image.channels), np.float32)
    try:
        image.pixels.foreach_get(pixels.ravel())
    except (RuntimeError, TypeError) as error:
        raise CaptureError(f"The image {image.name} cannot be read: find its file, or take it out.") from error
    colour, alpha = pixels[:, :3], np.ones((len(pixels), 1), np.float32)
    if image.channels < 3:
        colour = np.repeat(pixels[:, :1], 3, axis=1)
    if image.channels == 4 and image.alpha_mode != "NONE":
        alpha = pixels[:, 3:]
    if image.is_float and not image.colorspace_settings.is_data:  # such pixels are linear
        colour = np.where(
            colour <= 0.0031308, 12.92 * colour, 1.055 * np.maximum(colour, 0.0031308) ** (1 / 2.4) - 0.055
        )
    return np.concatenate([colour, alpha], axis=1).clip(0, 1).astype(np.float32)


def _save(pixels: np.ndarray, size: tuple[int, int], path: Path, kind: str, quality: int) -> None:
    """Writes pixels (H * W, 4) as they are."""
    is_opaque = bool((pixels[:, 3] >= 1).all())
    image = bpy.data.images.new(path.stem, *size, alpha=not is_opaque)
    try:
        image.pixels.foreach_set(pixels.ravel())
        image.file_format = kind
        image.filepath_raw = str(path)
        image.save(quality=0 if kind == "PNG" else quality)
    except RuntimeError as error:
        raise CaptureError(f"The texture {path.name} cannot be written: choose another format or folder.") from error
    finally:
        bpy.data.images.remove(image)
