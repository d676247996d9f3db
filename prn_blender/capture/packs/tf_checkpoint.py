"""The variables of a TensorFlow checkpoint of version 2, read without TensorFlow, checksums verified.

A checkpoint is an index, a LevelDB table from names to protocol buffers that tell where each variable lies, and files
with the variables' bytes. Source: `core/util/tensor_bundle` and `core/protobuf/tensor_bundle.proto` of TensorFlow,
`doc/table_format.md` of LevelDB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CaptureError
from .crc32c import masked_crc32c

TABLE_MAGIC = bytes.fromhex("57fb808b247547db")
FOOTER = 48  # bytes
MAX_INDEX = 1 << 26  # bytes; that of a network with a thousand layers takes a hundredth
FLOAT = 1  # of `tensorflow.DataType`

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # kinds of fields in a protocol buffer


@dataclass(frozen=True)
class Entry:
    """Where a variable lies."""

    data_type: int
    shape: tuple[int, ...]
    shard: int
    offset: int  # bytes
    size: int
    checksum: int
    is_sliced: bool  # it lies in parts, which only training on several machines writes


@dataclass(frozen=True)
class Checkpoint:
    """The index of a checkpoint."""

    prefix: Path  # the files' common name
    shards: int
    entries: dict[str, Entry]

    def read(self, name: str) -> np.ndarray:
        """A variable as float32.

        Raises:
            CaptureError: there is none of this name, it is no such one, or its bytes are missing or damaged.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise CaptureError(f"The checkpoint {self.prefix.name} has no {name}: it is of another network.")
        if entry.data_type != FLOAT or entry.is_sliced or entry.size != 4 * np.prod(entry.shape, dtype=object):
            raise CaptureError(f"The checkpoint {self.prefix.name} holds {name} in an unknown way: use another one.")
        file = _beside(self.prefix, f".data-{entry.shard:05}-of-{self.shards:05}")
        try:
            with file.open("rb") as opened:
                opened.seek(entry.offset)
                data = opened.read(entry.size)
        except (OSError, OverflowError) as error:
            raise CaptureError(
                f"{file} cannot be read ({getattr(error, 'strerror', None) or error}): "
                "put the checkpoint's files beside one another."
            ) from error
        if len(data) != entry.size:
            raise CaptureError(f"{file} ends too early: download or copy it again.")
        if masked_crc32c(data) != entry.checksum:
            raise CaptureError(f"{file} is damaged (wrong checksum of {name}): download or copy it again.")
        return np.frombuffer(data, "<f4").reshape(entry.shape).astype(np.float32)


def open_checkpoint(prefix: Path) -> Checkpoint:
    """Reads a checkpoint's index.

    Args:
        prefix: what is written before `.index` and `.data-00000-of-00001`.

    Raises:
        CaptureError: it is missing, damaged, or no index.
    """
    file = _beside(prefix, ".index")
    try:
        if file.stat().st_size > MAX_INDEX:
            raise ValueError("it is far too large")
        table = file.read_bytes()
    except OSError as error:
        raise CaptureError(f"{file} cannot be read ({error.strerror}): put the checkpoint's files there.") from error
    except ValueError as error:
        raise CaptureError(f"{file} is no index of a TensorFlow checkpoint ({error}): use another file.") from error
    try:
        records = dict(_records(table))
        header = _fields(records.pop(b""))
        if header.get(2):
            raise ValueError("its numbers are big-endian")
        entries = {name.decode("utf-8"): _entry(_fields(record)) for name, record in records.items()}
        return Checkpoint(Path(prefix), header.get(1, 0), entries)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        reason = "it has no header" if isinstance(error, KeyError) else error
        raise CaptureError(
            f"{file} is damaged or no checkpoint's index ({reason}): download or copy it again."
        ) from error


def _beside(prefix: Path, suffix: str) -> Path:
    return Path(prefix).parent / f"{Path(prefix).name}{suffix}"


# --- The table ------------------------------------------------------------------------------------------------------


def _records(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table."""
    if len(table) < FOOTER or table[-8:] != TABLE_MAGIC:
        raise ValueError("its end is not that of a table")
    numbers, place = [], 0
    for _ in range(4):  # where blocks lie, and how long they are: of further data and of the index
        number, place = _varint(table[-FOOTER:], place)
        numbers.append(number)
    list(_block(table, *numbers[:2]))  # of no use here, but as sound as the rest
    for _, handle in _block(table, *numbers[2:]):
        offset, place = _varint(handle, 0)
        yield from _block(table, offset, _varint(handle, place)[0])


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key is written as what it shares with the one before, and the rest."""
    block, trailer = table[offset : offset + size], table[offset + size : offset + size + 5]
    if len(trailer) < 5 or int.from_bytes(trailer[1:], "little") != masked_crc32c(block + trailer[:1]):
        raise ValueError("wrong checksum")
    if trailer[0]:
        raise ValueError("it is compressed, which no TensorFlow does")
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        added, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + added]
        place += added
        yield key, block[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number and where the next one begins: seven bits in each byte, the lowest first."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise ValueError("a number has no end")


# --- The protocol buffers -------------------------------------------------------------------------------------------


def _fields(message: bytes) -> dict[int, Any]:
    """The fields of a protocol buffer by number: whole numbers, and lists of what is written as bytes."""
    fields: dict = {}
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            fields[number], place = _varint(message, place)
        elif kind in (FIXED32, FIXED64):
            size = 4 if kind == FIXED32 else 8
            fields[number] = int.from_bytes(message[place : place + size], "little")
            place += size
        elif kind == BYTES:
            size, place = _varint(message, place)
            fields.setdefault(number, []).append(message[place : place + size])
            place += size
        else:
            raise ValueError("a field is of an unknown kind")
    return fields


def _entry(fields: dict) -> Entry:
    """A `BundleEntryProto`."""
    shape = _fields(fields[2][0]) if 2 in fields else {}
    return Entry(
        data_type=fields.get(1, 0),
        shape=tuple(_fields(dimension).get(1, 0) for dimension in shape.get(2, [])),
        shard=fields.get(3, 0),
        offset=fields.get(4, 0),
        size=fields.get(5, 0),
        checksum=fields.get(6, 0),
        is_sliced=7 in fields,
    )
