"""TensorFlow's checkpoints read without TensorFlow: what is in them, and what is wrong with them."""

import numpy as np
import pytest

from prn_blender.capture.errors import CaptureError
from prn_blender.capture.packs import resfcn256
from prn_blender.capture.packs.crc32c import crc32c, masked_crc32c
from prn_blender.capture.packs.tf_checkpoint import open_checkpoint

from ..prnet_copy import table, write_checkpoint

RNG = np.random.default_rng(0)
VARIABLES = {
    **{f"net/layer_{k}/weights": RNG.normal(size=(k, 3, 2)).astype(np.float32) for k in range(1, 60)},
    "net/large": RNG.normal(size=(300, 40)).astype(np.float32),
    "power": np.float32(0.9),
}


@pytest.fixture
def prefix(tmp_path):
    write_checkpoint(tmp_path / "model", VARIABLES, block_size=500)
    return tmp_path / "model"


def index_of(prefix):
    return prefix.with_name("model.index")


def shard_of(prefix):
    return prefix.with_name("model.data-00000-of-00001")


def refused(action, words):
    with pytest.raises(CaptureError, match=words) as caught:
        action()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "expected"),  # RFC 3720, appendix B.4
    [
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_checksum_of_the_standard(data, expected):
    assert crc32c(data) == expected


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 4096, 100_003])
def test_checksum_in_lanes_is_that_byte_by_byte(size):
    data = RNG.integers(0, 256, size, dtype=np.uint8).tobytes()
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


def test_checksum_is_masked_as_leveldb_does():
    assert masked_crc32c(b"foo") == ((crc32c(b"foo") >> 15 | crc32c(b"foo") << 17) + 0xA282EAD8) % 2**32


def test_what_was_written_is_read(prefix):
    checkpoint = open_checkpoint(prefix)
    assert set(checkpoint.entries) == set(VARIABLES)
    for name, values in VARIABLES.items():
        np.testing.assert_array_equal(checkpoint.read(name), values)
        assert checkpoint.read(name).shape == np.shape(values)


def test_every_damaged_byte_of_the_index_is_noticed(prefix):
    content = index_of(prefix).read_bytes()
    unused = 40  # bytes of the footer, padding with what nobody reads
    for place in RNG.choice(len(content) - 8 - unused, 100, replace=False):
        damaged = bytearray(content)
        damaged[place] ^= 1 << RNG.integers(8)
        index_of(prefix).write_bytes(damaged)
        refused(lambda: open_checkpoint(prefix), "damaged")


def test_every_damaged_byte_of_a_variable_is_noticed(prefix):
    content = shard_of(prefix).read_bytes()
    entry = open_checkpoint(prefix).entries["net/large"]
    for place in RNG.integers(entry.offset, entry.offset + entry.size, 50):
        damaged = bytearray(content)
        damaged[place] ^= 1 << RNG.integers(8)
        shard_of(prefix).write_bytes(damaged)
        refused(lambda: open_checkpoint(prefix).read("net/large"), "damaged")
        np.testing.assert_array_equal(open_checkpoint(prefix).read("power"), np.float32(0.9))


@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_cut_files_are_refused(prefix, share):
    whole = shard_of(prefix).read_bytes()
    shard_of(prefix).write_bytes(whole[: int(share * len(whole))])
    refused(lambda: [open_checkpoint(prefix).read(name) for name in VARIABLES], "ends too early")
    whole = index_of(prefix).read_bytes()
    index_of(prefix).write_bytes(whole[: int(share * len(whole))])
    refused(lambda: open_checkpoint(prefix), "damaged or no checkpoint's index")


def test_missing_files_and_variables_are_refused(prefix):
    refused(lambda: open_checkpoint(prefix).read("other"), "another network")
    shard_of(prefix).unlink()
    refused(lambda: open_checkpoint(prefix).read("power"), "cannot be read")
    index_of(prefix).unlink()
    refused(lambda: open_checkpoint(prefix), "cannot be read")


@pytest.mark.parametrize(
    ("records", "compression", "words"),
    [
        ([(b"", b"\x08\x01"), (b"a", b"\x08\x01")], 1, "compressed"),
        ([(b"a", b"\x08\x01")], 0, "no header"),
        ([(b"", b"\x08\x01\x10\x01")], 0, "big-endian"),
        ([(b"", b"\x0b")], 0, "unknown kind"),
        ([(b"", b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")], 0, "no end"),
        ([(b"", b"\x08\x01"), (b"\xff", b"\x08\x01")], 0, "damaged"),
        ([(b"", b"\x08\x01"), (b"a", b"\x08\x01\x10\x07")], 0, "damaged"),
    ],
)
def test_tables_of_another_kind_are_refused(prefix, records, compression, words):
    index_of(prefix).write_bytes(table(records, 500, compression))
    refused(lambda: open_checkpoint(prefix), words)


@pytest.mark.parametrize("entry", [b"\x08\x03\x28\x04", b"\x08\x01\x28\x08", b"\x08\x01\x28\x04\x3a\x00"])
def test_variables_of_another_kind_are_refused(prefix, entry):
    """Whole numbers; more bytes than the shape tells; in slices."""
    index_of(prefix).write_bytes(table([(b"", b"\x08\x01"), (b"a", entry)], 500))
    refused(lambda: open_checkpoint(prefix).read("a"), "unknown way")


def test_the_authors_index_has_every_variable_of_the_layer_table(shared_data):
    checkpoint = open_checkpoint(shared_data / "prnet" / "256_256_resfcn256_weight")
    names = []

    def read(name):
        names.append(name)
        return np.zeros(checkpoint.entries[name].shape, np.float32)

    for values, parameter in zip(resfcn256.folded_weights(read), resfcn256.parameters(), strict=True):
        assert values.shape == parameter.shape
    of_the_network = {name for name in checkpoint.entries if not name.endswith(("_power", "/Adam", "/Adam_1"))}
    assert set(names) == of_the_network and len(names) == len(of_the_network)
    assert sum(int(np.prod(checkpoint.entries[name].shape)) for name in names) + 2 == 13_365_510
    refused(lambda: checkpoint.read("beta1_power"), "cannot be read")
