"""New topologies for a pack whose network stays.

python -m training.retopologise PACK --layout L.npz --version X.Y.Z
"""

import argparse
import re
from pathlib import Path

import numpy as np

from .assets import load_facekit
from .export import topology_files
from .pack_file import write_whole
from .uv_layout import UvLayout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    manifest = options.pack / "pack.toml"
    text = manifest.read_text()
    with np.load(options.pack / "topology.npz") as data:
        landmark_uv = data["landmark_uv"]
    with np.load(options.pack / "loops.npz") as data:
        resolution = len(data["canonical_map"])
    files, quads = topology_files(load_facekit(), UvLayout.load(options.layout), landmark_uv, resolution)
    for file, told in (("topology.npz", r"^topology_sha256 = "), ("loops.npz", r'^file = "loops.npz"\nsha256 = ')):
        checksum = write_whole(options.pack / file, files[file])
        text = re.sub(rf'({told})"\w+"', rf'\g<1>"{checksum}"', text, flags=re.MULTILINE)
    for name, count in quads.items():
        text = re.sub(rf"^({name} = .*\bquads = )\d+", rf"\g<1>{count}", text, flags=re.MULTILINE)
    text = re.sub(r'^version = ".*"', f'version = "{options.version}"', text, flags=re.MULTILINE)
    write_whole(manifest, lambda path: path.write_text(text))


if __name__ == "__main__":
    main()
