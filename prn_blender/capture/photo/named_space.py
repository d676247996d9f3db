"""Colour spaces that a file only names by numbers, as phones, video and new PNGs do, made into ICC profiles.

Source: ITU-T H.273 (the numbers and primaries), ICC.1:2001-04 (the profile).
"""

import struct
from typing import BinaryIO

import numpy as np

D65 = (0.3127, 0.3290)
PRIMARIES = {  # x, y of red, green, blue and white by ColourPrimaries
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
}
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
# By TransferCharacteristics. What video calls BT.709 is shown by the curve of sRGB everywhere.
SRGB_CURVES = (1, 6, 13, 14, 15)
GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
CURVE_POINTS = 1024
D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def profile_of(primaries: int, transfer: int) -> bytes | None:
    """The ICC profile of a named colour space; None for sRGB, and for what is not a picture for screens (PQ, HLG)."""
    if transfer not in SRGB_CURVES and transfer not in GAMMAS:
        return None
    if primaries not in PRIMARIES and (primaries != 1 or transfer in SRGB_CURVES):
        return None
    matrix = _to_d50(PRIMARIES.get(primaries, SRGB_PRIMARIES))
    curve = _curve(transfer)
    name = b"named by numbers\0"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78),
        b"wtpt": b"XYZ " + bytes(4) + _fixed(D50),
    }
    for index, colour in enumerate((b"r", b"g", b"b")):
        tags[colour + b"XYZ"] = b"XYZ " + bytes(4) + _fixed(matrix[:, index])
        tags[colour + b"TRC"] = curve
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s28x", size, 0x02100000, b"mntr", b"RGB ", b"XYZ ", b"acsp") + _fixed(D50)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def named_in_png(file: BinaryIO) -> tuple[int, int] | None:
    """What a PNG's cICP chunk names: primaries and transfer."""
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"cICP" and length == 4:
            primaries, transfer = file.read(2)
            return primaries, transfer
        if kind in (b"IDAT", b"IEND"):
            break
        file.seek(length + 4, 1)
    return None


def named_in_avif(file: BinaryIO) -> tuple[int, int] | None:
    """What the colour box in an AVIF's header names: primaries and transfer."""
    file.seek(0)
    header = file.read(1 << 16)
    start = header.find(b"colrnclx") + 8
    if start < 8 or len(header) < start + 4:
        return None
    return struct.unpack_from(">HH", header, start)


def _to_d50(chromaticities: tuple[tuple[float, float], ...]) -> np.ndarray:
    """(3, 3) from linear RGB to XYZ under D50, by Bradford's adaptation."""
    xyz = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in chromaticities]).T
    white = xyz[:, 3]
    matrix = xyz[:, :3] * np.linalg.solve(xyz[:, :3], white)
    adapt = np.linalg.inv(BRADFORD) @ np.diag((BRADFORD @ D50) / (BRADFORD @ white)) @ BRADFORD
    return adapt @ matrix


def _curve(transfer: int) -> bytes:
    values = np.linspace(0, 1, CURVE_POINTS)
    if transfer in GAMMAS:
        linear = values ** GAMMAS[transfer]
    else:
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    table = (linear * 65535).round().astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">I", CURVE_POINTS) + table


def _fixed(values: np.ndarray) -> bytes:
    """As ICC's numbers of 16 bits before and after the point."""
    return (np.asarray(values) * 65536).round().astype(">i4").tobytes()
