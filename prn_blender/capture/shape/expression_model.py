"""How ARKit's 52 expressions move the mean head's surface and its parts.

Names and meaning: Apple, ARFaceAnchor.BlendShapeLocation. Left and right are the subject's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

STEP = 2e-5  # metres that a unit of a stored displacement counts for
LARGEST = 0.1  # metres
EYES = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
NAMES = (
    *(f"eye{what}{side}" for side in ("Left", "Right") for what in EYES),
    *("jawForward", "jawLeft", "jawRight", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight"),
    *(f"mouth{what}{side}" for what in ("Smile", "Frown", "Dimple", "Stretch") for side in ("Left", "Right")),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *(f"mouth{what}{side}" for what in ("Press", "LowerDown", "UpperUp") for side in ("Left", "Right")),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    *("cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
MESHES = ("lashes", "teeth", "gums", "mouth", "sockets")  # the parts that expressions bend; eyes turn


@dataclass(frozen=True, eq=False)
class ExpressionModel:
    """Displacements of the mean head in metres along the canonical head's axes, by expression in the order of NAMES."""

    mean: np.ndarray  # (M, M, 3) float32 the head that the expressions are of, over UV
    surface: np.ndarray  # (52, R, R, 3) int16 in STEP, over UV
    parts: dict[str, np.ndarray]  # (52, N, 3) int16 in STEP, of each of MESHES
    gaze: np.ndarray  # (52, 2, 2) degrees to the subject's left and up that the left and the right eye turn
    lips: np.ndarray  # (P, 2, 2) UV of points of the upper and of the lower lip that touch, corner to corner

    @classmethod
    def load(cls, path: Path) -> "ExpressionModel":
        """Reads a pack's `expressions.npz`."""
        with np.load(path, allow_pickle=False) as data:
            model = cls(
                **{name: data[name] for name in ("mean", "surface", "gaze", "lips")},
                parts={name: data[name] for name in MESHES},
            )
        model._require_sound()
        return model

    def _require_sound(self) -> None:
        """Raises ValueError where arrays are of the wrong kind, shape or range."""
        count = len(NAMES)
        wanted = {
            "mean": (self.mean, "f", (len(self.mean), len(self.mean), 3)),
            "surface": (self.surface, "i", (count, *self.surface.shape[1:2] * 2, 3)),
            "gaze": (self.gaze, "f", (count, 2, 2)),
            "lips": (self.lips, "f", (len(self.lips), 2, 2)),
            **{name: (moved, "i", (count, *moved.shape[1:2], 3)) for name, moved in self.parts.items()},
        }
        for name, (array, kind, shape) in wanted.items():
            if array.shape != shape or array.dtype.kind != kind or not np.isfinite(array).all() or not array.size:
                raise ValueError(f"{name} has the wrong shape or numbers")
            if kind == "i" and np.abs(array).max() * STEP > LARGEST:
                raise ValueError(f"{name} moves too far")
        if self.lips.min() < 0 or self.lips.max() > 1 or np.abs(self.gaze).max() > 90:
            raise ValueError("lips or gaze are out of range")
