"""How well MakeHuman's head lies on ICT-FaceKit's, in millimetres."""

from dataclasses import dataclass

import numpy as np

from ..assets import FaceKit
from .correspondences import face_triangles, kit_openings
from .registration import Registration, kit_surface
from .skins import LID_RINGS, LIP_RINGS
from .surface import rings
from .texels import Openings, TexelMap, Tile, ears, nostrils

NARROW_FACE = 6706  # ICT-FaceKit's vertices of the face without the sides of the head
NARROW_ABOVE = -8.2  # cm: without the throat
BUST, NECK = -9.0, -12.0  # cm: head above, neck between; further down the two busts end differently
COVERED = 0.2  # cm that a texel may be away from the surface that it takes its colour from
SOURCE_SIZE = 2048  # pixels of MakeHuman's skins


@dataclass(frozen=True)
class Distances:
    """Of one region."""

    region: str
    millimetres: np.ndarray

    def __str__(self) -> str:
        median, high = np.percentile(self.millimetres, (50, 95))
        return (
            f"{self.region:34} {len(self.millimetres):6d}  {self.millimetres.mean():6.2f} {median:6.2f} {high:6.2f} "
            f"{self.millimetres.max():6.2f}"
        )


@dataclass(frozen=True)
class Report:
    """What the registration is worth."""

    to_kit: list[Distances]  # MakeHuman's visible vertices to ICT-FaceKit's surface
    to_makehuman: list[Distances]  # and back
    correspondences: list[Distances]  # vertices to where they belong
    triangles: int
    flipped: int  # triangles that face away from the surface they lie on
    covered: dict[str, float]  # share of a tile's texels with a surface within 2 mm
    source_pixels: dict[str, float]  # median pixels of a 2048 skin per texel

    def __str__(self) -> str:
        lines = [f"{'millimetres':34} {'points':>6}  {'mean':>6} {'median':>6} {'95 %':>6} {'max':>6}"]
        for title, rows in (
            ("MakeHuman's vertices to ICT-FaceKit", self.to_kit),
            ("ICT-FaceKit's vertices to MakeHuman", self.to_makehuman),
            ("corresponding points", self.correspondences),
        ):
            lines += [f"{title}:", *(f"  {row}" for row in rows)]
        lines.append(f"flipped triangles: {self.flipped} of {self.triangles}")
        for tile, share in self.covered.items():
            lines.append(
                f"{tile} tile: {100 * share:.2f} % of the texels within {10 * COVERED:.0f} mm of MakeHuman's surface, "
                f"{self.source_pixels[tile]:.2f} pixels of a {SOURCE_SIZE} skin per texel"
            )
        return "\n".join(lines)


def measure(
    registration: Registration, kit: FaceKit, holes: Openings, tiles: dict[str, tuple[Tile, TexelMap]]
) -> Report:
    """Measures a registration; `tiles` holds `face` and `head`."""
    mean = kit.mean.astype(np.float64)
    face, face_map = tiles["face"]
    in_ear = ears(face)

    visible = np.unique(registration.base.mesh.triangles[registration.visible])
    points = registration.points[visible]
    points = points[points[:, 1] > NECK]
    distance = kit_surface(kit, spacing=0.3).closest(points).distance
    regions = {**_regions(points), "head without neck": points[:, 1] > BUST}
    to_kit = [Distances(name, 10 * distance[chosen]) for name, chosen in regions.items()]

    right, left, mouth = kit_openings(kit)
    hidden = [right, left, *rings(*face_triangles(kit), mouth, int(LIP_RINGS) - 1), nostrils(kit)[0]]
    narrow = np.setdiff1d(np.flatnonzero(mean[:NARROW_FACE, 1] > NARROW_ABOVE), np.concatenate(hidden))
    back = registration.surface(spacing=0.3).closest(mean[narrow])
    usable = face.inside & ~holes.vault & (holes.eye >= LID_RINGS) & (holes.mouth >= LIP_RINGS)
    to_makehuman = [
        Distances("narrow face", 10 * back.distance),
        Distances("face tile without ears (texels)", 10 * face_map.distance[usable & ~in_ear]),
        Distances("ears (texels)", 10 * face_map.distance[usable & in_ear]),
        Distances("head tile (texels)", 10 * tiles["head"][1].distance[tiles["head"][0].inside]),
    ]

    pairs = registration.correspondences
    apart = 10 * np.linalg.norm(registration.points[pairs.vertex] - pairs.target, axis=1)
    triangles = registration.base.mesh.triangles[registration.visible]
    triangles = triangles[(registration.points[triangles, 1] > NECK).all(axis=1)]
    return Report(
        to_kit,
        to_makehuman,
        [
            Distances(region, apart[(pairs.region == region) & np.isfinite(apart)])
            for region in dict.fromkeys(pairs.region.tolist())
        ],
        len(triangles),
        _flipped(registration, kit, triangles),
        {name: _share_covered(tile, texels) for name, (tile, texels) in tiles.items()},
        {name: _source_pixels(texels) for name, (_, texels) in tiles.items()},
    )


def _regions(points: np.ndarray) -> dict[str, np.ndarray]:
    """Rows of points (N, 3) by where on the head they are."""
    x, y, z = points.T
    face = (z > 2) & (y > BUST) & (np.abs(x) < 7.5)
    ear = (np.abs(x) > 6.6) & (np.abs(z) < 3.5) & (y > -2.5) & (y < 4.5) & ~face
    return {"face": face, "ears": ear, "skull": (y > BUST) & ~face & ~ear, "neck": y <= BUST}


def _flipped(registration: Registration, kit: FaceKit, triangles: np.ndarray) -> int:
    corners = registration.points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    hit = kit_surface(kit, spacing=0.3, normal_weight=0.8).closest(
        corners.mean(axis=1), normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    )
    return int(((normals * hit.normal).sum(axis=1) < 0).sum())


def _share_covered(tile: Tile, texels: TexelMap) -> float:
    return float((texels.distance[tile.inside] < COVERED).mean())


def _source_pixels(texels: TexelMap) -> float:
    return float(np.nanmedian(np.linalg.norm(np.diff(texels.uv, axis=1), axis=-1)) * SOURCE_SIZE)
