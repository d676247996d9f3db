"""How deep lids and lips cross, over all expressions and common pairs, and what expressions cost.

    .venv/bin/python benchmarks/expressions.py [PHOTO...] [--topology game] [--all]

Photos: by default the bundled portrait and the rendered people of the tests. For each: how deep lids and eyeballs
cross, how deep the two lids and the two lips cross, and what stays open between closed lids, in mm: the largest over
all expressions alone, over pairs, over visemes and VRM's presets, and over lids that are half closed; `--all` prints
every expression and pair that is over the limit. Then the seconds that a head's mesh takes with its parts, and with its
expressions too.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import bpy  # noqa: F401 - brings mathutils
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from benchmarks.timing import median_seconds
from prn_blender.capture.faces.find import choose_faces, find_faces
from prn_blender.capture.packs.pack import load_pack
from prn_blender.capture.packs.topology import Topology
from prn_blender.capture.photo.read import load_photo
from prn_blender.capture.reconstruct import reconstruct
from prn_blender.capture.shape.combinations import COMBINATIONS
from prn_blender.capture.shape.expression_model import NAMES
from prn_blender.capture.shape.mesh import mesh_of
from prn_blender.capture.shape.parts import Part, edge_of, opened, skin_faces
from prn_blender.capture.types import WHOLE, Capture, Settings

ROOT = Path(__file__).parents[1]
PHOTOS = (
    ROOT / "examples" / "astronaut.jpg",
    *(ROOT / "tests" / "data" / "people" / f"{name}.jpg" for name in ("frontal", "half_left", "half_right", "tilted")),
)
LIMIT = 0.3  # mm
DEEPEST = 0.006  # metres: a surface that is farther behind another one is on another side of the head
BESIDE = 0.003  # metres from the corners of eyes and mouth in which nothing is measured
SAME_PLACE = 1e-6  # metres
PIXEL = 0.0003  # metres of a picture in which open lids are looked for
BLINK = {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}
SMILE = {"mouthSmileLeft": 1.0, "mouthSmileRight": 1.0}
DIAGONAL = 0.7  # as far to the side and up together as one of them alone at 1
HALF = tuple(dict.fromkeys(BLINK, share) for share in (0.25, 0.5, 0.75))


def pairs() -> list[dict[str, float]]:
    """What faces do together."""
    sides = [name.removesuffix("Left") for name in NAMES if name.endswith("Left") and f"{name[:-4]}Right" in NAMES]
    both = [{f"{name}Left": 1.0, f"{name}Right": 1.0} for name in sides if name not in ("jaw", "mouth")]
    with_jaw = [{"jawOpen": 1.0, name: 1.0} for name in NAMES if name.startswith("mouth")]
    with_jaw += [{"jawOpen": share, "mouthClose": share} for share in (0.25, 0.5, 0.75)]
    looks = [{"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0}]
    with_smile = [
        SMILE | {"jawOpen": 0.5},
        SMILE | BLINK,
        SMILE | {"cheekSquintLeft": 1.0, "cheekSquintRight": 1.0},
        SMILE | {"mouthUpperUpLeft": 0.5, "mouthUpperUpRight": 0.5},
        SMILE | {"mouthDimpleLeft": 0.5, "mouthDimpleRight": 0.5},
    ]
    with_blink = [
        BLINK | {f"{name}Left": 1.0, f"{name}Right": 1.0}
        for name in ("browDown", "cheekSquint", "eyeSquint", "noseSneer", "eyeLookUp", "eyeLookDown")
    ]
    with_blink += [BLINK | look for look in looks]
    looks += [
        {f"eyeLook{way}{side}": DIAGONAL for side in ("Left", "Right") for way in (across, up)}
        for across in ("In", "Out")
        for up in ("Up", "Down")
    ]
    others = [
        {"mouthFunnel": 0.5, "mouthPucker": 0.5},
        {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
        {"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0},
        {"eyeWideLeft": 1.0, "eyeWideRight": 1.0, "browInnerUp": 1.0},
        {"eyeSquintLeft": 1.0, "eyeSquintRight": 1.0, "cheekSquintLeft": 1.0, "cheekSquintRight": 1.0},
        {"mouthPressLeft": 1.0, "mouthPressRight": 1.0, "mouthShrugLower": 0.5},
        {"jawLeft": 1.0, "jawOpen": 0.5},
        {"jawRight": 1.0, "jawOpen": 0.5},
    ]
    return [*both, *with_jaw, *looks, *with_smile, *with_blink, *others]


@dataclass(frozen=True)
class Flaws:
    """Millimetres."""

    lid_in_eye: float
    lids: float
    lips: float
    open_lids: float  # where both are closed

    @property
    def worst(self) -> float:
        return max(self.lid_in_eye, self.lids, self.lips, self.open_lids)


class Subject:
    """A captured head that is moved and looked at."""

    def __init__(self, capture: Capture, topology: Topology) -> None:
        self.mesh = mesh_of(capture, topology)
        model = capture.pack.expressions
        self._gaze = dict(zip(NAMES, model.gaze, strict=True))
        kept = opened(topology)[1]
        number = np.full(len(topology.canonical), -1)
        number[kept] = np.arange(len(kept))
        faces = topology.triangles[(number[topology.triangles] >= 0).all(1)]
        skin = topology.faces[skin_faces(topology)]
        on_skin = np.zeros(len(topology.canonical), bool)
        on_skin[skin] = True
        self._triangles = number[faces[on_skin[faces].all(1)]]
        uv = self.mesh.topology.sample_uv[:, 0]
        self._lips = self._halves(uv, model.lips.mean(1), model.lips)
        self._lids, self._edges = {}, {}
        for side in ("left", "right"):
            edge = number[edge_of(topology, f"eye_{side}")]
            self._edges[side] = self._sorted_edge(edge)
            around = np.concatenate(self._edges[side])
            line = uv[edge][np.argsort(uv[edge, 0])]
            corners = line[[0, -1]]
            self._lids[side] = self._halves(uv, corners, uv[around][:, None].repeat(2, 1))

    def _halves(self, uv: np.ndarray, line: np.ndarray, around: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) triangles above and below a line in UV, near and between the places `around` (…, 2)."""
        places = around.reshape(-1, 2)
        low, high = places.min(0), places.max(0)
        reach = np.array([-0.1, 0.6]) * (high - low)[0]
        middle = uv[self._triangles].mean(1)
        near = ((middle > low - reach) & (middle < high + reach)).all(1)
        above = middle[:, 1] < np.interp(middle[:, 0], line[:, 0], line[:, 1])
        return np.flatnonzero(near & above), np.flatnonzero(near & ~above)

    def _sorted_edge(self, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices of the upper and of the lower lid's edge, both with the corners."""
        points = self.mesh.expressions.skin.neutral[edge]
        order = np.argsort(points[:, 0])
        edge, points = edge[order], points[order]
        along = (points[:, 0] - points[0, 0]) / np.ptp(points[:, 0])
        upper = points[:, 2] >= points[0, 2] + along * (points[-1, 2] - points[0, 2])
        upper[[0, -1]] = True
        lower = ~upper
        lower[[0, -1]] = True
        return edge[upper], edge[lower]

    def flaws(self, values: dict[str, float]) -> Flaws:
        """What is wrong with the head at these values of its expressions."""
        shapes = self.mesh.expressions.skin
        points = shapes.neutral.astype(np.float64)
        for name, value in values.items():
            points = points + value * shapes.keys.get(name, 0)
        balls = self._eyes(values)
        lids = max(crossing(points, self._triangles, *self._lids[side]) for side in self._lids)
        lips = crossing(points, self._triangles, *self._lips)
        closed = [side for side in self._edges if values.get(f"eyeBlink{side.capitalize()}", 0) == 1]
        gap = max((self._open(points, side, balls) for side in closed), default=0.0)
        return Flaws(1000 * self._in_eyes(points, balls), 1000 * lids, 1000 * lips, 1000 * gap)

    def _eyes(self, values: dict[str, float]) -> list[Part]:
        """The eyeballs as their keys move them."""
        eyes = []
        for part in self.mesh.parts:
            if part.kind in ("eye", "cornea"):
                shapes = self.mesh.expressions.parts[part.name]
                moved = sum((value * shapes.keys[name] for name, value in values.items() if name in shapes.keys), 0)
                eyes.append(replace(part, vertices=shapes.neutral + moved))
        return eyes

    def _in_eyes(self, points: np.ndarray, balls: list[Part]) -> float:
        """Metres by which the skin, its triangles' middles too, is within an eyeball."""
        deepest = 0.0
        for ball in balls:
            side = ball.name.rpartition("_")[2]
            triangles = self._triangles[np.concatenate(self._lids[side])]
            samples = np.concatenate([points[np.unique(triangles)], points[triangles].mean(1)])
            tree = BVHTree.FromPolygons(
                ball.vertices.tolist(), [[v for v in face if v >= 0] for face in ball.faces.tolist()]
            )
            centre = ball.pivot
            for sample in samples[samples[:, 1] < centre[1]]:
                length = np.linalg.norm(sample - centre)
                hit = tree.ray_cast(Vector(centre), Vector(sample - centre))[3]
                if hit is not None:
                    deepest = max(deepest, hit - length)
        return deepest

    def _open(self, points: np.ndarray, side: str, balls: list[Part]) -> float:
        """Metres, from above down, in which the eyeball is seen from the front."""
        ball = next(one for one in balls if one.name == f"eye_{side}")
        eye = [[v for v in face if v >= 0] for face in (ball.faces + len(points)).tolist()]
        tree = BVHTree.FromPolygons(np.concatenate([points, ball.vertices]).tolist(), [*self._triangles.tolist(), *eye])
        corners = self.mesh.expressions.skin.neutral[np.concatenate(self._edges[side])]
        across, heights = (np.arange(corners[:, k].min(), corners[:, k].max(), PIXEL) for k in (0, 2))
        widest = 0
        for x in across:
            hits = [tree.ray_cast(Vector((x, -0.2, z)), Vector((0, 1, 0)))[2] for z in heights]
            run = 0
            for hit in hits:
                run = run + 1 if hit is not None and hit >= len(self._triangles) else 0
                widest = max(widest, run)
        return widest * PIXEL


def crossing(points: np.ndarray, triangles: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Metres by which two parts of a surface, as rows of its triangles, are behind one another."""
    shared = np.intersect1d(triangles[first], triangles[second])
    deepest = 0.0
    for mine, other in ((first, second), (second, first)):
        faces = triangles[other]
        tree = BVHTree.FromPolygons(points.tolist(), faces.tolist())
        edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
        ends, count = np.unique(edges, axis=0, return_counts=True)
        border = np.zeros(len(points), bool)
        border[ends[count == 1]] = True
        for index in np.setdiff1d(triangles[mine], triangles[other]):
            place, _, face, distance = tree.find_nearest(Vector(points[index]), DEEPEST)
            if place is None or border[faces[face]].any():
                continue
            if len(shared) and np.linalg.norm(points[shared] - points[index], axis=1).min() < BESIDE:
                continue
            # On an edge or a corner no face alone tells which side is outside.
            around = {face: normal for _, normal, face, _ in tree.find_nearest_range(place, SAME_PLACE)}
            depth = -(Vector(points[index]) - place).dot(sum(around.values(), Vector()).normalized())
            if depth > 0.5 * distance:
                deepest = max(deepest, distance)
    return deepest


def capture_of(path: Path, topology: str, texture_size: int = 512) -> Capture:
    photo = load_photo(path)
    settings = Settings(texture_size=texture_size, topology=topology, parts=WHOLE, expressions=True)
    return reconstruct(photo, choose_faces(find_faces(photo), "largest")[0], load_pack(), settings)


def told(values: dict[str, float]) -> str:
    return " + ".join(name if value == 1 else f"{value:g} {name}" for name, value in values.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, default=PHOTOS)
    parser.add_argument("--topology", default="game")
    parser.add_argument("--all", action="store_true", help="every expression and pair over the limit")
    options = parser.parse_args()
    # The lips are closed by it only with the jaw open.
    alone = [{name: 1.0} for name in NAMES if name != "mouthClose"]
    for path in options.photos:
        capture = capture_of(path, options.topology)
        topology = capture.pack.choose_topology(options.topology)
        subject = Subject(capture, topology)
        faces = (("neutral", [{}]), ("alone", alone), ("pairs", pairs()), ("faces", COMBINATIONS.values()))
        for label, looks in (*faces, ("half closed", HALF)):
            flaws = [subject.flaws(values) for values in looks]
            worst = "  ".join(
                f"{field.replace('_', ' ')} {max(getattr(one, field) for one in flaws):.2f}"
                for field in ("lid_in_eye", "lids", "lips", "open_lids")
            )
            print(f"{path.stem[:24]:24} {label:12} {worst}")
            for values, one in zip(looks, flaws, strict=True):
                if options.all and one.worst > LIMIT:
                    print(f"    {told(values)}: {one}")
        plain = replace(capture, settings=replace(capture.settings, expressions=False))
        seconds = [median_seconds(partial(mesh_of, which, topology), 5) for which in (plain, capture)]
        print(f"{path.stem[:24]:24} mesh {seconds[0]:.2f} s, with expressions {seconds[1]:.2f} s")


if __name__ == "__main__":
    main()
