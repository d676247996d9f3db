"""Does the shape alone, without expression, tell who is in a photo?"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from prn_blender.capture.errors import NoFaceError
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.geometry.pose import umeyama
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.shape.fit import ViewEvidence
from prn_blender.capture.shape.head_model import HeadModel
from prn_blender.capture.shape.views import fit_views
from training.evaluation.numbers import Numbers, add

DEFAULT_PERSONS = Path(__file__).parents[2] / "shared" / "data" / "photos" / "persons"


def load_persons(folder: Path) -> list[tuple[int, object, object]]:
    """Person, photo and its largest face of every `personNN_K.jpg` in which a face is found."""
    found = []
    for path in sorted(folder.glob("person*_*.jpg")):
        photo = load_photo(path)
        try:
            found.append((int(path.stem[6:8]), photo, choose_faces(find_faces(photo), "largest")[0]))
        except NoFaceError:
            continue
    return found


def area_under_curve(same: np.ndarray, other: np.ndarray) -> float:
    """How likely a pair of the same person is more alike than one of different persons (likenesses (N,) and (M,))."""
    order = np.argsort(np.concatenate([same, other]), kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    return float((ranks[: len(same)].sum() - len(same) * (len(same) + 1) / 2) / (len(same) * len(other)))


def likenesses(model: HeadModel, identities: np.ndarray, face: np.ndarray) -> dict[str, np.ndarray]:
    """(N, N) how alike heads with identities (N, K) are.

    Args:
        face: (P,) texels of the model that count.
    """
    mean = model.mean.reshape(-1, 3)[face].astype(np.float64)
    offsets = np.tensordot(identities, model.identity.reshape(model.identities, -1, 3)[:, face], 1)
    weights = np.ones(len(mean))
    placed = np.stack([umeyama(mean + one, mean, weights).apply(mean + one) - mean for one in offsets])
    flat = placed.reshape(len(placed), -1)
    apart = np.linalg.norm(placed[:, None] - placed[None], axis=3).mean(axis=2)
    return {"distance": -apart, "cosine": _cosines(flat), "coefficients": _cosines(identities)}


def measure_persons(
    numbers: Numbers,
    subject: str,
    model: HeadModel,
    face: np.ndarray,
    persons: list,
    known: Callable[[object, object], ViewEvidence],
) -> None:
    """Adds the area under the curve of same person or not, and how often the likest other photo is of the same."""
    who = np.array([person for person, *_ in persons])
    identities = np.stack([fit_views(model, (known(photo, box),)).found.identity for _, photo, box in persons])
    first, second = np.triu_indices(len(who), 1)
    is_same = who[first] == who[second]
    for name, alike in likenesses(model, identities, face).items():
        pairs = alike[first, second]
        rank_one = who[np.where(np.eye(len(who), dtype=bool), -np.inf, alike).argmax(axis=1)] == who
        add(
            numbers,
            subject,
            **{
                f"AUC by {name}": area_under_curve(pairs[is_same], pairs[~is_same]),
                f"likest is same by {name}": rank_one.mean(),
            },
        )


def _cosines(rows: np.ndarray) -> np.ndarray:
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return unit @ unit.T
