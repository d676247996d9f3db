"""The finder pack: what the network that finds faces is and what its answers mean."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..errors import CaptureError
from .pack import default_pack_folder, verified_file


@dataclass(frozen=True)
class FinderPack:
    """A folder with `pack.toml` and the network, its checksum verified."""

    folder: Path
    network_file: Path
    input_name: str
    multiple: int  # that the sides of the input must be of
    outputs: tuple[str, ...]  # one grid of answers for each stride
    strides: tuple[int, ...]  # pixels of a cell
    unit: float  # in which a cell tells lengths, in strides
    min_score: float


def load_finder_pack(folder: Path | None = None) -> FinderPack:
    """Reads and verifies a finder pack, without `folder` the one that comes along.

    Raises:
        CaptureError: it is missing or damaged, or its conventions are not known here.
    """
    folder = folder or default_pack_folder("finder")
    try:
        described = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
        network, answers = described["network"], described["answers"]
        if answers["order"] != ["score", "centre", "log_sides", "five_points", "cos_sin_roll"]:
            raise CaptureError(f"The face finder in {folder} has answers of an unknown kind: update this add-on.")
        return FinderPack(
            folder=folder,
            network_file=verified_file(folder, network["file"], described["pack"]["network_sha256"]),
            input_name=network["input"],
            multiple=network["multiple"],
            outputs=tuple(network["outputs"]),
            strides=tuple(answers["strides"]),
            unit=answers["unit"],
            min_score=answers["min_score"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CaptureError(
            f"The face finder in {folder} cannot be read ({error}): "
            "install the extension again, or give a box around the face."
        ) from error
