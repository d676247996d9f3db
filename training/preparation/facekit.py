"""A checkout of ICT-FaceKit (https://github.com/USC-ICT/ICT-FaceKit, MIT) as arrays."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..assets import FaceKit
from .obj import AssetError, read_obj, read_text, read_vertices

VERTICES, POLYGONS, IDENTITIES = 26719, 26384, 100
OPAQUE_POLYGONS = 24692  # what follows are tear film, shadow planes and lashes around the eyes
SOURCE = "it comes with `git clone https://github.com/USC-ICT/ICT-FaceKit`"


def read_checkout(folder: Path) -> FaceKit:
    """Reads the model and measures its ambient occlusion (which needs moderngl).

    Args:
        folder: The checkout, or its `FaceXModel`.

    Raises:
        AssetError: Something of it is missing or has another topology.
    """
    kit = read_shapes(folder)
    opaque = kit.triangles[kit.triangle_polygon < OPAQUE_POLYGONS]
    return replace(kit, ambient_occlusion=ambient_occlusion(kit.mean.astype(np.float64), opaque))


def read_shapes(folder: Path) -> FaceKit:
    """As `read_checkout`, with an ambient occlusion of 1: neutral mesh, identity modes, expressions by their names."""
    model = folder / "FaceXModel" if (folder / "FaceXModel").is_dir() else folder
    if not (model / "generic_neutral_mesh.obj").is_file():
        raise AssetError(f"{folder} has no FaceXModel/generic_neutral_mesh.obj: {SOURCE}")
    neutral = read_obj(model / "generic_neutral_mesh.obj")
    if len(neutral.vertices) != VERTICES or len(neutral.groups) != POLYGONS:
        raise AssetError(
            f"{model}/generic_neutral_mesh.obj has {len(neutral.vertices)} vertices and {len(neutral.groups)} polygons, "
            f"not ICT-FaceKit's {VERTICES} and {POLYGONS}"
        )
    identities = [f"identity{number:03d}" for number in range(IDENTITIES)]
    expressions = sorted(
        path.stem
        for path in model.glob("*.obj")
        if not path.stem.startswith("identity") and path.stem != "generic_neutral_mesh"
    )
    expected = json.loads(read_text(model / "vertex_indices.json"))["expressions"]
    missing = [name for name in identities + expected if not (model / f"{name}.obj").is_file()]
    if missing:
        raise AssetError(f"{model} lacks {len(missing)} shapes, {missing[0]}.obj first: {SOURCE}")
    return FaceKit(
        mean=neutral.vertices.astype(np.float32),
        identity=_offsets(model, identities, neutral.vertices),
        expression=_offsets(model, expressions, neutral.vertices),
        expression_names=tuple(expressions),
        uv=neutral.uv.astype(np.float32),
        triangles=neutral.triangles,
        triangle_uv=neutral.triangle_uv,
        triangle_polygon=neutral.triangle_polygon,
        ambient_occlusion=np.ones(VERTICES, np.float32),
    )


def save(kit: FaceKit, path: Path) -> None:
    """Writes what `training.assets.load_facekit` reads; offsets as half floats (steps of 2 micrometres at 4 mm)."""
    np.savez_compressed(
        path,
        mean=kit.mean,
        identity=kit.identity.astype(np.float16),
        expression=kit.expression.astype(np.float16),
        expression_names=np.array(kit.expression_names),
        uv=kit.uv,
        triangles=kit.triangles,
        triangle_uv=kit.triangle_uv,
        triangle_polygon=kit.triangle_polygon,
        ambient_occlusion=kit.ambient_occlusion,
    )


def _offsets(model: Path, names: list[str], neutral: np.ndarray) -> np.ndarray:
    """(N, V, 3) float32 offsets of shapes from the neutral mesh."""
    offsets = np.empty((len(names), *neutral.shape), np.float32)
    for row, name in enumerate(names):
        shape = read_vertices(model / f"{name}.obj")
        if shape.shape != neutral.shape:
            raise AssetError(f"{model}/{name}.obj has {len(shape)} vertices, the neutral mesh {len(neutral)}")
        offsets[row] = shape - neutral
    return offsets


def ambient_occlusion(
    vertices: np.ndarray, triangles: np.ndarray, directions: int = 160, size: int = 1024
) -> np.ndarray:
    """(V,) share of the sky that each vertex sees, weighted by the cosine to its normal; 1 is everything.

    The sky is drawn as depth pictures from directions on a Fibonacci sphere.
    """
    import moderngl

    from ..renderer.surfaces import vertex_normals

    normals = vertex_normals(vertices, triangles)
    step = np.arange(directions) + 0.5
    polar, azimuth = np.arccos(1 - 2 * step / directions), np.pi * (1 + 5**0.5) * step
    sky = np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], axis=1)

    context = moderngl.create_context(standalone=True, backend="egl")
    depth = context.depth_texture((size, size))
    target = context.framebuffer(depth_attachment=depth)
    context.enable(moderngl.DEPTH_TEST)
    program = context.program(
        vertex_shader="#version 330\nin vec3 position; void main() { gl_Position = vec4(position, 1); }",
        fragment_shader="#version 330\nvoid main() {}",
    )
    indices = context.buffer(triangles.astype(np.int32).tobytes())
    centre = (vertices.max(0) + vertices.min(0)) / 2
    radius = np.linalg.norm(vertices - centre, axis=1).max() * 1.02
    seen, whole = np.zeros(len(vertices)), np.zeros(len(vertices))
    for towards in sky:
        right = np.cross(towards, (0.3, 1, 0.2))
        right /= np.linalg.norm(right)
        view = np.stack([right, np.cross(towards, right), -towards])
        clip = (vertices - centre) @ view.T / radius
        buffer = context.buffer(clip.astype("f4").tobytes())
        drawing = context.vertex_array(program, [(buffer, "3f", "position")], indices)
        target.use()
        target.clear(depth=1.0)
        drawing.render()
        nearest = np.frombuffer(depth.read(), "f4").reshape(size, size) * 2 - 1
        column, row = np.clip(((clip[:, :2] + 1) / 2 * size).astype(int), 0, size - 1).T
        weight = np.maximum(normals @ towards, 0)
        seen += weight * (clip[:, 2] <= nearest[row, column] + 0.012)
        whole += weight
        buffer.release()
        drawing.release()
    context.release()
    return np.clip(1.05 * seen / np.maximum(whole, 1e-6), 0.03, 1).astype(np.float32)
