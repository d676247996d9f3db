"""One head from all sides, moved, close and as a mesh: what an artist looks at first.

    .venv/bin/python benchmarks/head_pictures.py FOLDER [PHOTO] [--sheets NAME ...]

Writes JPEGs of the head of PHOTO, by default the bundled portrait, into FOLDER: `faces` in light; `clay` and `textured`
with some faces from six sides; `close`: lids, nostrils, lips, ears and neck in every topology; `wires`; `uv`.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from math import radians
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import bpy
from mathutils import Euler, Matrix

from benchmarks.expressions import BLINK, SMILE, capture_of
from prn_blender.capture.packs.topology import Topology
from prn_blender.capture.shape.expressions import PHOTO
from prn_blender.capture.types import Capture
from prn_blender.scene.build.assemble import build
from prn_blender.scene.build.expressions import show_face
from prn_blender.scene.files.studio import clay, create_studio, shoot

PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
DISTANCE = 1.2  # metres of the camera from what it looks at
SIDES = ((0, 0), (45, 0), (90, 0), (180, 0), (-20, -35), (0, 50))  # degrees to the head's left, and upwards
FACES: dict[str, dict[str, float]] = {
    "neutral": {},
    "open mouth": {"jawOpen": 1.0},
    "closed eyes": BLINK,
    "smile": SMILE,
    "gaze": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
}
IN_LIGHT: tuple[dict[str, float], ...] = (
    *({PHOTO: 1.0}, {}, BLINK, FACES["open mouth"], SMILE, FACES["gaze"]),
    *({"jawOpen": 1.0, "mouthClose": 1.0}, {"tongueOut": 1.0}),
)
# What is looked at from where: a place in the aligned frame, metres, the two angles as of SIDES, metres shown.
CLOSE: dict[str, tuple[tuple[float, float, float], tuple[float, float], float]] = {
    "lids": ((0.033, 0, 0), (15, 0), 0.05),
    "closed lids": ((0.033, 0, 0), (15, 0), 0.05),
    "nostrils": ((0, -0.03, -0.04), (20, -40), 0.06),
    "lips": ((0, -0.01, -0.068), (25, 0), 0.07),
    "ear": ((0.08, 0.09, -0.02), (75, 0), 0.09),
    "neck": ((0, 0.04, -0.12), (25, 0), 0.22),
}
TILE, WIDE, TALL = 230, 210, 250  # pixels of a close-up, and of a head
HEAD, MIDDLE = 0.31, (0, 0.05, -0.02)  # metres shown, and their middle
WIRE = 0.0004  # metres: how thick edges are
SAMPLES, LAMP, SKY = 48, 1.3, 0.9  # of pictures in light
UV_SIDE = 600  # pixels


def aimed(focus: tuple[float, float, float], aside: float, up: float) -> Matrix:
    """Of a camera that looks at a place from where the angles, degrees, say."""
    turn = Matrix.Rotation(radians(aside), 4, "Z") @ Matrix.Rotation(radians(-up), 4, "X")
    back = Matrix.Translation((0, -DISTANCE, 0)) @ Matrix.Rotation(radians(90), 4, "X")
    return Matrix.Translation(focus) @ turn @ back


def look(scene: bpy.types.Scene, focus: tuple[float, float, float], aside: float, up: float, shown: float) -> None:
    """Aims the camera, which then shows so many metres from above down, and has the lamps over its left shoulder."""
    for item in scene.collection.objects:
        if item.type == "LIGHT":
            item.data.use_shadow = False  # they have saw-teeth on coarse meshes
            item.rotation_euler.z = radians(aside - 40)
    camera = scene.camera
    camera.data.sensor_fit = "VERTICAL"
    camera.data.clip_start = 0.01
    camera.data.lens = camera.data.sensor_height * DISTANCE / shown
    camera.matrix_world = aimed(focus, aside, up)


def on_white(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of a picture (H, W, 4) 0..1."""
    return (255 * (picture[..., :3] * picture[..., 3:] + 1 - picture[..., 3:]) + 0.5).astype(np.uint8)


def tiled(rows: list[list[np.ndarray]]) -> np.ndarray:
    return np.vstack([np.hstack(row) for row in rows])


def from_all_sides(capture: Capture, in_clay: bool) -> np.ndarray:
    """A row for each face, a column for each side."""
    head = build(capture, bpy.context)
    rows = []
    for values in FACES.values():
        show_face(head, values)
        bpy.context.view_layer.update()
        scene = create_studio(head, WIDE, TALL)
        material = clay() if in_clay else None
        row = []
        for aside, up in SIDES:
            look(scene, MIDDLE, aside, up, HEAD)
            row.append(on_white(shoot(scene, material)))
        rows.append(row)
        bpy.data.scenes.remove(scene)
    return tiled(rows)


def clay_sheet(capture: Capture) -> np.ndarray:
    return from_all_sides(capture, in_clay=True)


def textured_sheet(capture: Capture) -> np.ndarray:
    return from_all_sides(capture, in_clay=False)


def in_topology(capture: Capture, name: str) -> bpy.types.Object:
    return build(replace(capture, settings=replace(capture.settings, topology=name)), bpy.context)


def close_sheet(capture: Capture) -> np.ndarray:
    """A row for each topology."""
    rows = []
    for choice in capture.pack.topologies:
        head = in_topology(capture, choice.name)
        row = []
        for name, (focus, (aside, up), shown) in CLOSE.items():
            show_face(head, BLINK if name == "closed lids" else {})
            bpy.context.view_layer.update()
            scene = create_studio(head, TILE, TILE)
            look(scene, focus, aside, up, shown)
            row.append(on_white(shoot(scene, clay())))
            bpy.data.scenes.remove(scene)
        rows.append(row)
    return tiled(rows)


def wires_sheet(capture: Capture) -> np.ndarray:
    """Topologies from the front and from the side."""
    columns = []
    for choice in capture.pack.topologies:
        head = in_topology(capture, choice.name)
        show_face(head, {})
        scene = create_studio(head, 2 * WIDE, 2 * TALL)
        lines = bpy.data.objects.new("Wires", head.data.copy())
        lines.data.materials.clear()
        modifier = lines.modifiers.new("Wires", "WIREFRAME")
        modifier.thickness, modifier.use_even_offset = WIRE, False
        scene.collection.objects.link(lines)
        solid = [item for item in scene.collection.objects if item.type == "MESH" and item != lines]
        column = []
        for aside, up in SIDES[1:3]:
            look(scene, MIDDLE, aside, up, HEAD)
            pictures = []
            for only_lines in (False, True):
                lines.hide_render = not only_lines
                for item in solid:
                    item.is_holdout = only_lines
                pictures.append(shoot(scene, None if only_lines else clay()))
            pictures[0][..., :3] *= 1 - pictures[1][..., 3:]
            column.append(on_white(pictures[0]))
        columns.append(np.vstack(column))
        bpy.data.scenes.remove(scene)
    whole = np.hstack(columns)
    return cv2.resize(whole, None, fx=0.62, fy=0.62, interpolation=cv2.INTER_AREA)


def uv_sheet(capture: Capture) -> np.ndarray:
    """The UVs of the default topology and of the even grid, over the head's texture."""
    image = cv2.cvtColor(capture.textures["basecolor"], cv2.COLOR_RGB2BGR)[..., :3]
    ground = cv2.resize(image, (UV_SIDE, UV_SIDE), interpolation=cv2.INTER_AREA)[..., ::-1]
    layouts = [capture.pack.choose_topology(name) for name in ("game", "standard")]
    return np.hstack([_uv_lines(ground, topology) for topology in layouts])


def _uv_lines(ground: np.ndarray, topology: Topology) -> np.ndarray:
    drawn = (0.55 * ground + 0.45 * 255).astype(np.uint8)
    corners = np.round(topology.loop_uv * UV_SIDE * 16).astype(np.int32)
    cv2.polylines(drawn, list(corners), True, (40, 40, 40), 1, cv2.LINE_AA, 4)
    return drawn


def faces_sheet(capture: Capture) -> np.ndarray:
    """Faces in their own materials, in light."""
    head = build(capture, bpy.context)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = SAMPLES, False
    scene.render.resolution_x, scene.render.resolution_y = 280, 350
    scene.render.resolution_percentage = 100
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.use_nodes = True
    sky = scene.world.node_tree.nodes["Background"].inputs
    sky["Color"].default_value, sky["Strength"].default_value = (0.75, 0.77, 0.8, 1), SKY
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    lamp.data.energy, lamp.data.angle, lamp.rotation_euler = LAMP, 0.3, Euler((radians(50), 0, radians(-35)))
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    for item in (lamp, camera):
        scene.collection.objects.link(item)
    scene.camera = camera
    look(scene, (0, -0.03, -0.03), 0, 0, 0.3)
    pictures = []
    for values in IN_LIGHT:
        show_face(head, values)
        bpy.context.view_layer.update()
        pictures.append(on_white(shoot(scene)))
    return tiled([pictures[:4], pictures[4:]])


SHEETS: dict[str, Callable[[Capture], np.ndarray]] = {
    "faces": faces_sheet,
    "clay": clay_sheet,
    "textured": textured_sheet,
    "close": close_sheet,
    "wires": wires_sheet,
    "uv": uv_sheet,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("photo", nargs="?", type=Path, default=PORTRAIT)
    parser.add_argument("--sheets", nargs="+", choices=SHEETS, default=list(SHEETS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    capture = capture_of(options.photo, "game", 2048)
    for name in options.sheets:
        bpy.ops.wm.read_homefile(use_empty=True)
        picture = SHEETS[name](capture)
        cv2.imwrite(str(options.folder / f"head-{name}.jpg"), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
