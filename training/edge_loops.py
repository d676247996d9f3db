"""Where the vertices of the topology with edge loops lie in UV.

Lids and lips are followed exactly, the rims of nostrils and ears loosely. All else is relaxed: springs along the edges,
and a force towards parallelograms, on the mean head's smoothed surface. Its distances alone would let vertices slide
off nose and ears, so those in UV, in which both are large, count too.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.landmarks import MIRROR
from prn_blender.capture.packs.subdivide import subdivide, subdivide_mirror

from .assets import SKIN_VERTICES, FaceKit
from .bake import bake_operator
from .cage import BAND, CROWN_COLUMN, OPENINGS, ROWS, SIDE, HalfCage, make_half_cage, mirrored
from .neck import CUT, NeckEdge
from .uv_layout import UvLayout, superellipse

RESOLUTION = 512  # of the surface on which vertices are relaxed
SMOOTHING = 5.0  # texels
UV_LENGTH = 35.0  # cm that a unit of UV counts for
LOOP_STIFFNESS = 0.3  # of the edges along a loop, those across have 1
SQUARENESS = 0.5  # weight of parallelograms
RIM_STIFFNESS, AROUND_STIFFNESS = 2000.0, 850.0  # of loosely followed rims, and of the ring around them
RIM_STEPS = 50  # places of a rim to choose from, between two vertices
ITERATIONS = 80

# Rings of the cage on the edges of ICT-FaceKit's skin.
LID_RING = 3
MOUTH_RING = 4

# Curves that an opening's first rings loosely follow. The subject's right half in UV; from the corner near the middle at
# the top, away from the middle.
RIMS = {
    "nostril": (
        (  # around it
            (0.468, 0.47),
            (0.447, 0.465),
            (0.418, 0.475),
            (0.393, 0.5),
            (0.38, 0.53),
            (0.376, 0.56),
            (0.376, 0.588),
            (0.39, 0.612),
            (0.422, 0.622),
            (0.447, 0.624),
            (0.469, 0.628),
            (0.486, 0.620),
            (0.492, 0.595),
            (0.4925, 0.56),
            (0.491, 0.53),
            (0.484, 0.5),
        ),
        (  # before its edge
            (0.464, 0.484),
            (0.447, 0.479),
            (0.423, 0.489),
            (0.404, 0.512),
            (0.395, 0.535),
            (0.391, 0.56),
            (0.39, 0.585),
            (0.402, 0.604),
            (0.425, 0.611),
            (0.445, 0.612),
            (0.464, 0.61),
            (0.48, 0.602),
            (0.486, 0.585),
            (0.4865, 0.56),
            (0.485, 0.535),
            (0.477, 0.508),
        ),
        (  # where the hole begins
            (0.459, 0.497),
            (0.447, 0.493),
            (0.428, 0.503),
            (0.414, 0.522),
            (0.409, 0.541),
            (0.406, 0.56),
            (0.405, 0.578),
            (0.412, 0.591),
            (0.427, 0.598),
            (0.445, 0.6),
            (0.458, 0.597),
            (0.470, 0.589),
            (0.475, 0.576),
            (0.477, 0.560),
            (0.476, 0.537),
            (0.468, 0.515),
        ),
    ),
    "ear": (
        (  # around it
            (0.142, 0.213),
            (0.119, 0.200),
            (0.092, 0.229),
            (0.079, 0.293),
            (0.077, 0.358),
            (0.0758, 0.42),
            (0.08, 0.503),
            (0.092, 0.576),
            (0.110, 0.643),
            (0.145, 0.690),
            (0.168, 0.671),
            (0.17, 0.604),
            (0.172, 0.54),
            (0.168, 0.466),
            (0.162, 0.396),
            (0.16, 0.326),
            (0.158, 0.264),
        ),
        (  # where it meets the head
            (0.14, 0.226),
            (0.122, 0.225),
            (0.105, 0.252),
            (0.088, 0.3),
            (0.083, 0.36),
            (0.082, 0.42),
            (0.086, 0.5),
            (0.098, 0.57),
            (0.118, 0.63),
            (0.144, 0.668),
            (0.157, 0.655),
            (0.161, 0.6),
            (0.163, 0.54),
            (0.159, 0.47),
            (0.154, 0.4),
            (0.152, 0.33),
            (0.151, 0.27),
        ),
        (  # its edge, the tragus in front
            (0.142, 0.25),
            (0.131, 0.25),
            (0.118, 0.276),
            (0.109, 0.32),
            (0.104, 0.37),
            (0.102, 0.43),
            (0.105, 0.49),
            (0.114, 0.55),
            (0.127, 0.6),
            (0.142, 0.638),
            (0.149, 0.633),
            (0.154, 0.59),
            (0.154, 0.52),
            (0.149, 0.45),
            (0.145, 0.38),
            (0.144, 0.32),
            (0.145, 0.275),
        ),
    ),
}


@dataclass(frozen=True)
class LoopMesh:
    """The whole head; the coarse quads' vertices come first, and each four quads are one of theirs."""

    faces: np.ndarray  # (F, 4)
    sample_uv: np.ndarray  # (V, 2, 2) of the two halves, equal off the cut
    loop_uv: np.ndarray  # (F, 4, 2)
    mirror: np.ndarray  # (V,)
    eye: np.ndarray  # (V,) bool: on and within the lids' edge
    mouth: np.ndarray  # (V,) bool: on and within the mouth's edge, behind the lips


def make_loop_mesh(kit: FaceKit, layout: UvLayout) -> LoopMesh:
    """Quads with edge loops around eyes, mouth, nostrils and ears, the coarse ones of `cage` once subdivided."""
    half = make_half()
    surface = mean_surface(kit, layout)
    uv = relax(half, place(half, kit, layout, surface), surface)

    count = len(half.mirror)
    first = np.empty((count, 2))
    first[half.used] = uv
    other = np.setdiff1d(np.arange(count), half.used)
    first[other] = _flipped(uv[half.local(half.mirror[other])])
    middle = half.mirror == np.arange(count)
    second = np.where(middle[:, None], _flipped(first), first)
    on_other_half = np.arange(len(half.faces)) >= len(half.faces) // 2
    loop_uv = np.where(on_other_half[:, None, None], second[half.faces], first[half.faces])
    return LoopMesh(
        half.faces,
        np.stack([first, second], 1),
        loop_uv,
        half.mirror,
        eye=half.within("eye", LID_RING),
        mouth=half.within("mouth", MOUTH_RING),
    )


def _flipped(uv: np.ndarray) -> np.ndarray:
    return uv * (-1, 1) + (1, 0)


@dataclass(frozen=True)
class Half:
    """The first half of the mesh. Its vertices are numbered by their place in `used`."""

    cage: HalfCage
    coarse: np.ndarray  # (F, 4) quads of the whole head before subdivision
    edges: np.ndarray  # (E, 2) their edges
    faces: np.ndarray  # (4 F, 4) quads of the whole head
    mirror: np.ndarray  # (V,) of its vertices
    used: np.ndarray  # (N,) those of the half

    @property
    def quads(self) -> np.ndarray:
        """(2 F, 4) by the half's numbers."""
        return self.local(self.faces[: len(self.faces) // 2])

    @property
    def on_middle(self) -> np.ndarray:
        """(N,) bool: in the mirror plane."""
        return self.mirror[self.used] == self.used

    def local(self, vertices: np.ndarray) -> np.ndarray:
        """The half's numbers of vertices of the whole head."""
        return np.searchsorted(self.used, vertices)

    def path(self, coarse: list[int], closed: bool = False) -> np.ndarray:
        """The half's numbers along a path over coarse edges, with those in the edges' middles."""
        ends = np.array([*coarse, coarse[0]] if closed else coarse)
        count = self.coarse.max() + 1
        key = np.sort(np.stack([ends[:-1], ends[1:]], 1), 1) @ (count, 1)
        middles = count + np.searchsorted(self.edges @ (count, 1), key)
        both = np.stack([ends[:-1], middles], 1).ravel()
        return self.local(both if closed else np.append(both, ends[-1]))

    def within(self, name: str, index: int) -> np.ndarray:
        """(V,) bool: vertices of the whole head on a ring of an opening or within it, on both sides."""
        coarse = np.zeros(self.coarse.max() + 1, bool)
        for point, vertex in self.cage.number.items():
            coarse[vertex] = point[0] == name and (len(point) == 4 or point[1] >= index)
        inside = np.concatenate([coarse, coarse[self.edges].all(1), coarse[self.coarse].all(1)])
        return inside | inside[self.mirror]

    def ring(self, name: str, index: int) -> np.ndarray:
        """The half's numbers along a ring of an opening."""
        return self.path(self.cage.ring(name, index), closed=not OPENINGS[name].crosses_middle)


def make_half() -> Half:
    """Connectivity alone."""
    cage = make_half_cage()
    coarse, coarse_mirror = mirrored(np.array(cage.quads), np.array(cage.middle), len(cage.number))
    faces, edges = subdivide(coarse)
    mirror = subdivide_mirror(coarse_mirror, coarse, edges)
    return Half(cage, coarse, edges, faces, mirror, np.unique(faces[: len(faces) // 2]))


def mean_surface(kit: FaceKit, layout: UvLayout) -> np.ndarray:
    """(RESOLUTION, RESOLUTION, 3) cm: the mean head by UV, made symmetric."""
    baked = bake_operator(layout, RESOLUTION)[0] @ kit.mean[:SKIN_VERTICES]
    image = baked.reshape(RESOLUTION, RESOLUTION, 3)
    return ((image + image[:, ::-1] * (-1, 1, 1)) / 2).astype(np.float32)


@dataclass(frozen=True)
class Placement:
    """First places of the half's vertices, and what holds them."""

    uv: np.ndarray  # (N, 2)
    fixed: np.ndarray  # vertices that stay
    midline: np.ndarray  # vertices that stay on u = 0.5,
    cut: np.ndarray  # on the layout's border,
    neck: np.ndarray  # on the neck's edge
    neck_edge: NeckEdge
    rims: list[tuple[np.ndarray, np.ndarray]]  # rings and the closed curves that they loosely follow


def place(half: Half, kit: FaceKit, layout: UvLayout, surface: np.ndarray) -> Placement:
    """The lattice as drawn by hand, lids and lips where they belong, and what lies inside of openings evenly between."""
    cage, edge = half.cage, NeckEdge.of(surface)
    drawn = np.full((half.coarse.max() + 1, 2), np.nan)
    for point, vertex in cage.number.items():
        if len(point) == 2:
            drawn[vertex] = _on_lattice(*point, edge)
    uv = np.concatenate([drawn, drawn[half.edges].mean(1), drawn[half.coarse].mean(1)])[half.used]

    line, neck = half.path(cage.cut_line), half.path(cage.neck_line)
    cut, ends = line[1:-1], [neck[0], line[0], line[-1]]
    uv[cut] = CUT[_nearest_step(uv[cut])]
    uv[np.setdiff1d(np.flatnonzero(half.on_middle), line), 0] = 0.5
    uv[neck, 1] = edge.v(uv[neck, 0])
    uv[ends] = (0.5, edge.v(0.5)), (0.5, 0), edge.nape
    contours, contour_uv = contour_places(half, kit, layout, surface)
    uv[contours] = contour_uv
    fixed = np.concatenate([contours, ends])
    return Placement(
        uv=_filled(half, uv),
        fixed=fixed,
        midline=np.setdiff1d(np.flatnonzero(half.on_middle), [*fixed, *cut]),
        cut=cut,
        neck=neck[1:-1],
        neck_edge=edge,
        rims=rims(half, surface),
    )


def _on_lattice(i: int, j: int, neck: NeckEdge) -> np.ndarray:
    """First UV of a point of the lattice."""
    if j < BAND:  # over the skull: between the mirror plane and the side's upper edge
        inner = np.array([np.interp(i, (BAND, BAND + SIDE), (0.215, 0.055)), 0.125])
        beyond = i - BAND - CROWN_COLUMN
        outer = (
            np.array([0.5, -0.12 * beyond / CROWN_COLUMN])
            if beyond <= 0
            else superellipse(np.array([4 - 0.5 * beyond / (SIDE - CROWN_COLUMN)]))[0]
        )
        return outer + (inner - outer) * j / BAND
    u = np.interp(i, (0, 2, 4, 6, 7, 9, 11, 13, 20), (0.5, 0.43, 0.34, 0.245, 0.215, 0.17, 0.07, 0.055, 0))
    edge = float(neck.v(max(u, neck.nape[0])))
    front = np.interp(j - BAND, (0, 3, 7, 12, 14, ROWS), (0.12, 0.235, 0.425, 0.62, 0.805, edge))
    ear = np.interp(j - BAND, (0, 4, 11, ROWS), (0.13, 0.19, 0.70, edge))
    back = np.interp(j - BAND, (0, ROWS), (0.13, edge))
    v = np.interp(i, (BAND, BAND + 2, BAND + 4, 2 * BAND + SIDE), (front, ear, ear, back))
    border = np.interp(v, CUT[2000:, 1], CUT[2000:, 0])
    return np.array([0.5 - (0.5 - u) * (0.5 - border) / 0.5, v])


def _nearest_step(uv: np.ndarray) -> np.ndarray:
    return cKDTree(CUT).query(uv)[1]


def contour_places(half: Half, kit: FaceKit, layout: UvLayout, surface: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices of the rings along lids and lips, and their UV, at equal distances between the corners."""
    eye = _symmetric(kit, layout, layout.eye_right, layout.eye_left)
    eye = _from(eye, eye[:, 0].argmax(), (0, -1))  # from the inner corner over the upper lid
    outer = eye[:, 0].argmin()
    mouth = _symmetric(kit, layout, layout.mouth, layout.mouth)
    on_middle = np.flatnonzero(np.abs(mouth[:, 0] - 0.5) < 1e-6)
    mouth = _from(mouth, on_middle[mouth[on_middle, 1].argmin()], (-1, 0))
    mouth = mouth[: np.flatnonzero(np.abs(mouth[:, 0] - 0.5) < 1e-6)[1] + 1]
    marks = (layout.landmark_uv + _flipped(layout.landmark_uv[MIRROR])) / 2
    # Upper and lower half of each contour; ICT-FaceKit's skin goes on behind the lips' line up to its mouth's edge.
    contours = {
        ("eye", LID_RING): (eye[: outer + 1], np.concatenate([eye[outer:], eye[:1]])),
        ("mouth", 2): _halves(_spline(marks[[51, 50, 49, 48, 59, 58, 57]])),
        ("mouth", 3): _halves(_spline(marks[[62, 61, 60, 67, 66]])),
        ("mouth", MOUTH_RING): _halves(mouth),
    }
    vertices, places = [], []
    for (name, index), (upper, lower) in contours.items():
        ring = half.ring(name, index)
        upper, lower = (_evenly(curve, len(ring) // 2, surface)[:-1] for curve in (upper, lower))
        if OPENINGS[name].crosses_middle:
            along = np.concatenate([upper, lower, contours[name, index][1][-1:]])
        else:  # the ring begins at the rectangle's corner, the contour in the middle of its side
            along = np.roll(np.concatenate([upper, lower]), -OPENINGS[name].height, axis=0)
        vertices.append(ring)
        places.append(along)
    return np.concatenate(vertices), np.concatenate(places)


def rims(half: Half, surface: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each opening of `RIMS` its rings (K, N) and their curves (K, N RIM_STEPS, 2).

    Places lie at equal distances along the second curve, and beside these on the others.
    """
    found = []
    for name, curves in RIMS.items():
        count = len(curves[0])
        drawn = [CubicSpline(np.arange(count + 1), (*points, points[0]), bc_type="periodic") for points in curves]
        rings = np.stack([half.ring(name, index) for index in range(len(drawn))])
        dense = np.linspace(0, count, 2000)
        step = np.linalg.norm(np.diff(PositionMap(surface).sample(drawn[1](dense)), axis=0), axis=1)
        length = np.concatenate([[0], np.cumsum(step)])
        steps = rings.shape[1] * RIM_STEPS
        places = np.interp(np.arange(steps) * length[-1] / steps, length, dense)
        found.append((rings, np.stack([curve(places) for curve in drawn])))
    return found


def _symmetric(kit: FaceKit, layout: UvLayout, loop: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N, 2) UV of a loop, the mean with the mirrored one of the other side."""
    partner = cKDTree(kit.mean[other] * (-1, 1, 1)).query(kit.mean[loop])[1]
    return (layout.uv[loop] + _flipped(layout.uv[other[partner]])) / 2


def _from(loop: np.ndarray, start: int, towards: tuple[float, float]) -> np.ndarray:
    """(N, 2) a closed loop from one of its points on in the direction `towards`."""
    loop = np.roll(loop, -start, axis=0)
    return loop if (loop[1] - loop[-1]) @ towards > 0 else np.roll(loop[::-1], 1, axis=0)


def _halves(curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve around the mouth (N, 2) cut in two at its corner."""
    corner = curve[:, 0].argmin()
    return curve[: corner + 1], curve[corner:]


def _spline(points: np.ndarray, ends: str = "natural") -> np.ndarray:
    """(400, 2) a smooth curve through points (N, 2)."""
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return CubicSpline(length, points, bc_type=ends)(np.linspace(0, length[-1], 400))


def _evenly(curve: np.ndarray, count: int, surface: np.ndarray) -> np.ndarray:
    """(count + 1, 2) points of a curve (N, 2) in UV at equal distances on the surface."""
    points = PositionMap(surface).sample(curve)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    steps = np.linspace(0, length[-1], count + 1)
    return np.stack([np.interp(steps, length, curve[:, k]) for k in range(2)], 1)


def springs(half: Half) -> tuple[np.ndarray, np.ndarray]:
    """(E, 2) edges of the half and their stiffness: edges along loops of openings give way more easily."""
    quads = half.quads
    edges = np.unique(np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), 1), axis=0)
    stiffness = np.ones(len(edges))
    stiffness[half.on_middle[edges].all(1)] = 0.5  # the other half has the rest
    count = len(half.used)
    for name, opening in OPENINGS.items():
        for index in range(opening.rings + opening.inner + 1):
            ring = half.ring(name, index)
            along = np.sort(np.stack([ring, np.roll(ring, -1)], 1), 1) @ (count, 1)
            stiffness[np.isin(edges @ (count, 1), along)] = LOOP_STIFFNESS
    return edges, stiffness


def _filled(half: Half, uv: np.ndarray) -> np.ndarray:
    """`uv` (N, 2) with the unknown (nan) ones between their neighbours. W. Tutte, How to draw a graph, 1963."""
    edges, stiffness = springs(half)
    ends = np.concatenate([edges, edges[:, ::-1]])
    pull = sparse.csr_matrix((np.tile(stiffness, 2), ends.T), shape=(len(uv), len(uv)))
    laplacian = (sparse.diags(np.asarray(pull.sum(1)).ravel()) - pull).tocsr()
    filled = uv.copy()
    for axis in range(2):
        unknown = np.isnan(uv[:, axis])
        inside = laplacian[unknown]
        filled[unknown, axis] = splu(inside[:, unknown].tocsc()).solve(-(inside[:, ~unknown] @ uv[~unknown, axis]))
    return filled


def relax(half: Half, placement: Placement, surface: np.ndarray) -> np.ndarray:
    """(N, 2) UV at rest: Gauss-Newton steps, each on the surface's tangents at the vertices."""
    smooth = gaussian_filter(surface, (SMOOTHING, SMOOTHING, 0), mode="nearest")
    axis = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    flat = np.stack(np.meshgrid(axis, axis), -1) * UV_LENGTH
    sample = PositionMap(np.concatenate([smooth, flat], -1).astype(np.float32)).sample
    edges, stiffness = springs(half)
    forces = _forces(half, edges, stiffness)
    uv, count = placement.uv, len(placement.uv)
    for _ in range(ITERATIONS):
        allowed = _directions(placement, uv)
        tangents = np.einsum("nij,njk->nik", _tangents(sample, uv), allowed)  # (N, 5, 2)
        points = sample(uv)
        rows = [
            forces @ sparse.csr_matrix((along.ravel(), (np.repeat(np.arange(count), 2), np.arange(2 * count))))
            for along in np.moveaxis(tangents, 1, 0)
        ]
        matrix, rest = sparse.vstack(rows), np.concatenate([forces @ coordinate for coordinate in points.T])
        off, held = _off_rims(placement, uv)
        gradient = matrix.T @ rest + np.einsum("nji,nj,n->ni", allowed, off, held).ravel()
        damping = 0.3 * np.maximum((tangents**2).sum(1), 1e-3) + 1e-6
        step = splu((matrix.T @ matrix + sparse.diags((held[:, None] + damping).ravel())).tocsc()).solve(-gradient)
        step = np.einsum("nij,nj->ni", allowed, step.reshape(count, 2))
        length = np.linalg.norm(uv[edges[:, 0]] - uv[edges[:, 1]], axis=1)
        shortest = np.full(count, np.inf)
        np.minimum.at(shortest, edges.ravel(), np.repeat(length, 2))
        limit = np.maximum(shortest / 2, 1e-3) / np.maximum(np.linalg.norm(step, axis=1), 1e-12)
        uv = _constrained(placement, uv + step * np.minimum(limit, 1)[:, None])
    return uv


def _forces(half: Half, edges: np.ndarray, stiffness: np.ndarray) -> sparse.csr_matrix:
    """(E + F, N): edges, and how far quads are from parallelograms, by their stiffness."""
    quads, count = half.quads, len(half.used)
    pull = sparse.diags(np.sqrt(stiffness)) @ _signed(edges, (1, -1), count)
    return sparse.vstack([pull, np.sqrt(SQUARENESS) * _signed(quads, (1, -1, 1, -1), count)]).tocsr()


def _signed(elements: np.ndarray, signs: tuple[int, ...], count: int) -> sparse.csr_matrix:
    rows = np.repeat(np.arange(len(elements)), len(signs))
    return sparse.csr_matrix((np.tile(signs, len(elements)), (rows, elements.ravel())), shape=(len(elements), count))


def _tangents(sample, uv: np.ndarray) -> np.ndarray:
    """(N, 5, 2) change of the sampled values along u and v."""
    change = []
    for axis in np.eye(2) * 2e-3:
        ahead, behind = np.clip(uv + axis, 0, 1), np.clip(uv - axis, 0, 1)
        change.append((sample(ahead) - sample(behind)) / (ahead - behind).sum(1, keepdims=True))
    return np.stack(change, -1)


def _off_rims(placement: Placement, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) how far vertices are off their even places on the rims, and (N,) how firmly they are held.

    An opening's rings turn along their curves, together, to where they lie best.
    """
    off, held = np.zeros_like(uv), np.zeros(len(uv))
    for rings, curves in placement.rims:
        even = np.arange(rings.shape[1]) * RIM_STEPS
        steps = curves.shape[1]
        nearest = np.stack([cKDTree(curve).query(uv[ring])[1] for ring, curve in zip(rings, curves, strict=True)])
        turn = np.angle(np.exp(2j * np.pi * (nearest - even) / steps).mean()) / (2 * np.pi)
        off[rings] = uv[rings] - curves[:, (even + round(turn * steps)) % steps]
        held[rings] = RIM_STIFFNESS
        held[rings[0]] = AROUND_STIFFNESS
    return off, held


def _directions(placement: Placement, uv: np.ndarray) -> np.ndarray:
    """(N, 2, 2) directions in UV in which each vertex may move, as columns; zero where it may not."""
    allowed = np.tile(np.eye(2), (len(uv), 1, 1))
    allowed[placement.fixed] = 0
    allowed[placement.midline] = ((0, 0), (0, 1))
    step = np.clip(_nearest_step(uv[placement.cut]), 1, len(CUT) - 2)
    neck = uv[placement.neck, 0]
    along_neck = np.stack([np.ones(len(neck)), placement.neck_edge.v(neck, 1)], 1)
    for vertices, along in ((placement.cut, CUT[step + 1] - CUT[step - 1]), (placement.neck, along_neck)):
        allowed[vertices] = 0
        allowed[vertices, :, 0] = along / np.linalg.norm(along, axis=1, keepdims=True)
    return allowed


def _constrained(placement: Placement, uv: np.ndarray) -> np.ndarray:
    uv[placement.midline, 0] = 0.5
    uv[placement.cut] = CUT[_nearest_step(uv[placement.cut])]
    uv[placement.neck, 1] = placement.neck_edge.v(uv[placement.neck, 0])
    return uv
