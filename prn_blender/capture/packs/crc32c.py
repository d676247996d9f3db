"""CRC-32C, the checksum in TensorFlow's and LevelDB's files; Python's `zlib` has another one.

Source: G. Castagnoli et al., Optimization of cyclic redundancy-check codes with 24 and 32 parity bits, IEEE
Transactions on Communications 41(6), 1993.
"""

from functools import lru_cache

import numpy as np

POLYNOMIAL = 0x82F63B78  # bits in reverse
LANES = 1024  # parts of the data that are worked through side by side


def masked_crc32c(data: bytes) -> int:
    """The checksum as these files store it: turned and moved, because they contain checksums themselves."""
    checksum = crc32c(data)
    return (((checksum >> 15) | (checksum << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """The plain checksum."""
    table = _table()
    rest = len(data) % LANES
    register = 0xFFFFFFFF
    for byte in data[:rest]:
        register = int(table[(register ^ byte) & 255]) ^ (register >> 8)
    steps = len(data) // LANES
    if steps:
        columns = np.frombuffer(data, np.uint8, offset=rest).reshape(LANES, steps).T
        lanes = np.zeros(LANES, np.uint32)
        for column in np.ascontiguousarray(columns):
            lanes = table[(lanes ^ column) & 255] ^ (lanes >> 8)
        register = int(_after_zeros([register], steps * LANES)[0]) ^ _joined(lanes, steps)
    return register ^ 0xFFFFFFFF


def _joined(lanes: np.ndarray, length: int) -> int:
    """The register of all parts from the registers (2^n,) of each, `length` bytes long and begun at zero.

    A register is linear in what it was before and in the bytes: one after the other is the first, with as many zero
    bytes after it as the second is long, plus the second.
    """
    while len(lanes) > 1:
        lanes = _after_zeros(lanes[0::2], length) ^ lanes[1::2]
        length *= 2
    return int(lanes[0])


def _after_zeros(registers: np.ndarray | list[int], count: int) -> np.ndarray:
    """Registers (N,) after `count` zero bytes each."""
    registers = np.asarray(registers, np.uint32)
    power = 0
    while count >> power:
        if count >> power & 1:
            registers = _times(_zeros_matrix(power), registers)
        power += 1
    return registers


@lru_cache(maxsize=64)
def _zeros_matrix(power: int) -> np.ndarray:
    """(32,) what becomes of each bit of a register after 2^power zero bytes."""
    if power == 0:
        bits = np.uint32(1) << np.arange(32, dtype=np.uint32)
        return _table()[bits & 255] ^ (bits >> 8)
    half = _zeros_matrix(power - 1)
    return _times(half, half)


def _times(matrix: np.ndarray, registers: np.ndarray) -> np.ndarray:
    """(N,) registers with each of their bits replaced by a column of the matrix (32,)."""
    result = np.zeros_like(registers)
    for bit, column in enumerate(matrix):
        result ^= np.where(registers >> np.uint32(bit) & 1, column, np.uint32(0))
    return result


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    """(256,) uint32: what a byte adds to the register."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(POLYNOMIAL), table >> 1)
    return table
