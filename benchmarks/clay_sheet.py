"""Heads in clay beside their photos: can a stranger tell who is who?

    .venv/bin/python benchmarks/clay_sheet.py OUTPUT.png [PHOTO ...] [--pinned] [--rendered WORK_FOLDER] [--heads 4]

A row for each photo: the face, and its head in clay from the front, turned and in profile. With --pinned rows of the
bundled portrait: as captured, and with pins, each with the mesh over the photo. With --rendered (which needs
the training's requirements and assets) rows of rendered heads: three photos, the truth, and the heads captured of the
first photo and of all three together. WORK_FOLDER is that of `shape.py`.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from prn_blender.capture.faces.box import FaceBox
from prn_blender.capture.geometry.position_map import PositionMap
from prn_blender.capture.geometry.raster import rasterise
from prn_blender.capture.packs.pack import ModelPack, load_pack
from prn_blender.capture.reconstruct import Portrait, reconstruct
from prn_blender.capture.run import Request, find
from prn_blender.capture.shape.outline import faces_camera
from prn_blender.capture.shape.pins import Pin
from prn_blender.capture.types import Photo, Settings, View

SIDE = 220  # pixels of a picture
SPAN = 0.29  # metres that it shows
TURNS = (0, 40, 90)  # degrees
LIGHT = np.array([-0.45, 0.5, 0.75])
SETTINGS = Settings(texture_size=512)
MOST_TURNED = 35  # degrees: the first photo of a rendered head
PORTRAIT = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
# Landmarks of the portrait, and where they are seen in it.
# fmt: off
PINNED = {
    4: (183.5, 150.0), 6: (195.5, 166.5), 8: (222.5, 179.0), 10: (246.5, 169.0), 12: (261.5, 153.0),
    48: (202.5, 140.5), 54: (245.0, 143.0), 57: (222.5, 155.5), 33: (224.5, 134.5),
    36: (194.5, 102.5), 45: (256.0, 106.0), 19: (199.0, 89.0), 24: (251.0, 92.0),
}
# fmt: on
LINE, PIN = (255, 255, 255), (255, 140, 0)


def clay(vertices: np.ndarray, triangles: np.ndarray, turn: float) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 of a head (V, 3) in the aligned frame, metres, turned to its right by degrees."""
    angle = np.radians(turn)
    x, y, z = (vertices - (0, 0.05, -0.02)).T
    towards, aside = -y * np.cos(angle) + x * np.sin(angle), x * np.cos(angle) + y * np.sin(angle)
    seen = np.column_stack([aside, z, towards])
    corners = seen[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.stack(
        [np.bincount(triangles.ravel(), np.repeat(faces[:, k], 3), minlength=len(seen)) for k in range(3)], axis=1
    )
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    places = (seen[:, :2] * (1, -1) / SPAN + 0.5) * 2 * SIDE
    front = triangles[faces[:, 2] > 0]
    found = rasterise(places[front], 2 * SIDE, 2 * SIDE)
    depth = found.interpolate(seen[:, 2:], front)[:, 0]
    order = np.argsort(depth, kind="stable")  # what is written last is nearest
    shade = found.interpolate(normals, front) @ (LIGHT / np.linalg.norm(LIGHT))
    picture = np.full((2 * SIDE, 2 * SIDE), 255.0)
    picture[found.row[order], found.column[order]] = 40 + 190 * np.clip(shade[order], 0, 1)
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.repeat(small[..., None], 3, axis=2).astype(np.uint8)


def face_of(photo: Photo, box: FaceBox) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 around a face; beyond the photo its edge repeats."""
    middle, half = middle_of(box)
    x, y = np.meshgrid(*(np.linspace(centre - half, centre + half, SIDE) for centre in middle))
    reduced = cv2.GaussianBlur(photo.pixels, (0, 0), max(0.01, half / SIDE / 2))
    return cv2.remap(reduced, np.float32(x), np.float32(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def middle_of(box: FaceBox) -> tuple[np.ndarray, float]:
    """(2,) the middle of a face's picture, and half its side, in pixels of the photo."""
    return box.corners.mean(axis=0), 0.85 * float(np.ptp(box.corners, axis=0).max())


def vertices_of(view: View, pack: ModelPack) -> np.ndarray:
    """(V, 3) metres in the aligned frame."""
    return view.to_head(pack.topology.vertices(view.position_map))


def photo_row(path: Path, pack: ModelPack) -> np.ndarray:
    """One photo and its head."""
    found = find(Request(path, settings=SETTINGS))
    view = reconstruct(found.photo, found.wanted[0], pack, SETTINGS).views[0]
    vertices = vertices_of(view, pack)
    heads = [clay(vertices, pack.topology.triangles, turn) for turn in TURNS]
    return np.hstack([face_of(found.photo, found.wanted[0]), *heads])


def pinned_rows(pack: ModelPack) -> list[np.ndarray]:
    """The bundled portrait and its head, as captured, and with pins."""
    found = find(Request(PORTRAIT, settings=SETTINGS))
    photo, box = found.photo, found.wanted[0]
    places = {index: tuple(pack.topology.landmark_uv[index].tolist()) for index in PINNED}
    pins = tuple(Pin(places[index], place, landmark=index) for index, place in PINNED.items())
    rows = []
    for put in ((), pins):
        view = reconstruct(photo, box, pack, SETTINGS, pins=put).views[0]
        heads = [clay(vertices_of(view, pack), pack.topology.triangles, turn) for turn in TURNS]
        rows.append(np.hstack([face_of(photo, box), with_mesh(photo, box, view, pack), *heads]))
    return rows


def with_mesh(photo: Photo, box: FaceBox, view: View, pack: ModelPack) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 of `face_of` with the head's mesh and its pins."""
    fine = 4
    low, side = middle_of(box)[0] - middle_of(box)[1], 2 * middle_of(box)[1]
    on_picture = lambda points: (np.asarray(points)[..., :2] - low) / side * fine * SIDE
    picture = cv2.resize(face_of(photo, box), None, fx=fine, fy=fine, interpolation=cv2.INTER_CUBIC)
    topology = pack.choose_topology("low")
    vertices = topology.vertices(view.position_map)
    quads = topology.faces[faces_camera(vertices, topology.faces[:, :3]) > 0]
    lines = [np.rint(16 * quad).astype(np.int32) for quad in on_picture(vertices[quads])]
    drawn = cv2.polylines(picture.copy(), lines, True, LINE, 2, cv2.LINE_AA, 4)
    picture = cv2.addWeighted(picture, 0.4, drawn, 0.6, 0)
    for pin in view.pins:
        cv2.circle(picture, np.rint(on_picture(pin.place)).astype(int).tolist(), 3 * fine, PIN, -1, cv2.LINE_AA)
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def rendered_rows(work: Path, count: int, pack: ModelPack) -> list[np.ndarray]:
    """Rendered heads: photos, truth, and what is captured of one and of three photos."""
    from benchmarks.rendered_persons import Persons
    from training.assets import load_facekit
    from training.bake import bake_operator
    from training.labels import LabelMaker, split_states
    from training.topology import eye_centre, to_blender
    from training.uv_layout import UvLayout

    persons = Persons(work, 150, pack.topology.landmark_uv, pack.head_model)
    kit, layout, size = load_facekit(), UvLayout.load(work / "layout.npz"), 128
    texels, eyes = LabelMaker(kit, bake_operator(layout, size)[0]), eye_centre(kit, layout)
    rows: list[np.ndarray] = []
    for number, person in enumerate(persons):
        views = sorted((view for view in person.views if view.face_seen.mean() > 0.6), key=lambda one: abs(one.yaw))[:3]
        if len(views) < 3 or abs(views[0].yaw) > MOST_TURNED:
            continue
        _, states = persons.heads.batch(np.array([number * len(person.views)]))
        points = texels.head_points(split_states(states)).numpy()[0]
        truth = pack.topology.vertices(PositionMap(np.float32(to_blender(points, eyes)).reshape(size, size, 3)))
        portraits = [
            Portrait(
                Photo(Path(f"rendered {k}"), view.picture, str(k), None, True),
                FaceBox(*view.landmarks.min(0), *view.landmarks.max(0)),
            )
            for k, view in enumerate(views)
        ]
        first = portraits[0]
        heads = [
            vertices_of(reconstruct(first.photo, first.face_box, pack, SETTINGS, others=others).views[0], pack)
            for others in ((), tuple(portraits[1:]))
        ]
        pictures = [face_of(portrait.photo, portrait.face_box) for portrait in portraits]
        pictures += [clay(head, pack.topology.triangles, turn) for head in (truth, *heads) for turn in (0, 90)]
        rows.append(np.hstack(pictures))
        if len(rows) == count:
            break
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--pinned", action="store_true", help="the bundled portrait, captured and pinned")
    parser.add_argument("--rendered", type=Path, metavar="WORK_FOLDER")
    parser.add_argument("--heads", type=int, default=4, help="rendered ones")
    options = parser.parse_args()
    pack = load_pack()
    rows = [photo_row(path, pack) for path in options.photos]
    if options.pinned:
        rows += pinned_rows(pack)
    if options.rendered is not None:
        rows += rendered_rows(options.rendered, options.heads, pack)
    if not rows:
        parser.error("give photos, --pinned or --rendered")
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, 0), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    cv2.imwrite(str(options.output), np.vstack(padded)[..., ::-1])


if __name__ == "__main__":
    main()
