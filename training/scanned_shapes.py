"""What scanned people's heads vary by, over all of ICT-FaceKit's vertices: kept on disk, for it takes a while to make."""

import hashlib
import os
from pathlib import Path

import numpy as np

from .assets import DEFAULT_FOLDER, EYEBALLS, GUMS, LANDMARK_VERTICES, MOUTH_SOCKET, SKIN_VERTICES, TEETH, FaceKit

FILE = "scanned_heads.npz"
EYES = (LANDMARK_VERTICES[36:42], LANDMARK_VERTICES[42:48])  # of the subject's right, which is -x, and left
LIPS = LANDMARK_VERTICES[48:60]


def scanned_shapes(kit: FaceKit, folder: Path = DEFAULT_FOLDER) -> np.ndarray:
    """(21, V, 3) cm: offsets from ICT-FaceKit's mean head to the mean person's, then 20 components of unit variance.

    Read from the assets' folder, or from the user's cache, where they are put once they are made.
    """
    made = folder / FILE
    if not made.exists():
        made = _cache() / FILE
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        write_scanned_shapes(made, kit)
    with np.load(made) as data:
        return data["shapes"].astype(np.float32)


def write_scanned_shapes(file: Path, kit: FaceKit) -> None:
    """Makes them of the head of MHR; whole or not at all, as others may want them at the same time."""
    from .preparation.scanned_heads import load_scanned_heads

    scanned = load_scanned_heads(kit)
    skin = np.concatenate([scanned.mean[None], scanned.components])
    temporary = file.with_name(f"{os.getpid()}_{file.name}")
    np.savez_compressed(temporary, shapes=np.float16(np.stack([_with_insides(kit, one) for one in skin])))
    os.replace(temporary, file)


def _with_insides(kit: FaceKit, skin: np.ndarray) -> np.ndarray:
    """(V, 3) offsets of all vertices of those of the skin: eyeballs and teeth stay as they are and follow lids and lips."""
    from scipy.spatial import cKDTree

    nearest = cKDTree(kit.mean[:SKIN_VERTICES]).query(kit.mean[SKIN_VERTICES:], k=24)[1]
    offsets = np.concatenate([skin, skin[nearest].mean(1)])
    for part in (MOUTH_SOCKET, GUMS, TEETH):
        offsets[part] = skin[LIPS].mean(0)
    left = kit.mean[EYEBALLS, 0] > 0
    offsets[EYEBALLS] = np.where(left[:, None], skin[EYES[1]].mean(0), skin[EYES[0]].mean(0))
    return offsets


def _cache() -> Path:
    from .preparation.scanned_heads import DEFAULT_FILE

    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    return home / "prn-head-capture" / hashlib.sha256(DEFAULT_FILE.read_bytes()).hexdigest()[:16]
