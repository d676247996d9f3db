"""Draws heads with moderngl: on a GPU through EGL, or in software."""

from dataclasses import dataclass

import moderngl
import numpy as np
from scipy import sparse

from ..assets import (
    EYE_SOCKETS,
    EYEBALLS,
    FACE_POLYGONS,
    GUMS,
    HEAD_POLYGONS,
    LASHES,
    MOUTH_SOCKET,
    TEETH,
    FaceKit,
)
from ..head_model import ORIGIN, HeadState
from . import shaders
from .sampling import Light
from .surfaces import Material, Surface, vertex_normals

SHADOW_SIZE = 256
LIGHT_EXTENT = 26.0  # cm around the head that can cast and receive shadows
SUPERSAMPLING = 1.5
UNITS = ("face_texture", "head_texture", "eye_texture", "hair_texture", "detail_texture", "shadow_map")
GROUPS = {
    "SKIN": (Material.FACE, Material.HEAD),
    "INNER": (Material.MOUTH, Material.EYE_SOCKET, Material.GUMS, Material.TEETH, Material.EYE, Material.LASH),
    "HAIR_CARD": (Material.HAIR_CARD,),
    "HAIR_WRAP": (Material.HAIR_WRAP,),
    "CLOTH": (Material.CLOTH,),
    "PLAIN": (Material.PLASTIC, Material.LENS, Material.PLAIN_SKIN),
}
GROUP_OF = {material: group for group, materials in GROUPS.items() for material in materials}
COLUMNS = {
    "in_position": 3,
    "in_normal": 3,
    "in_uv": 2,
    "in_material": 1,
    "in_occlusion": 1,
    "in_coverage": 1,
}


@dataclass
class Look:
    """How a view is shaded."""

    light: Light
    skin_shine: float
    skin_gloss: float
    wrap: float
    roughness: float
    tone_curve: float
    lashes: float  # density
    fold_depth: float  # cm between the skin and the ground of its deepest folds


def sample_look(rng: np.random.Generator, light: Light) -> Look:
    """Random shading of skin and film."""
    return Look(
        light,
        skin_shine=rng.uniform(0, 0.22),
        skin_gloss=rng.uniform(6, 40),
        wrap=rng.uniform(0, 0.35),
        roughness=rng.uniform(0, 0.25) if rng.random() < 0.8 else rng.uniform(0.25, 0.7),
        tone_curve=rng.uniform(0, 1),
        lashes=rng.uniform(0, 0.4),
        fold_depth=rng.uniform(0.05, 0.35),
    )


@dataclass
class _Mesh:
    """A surface on the card."""

    surface: Surface
    array: moderngl.VertexArray
    shadow: moderngl.VertexArray
    texture: moderngl.Texture | None
    buffers: tuple

    def release(self) -> None:
        for thing in (self.array, self.shadow, self.texture, *self.buffers):
            if thing is not None:
                thing.release()


class HeadDrawing:
    """A GL context with ICT-FaceKit's mesh; `set_head`, then any number of `draw`."""

    def __init__(self, kit: FaceKit, size: int):
        self.size = size
        self.fine = round(size * SUPERSAMPLING)
        self.context = moderngl.create_context(standalone=True, backend="egl")
        self.programs = {
            group: self.context.program(shaders.VERTEX, shaders.FRAGMENT.replace("// BODY", body))
            for group, body in shaders.BODIES.items()
        }
        self.shadow_program = self.context.program(shaders.SHADOW_VERTEX, shaders.SHADOW_FRAGMENT)
        self._make_targets()
        self._make_head(kit)
        self._make_background()
        for program in self.programs.values():
            for unit, name in enumerate(UNITS):
                if name in program:
                    program[name] = unit
        rng = np.random.default_rng(1)
        self.detail = self.texture(np.stack([_tiling_noise(rng) for _ in range(3)], -1))
        self.surfaces: list[_Mesh] = []

    def texture(self, picture: np.ndarray) -> moderngl.Texture:
        """A mipmapped texture of (H, W, C) uint8."""
        picture = np.ascontiguousarray(picture)
        texture = self.context.texture(picture.shape[1::-1], picture.shape[2], picture.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_NEAREST, moderngl.LINEAR)
        return texture

    def set_head(self, vertices: np.ndarray, surfaces: list[Surface]) -> None:
        """Uploads a deformed head (V, 3) and what it wears."""
        corners = vertices[self._triangles]
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals = self._normal_sums @ faces
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        moving = np.concatenate([vertices[self._source], normals[self._source]], axis=1).astype("f4")
        self._moving.write(moving.tobytes())
        for mesh in self.surfaces:
            mesh.release()
        order = sorted(surfaces, key=lambda surface: surface.material == Material.LENS)
        self.surfaces = [self._upload(surface) for surface in order]

    def draw(self, state: HeadState, skin: tuple, eyes, look: Look, background: np.ndarray) -> np.ndarray:
        """(size, size, 3) uint8 of the head under a pose and camera.

        `skin` are the face's and the head's texture, `eyes` the eyes' texture.
        """
        import cv2

        self._set_uniforms(state, look)
        if look.light.has_shadow:
            self._shadow_target.use()
            self.context.clear(depth=1.0)
            self._shadow_array.render()
            for mesh in self.surfaces:
                if mesh.surface.opacity > 0.5:
                    mesh.shadow.render()
        self._target.use()
        self.context.clear(depth=1.0)
        self._draw_background(background)
        for unit, texture in enumerate([*skin, eyes, eyes, self.detail, self._shadow_depth]):
            texture.use(unit)
        self._draw_meshes()
        pixels = np.frombuffer(self._target.read(components=3, alignment=1), np.uint8)
        pixels = pixels.reshape(self.fine, self.fine, 3)
        return cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)

    def visible(self, projected: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """(N,) bool: points of the last drawing that nothing hides.

        Args:
            projected: (N, 2) picture coordinates.
            depth: (N,) distance along the viewing axis in cm.
        """
        buffer = np.frombuffer(self._depth.read(alignment=1), "f4").reshape(self.fine, self.fine) * 2 - 1
        near, far = 5.0, 1000.0
        seen = 2 * far * near / (far + near - buffer * (far - near))
        pixel = np.floor(projected * self.fine).astype(int)
        inside = ((pixel >= 0) & (pixel < self.fine)).all(1)
        pixel = np.clip(pixel, 0, self.fine - 1)
        return inside & (depth < seen[pixel[:, 1], pixel[:, 0]] + 0.45)

    def coverage(self) -> np.ndarray:
        """(size, size) uint8: how much of each pixel of the last drawing is head and not background."""
        import cv2

        buffer = np.frombuffer(self._depth.read(alignment=1), "f4").reshape(self.fine, self.fine)
        drawn = np.where(buffer < 0.99995, np.uint8(255), np.uint8(0))
        return cv2.resize(drawn, (self.size, self.size), interpolation=cv2.INTER_AREA)

    def _make_targets(self) -> None:
        context, shape = self.context, (self.fine, self.fine)
        self._depth = context.depth_texture(shape)
        self._target = context.framebuffer(context.renderbuffer(shape, 4), self._depth)
        self._shadow_depth = context.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        self._shadow_depth.compare_func = ""
        self._shadow_depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow_depth)
        context.enable(moderngl.DEPTH_TEST)
        context.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        # pictures are drawn upside down, which turns the triangles' winding around
        context.front_face = "cw"
        context.cull_face = "back"

    def _array(self, program: moderngl.Program, buffers: list, index: np.ndarray) -> moderngl.VertexArray:
        """A vertex array of (buffer, names) pairs, without the columns that `program` does not use."""
        content = []
        for buffer, names in buffers:
            used = [name for name in names if name in program]
            layout = " ".join(f"{COLUMNS[name]}f" if name in program else f"{COLUMNS[name]}x4" for name in names)
            content.append((buffer, layout, *used))
        return self.context.vertex_array(program, content, self.context.buffer(index.astype("i4").tobytes()))

    def _make_head(self, kit: FaceKit) -> None:
        material, keep = _materials(kit)
        triangles, corners, material = kit.triangles[keep], kit.triangle_uv[keep], material[keep]
        key = np.stack([triangles.ravel(), corners.ravel(), np.repeat(material, 3)], 1)
        unique, index = np.unique(key, axis=0, return_inverse=True)
        self._source = unique[:, 0]
        uv = kit.uv[unique[:, 1]] * (1, -1) + (0, 1)
        occlusion = kit.ambient_occlusion.copy()
        for part, least in ((MOUTH_SOCKET, 0.12), (EYE_SOCKETS, 0.22), (GUMS, 0.2), (TEETH, 0.35), (EYEBALLS, 0.5)):
            occlusion[part] = np.maximum(occlusion[part], least)
        fixed = np.column_stack([uv, unique[:, 2], occlusion[self._source], np.ones(len(unique))]).astype("f4")
        self._triangles = triangles
        self._normal_sums = sparse.csr_matrix(
            (np.ones(triangles.size, np.float32), (triangles.ravel(), np.repeat(np.arange(len(triangles)), 3))),
            shape=(len(kit.mean), len(triangles)),
        )
        self._moving = self.context.buffer(reserve=len(unique) * 24)
        buffers = [
            (self._moving, ("in_position", "in_normal")),
            (self.context.buffer(fixed.tobytes()), ("in_uv", "in_material", "in_occlusion", "in_coverage")),
        ]
        index = index.reshape(-1, 3)
        self._head_arrays = {
            group: self._array(self.programs[group], buffers, index[np.isin(material, GROUPS[group])])
            for group in ("SKIN", "INNER")
        }
        coarse = _coarse(kit.mean[self._source], index[material <= Material.HEAD])
        self._shadow_array = self._array(self.shadow_program, buffers, coarse)

    def _make_background(self) -> None:
        self._background_program = self.context.program(shaders.BACKGROUND_VERTEX, shaders.BACKGROUND_FRAGMENT)
        corners = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], "f4")
        buffer = self.context.buffer(corners.tobytes())
        self._background_array = self.context.vertex_array(
            self._background_program, [(buffer, "2f", "in_corner")], mode=moderngl.TRIANGLE_STRIP
        )
        self._background_texture = self.context.texture((self.size, self.size), 3, alignment=1)
        self._background_program["picture"] = len(UNITS)

    def _draw_background(self, picture: np.ndarray) -> None:
        self._background_texture.write(np.ascontiguousarray(picture).tobytes(), alignment=1)
        self._background_texture.use(len(UNITS))
        self._background_array.render()

    def _upload(self, surface: Surface) -> _Mesh:
        count = len(surface.positions)
        rows = np.column_stack(
            [
                surface.positions,
                vertex_normals(surface.positions, surface.triangles),
                surface.uv,
                np.full(count, float(surface.material)),
                np.full(count, 0.85),
                np.broadcast_to(surface.coverage, count),
            ]
        ).astype("f4")
        buffers = [(self.context.buffer(rows.tobytes()), tuple(COLUMNS))]
        array = self._array(self.programs[GROUP_OF[surface.material]], buffers, surface.triangles)
        shadow = self._array(self.shadow_program, buffers, surface.triangles)
        texture = self.texture(surface.texture) if surface.texture is not None else None
        return _Mesh(surface, array, shadow, texture, (buffers[0][0],))

    def _draw_meshes(self) -> None:
        self.context.enable(moderngl.CULL_FACE)
        for array in self._head_arrays.values():
            array.render()
        self.context.disable(moderngl.CULL_FACE)
        for mesh in self.surfaces:
            surface = mesh.surface
            program = self.programs[GROUP_OF[surface.material]]
            _set(program, "colour", tuple(float(c) for c in surface.colour))
            _set(program, "opacity", surface.opacity)
            _set(program, "pattern", surface.pattern)
            if mesh.texture is not None:
                mesh.texture.use(UNITS.index("hair_texture"))
            if surface.material == Material.LENS:
                self.context.enable(moderngl.BLEND)
            mesh.array.render()
        self.context.disable(moderngl.BLEND)

    def _set_uniforms(self, state: HeadState, look: Look) -> None:
        light = look.light
        side = np.cross([0.0, 1.0, 0.1], light.direction)
        side /= np.linalg.norm(side)
        to_light = np.stack([side, np.cross(light.direction, side), light.direction])
        values = {
            "rotation": state.rotation.T,  # GLSL stores matrices by columns
            "to_light": to_light.T,
            "origin": ORIGIN,
            "translation": state.translation,
            "projection": state.projection,
            "harmonics": light.harmonics,
            "light_direction": light.direction,
            "light_colour": light.colour,
            "light_extent": LIGHT_EXTENT,
            "exposure": light.exposure,
            "has_shadow": light.has_shadow,
            "skin_shine": look.skin_shine,
            "skin_gloss": look.skin_gloss,
            "wrap": look.wrap,
            "roughness": look.roughness,
            "tone_curve": look.tone_curve,
            "lashes": look.lashes,
            "fold_depth": look.fold_depth,
        }
        for program in (*self.programs.values(), self.shadow_program):
            for name, value in values.items():
                _set(program, name, value)


def _set(program: moderngl.Program, name: str, value) -> None:
    """Sets a uniform where the program uses it."""
    if name in program:
        if isinstance(value, np.ndarray):
            program[name].write(np.ascontiguousarray(value, "f4").tobytes())
        else:
            program[name] = value


def _coarse(points: np.ndarray, triangles: np.ndarray, cell: float = 0.9) -> np.ndarray:
    """`triangles` over fewer vertices: one for each cell of `cell` cm. Good enough to cast shadows."""
    cells = np.floor(points / cell).astype(int)
    _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    merged = first[inverse.ravel()][triangles]
    distinct = (merged[:, 0] != merged[:, 1]) & (merged[:, 1] != merged[:, 2]) & (merged[:, 2] != merged[:, 0])
    return np.unique(merged[distinct], axis=0)


def _tiling_noise(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    """(size, size) uint8 fractal noise that repeats without a seam."""
    import cv2

    total = np.zeros((size, size), np.float32)
    for cells, weight in ((16, 0.8), (32, 0.8), (64, 0.8), (128, 0.6)):
        coarse = rng.normal(size=(cells, cells)).astype(np.float32)
        wrapped = np.tile(coarse, (3, 3))
        total += (
            weight
            * cv2.resize(wrapped, (3 * size, 3 * size), interpolation=cv2.INTER_CUBIC)[size : 2 * size, size : 2 * size]
        )
    return (np.clip(total / total.std() * 0.2 + 0.5, 0, 1) * 255).astype(np.uint8)


def _materials(kit: FaceKit) -> tuple[np.ndarray, np.ndarray]:
    """(F,) material of each triangle, and whether it is drawn."""
    polygon = kit.triangle_polygon
    material = np.full(len(kit.triangles), -1)
    material[(polygon >= FACE_POLYGONS[0]) & (polygon < FACE_POLYGONS[1])] = Material.FACE
    material[(polygon >= HEAD_POLYGONS[0]) & (polygon < HEAD_POLYGONS[1])] = Material.HEAD
    inner = polygon >= HEAD_POLYGONS[1]
    last = kit.triangles.max(1)
    for part, value in (
        (MOUTH_SOCKET, Material.MOUTH),
        (EYE_SOCKETS, Material.EYE_SOCKET),
        (GUMS, Material.GUMS),
        (TEETH, Material.TEETH),
        (EYEBALLS, Material.EYE),
        (LASHES, Material.LASH),
    ):
        material[inner & (last >= part.start) & (last < part.stop)] = value
    keep = material >= 0
    centre = kit.mean[kit.triangles].mean(1)
    # never seen: the backs of the eyeballs, back teeth, the gums' and sockets' far ends
    keep &= ~((material == Material.EYE) & (centre[:, 2] < 8.6))
    keep &= ~(np.isin(material, [Material.TEETH, Material.GUMS]) & (centre[:, 2] < 7.0))
    keep &= ~((material == Material.MOUTH) & (centre[:, 2] < 5.0))
    return material, keep
