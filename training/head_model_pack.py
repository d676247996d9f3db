"""Writes the pack's head model: what identities and expressions the fit knows, on a grid over UV.

python -m training.head_model_pack PACK_FOLDER --layout LAYOUT.npz

Identities are drawn half from ICT-FaceKit's heads as they are rendered for training (its 100 components, smooth extra
shapes, axis scales, children, heavy people), half from the heads of 2,138 scanned people (`scanned_heads`); their
principal components are the model's. Prints the two populations beside each other.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prn_blender.capture.geometry.pose import umeyama
from prn_blender.capture.geometry.position_map import upsample_bicubic

from .assets import LANDMARK_VERTICES, SKIN_VERTICES, FaceKit, load_facekit
from .bake import bake_operator
from .head_model import NECK_PIVOT, ORIGIN, identity_shapes, neck_weight
from .pack_file import write_section, write_whole
from .preparation.scanned_heads import ScannedHeads, load_scanned_heads
from .renderer.sampling import ShapeSampler, sample_expression
from .topology import eye_centre, to_blender
from .uv_layout import UvLayout

RESOLUTION, FINE = 64, 128  # texels of the components, and of the mean head's detail
SAMPLES = 1500  # heads of each population
EXPRESSIONS = 3000
IDENTITY_COMPONENTS, EXPRESSION_COMPONENTS = 100, 40
BUST = 0.2  # weight of what follows the bust
STILL = 0.001  # metres: texels that expressions move less (rms) are rigid
# Deviations of the neck's rotation vector in Blender's head axes: nod, tilt, turn; radians, as rendered.
NECK_DEVIATION = (0.30, 0.19, 0.43)
# Of 1 / distance of the camera, in 1 / metre for a head of the mean head's size, as rendered.
NEARNESS = (1.1, 0.8)
SECTION = """[head_model]                # mean, identity and expression over UV
file = "head_model.npz"
sha256 = "{sha256}"
"""


@dataclass(frozen=True)
class Population:
    """Heads of many persons without expression, as far from the mean head as they are when laid on it."""

    name: str
    offsets: np.ndarray  # (N, P, 3) metres

    @property
    def deviation(self) -> np.ndarray:
        """(P,) metres: root of the summed variances of x, y and z."""
        return np.sqrt(self.offsets.var(axis=0).sum(axis=1))


def rendered_heads(kit: FaceKit, operator, mean: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(N, P, 3) cm: heads as they are rendered for training."""
    sampler = ShapeSampler(kit)
    basis = identity_shapes(kit)[:, :SKIN_VERTICES]
    texels = np.stack([operator @ shape for shape in basis]).reshape(len(basis), -1)
    heads = []
    for _ in range(count):
        state = sampler(rng)
        weights = np.concatenate([state.identity, state.extra, state.scanned])
        heads.append((mean + (weights @ texels).reshape(mean.shape)) * state.axis_scale)
    return np.stack(heads)


def scanned_heads(
    scanned: ScannedHeads, operator, mean: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(N, P, 3) cm: heads as scanned people's vary."""
    average = mean + operator @ scanned.mean
    texels = np.stack([operator @ shape for shape in scanned.components]).reshape(len(scanned.components), -1)
    weights = rng.normal(size=(count, len(texels)))
    return average + (weights @ texels).reshape(count, *mean.shape)


def laid_on(heads: np.ndarray, mean: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each of heads (N, P, 3) by the best similarity onto the mean head (P, 3), weighted (P,)."""
    return np.stack([umeyama(head, mean, weights).apply(head) for head in heads])


def principal(offsets: np.ndarray, weights: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Components (K, P, 3) of unit variance of offsets (N, P, 3), weighted (P,), and their mean (P, 3)."""
    mean = offsets.mean(axis=0)
    rows = (offsets - mean).reshape(len(offsets), -1)
    weighted = rows * np.repeat(np.sqrt(weights), 3)
    directions = np.linalg.eigh(weighted @ weighted.T)[1][:, ::-1]
    scores = directions[:, :count] * np.sqrt(len(rows))  # coefficients of unit variance
    return (scores.T @ rows / len(rows)).reshape(count, *mean.shape), mean


def explained(population: np.ndarray, components: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(P,) metres: rms of what components (K, P, 3) leave of a population's offsets (N, P, 3) from its own mean."""
    rows = (population - population.mean(axis=0)).reshape(len(population), -1)
    scale = np.repeat(np.sqrt(weights), 3)
    basis = (components.reshape(len(components), -1) * scale).T
    found = np.linalg.solve(basis.T @ basis + 1e-9 * np.eye(basis.shape[1]), basis.T @ (rows * scale).T)
    left = rows - found.T @ components.reshape(len(components), -1)
    return np.sqrt((left.reshape(population.shape) ** 2).sum(axis=2).mean(axis=0))


def regions(mean: np.ndarray, landmarks: np.ndarray, inside: np.ndarray) -> dict[str, np.ndarray]:
    """Masks (P,) of texels of the mean head (P, 3), in metres and Blender's axes, with its landmarks (68, 3)."""
    x, y, z = mean.T
    ears = landmarks[[0, 16]].mean(axis=0)
    front = inside & (y < ears[1] - 0.01)
    nose, mouth = landmarks[30], landmarks[48:].mean(axis=0)
    near_nose = (np.abs(x) < 0.022) & (z > landmarks[33, 2] - 0.006) & (z < landmarks[27, 2]) & (y < nose[1] + 0.035)
    near_mouth = (np.abs(x) < 0.034) & (np.abs(z - mouth[2]) < 0.014) & front
    forehead = front & (z > landmarks[19, 2]) & (z < landmarks[19, 2] + 0.05)
    jaw = front & (z < mouth[2] - 0.014) & (z > landmarks[8, 2] - 0.01)
    cheeks = front & (z < landmarks[36:48, 2].mean() - 0.01) & (z > mouth[2] - 0.014) & ~near_nose & ~near_mouth
    ear = inside & (np.abs(x) > 0.072) & (np.abs(z - ears[2] + 0.012) < 0.042) & (np.abs(y - ears[1] - 0.025) < 0.03)
    skull = inside & ~front & ~ear & (z > ears[2])
    return {
        "nose": front & near_nose,
        "mouth": near_mouth & ~near_nose,
        "forehead": forehead,
        "cheeks": cheeks,
        "jaw": jaw,
        "ears": ear,
        "skull": skull,
        "neck": inside & (z < landmarks[8, 2] - 0.01),
    }


def compare(first: Population, second: Population, inside: np.ndarray, weights: np.ndarray, parts: dict) -> str:
    """The two populations beside each other, in mm, as a table."""
    bases = [principal(one.offsets, weights, 40)[0] for one in (first, second)]
    apart = np.linalg.norm(first.offsets.mean(axis=0) - second.offsets.mean(axis=0), axis=1)
    columns = {
        f"{first.name}: deviation": first.deviation,
        f"{second.name}: deviation": second.deviation,
        "means apart": apart,
        f"{first.name} left by {second.name}": explained(first.offsets[:400], bases[1], weights),
        f"{second.name} left by {first.name}": explained(second.offsets[:400], bases[0], weights),
    }
    lines = [f"{'mm, rms':12}" + "".join(f"{name:>34}" for name in columns)]
    for name, part in {**parts, "all": inside}.items():
        cells = "".join(f"{1000 * np.sqrt((values[part] ** 2).mean()):34.2f}" for values in columns.values())
        lines.append(f"{name:12}{cells}")
    return "\n".join(lines)


def make_head_model(kit: FaceKit, layout: UvLayout, scanned: ScannedHeads) -> tuple[dict[str, np.ndarray], str]:
    """The arrays of `head_model.npz`, and the table of the two populations."""
    rng = np.random.default_rng(0)
    operator, inside_grid = bake_operator(layout, RESOLUTION)
    inside, eyes = inside_grid.ravel(), eye_centre(kit, layout)
    mean_cm = operator @ kit.mean[:SKIN_VERTICES]
    follows_bust = operator @ neck_weight(kit.mean[:SKIN_VERTICES])
    mean = to_blender(mean_cm, eyes)
    held = inside * (1 - follows_bust)  # where a head is told from another; the neck follows the bust
    populations = [
        Population(name, laid_on(to_blender(heads, eyes), mean, held) - mean)
        for name, heads in (
            ("ICT-FaceKit", rendered_heads(kit, operator, mean_cm, SAMPLES, rng)),
            ("scanned", scanned_heads(scanned, operator, mean_cm, SAMPLES, rng)),
        )
    ]
    weights = inside * (BUST + (1 - BUST) * (1 - follows_bust))
    offsets = np.concatenate([one.offsets for one in populations])
    identity, average = principal(offsets, weights, IDENTITY_COMPONENTS)

    shapes = np.stack([operator @ shape for shape in kit.expression[:, :SKIN_VERTICES]]).reshape(
        len(kit.expression), -1
    )
    drawn = np.stack([sample_expression(rng, kit) for _ in range(EXPRESSIONS)])
    moved = to_blender((drawn @ shapes).reshape(EXPRESSIONS, *mean.shape), np.zeros(3))
    kept = 400  # to see what is left of expressions that the components were not made from
    components, usual = principal(moved[kept:], weights, EXPRESSION_COMPONENTS)

    def grid(values: np.ndarray, dtype) -> np.ndarray:
        return values.reshape(*values.shape[:-2], RESOLUTION, RESOLUTION, 3).astype(dtype)

    arrays = {
        "mean": grid(mean + average, np.float32),
        "identity": grid(1000 * identity, np.float16),
        "expression_mean": grid(1000 * usual, np.float16),
        "expression": grid(1000 * components, np.float16),
        "inside": inside_grid,
        "rigid": (inside & (np.sqrt((moved**2).sum(2).mean(0)) < STILL) & (follows_bust < 0.01)).reshape(
            inside_grid.shape
        ),
        "origin": to_blender(ORIGIN, eyes).astype(np.float32),
        "neck_pivot": to_blender(NECK_PIVOT, eyes).astype(np.float32),
        "neck_weight": follows_bust.reshape(inside_grid.shape).astype(np.float16),
        "neck_deviation": np.float32(NECK_DEVIATION),
        "nearness": np.float32(NEARNESS),
    }
    fine = to_blender(bake_operator(layout, FINE)[0] @ kit.mean[:SKIN_VERTICES], eyes).reshape(FINE, FINE, 3)
    arrays["detail"] = np.float16(1000 * (fine - upsample_bicubic(grid(mean, np.float32), FINE)))
    parts = regions(mean, to_blender(kit.mean[LANDMARK_VERTICES], eyes), inside)
    table = compare(*populations, inside, weights, parts)
    left = [explained(one.offsets[:400], identity, weights)[inside] for one in populations]
    table += "\n" + "\n".join(
        f"left of {one.name} by the {len(identity)} components together: {1000 * np.sqrt((rest**2).mean()):.2f} mm"
        for one, rest in zip(populations, left, strict=True)
    )
    rest = explained(moved[:kept], components, weights)[inside]
    table += f"\nleft of the expressions by {len(components)} components: {1000 * np.sqrt((rest**2).mean()):.2f} mm"
    return arrays, table


def write_into(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Puts `head_model.npz` into a pack and its checksum into the pack's manifest."""
    checksum = write_whole(folder / "head_model.npz", lambda path: np.savez_compressed(path, **arrays))
    write_section(folder, "head_model", SECTION.format(sha256=checksum))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--layout", type=Path, required=True)
    options = parser.parse_args()
    kit = load_facekit()
    arrays, table = make_head_model(kit, UvLayout.load(options.layout), load_scanned_heads(kit))
    write_into(options.pack, arrays)
    print(table)


if __name__ == "__main__":
    main()
