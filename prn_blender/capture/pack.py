"""Model packs: what the network is and what its output means."""

import hashlib
import os
import tomllib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from .crop import CropRule
from .edge_loops import load_level
from .errors import CaptureError
from .shape.parts import PartsModel
from .soundness import require_small, require_sound
from .topology import Topology

STANDARD_TOPOLOGY = "standard"
PREFERRED_TOPOLOGY = "game"  # what heads are made of where nothing else is asked for
LEVELS = range(-2, 4)  # of subdivision; each has four times the quads


@dataclass(frozen=True)
class ModelPack:
    """A folder with `pack.toml`, the network, `topology.npz` and perhaps `loops.npz`, its checksums verified."""

    folder: Path
    name: str
    version: str
    title: str
    license: str
    network_file: Path
    input_name: str
    output_name: str
    # Outputs that a pack may have besides the position map; None where it has not.
    visibility_name: str | None  # (N, V, V) 0..1, how likely the surface is seen
    error_name: str | None  # (N, V, V) expected error of the position, crop units
    distance_name: str | None  # (N,) metres from the camera to the origin of a head of the canonical one's size
    crop_rule: CropRule
    topology: Topology  # the standard one, by which poses, landmarks and textures are found
    loops_file: Path | None  # the other topologies; None where the pack has none
    parts_file: Path | None  # eyes, teeth and the like; None where the pack has none
    levels: dict[str, int]  # their levels of subdivision by name
    sha256: str  # of pack.toml: it holds the other files' checksums, and how they are to be used
    _loaded: dict[str, Topology] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def parts(self) -> PartsModel | None:
        """Eyes, teeth and the like.

        Raises:
            CaptureError: they cannot be read.
        """
        if self.parts_file is None:
            return None
        try:
            return PartsModel.load(self.parts_file)
        except Exception as error:  # a damaged archive raises almost anything
            raise CaptureError(
                f"The parts of the model pack {self.name} cannot be used ({error}): install it again."
            ) from error

    def choose_topology(self, name: str) -> Topology:
        """The topology for the mesh, always the same object. A pack that has only one gives it for every name.

        Raises:
            CaptureError: the pack has none of this name.
        """
        if name == STANDARD_TOPOLOGY or not self.levels:
            return self.topology
        if name not in self.levels:
            has = ", ".join((STANDARD_TOPOLOGY, *self.levels))
            raise CaptureError(f"The model pack {self.name} has no topology {name!r}: choose one of {has}.")
        if name not in self._loaded:
            try:
                topology = load_level(self.loops_file, self.levels[name], self.topology)
                require_sound(topology, self.crop_rule)
            except Exception as error:  # a damaged archive raises almost anything
                raise CaptureError(
                    f"The topology {name!r} of the model pack {self.name} cannot be used ({error}): install it again."
                ) from error
            self._loaded[name] = topology
        return self._loaded[name]


def default_pack_folder(name: str = "head") -> Path:
    """Where a pack that comes along lies: beside the modules in the extension, beside the package in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "models"
    return (inside if inside.is_dir() else package.parent / "models") / name


def load_pack(folder: Path | None = None) -> ModelPack:
    """Reads and verifies a model pack, the default one without `folder`; read only once while its files stay.

    Raises:
        CaptureError: the folder is no pack, it is damaged, or its conventions are not known here.
    """
    folder = Path(folder) if folder else default_pack_folder()
    manifest = folder / "pack.toml"
    if not os.path.isfile(manifest):  # unlike `Path.is_file` it takes any name
        raise CaptureError(f"No model pack in {folder} (it has no pack.toml): choose the folder of a head model pack.")
    try:
        changed = max(file.stat().st_mtime_ns for file in folder.iterdir())
        return _read_pack(folder, changed)
    except CaptureError:
        raise
    except Exception as error:  # a damaged archive raises almost anything
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise CaptureError(
            f"The model pack in {folder} cannot be read ({reason}): copy or install it again."
        ) from error


@lru_cache(maxsize=4)
def _read_pack(folder: Path, changed: int) -> ModelPack:
    manifest = (folder / "pack.toml").read_bytes()
    described = tomllib.loads(manifest.decode("utf-8"))
    pack, network, conventions = described["pack"], described["network"], described["position_map"]
    if conventions != {"xy": "crop", "z": "crop", "projection": "perspective"}:
        raise CaptureError(f"The model pack in {folder} has position maps of an unknown kind: update this add-on.")
    network_file = verified_file(folder, network["file"], pack["network_sha256"])
    topology_file = verified_file(folder, "topology.npz", pack["topology_sha256"])
    loops = described.get("loops")
    loops_file = verified_file(folder, loops["file"], loops["sha256"]) if loops else None
    parts = described.get("parts")
    parts_file = verified_file(folder, parts["file"], parts["sha256"]) if parts else None
    levels = dict(loops["levels"]) if loops else {}
    if not all(type(level) is int and level in LEVELS for level in levels.values()):
        raise ValueError("a topology's level of subdivision is none")
    require_small(topology_file)
    if loops:
        require_small(loops_file)
    topology, crop_rule = Topology.load(topology_file), CropRule(**described["crop"]["from_landmarks"])
    require_sound(topology, crop_rule)
    return ModelPack(
        folder=folder,
        name=pack["name"],
        version=pack["version"],
        title=pack["title"],
        license=pack["license"],
        network_file=network_file,
        input_name=network["input"],
        output_name=network["output"],
        visibility_name=network.get("visibility"),
        error_name=network.get("expected_error"),
        distance_name=network.get("distance"),
        crop_rule=crop_rule,
        topology=topology,
        loops_file=loops_file,
        parts_file=parts_file,
        levels=levels,
        sha256=hashlib.sha256(manifest).hexdigest(),
    )


def verified_file(folder: Path, name: str, sha256: str) -> Path:
    """A file of a pack by its plain name.

    Raises:
        CaptureError: the name leads elsewhere, or the checksum is another.
        OSError: the file cannot be read.
    """
    if Path(name).name != name:
        raise CaptureError(f"The model pack in {folder} names a file outside of itself: do not use this pack.")
    file = folder / name
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise CaptureError(f"{file} is damaged (wrong checksum): copy or install the model pack again.")
    return file
