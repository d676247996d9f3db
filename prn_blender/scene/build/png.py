"""Pictures as PNG files. Deflating takes most of the time: strips of a picture are deflated beside one another."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, TRUE_COLOUR = 0, 2
UP = 2  # the filter that a row begins with: its difference from the row above
STRIP = 256  # rows


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3), uint8 or uint16, RGB, as a PNG file.

    Source: W3C, Portable Network Graphics, third edition, 2025.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    header = struct.pack(
        ">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, TRUE_COLOUR if pixels.ndim == 3 else GREY, 0, 0, 0
    )
    return SIGNATURE + b"".join(
        _chunk(name, data) for name, data in ((b"IHDR", header), (b"IDAT", _deflated(rows)), (b"IEND", b""))
    )


def _deflated(rows: np.ndarray) -> bytes:
    """A zlib stream of rows (H, N) uint8; what a strip becomes ends at a whole byte, so that strips can be joined."""
    firsts = range(0, len(rows), STRIP)
    with ThreadPoolExecutor(min(len(firsts), os.cpu_count() or 1)) as threads:
        strips = list(threads.map(lambda first: _filtered(rows, first), firsts))
        deflated = threads.map(_strip, strips, [first == firsts[-1] for first in firsts])
        checksum = 1
        for strip in strips:
            checksum = zlib.adler32(strip, checksum)
        return b"\x78\x01" + b"".join(deflated) + struct.pack(">I", checksum)


def _filtered(rows: np.ndarray, first: int) -> np.ndarray:
    """The strip that begins with a row, its rows as PNG wants them."""
    strip = rows[first : first + STRIP]
    above = np.zeros_like(strip)
    above[1:] = strip[:-1]
    if first:
        above[0] = rows[first - 1]
    filtered = np.empty((len(strip), 1 + strip.shape[1]), np.uint8)
    filtered[:, 0] = UP
    np.subtract(strip, above, out=filtered[:, 1:])
    return filtered


def _strip(filtered: np.ndarray, is_last: bool) -> bytes:
    # runs of equal bytes alone: noise would take twice as long, and files are no smaller
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, strategy=zlib.Z_RLE)
    return deflate.compress(filtered) + deflate.flush(zlib.Z_FINISH if is_last else zlib.Z_SYNC_FLUSH)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
