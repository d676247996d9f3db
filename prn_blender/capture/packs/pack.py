"""Model packs: what the network is and what its output means."""

import hashlib
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np

from ..errors import CaptureError
from ..geometry.crop import CropRule
from ..shape.common_errors import load_common_errors
from ..shape.expression_model import ExpressionModel
from ..shape.head_model import HeadModel, load_head_model
from ..shape.parts import PartsModel
from .conventions import MapConvention
from .edge_loops import load_level
from .soundness import require_small, require_sound
from .topology import Topology

Part = TypeVar("Part")

STANDARD_TOPOLOGY = "standard"
PREFERRED_TOPOLOGY = "game"  # what heads are made of where nothing else is asked for
LEVELS = range(-2, 4)  # of subdivision; each has four times the quads


@dataclass(frozen=True)
class TopologyChoice:
    """What a pack says of one of its topologies."""

    name: str
    title: str
    quads: int
    about: str  # continues "N quads"; may be empty
    level: int | None  # of subdivision of the edge loops; None: the standard topology


@dataclass(frozen=True)
class PackDescription:
    """What a pack says of itself."""

    name: str
    version: str
    title: str
    license: str
    topologies: tuple[TopologyChoice, ...]  # the standard one first
    has_parts: bool  # eyes, teeth and the like
    has_head_model: bool  # what heads are like, by which pins move all of one
    has_expressions: bool  # ARKit's 52


# What a second network says, by the names in the manifest.
SECOND_PASS_OUTPUTS = ("offset", "deviation", "coefficients", "coefficient_deviations")


@dataclass(frozen=True)
class SecondPass:
    """A pack's network that tells how far off the first one's position map is, and whose head it is."""

    network_file: Path
    input_name: str
    output_names: tuple[str, ...]  # in the order of SECOND_PASS_OUTPUTS


@dataclass(frozen=True)
class ModelPack:
    """A folder with `pack.toml`, the network, `topology.npz` and perhaps more, its checksums verified."""

    folder: Path
    description: PackDescription
    network_file: Path
    input_name: str
    output_name: str
    # Outputs that a pack may have besides the position map; None where it has not.
    visibility_name: str | None  # (N, V, V) 0..1, how likely the surface is seen
    error_name: str | None  # (N, V, V) expected error of the position, crop units
    distance_name: str | None  # (N,) metres from the camera to the origin of a head of the canonical one's size
    crop_rule: CropRule
    convention: MapConvention  # what the numbers of the position map mean
    topology: Topology  # the standard one, by which poses, landmarks and textures are found
    loops_file: Path | None  # the other topologies; None where the pack has none
    head_model_file: Path | None  # None where the pack has none
    common_errors_file: Path | None  # None where the pack has none
    parts_file: Path | None  # eyes, teeth and the like; None where the pack has none
    expressions_file: Path | None  # None where the pack has none
    second_pass: SecondPass | None  # None where the pack has none
    sha256: str  # of pack.toml: it holds the other files' checksums, and how they are to be used
    _loaded: dict[str, Topology] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def version(self) -> str:
        return self.description.version

    @property
    def topologies(self) -> tuple[TopologyChoice, ...]:
        """The standard one first."""
        return self.description.topologies

    @cached_property
    def head_model(self) -> HeadModel | None:
        """What heads are like, None where the pack does not tell.

        Raises:
            CaptureError: it is no head model.
        """
        return None if self.head_model_file is None else load_head_model(self.head_model_file)

    @cached_property
    def common_errors(self) -> np.ndarray | None:
        """What the errors of its networks have in common, as of `load_common_errors`.

        Raises:
            CaptureError: they cannot be read.
        """
        return self._part("common errors", self.common_errors_file, load_common_errors)

    @cached_property
    def parts(self) -> PartsModel | None:
        """Eyes, teeth and the like.

        Raises:
            CaptureError: they cannot be read.
        """
        return self._part("parts", self.parts_file, PartsModel.load)

    @cached_property
    def expressions(self) -> ExpressionModel | None:
        """ARKit's 52.

        Raises:
            CaptureError: they cannot be read.
        """
        return self._part("expressions", self.expressions_file, ExpressionModel.load)

    def _part(self, name: str, file: Path | None, load: Callable[[Path], Part]) -> Part | None:
        """What a file of the pack holds, None where the pack has none; CaptureError where it cannot be read."""
        if file is None:
            return None
        try:
            return load(file)
        except Exception as error:  # a damaged archive raises almost anything
            raise CaptureError(
                f"The {name} of the model pack {self.name} cannot be used ({error}): install it again."
            ) from error

    def choose_topology(self, name: str) -> Topology:
        """The topology for the mesh, always the same object. A pack that has only one gives it for every name.

        Raises:
            CaptureError: the pack has none of this name.
        """
        if name == STANDARD_TOPOLOGY or len(self.topologies) == 1:
            return self.topology
        choice = next((choice for choice in self.topologies if choice.name == name), None)
        if choice is None:
            has = ", ".join(choice.name for choice in self.topologies)
            raise CaptureError(f"The model pack {self.name} has no topology {name!r}: choose one of {has}.")
        if name not in self._loaded:
            try:
                assert self.loops_file is not None and choice.level is not None  # only the standard one is without
                topology = load_level(self.loops_file, choice.level, self.topology)
                require_sound(topology, self.crop_rule)
                if len(topology.faces) != choice.quads:
                    raise ValueError(f"it has {len(topology.faces)} quads instead of {choice.quads}")
            except Exception as error:  # a damaged archive raises almost anything
                raise CaptureError(
                    f"The topology {name!r} of the model pack {self.name} cannot be used ({error}): install it again."
                ) from error
            self._loaded[name] = topology
        return self._loaded[name]


def default_pack_folder(name: str = "head") -> Path:
    """Where a pack that comes along lies: beside the modules in the extension, beside the package in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "models"
    return (inside if inside.is_dir() else package.parent / "models") / name


def describe_pack(folder: Path | None = None) -> PackDescription:
    """What the manifest of a pack says, of the default one without `folder`; nothing else of it is read.

    Raises:
        CaptureError: the folder is no pack, or its manifest is damaged.
    """
    with _damage_told(folder or default_pack_folder()) as checked:
        return _read_description(checked, (checked / "pack.toml").stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_description(folder: Path, changed: int) -> PackDescription:
    return _described(tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8")))


def load_pack(folder: Path | None = None) -> ModelPack:
    """Reads and verifies a model pack, the default one without `folder`; read only once while its files stay.

    Raises:
        CaptureError: the folder is no pack, it is damaged, or its conventions are not known here.
    """
    with _damage_told(folder or default_pack_folder()) as checked:
        changed = max(file.stat().st_mtime_ns for file in checked.iterdir())
        return _read_pack(checked, changed)


@contextmanager
def _damage_told(folder: Path) -> Iterator[Path]:
    """Whatever a folder that should be a pack raises, in words for the artist."""
    if not os.path.isfile(folder / "pack.toml"):  # unlike `Path.is_file` it takes any name
        raise CaptureError(f"No model pack in {folder} (it has no pack.toml): choose the folder of a head model pack.")
    try:
        yield Path(folder)
    except CaptureError:
        raise
    except Exception as error:  # a damaged archive raises almost anything
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise CaptureError(
            f"The model pack in {folder} cannot be read ({reason}): copy or install it again."
        ) from error


def _described(manifest: dict) -> PackDescription:
    """The description in a manifest."""
    pack = manifest["pack"]
    levels = manifest.get("loops", {}).get("levels", {})
    if not all(type(level) is int and level in LEVELS for level in levels.values()):
        raise ValueError("a topology's level of subdivision is none")
    choices = []
    for name, level in ((STANDARD_TOPOLOGY, None), *levels.items()):
        told = manifest["topologies"][name]
        quads = told["quads"]
        if type(quads) is not int or quads < 1:
            raise ValueError(f"the topology {name} has no number of quads")
        choices.append(TopologyChoice(name, str(told["title"]), quads, str(told.get("about", "")), level))
    return PackDescription(
        name=pack["name"],
        version=pack["version"],
        title=pack["title"],
        license=pack["license"],
        topologies=tuple(choices),
        has_parts="parts" in manifest,
        has_head_model="head_model" in manifest,
        has_expressions="expressions" in manifest,
    )


@lru_cache(maxsize=4)
def _read_pack(folder: Path, changed: int) -> ModelPack:
    manifest = (folder / "pack.toml").read_bytes()
    described = tomllib.loads(manifest.decode("utf-8"))
    pack, network = described["pack"], described["network"]
    convention = MapConvention.read(described["position_map"])
    if convention is None:
        raise CaptureError(f"The model pack in {folder} has position maps of an unknown kind: update this add-on.")
    network_file = verified_file(folder, network["file"], pack["network_sha256"])
    if "weights" in network:  # the graph's numbers may lie in a file of their own
        verified_file(folder, network["weights"], pack["weights_sha256"])
    topology_file = verified_file(folder, "topology.npz", pack["topology_sha256"])
    loops_file, head_model_file, common_errors_file, parts_file, expressions_file = (
        verified_file(folder, described[name]["file"], described[name]["sha256"]) if name in described else None
        for name in ("loops", "head_model", "common_errors", "parts", "expressions")
    )
    second_pass = _second_pass(folder, described["refine"]) if "refine" in described else None
    if second_pass is not None and head_model_file is None:
        raise ValueError("its second network needs a head model")
    description = _described(described)
    for archive in filter(None, (topology_file, loops_file, common_errors_file, parts_file, expressions_file)):
        require_small(archive)
    topology, crop_rule = Topology.load(topology_file), CropRule(**described["crop"]["from_landmarks"])
    require_sound(topology, crop_rule)
    quads = description.topologies[0].quads
    if len(topology.faces) != quads:
        raise ValueError(f"its standard topology has {len(topology.faces)} quads instead of {quads}")
    return ModelPack(
        folder=folder,
        description=description,
        network_file=network_file,
        input_name=network["input"],
        output_name=network["output"],
        visibility_name=network.get("visibility"),
        error_name=network.get("expected_error"),
        distance_name=network.get("distance"),
        crop_rule=crop_rule,
        convention=convention,
        topology=topology,
        loops_file=loops_file,
        head_model_file=head_model_file,
        common_errors_file=common_errors_file,
        parts_file=parts_file,
        expressions_file=expressions_file,
        second_pass=second_pass,
        sha256=hashlib.sha256(manifest).hexdigest(),
    )


def _second_pass(folder: Path, described: dict) -> SecondPass:
    return SecondPass(
        network_file=verified_file(folder, described["file"], described["sha256"]),
        input_name=described["input"],
        output_names=tuple(described[name] for name in SECOND_PASS_OUTPUTS),
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
