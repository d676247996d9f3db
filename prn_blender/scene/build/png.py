"""Pictures as PNG files. Libraries deflate on one core; here bands of a picture are deflated side by side."""

import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

BAND = 1 << 20  # bytes that are deflated together
UP = 2  # the filter by which a row is told as what it differs by from the one above
GREY, COLOUR = 0, 2
MODULUS = 65521  # of Adler's checksum


def png_bytes(pixels: np.ndarray) -> bytes:
    """`pixels` (H, W) or (H, W, 3), uint8 or uint16, RGB, as a PNG file.

    Source: W3C, Portable Network Graphics (PNG) Specification, second edition, 2003.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    firsts = range(0, height, max(1, BAND // rows.shape[1]))
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as threads:
        bands = list(threads.map(lambda first: Band.of(rows, first, first + firsts.step), firsts))
    checksum = 1
    for band in bands:
        checksum = band.checksum_after(checksum)
    kind = COLOUR if pixels.ndim == 3 else GREY
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, 0)
    # A zlib stream: its header, the bands, an empty last block and the checksum.
    data = b"\x78\x01" + b"".join(band.deflated for band in bands) + b"\x03\x00" + struct.pack(">I", checksum)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


@dataclass(frozen=True)
class Band:
    """Some rows of a picture."""

    deflated: bytes  # whole blocks, after which others may follow
    checksum: int  # Adler's, of the bytes alone
    length: int

    @classmethod
    def of(cls, rows: np.ndarray, first: int, end: int) -> "Band":
        """Of the rows from `first` on of a picture (H, N) uint8."""
        own = rows[first:end]
        filtered = np.empty((len(own), 1 + rows.shape[1]), np.uint8)
        filtered[:, 0] = UP
        filtered[0, 1:] = own[0] - rows[first - 1] if first else own[0]
        np.subtract(own[1:], own[:-1], out=filtered[1:, 1:])
        deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
        deflated = deflate.compress(filtered) + deflate.flush(zlib.Z_SYNC_FLUSH)
        return cls(deflated, zlib.adler32(filtered), filtered.nbytes)

    def checksum_after(self, before: int) -> int:
        """Adler's checksum of the bytes before, whose checksum is given, and of these."""
        low = (before & 0xFFFF) + (self.checksum & 0xFFFF) - 1
        high = (before >> 16) + (self.checksum >> 16) + self.length * ((before & 0xFFFF) - 1)
        return high % MODULUS << 16 | low % MODULUS


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
