"""What heads are like: a linear model of identity and expression over UV, with a neck joint."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from ..errors import CaptureError
from ..geometry.position_map import sample_bicubic, upsample_bicubic
from ..packs.soundness import require_small

RESOLUTIONS = (16, 256)  # texels
COMPONENTS = (1, 400)
METRES = 0.001  # components are stored in millimetres, as half floats
LARGEST = 0.5  # metres from the head's origin
# Dimensions by name are the same wherever they occur.
SHAPES = {
    "mean": ("texels", "texels", 3),
    "detail": ("fine texels", "fine texels", 3),
    "identity": ("identities", "texels", "texels", 3),
    "expression_mean": ("texels", "texels", 3),
    "expression": ("expressions", "texels", "texels", 3),
    "inside": ("texels", "texels"),
    "rigid": ("texels", "texels"),
    "origin": (3,),
    "neck_pivot": (3,),
    "neck_weight": ("texels", "texels"),
    "neck_deviation": (3,),
    "nearness": (2,),
}


@dataclass(frozen=True, eq=False)
class Points:
    """Some points of the model's surface: everything the fit needs of them."""

    mean: np.ndarray  # (P, 3) float64 metres
    basis: np.ndarray  # (P, 3, K + E) float32 metres: identity first
    neck_weight: np.ndarray  # (P,) how far a point follows the bust


@dataclass(frozen=True, eq=False)
class HeadModel:
    """Heads are mean + identity + expression, the bust turned about the neck's pivot; metres, Blender's axes.

    Coefficients have variance 1 and mean 0 over people and photos; `expression_mean` is what faces do on average, and a
    head without expression is `mean` + identity alone.
    """

    mean: np.ndarray  # (G, G, 3) float32
    detail: np.ndarray  # (F, F, 3) float32: what finer texels of the mean head add to those of `mean`
    identity: np.ndarray  # (K, G, G, 3) float32
    expression_mean: np.ndarray  # (G, G, 3) float32
    expression: np.ndarray  # (E, G, G, 3) float32
    inside: np.ndarray  # (G, G) bool: texels within the UV layout
    rigid: np.ndarray  # (G, G) bool: texels that expressions hardly move
    origin: np.ndarray  # (3,) where a position map's z is 0
    neck_pivot: np.ndarray  # (3,)
    neck_weight: np.ndarray  # (G, G) float32 0..1, how far a texel follows the bust
    neck_deviation: np.ndarray  # (3,) of the neck's rotation vector in the head's axes, radians
    nearness: np.ndarray  # (2,) mean and deviation of 1 / distance of the camera, 1 / metre

    @property
    def identities(self) -> int:
        return len(self.identity)

    @property
    def expressions(self) -> int:
        return len(self.expression)

    @cached_property
    def _images(self) -> np.ndarray:
        """(G, G, 4 + 3 (K + E)): mean with the usual expression, neck's weight, components."""
        size = len(self.mean)
        components = np.concatenate([self.identity, self.expression]).transpose(1, 2, 3, 0)
        mean = self.mean + self.expression_mean
        return np.concatenate([mean, self.neck_weight[..., None], components.reshape(size, size, -1)], axis=2)

    def points(self, uv: np.ndarray) -> Points:
        """The surface at `uv` (P, 2), bicubic."""
        return _as_points(sample_bicubic(self._images, uv))

    def surface(self, size: int) -> np.ndarray:
        """(size * size, 3) the mean head without expression at the texel centres of (size, size)."""
        return upsample_bicubic(self.mean, size).reshape(-1, 3)

    def at_size(self, mask: np.ndarray, size: int) -> np.ndarray:
        """(size, size) bool of a mask (G, G): where all of a larger texel is in it."""
        step = len(self.mean) // size
        return mask.reshape(size, step, size, step).all(axis=(1, 3))

    @lru_cache(maxsize=4)  # noqa: B019 a pack's model lives as long as the program
    def texels(self, size: int) -> Points:
        """The surface at the texel centres of (size, size), row by row."""
        if size == len(self.mean):
            return _as_points(self._images.reshape(size * size, -1))
        return self.points(texel_uv(size).reshape(-1, 2))


def _as_points(values: np.ndarray) -> Points:
    """Of values (P, 4 + 3 (K + E)) in the order of `HeadModel._images`."""
    basis = np.ascontiguousarray(values[:, 4:]).reshape(len(values), 3, -1)
    return Points(values[:, :3].astype(np.float64), basis, values[:, 3])


def texel_uv(size: int) -> np.ndarray:
    """(size, size, 2) UV of texel centres."""
    centre = (np.arange(size) + 0.5) / size
    return np.stack(np.meshgrid(centre, centre), axis=-1)


def load_head_model(file: Path) -> HeadModel:
    """Reads `head_model.npz` of a pack.

    Raises:
        CaptureError: it is damaged, or not what a head model is.
    """
    try:
        require_small(file)
        with np.load(file, allow_pickle=False) as data:
            arrays = {name: data[name] for name in SHAPES}
        _require_sound(arrays)
    except Exception as error:  # a damaged archive raises almost anything
        reason = f"{error} is missing" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise CaptureError(f"The head model {file} cannot be used ({reason}): install the model pack again.") from error
    for name in ("detail", "identity", "expression_mean", "expression"):
        arrays[name] = arrays[name].astype(np.float32) * np.float32(METRES)
    arrays["neck_weight"] = arrays["neck_weight"].astype(np.float32)
    return HeadModel(**arrays)


def _require_sound(arrays: dict[str, np.ndarray]) -> None:
    """Raises ValueError where arrays are of the wrong kind, shape or range."""
    sizes: dict[str, int] = {}
    for name, shape in SHAPES.items():
        array = arrays[name]
        expected = tuple(
            size if isinstance(size, int) else sizes.setdefault(size, count)
            for size, count in zip(shape, array.shape, strict=False)
        )
        if array.ndim != len(shape) or array.shape != expected:
            raise ValueError(f"{name} has the wrong shape {array.shape}")
        if array.dtype.kind != ("b" if name in ("inside", "rigid") else "f") or not np.isfinite(array).all():
            raise ValueError(f"{name} holds the wrong kind of numbers")
    if not RESOLUTIONS[0] <= sizes["texels"] <= RESOLUTIONS[1]:
        raise ValueError("its resolution is out of range")
    if not all(COMPONENTS[0] <= sizes[name] <= COMPONENTS[1] for name in ("identities", "expressions")):
        raise ValueError("it has too few or too many components")
    components = [np.abs(arrays[name]).max() * METRES for name in ("identity", "expression_mean", "expression")]
    if max(np.abs(arrays["mean"]).max(), *components) > LARGEST:
        raise ValueError("it is no head")
    if (arrays["rigid"] & arrays["inside"]).sum() < 50 or (arrays["neck_deviation"] <= 0).any():
        raise ValueError("nothing of it is rigid")
    if not (arrays["nearness"] > 0).all():
        raise ValueError("its camera is none")
