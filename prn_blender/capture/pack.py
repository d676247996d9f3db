"""Model packs: what the network is and what its output means."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .crop import CropRule
from .errors import CaptureError
from .topology import Topology


@dataclass(frozen=True)
class ModelPack:
    """A folder with `pack.toml`, the network and `topology.npz`, its checksums verified."""

    folder: Path
    name: str
    version: str
    title: str
    license: str
    network_file: Path
    network_sha256: str
    input_name: str
    output_name: str
    crop_rule: CropRule
    topology: Topology

    @cached_property
    def sha256(self) -> str:
        """Identifies what the pack computes: weights and topology together."""
        topology = (self.folder / "topology.npz").read_bytes()
        return hashlib.sha256(self.network_sha256.encode() + hashlib.sha256(topology).digest()).hexdigest()


def load_pack(folder: Path) -> ModelPack:
    """Reads and verifies a model pack.

    Raises:
        CaptureError: the folder is no pack, it is damaged, or its conventions are not known here.
    """
    raise NotImplementedError
