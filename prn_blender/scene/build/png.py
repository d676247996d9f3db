"""Pictures as PNG files. Libraries deflate on one core; here bands of a picture are deflated side by side."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

BAND = 1 << 20  # bytes that are deflated together
UP = 2  # the filter by which a row is told as what it differs by from the one above
GREY, COLOUR = 0, 2


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3), uint8 or uint16, RGB, as a PNG file.

    Source: W3C, Portable Network Graphics (PNG) Specification, second edition, 2003.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])

    bands = np.array_split(filtered, -(-filtered.nbytes // BAND))
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        deflated = b"".join(threads.map(_deflated, bands))
    first, last = b"\x78\x01", b"\x03\x00"  # what a zlib stream begins with, and an empty block to end with
    data = first + deflated + last + struct.pack(">I", zlib.adler32(filtered))
    kind = COLOUR if pixels.ndim == 3 else GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _deflated(band: np.ndarray) -> bytes:
    """Whole blocks, after which others may follow."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return deflate.compress(band) + deflate.flush(zlib.Z_SYNC_FLUSH)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
