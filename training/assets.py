"""The prepared head assets: ICT-FaceKit as arrays, and skins, brows, eyes, hair in its topology."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

# ICT-FaceKit's vertex order (centimetres, y up, z forward, the subject's left is +x).
SKIN_VERTICES = 11248  # face, head and neck come first
MOUTH_SOCKET = slice(11248, 13294)
EYE_SOCKETS = slice(13294, 14062)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
EYEBALLS = slice(21451, 24591)
LASHES = slice(25351, 26719)

# ICT-FaceKit's polygon ranges, by the part that the shader knows.
FACE_POLYGONS = (0, 9230)
HEAD_POLYGONS = (9230, 11144)

# ICT-FaceKit's vertices of the 68 landmarks (iBUG order).
LANDMARK_VERTICES = np.array(
    [
        "1225",
        "1888",
        "1052",
        "367",
        "1719",
        "1722",
        "2199",
        "1447",
        "966",
        "3661",
        "4390",
        "3927",
        "3924",
        "2608",
        "3272",
        "4088",
        "3443",
        "268",
        "493",
        "1914",
        "2044",
        "1401",
        "3615",
        "4240",
        "4114",
        "2734",
        "2509",
        "978",
        "4527",
        "4942",
        "4857",
        "1140",
        "2075",
        "1147",
        "4269",
        "3360",
        "1507",
        "1542",
        "1537",
        "1528",
        "1518",
        "1511",
        "3742",
        "3751",
        "3756",
        "3721",
        "3725",
        "3732",
        "5708",
        "5695",
        "2081",
        "0",
        "4275",
        "6200",
        "6213",
        "6346",
        "6461",
        "5518",
        "5957",
        "5841",
        "5702",
        "5711",
        "5533",
        "6216",
        "6207",
        "6470",
        "5517",
        "5966",
    ],
    dtype=np.int64,
)

DEFAULT_FOLDER = Path(os.environ.get("HEAD_ASSETS", Path(__file__).parents[2] / "shared/data/head_assets"))


@dataclass(frozen=True)
class FaceKit:
    """ICT-FaceKit (MIT): a linear head model."""

    mean: np.ndarray  # (V, 3) float32 cm
    identity: np.ndarray  # (100, V, 3) float32
    expression: np.ndarray  # (57, V, 3) float32
    expression_names: tuple[str, ...]
    uv: np.ndarray  # (T, 2) v upwards
    triangles: np.ndarray  # (F, 3) vertices
    triangle_uv: np.ndarray  # (F, 3) rows of uv
    triangle_polygon: np.ndarray  # (F,) polygon each triangle was cut from
    ambient_occlusion: np.ndarray  # (V,) 0..1

    @cached_property
    def skin_triangles(self) -> np.ndarray:
        """(F', 3) triangles of face, head and neck."""
        return self.triangles[self.triangle_polygon < HEAD_POLYGONS[1]]

    def expression_index(self, name: str) -> int:
        """Row of an expression shape."""
        return self.expression_names.index(name)


def _files(folder: Path, pattern: str) -> list[Path]:
    """The files of a pattern in the order of their names; there must be one.

    Raises:
        FileNotFoundError: The folder is not, or only in part, one of prepared assets.
    """
    found = sorted(folder.glob(pattern))
    if not found:
        raise FileNotFoundError(
            f"no {pattern} in {folder}: HEAD_ASSETS must name a folder that `python -m training.prepare_assets` made "
            "(training/README.md, Assets)"
        )
    return found


def load_facekit(folder: Path = DEFAULT_FOLDER) -> FaceKit:
    """Reads `ict_facekit.npz`."""
    with np.load(_files(folder, "ict_facekit.npz")[0], allow_pickle=False) as data:
        return FaceKit(
            mean=data["mean"].astype(np.float32),
            identity=data["identity"].astype(np.float32),
            expression=data["expression"].astype(np.float32),
            expression_names=tuple(str(name) for name in data["expression_names"]),
            uv=data["uv"].astype(np.float32),
            triangles=data["triangles"].astype(np.int32),
            triangle_uv=data["triangle_uv"].astype(np.int32),
            triangle_polygon=data["triangle_polygon"],
            ambient_occlusion=data["ambient_occlusion"].astype(np.float32),
        )


@dataclass(frozen=True)
class HairStyle:
    """A hair mesh around the mean head (MakeHuman, CC0)."""

    vertices: np.ndarray  # (N, 3) cm
    triangles: np.ndarray  # (M, 3)
    uv: np.ndarray  # (N, 2) v downwards
    bind: np.ndarray  # (N,) nearest skin vertex of the head
    texture: np.ndarray  # (256, 256, 4) uint8 RGBA, luminance with mean about 0.5


@dataclass(frozen=True)
class SkinLibrary:
    """Textures in ICT-FaceKit's UV, RGB float32 0..1 (MakeHuman, CC0)."""

    faces: list[np.ndarray]  # (S, S, 3) face tile
    heads: list[np.ndarray]  # (256, 256, 3) head tile
    brows: list[np.ndarray]  # (S, S) coverage
    eyes: list[np.ndarray]  # (256, 256, 3) uint8
    masks: dict[str, np.ndarray]  # (S, S) lips, scalp, beard, brow, eyelid, in the face tile
    head_scalp: np.ndarray  # (256, 256) where hair grows in the head tile


def _read(path: Path, size: int, flags: int = 1) -> np.ndarray:
    import cv2

    picture = cv2.resize(cv2.imread(str(path), flags), (size, size), interpolation=cv2.INTER_AREA)
    if picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA if picture.shape[2] == 4 else cv2.COLOR_BGR2RGB)
    return picture


def load_skins(size: int, folder: Path = DEFAULT_FOLDER) -> SkinLibrary:
    """Reads every skin, brow, eye and mask, face tiles at `size`."""
    face_files = _files(folder, "tex/*_face.jpg")
    return SkinLibrary(
        faces=[_read(path, size) / np.float32(255) for path in face_files],
        heads=[_read(Path(str(path).replace("_face", "_head")), 256) / np.float32(255) for path in face_files],
        brows=[_read(path, size, -1)[..., 3] / np.float32(255) for path in _files(folder, "brow/*.png")],
        eyes=[_read(path, 256) for path in _files(folder, "eye/*.png")],
        masks={
            name: _read(_files(folder, f"mask/{name}.png")[0], size, 0) / np.float32(255)
            for name in ("lips", "scalp", "beard", "brow", "eyelid")
        },
        head_scalp=_read(_files(folder, "mask/scalp_head.png")[0], 256, 0) / np.float32(255),
    )


def load_hair(folder: Path = DEFAULT_FOLDER) -> list[HairStyle]:
    """Reads every hair style."""
    styles = []
    for path in _files(folder, "hair/*.npz"):
        texture = _read(path.with_suffix(".png"), 256, -1)
        if texture.shape[2] == 3:
            texture = np.dstack([texture, np.full(texture.shape[:2], 255, np.uint8)])
        luminance = texture[..., :3].mean(2)
        mean = max(luminance[texture[..., 3] > 128].mean(), 1.0)
        grey = np.clip((luminance / mean) ** 0.6 * 128, 0, 255).astype(np.uint8)
        with np.load(path) as data:
            uv = data["uv"].astype(np.float32)
            uv[:, 1] = 1 - uv[:, 1]
            styles.append(
                HairStyle(
                    vertices=data["verts"].astype(np.float32),
                    triangles=data["faces"].astype(np.int32),
                    uv=uv,
                    bind=data["bind_idx"].astype(np.int64),
                    texture=np.dstack([grey, grey, grey, texture[..., 3]]),
                )
            )
    return styles
